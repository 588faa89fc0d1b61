"""An operator sees what was sent and why it failed; an accountant sees that it failed."""

from playwright.sync_api import expect

REASON = {
    "level": "Error",
    "item": "BT-13",
    "reasonCode": "InvalidSchema",
    "reasonMessage": "The purchase order is required by this buyer.",
}


def test_the_cases_show_a_rejected_document_its_attempts_and_its_payload(
    person, records, control, reject
):
    customer = records.customer()
    reject(customer.siren, REASON)
    number = records.number(records.invoice(customer))
    operator = person("operator")
    operator.choose("Finance Connect", "Operations", "Cases")
    row = operator.rows().filter(has_text=number)
    operator.reload_until(row)
    expect(row).to_contain_text("Rejected")
    expect(row).to_contain_text(REASON["reasonMessage"])

    row.locator("td[name=name]").click()
    expect(operator.field("what_happened")).to_contain_text(REASON["reasonMessage"])
    operator.tab("Attempts")
    attempts = operator.rows("attempt_ids")
    expect(attempts.filter(has_text="Send")).to_have_count(1)
    expect(attempts.filter(has_text="Poll for the verdict").first).to_contain_text("Rejected")
    operator.page.locator(".oe_stat_button", has_text="Exchange").click()
    expect(operator.field("status_text")).to_contain_text(REASON["reasonMessage"])
    operator.tab("Payload")
    (received,) = control.oracle("afnor", buyer=customer.siren)
    expect(operator.field("payload")).to_contain_text(".xml")
    expect(operator.field("payload_sha256")).to_have_text(received["sha256"])


def test_an_accountant_sees_the_attempts_but_no_payload(accountant, records):
    accountant.open_invoice(records.invoice(records.customer()))
    accountant.until_status("Filed")
    accountant.button("Details").click()
    accountant.page.locator(".oe_stat_button", has_text="Exchange").click()
    expect(accountant.page.get_by_role("tab")).to_have_text(["Timeline", "Attempts"])
    accountant.tab("Attempts")
    expect(accountant.rows("attempt_ids").filter(has_text="Send")).to_have_count(1)
