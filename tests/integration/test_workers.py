"""Two real dispatcher processes: what one learns both obey, and what a killed one held the other resolves."""

import time

import plant as plants
import pytest

from tools.dev import databases
from tools.dev.errors import Problem

KILLED_WITHIN = 15.0
RETRY_AFTER = 4


@pytest.fixture(scope="module")
def plant(runtime):
    with plants.running(runtime) as made:
        yield made


def both_lanes(plant):
    """Both lanes at work; their process ids."""
    plant.wake()
    return plant.until(lambda: len(plant.workers()) == 2 and plant.workers(), "two dispatchers")


_FACTS = """
import os, signal
connection = env["finance.connection"].browse({connection})
send = env["finance.reference.document"]._send
send(connection, "document", "rolled-1")
env.cr.rollback()
send(connection, "document", "committed-1")
env.cr.commit()
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_x2_the_outbox_follows_the_fact_through_rollback_and_kill(plant):
    plant.control.reset()
    connection = plant.connect("Facts")
    with pytest.raises(Problem):
        databases.shell(plant.runtime, plant.database, _FACTS.format(connection=connection))
    facts = plant.sql(
        "SELECT d.name FROM finance_reference_document d ORDER BY d.name"
    ).splitlines()
    assert facts == ["committed-1"]
    plant.wake()
    plant.until(lambda: plant.states("committed") == {"accepted": 1}, "the fact to be delivered")
    assert plant.states("rolled") == {}
    assert [item["number"] for item in plant.control.oracle("reference")] == facts


def test_x5_what_a_killed_worker_held_is_resolved_by_the_other_lane(plant):
    plant.control.reset()
    connection = plant.connect("Killed")
    # Slow answers after the effect: whoever dies now leaves effects it never heard of.
    plant.control.fault(
        "delay", provider="reference", operation="fileFiling", seconds=2, probability=1
    )
    plant.enqueue(connection, "kill", 600, operation="filing_now")
    workers = both_lanes(plant)
    victim = plant.until(plant.busiest, "calls in flight")
    mine = plant.sql(
        "SELECT e.id FROM finance_exchange e JOIN finance_dispatcher_worker w ON w.id = e.worker_id "
        f"WHERE w.name LIKE '%/{victim}' AND e.state = 'sending'"
    ).splitlines()
    assert victim in workers
    plant.kill(victim)
    killed_at = time.monotonic()
    ids = ",".join(mine)
    plant.until(
        lambda: (
            plant.sql(
                f"SELECT count(*) FROM finance_exchange WHERE id IN ({ids}) AND state <> 'accepted'"
            )
            == "0"
        ),
        f"what {victim} held to be resolved",
    )
    assert time.monotonic() - killed_at <= KILLED_WITHIN
    lost = plant.sql(
        f"SELECT count(*) FROM finance_exchange_attempt WHERE exchange_id IN ({ids}) AND outcome = 'lost'"
    )
    assert int(lost) > 0
    plant.until(lambda: plant.states("kill") == {"accepted": 600}, "everything to be accepted")
    received = plant.control.oracle("reference")
    assert len(received) == 600
    assert {item["times_received"] for item in received} == {1}


def test_x9_retry_after_is_obeyed_by_both_workers_to_the_second(plant):
    plant.control.reset()
    connection = plant.connect("Limited")
    plant.control.fault(
        "delay", provider="reference", operation="putDocument", seconds=0.5, probability=1
    )
    plant.enqueue(connection, "limit", 1500)
    both_lanes(plant)
    plant.until(lambda: len(plant.arrivals("putDocument")) > 100, "calls on their way")
    plant.control.clear_faults()
    plant.control.fault(
        "status",
        provider="reference",
        operation="putDocument",
        status=429,
        retry_after=RETRY_AFTER,
        times=1,
    )
    plant.until(lambda: plant.states("limit") == {"accepted": 1500}, "everything to be accepted")
    arrivals = plant.arrivals("putDocument")
    (asked_at,) = (moment for moment, status in arrivals if status == 429)
    # What had been claimed when the answer came may still arrive: both processes hear of it within a second.
    during = [
        moment for moment, _status in arrivals if asked_at + 1 < moment < asked_at + RETRY_AFTER
    ]
    assert during == []
    resumed = min(moment for moment, _status in arrivals if moment >= asked_at + RETRY_AFTER)
    assert resumed - asked_at < RETRY_AFTER + 1.5


def test_x9_an_open_breaker_makes_no_call_but_the_probe(plant):
    plant.control.reset()
    connection = plant.connect("Away")
    plant.control.fault("status", provider="reference", operation="*", status=500, probability=1)
    plant.enqueue(connection, "away", 50)
    both_lanes(plant)
    opened = (
        "SELECT breaker_state FROM finance_throttle "
        f"WHERE connection_id = {connection} AND breaker_openings >= 2"
    )
    plant.until(lambda: plant.sql(opened) == "open", "the breaker to open and a probe to fail")
    before = plant.control.counts("reference")
    still = plant.sql(
        "SELECT count(*) FROM finance_exchange WHERE idempotency_key LIKE 'away-%' AND send_count > 1"
    )
    plant.control.clear_faults()
    plant.until(lambda: plant.states("away") == {"accepted": 50}, "the provider to be used again")
    assert before["ping"] >= 2
    assert before["putDocument"] <= 50
    assert still == "0"
    # One call tried whether the provider was back; the others followed its answer.
    assert {item["times_received"] for item in plant.control.oracle("reference")} == {1}
