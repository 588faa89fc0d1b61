"""The oracle's own rules, below any provider: one decision, one time line, scheduled decisions made."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path

import pytest
from flow_client import FlowClient

from sandbox.client import ControlClient
from sandbox.clock import MICROSECONDS, Clock
from sandbox.core import Core
from sandbox.database import connect
from sandbox.documents import Arrival
from sandbox.oracle import Oracle
from sandbox.server import SandboxThread
from sandbox.verdicts import ACCEPTED, PENDING, REJECTED, Plan

LATE = Plan(ACCEPTED, seconds=5)
NEVER = Plan(None)


@pytest.fixture
def clock() -> Clock:
    return Clock(lambda: 1_000)


@pytest.fixture
def oracle(clock: Clock) -> Oracle:
    return Oracle(connect(None), clock)


def test_a_document_is_decided_once(oracle: Oracle) -> None:
    notified = []
    oracle.on_change = notified.append
    waiting = oracle.receive("p", Arrival("r", b"x"), NEVER)
    accepted = oracle.decide(waiting, ACCEPTED)
    assert oracle.decide(waiting, REJECTED) == accepted
    assert notified == [accepted]


def test_what_falls_due_is_decided_in_the_order_it_was_promised(
    oracle: Oracle, clock: Clock
) -> None:
    notified = []
    oracle.on_change = lambda document: notified.append(document.reference)
    for reference, seconds in (("slow", 9), ("quick", 1), ("later", 60)):
        oracle.receive("p", Arrival(reference, b"x"), Plan(ACCEPTED, seconds=seconds))
    assert oracle.next_due() == pytest.approx(1, abs=0.001)
    clock.advance(10)
    oracle.settle()
    assert notified == ["quick", "slow"]
    assert oracle.get("p", "later").state == PENDING


def test_nothing_is_due_where_nothing_was_promised(oracle: Oracle) -> None:
    oracle.receive("p", Arrival("never", b"x"), NEVER)
    oracle.receive("p", Arrival("looks", b"x"), Plan(ACCEPTED, looks=2))
    oracle.receive("p", Arrival("now", b"x"), Plan())
    assert oracle.next_due() is None


def test_time_never_runs_backwards_over_a_restart(tmp_path: Path) -> None:
    state = str(tmp_path / "sandbox.db")
    earlier = Oracle(connect(state), Clock(lambda: 5_000)).receive("p", Arrival("1", b""), Plan())
    later = Oracle(connect(state), Clock(lambda: 10)).receive("p", Arrival("2", b""), Plan())
    assert later.received_at > earlier.updated_at


def test_a_reference_is_given_once(oracle: Oracle) -> None:
    oracle.receive("p", Arrival("r", b"x"), Plan())
    oracle.receive("q", Arrival("r", b"x"), Plan())
    with pytest.raises(Exception, match="UNIQUE"):
        oracle.receive("p", Arrival("r", b"y"), Plan())


def test_providers_do_not_see_each_others_documents(oracle: Oracle) -> None:
    arrival = Arrival("r", b"x", number="1", seller="s")
    oracle.receive("p", arrival, Plan())
    assert oracle.standing("p", arrival) is not None
    assert oracle.standing("q", arrival) is None
    assert oracle.summary("q")["received"] == 0


def test_an_answer_never_shows_a_state_that_is_overdue(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when the background work that decides in time is late itself."""

    async def lame(core: Core) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(Core, "run_scheduled_events", lame)
    with SandboxThread() as running, ControlClient(running.url) as control:
        control.default_verdict("late", seconds=0.2)
        flows = FlowClient(running.url)
        flow_id, deadline = flows.created(), time.monotonic() + 10
        while flows.acknowledgement(flow_id)["status"] == "Pending":
            assert time.monotonic() < deadline
            threading.Event().wait(0.02)


def test_the_clock_counts_in_microseconds(oracle: Oracle, clock: Clock) -> None:
    document = oracle.receive("p", Arrival("r", b"x"), LATE)
    assert document.due_at - document.received_at == 5 * MICROSECONDS
