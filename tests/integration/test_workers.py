"""Two real dispatcher processes: what one learns both obey, and what a killed one held the other resolves."""

import time

import cluster as clusters
import pytest

from tools.dev import databases
from tools.dev.errors import Problem

KILLED_WITHIN = 15.0
RETRY_AFTER = 4

pytestmark = pytest.mark.nightly


@pytest.fixture(scope="module")
def cluster(runtime):
    with clusters.running(runtime) as made:
        yield made


def both_workers(cluster):
    """Both workers running; their process ids."""
    cluster.wake()
    return cluster.until(
        lambda: len(cluster.workers()) == 2 and cluster.workers(), "two dispatchers"
    )


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


def test_x2_the_outbox_follows_the_fact_through_rollback_and_kill(cluster):
    cluster.control.reset()
    connection = cluster.connect("Facts")
    with pytest.raises(Problem):
        databases.shell(cluster.runtime, cluster.database, _FACTS.format(connection=connection))
    facts = cluster.sql(
        "SELECT d.name FROM finance_reference_document d ORDER BY d.name"
    ).splitlines()
    assert facts == ["committed-1"]
    cluster.wake()
    cluster.until(
        lambda: cluster.states("committed") == {"accepted": 1}, "the fact to be delivered"
    )
    assert cluster.states("rolled") == {}
    assert [item["number"] for item in cluster.control.oracle("reference")] == facts


def test_x5_what_a_killed_worker_held_is_resolved_by_the_other_worker(cluster):
    cluster.control.reset()
    connection = cluster.connect("Killed")
    # Slow answers after the effect: whoever dies now leaves effects it never heard of.
    cluster.control.fault(
        "delay", provider="reference", operation="fileFiling", seconds=2, probability=1
    )
    cluster.enqueue(connection, "kill", 600, operation="filing_now")
    workers = both_workers(cluster)
    victim = cluster.until(cluster.busiest, "calls in flight")
    mine = cluster.sql(
        "SELECT e.id FROM finance_exchange e JOIN finance_dispatcher_worker w ON w.id = e.worker_id "
        f"WHERE w.name LIKE '%/{victim}' AND e.state = 'sending'"
    ).splitlines()
    assert victim in workers
    cluster.kill(victim)
    killed_at = time.monotonic()
    ids = ",".join(mine)
    cluster.until(
        lambda: (
            cluster.sql(
                f"SELECT count(*) FROM finance_exchange WHERE id IN ({ids}) AND state <> 'accepted'"
            )
            == "0"
        ),
        f"what {victim} held to be resolved",
    )
    assert time.monotonic() - killed_at <= KILLED_WITHIN
    lost = cluster.sql(
        f"SELECT count(*) FROM finance_exchange_attempt WHERE exchange_id IN ({ids}) AND outcome = 'lost'"
    )
    assert int(lost) > 0
    cluster.until(lambda: cluster.states("kill") == {"accepted": 600}, "everything to be accepted")
    received = cluster.control.oracle("reference")
    assert len(received) == 600
    assert {item["times_received"] for item in received} == {1}


def test_x9_retry_after_is_obeyed_by_both_workers_to_the_second(cluster):
    cluster.control.reset()
    connection = cluster.connect("Limited")
    cluster.control.fault(
        "delay", provider="reference", operation="putDocument", seconds=0.5, probability=1
    )
    cluster.enqueue(connection, "limit", 1500)
    both_workers(cluster)
    cluster.until(lambda: len(cluster.arrivals("putDocument")) > 100, "calls on their way")
    cluster.control.clear_faults()
    cluster.control.fault(
        "status",
        provider="reference",
        operation="putDocument",
        status=429,
        retry_after=RETRY_AFTER,
        times=1,
    )
    cluster.until(
        lambda: cluster.states("limit") == {"accepted": 1500}, "everything to be accepted"
    )
    arrivals = cluster.arrivals("putDocument")
    (asked_at,) = (moment for moment, status in arrivals if status == 429)
    # What had been claimed when the answer came may still arrive: both processes hear of it within a second.
    during = [
        moment for moment, _status in arrivals if asked_at + 1 < moment < asked_at + RETRY_AFTER
    ]
    assert during == []
    resumed = min(moment for moment, _status in arrivals if moment >= asked_at + RETRY_AFTER)
    assert resumed - asked_at < RETRY_AFTER + 1.5


def test_x9_an_open_breaker_makes_no_call_but_the_probe(cluster):
    cluster.control.reset()
    connection = cluster.connect("Away")
    cluster.control.fault("status", provider="reference", operation="*", status=500, probability=1)
    cluster.enqueue(connection, "away", 50)
    both_workers(cluster)
    opened = (
        "SELECT breaker_state FROM finance_throttle "
        f"WHERE connection_id = {connection} AND breaker_openings >= 2"
    )
    cluster.until(lambda: cluster.sql(opened) == "open", "the breaker to open and a probe to fail")
    before = cluster.control.counts("reference")
    still = cluster.sql(
        "SELECT count(*) FROM finance_exchange WHERE idempotency_key LIKE 'away-%' AND send_count > 1"
    )
    cluster.control.clear_faults()
    cluster.until(
        lambda: cluster.states("away") == {"accepted": 50}, "the provider to be used again"
    )
    assert before["ping"] >= 2
    assert before["putDocument"] <= 50
    assert still == "0"
    # One call tried whether the provider was back; the others followed its answer.
    assert {item["times_received"] for item in cluster.control.oracle("reference")} == {1}
