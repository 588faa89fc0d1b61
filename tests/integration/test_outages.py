"""Outages and kills on a real server: posting goes on, everything arrives, nothing arrives twice."""

import pytest


def test_posting_goes_on_while_the_platform_is_away(office):
    moves = office.invoices(20)
    office.stack.stop_sandbox()
    try:
        office.post(moves)
        assert office.states(moves) == {"submitted"}
        assert {row["state"] for row in office.exchanges(moves, "state")} <= {"pending", "sending"}
    finally:
        office.stack.start_sandbox()
    office.until(moves, "filed")
    received = office.received(moves)
    assert {item["number"] for item in received} == office.names(moves)
    assert all(item["times_received"] == 1 for item in received)
    assert len(received) == len(moves)


@pytest.mark.nightly  # waits until the claim of the killed worker expires
def test_x5_a_killed_server_asks_what_the_platform_has(office):
    office.control.fault("delay", provider="afnor", operation="createFlow", seconds=25, times=1)
    (move,) = moves = office.post(office.invoices())
    office.until_true(lambda: office.received(moves), "the platform to take the invoice")
    office.stack.kill_odoo()
    office.stack.start_odoo()
    office = type(office)(office.stack)
    office.until(moves, "filed")
    (exchange,) = office.exchanges(moves, "send_count", "reference")
    (received,) = office.received(moves)
    assert exchange["send_count"] == 1
    assert exchange["reference"] == received["reference"]
    assert received["times_received"] == 1
