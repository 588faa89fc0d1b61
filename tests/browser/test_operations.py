"""Cards of connections and the analysis of attempts, as an operator uses them."""

import re

import pytest
from playwright.sync_api import expect

CONNECTION = "Approved platform (sandbox)"
#: As many failed calls in a row open the breaker.
THRESHOLD = 5


@pytest.fixture
def away(control):
    """Let the platform answer every submission that names a SIREN as if it were down, until the fault is removed."""
    faults = []

    def begin(siren):
        faults.append(
            control.fault(
                "status", provider="afnor", operation="createFlow", text=siren, status=503, times=99
            )
        )

    def end():
        while faults:
            control.remove_fault(faults.pop())

    yield begin, end
    end()


@pytest.fixture
def leave_active(records):
    """Whatever the test did to the connection, the next one finds it active."""
    yield
    admin = records.session("admin")
    (found,) = admin.search_read("finance.connection", [("name", "=", CONNECTION)], ["id", "state"])
    if found["state"] == "paused":
        admin.call("finance.connection", "action_resume", [found["id"]])


def card(web_client):
    """Open the connection's card, through the menu."""
    web_client.choose("Finance Connect", "Operations", "Connections")
    found = web_client.page.locator(".o_kanban_record").filter(has_text=CONNECTION)
    expect(found).to_be_visible()
    return found


def line(found, name):
    return found.locator(f"[name={name}]")


def test_a_paused_connection_keeps_what_waits_and_goes_on_after_resume(
    person, records, control, leave_active
):
    operator = person("operator")
    found = card(operator)
    found.get_by_role("button", name="Pause").click()
    expect(line(found, "state")).to_have_text("Paused")
    customer = records.customer()
    records.invoice(customer)
    operator.page.reload()
    expect(line(found, "action_view_open")).to_have_text(re.compile(r"[1-9]\d*\s*Open"))
    assert not control.oracle("afnor", buyer=customer.siren)

    found.get_by_role("button", name="Resume").click()
    expect(line(found, "state")).to_have_text("Active")
    operator.choose("Finance Connect", "Operations", "Exchanges")
    sent = re.compile("Waiting for the verdict|Accepted")
    operator.reload_until(operator.rows().first.filter(has_text=sent))
    assert len(control.oracle("afnor", buyer=customer.siren)) == 1


def test_an_open_breaker_is_seen_on_the_card_and_reset_there(person, records, control, away):
    begin, end = away
    customer = records.customer()
    begin(customer.siren)
    for _ in range(THRESHOLD + 1):
        records.invoice(customer)
    operator = person("operator")
    found = card(operator)
    operator.reload_until(
        found.filter(has=operator.page.locator("[name=breaker_state]", has_text=re.compile("Open")))
    )
    expect(found).to_contain_text("Next probe")
    expect(line(found, "hour_error_rate")).not_to_have_text("0%")
    end()
    found.get_by_role("button", name="Reset breaker").click()
    operator.reload_until(found.filter(has_text="Closed"))


def test_attempts_open_as_list_graph_and_pivot(person, records):
    number = records.number(records.invoice(records.customer()))
    operator = person("operator")
    operator.choose("Finance Connect", "Operations", "Attempts")
    operator.reload_until(operator.rows().filter(has_text=number).first)
    for view, seen in (("pivot", ".o_pivot table"), ("graph", ".o_graph_renderer canvas")):
        operator.page.locator(f".o_switch_view.o_{view}").click()
        expect(operator.page.locator(seen)).to_be_visible()
        expect(operator.page.locator(".o_error_dialog")).to_have_count(0)
    expect(operator.page.locator(".o_view_nocontent")).to_have_count(0)
