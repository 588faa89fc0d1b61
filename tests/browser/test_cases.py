"""R30: an operator decides about what does not end by itself; an accountant reads about it."""

import re

import pytest
from playwright.sync_api import expect

REASON = {
    "level": "Error",
    "item": "BT-13",
    "reasonCode": "InvalidSchema",
    "reasonMessage": "The purchase order is required by this buyer.",
}


@pytest.fixture
def refuse(control):
    """Let the platform refuse the next submission that names a SIREN as a wrong request."""
    faults = []

    def fault(siren):
        faults.append(
            control.fault(
                "status", provider="afnor", operation="createFlow", text=siren, status=400, times=1
            )
        )

    yield fault
    for made in faults:
        control.remove_fault(made)


def open_case(web_client, number):
    """Open the case of a document, through the menu, as soon as there is one."""
    web_client.choose("Finance Connect", "Operations", "Cases")
    row = web_client.rows().filter(has_text=number)
    web_client.reload_until(row)
    row.locator("td[name=name]").click()
    expect(web_client.field("advice")).to_be_visible()


def test_an_operator_tries_a_refused_request_again_and_the_case_is_resolved(
    person, records, refuse, control
):
    customer = records.customer()
    refuse(customer.siren)
    invoice = records.invoice(customer)
    operator = person("operator")
    open_case(operator, records.number(invoice))
    expect(operator.field("what_happened")).to_contain_text("refused")
    operator.button("Retry").click()
    expect(operator.field("resolution")).to_have_text("Retried")
    expect(operator.field("resolved_by_id")).to_have_text("Operator")
    operator.reload_until(operator.field("exchange_state").filter(has_text="Accepted"))
    assert len(control.oracle("afnor", buyer=customer.siren)) == 1


def test_an_override_is_not_possible_without_a_reason(person, records, reject):
    customer = records.customer()
    reject(customer.siren, REASON)
    operator = person("operator")
    open_case(operator, records.number(records.invoice(customer)))
    expect(operator.button("Retry")).to_have_count(0)
    operator.button("Dismiss…").click()
    dialog = operator.dialog()
    dialog.get_by_role("button", name="Confirm", exact=True).click()
    reason = dialog.locator(".o_field_widget[name=reason]")
    expect(reason).to_have_class(re.compile("o_field_invalid"))
    reason.locator("input").fill("Sent on paper, agreed by telephone")
    dialog.get_by_role("button", name="Confirm", exact=True).click()
    expect(operator.field("resolution")).to_have_text("Overridden with a reason")
    expect(operator.field("reason")).to_have_text("Sent on paper, agreed by telephone")


def test_an_accountant_reads_a_case_and_decides_nothing(accountant, records, refuse):
    customer = records.customer()
    refuse(customer.siren)
    open_case(accountant, records.number(records.invoice(customer)))
    expect(accountant.field("what_happened").first).to_contain_text("Request refused")
    for name in ("Retry", "Cancel…", "Link to provider record…", "Assign to me"):
        expect(accountant.button(name)).to_have_count(0)
