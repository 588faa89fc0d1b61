"""Outages and kills on a real server: posting goes on, everything arrives, nothing arrives twice."""

import pytest


def test_posting_goes_on_while_the_platform_is_away(accounting):
    moves = accounting.invoices(20)
    accounting.stack.stop_sandbox()
    try:
        accounting.post(moves)
        assert accounting.states(moves) == {"submitted"}
        assert {row["state"] for row in accounting.exchanges(moves, "state")} <= {
            "pending",
            "sending",
        }
    finally:
        accounting.stack.start_sandbox()
    accounting.until(moves, "filed")
    received = accounting.received(moves)
    assert {item["number"] for item in received} == accounting.names(moves)
    assert all(item["times_received"] == 1 for item in received)
    assert len(received) == len(moves)


@pytest.mark.nightly  # waits until the claim of the killed worker expires
def test_x5_a_killed_server_asks_what_the_platform_has(accounting):
    accounting.control.fault("delay", provider="afnor", operation="createFlow", seconds=25, times=1)
    (move,) = moves = accounting.post(accounting.invoices())
    accounting.until_true(lambda: accounting.received(moves), "the platform to take the invoice")
    accounting.stack.kill_odoo()
    accounting.stack.start_odoo()
    accounting = type(accounting)(accounting.stack)
    accounting.until(moves, "filed")
    (exchange,) = accounting.exchanges(moves, "send_count", "reference")
    (received,) = accounting.received(moves)
    assert exchange["send_count"] == 1
    assert exchange["reference"] == received["reference"]
    assert received["times_received"] == 1
