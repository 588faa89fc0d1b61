"""An accountant's day: an invoice that is filed, one that is rejected, one that lacks something, one whose
answer gets lost."""

from pages import FILED
from playwright.sync_api import expect

SHELF, BOOK = "Steel shelf", "Handbook of warehousing"
REASON = {
    "level": "Error",
    "item": "BT-10",
    "reasonCode": "InvalidSchema",
    "reasonMessage": "The buyer's service code is required by this buyer.",
}


def test_an_invoice_is_taxed_submitted_and_filed(accountant, records, control):
    customer = records.customer()
    accountant.new_invoice(customer.name, (SHELF, 2, 240.0), (BOOK, 10, 39.0))

    expect(accountant.field("finance_tax_state")).to_have_text("Determined")
    taxes = accountant.field("invoice_line_ids").locator("td[name=tax_ids]")
    expect(taxes).to_have_text(["FR VAT 20%", "FR VAT 5.5%"])
    totals = accountant.field("tax_totals").locator("tr")
    expect(totals).to_have_text(
        ["Untaxed Amount870.00 €", "VAT 20%96.00 €", "VAT 5.5%21.45 €", "Total987.45 €"]
    )

    accountant.confirm()
    assert accountant.status.inner_text() in ("Submitted", FILED)
    accountant.until_status(FILED)
    (received,) = control.oracle("afnor", buyer=customer.siren)
    assert received["number"] == accountant.number
    # Who has it, without the ids of the platform: these are in the timeline.
    expect(accountant.field("einvoice_note")).to_contain_text("Filed with")
    expect(accountant.field("einvoice_note")).not_to_contain_text(received["reference"])


def test_the_timeline_shows_every_step_in_order(accountant, records, control):
    customer = records.customer()
    accountant.open_invoice(records.invoice(customer))
    accountant.until_status(FILED)
    (received,) = control.oracle("afnor", buyer=customer.siren)
    timeline = accountant.timeline()
    expected = [
        "Tax determined:",
        "Checked against UBL 2.1 schema",
        "Queued for",
        "Version 1 submitted to",
        "Sending, attempt 1",
        "Received by the provider; verdict pending",
        "Accepted by the provider",
        "Filed with",
    ]
    assert [
        next((text for text in expected if text in line), line) for line in timeline
    ] == expected
    # The reference is for the details; a sentence does not hold it.
    assert not [line for line in timeline if received["reference"] in line]


def test_a_filed_invoice_is_only_corrected_by_a_credit_note(accountant, records, control):
    customer = records.customer()
    accountant.open_invoice(records.invoice(customer))
    accountant.until_status(FILED)
    invoice = accountant.number
    expect(accountant.button("Credit Note")).to_be_visible()
    expect(accountant.button("Reset to Draft")).to_have_count(0)
    expect(accountant.page.locator("button[name=button_draft]:visible")).to_have_count(0)

    accountant.button("Credit Note").click()
    accountant.dialog().get_by_role("button", name="Reverse", exact=True).click()
    expect(accountant.button("Credit Note")).to_have_count(0)
    expect(accountant.field("move_type")).to_have_text("Customer Credit Note")
    accountant.confirm()
    accountant.until_status(FILED)
    received = control.oracle("afnor", buyer=customer.siren)
    assert [item["number"] for item in received] == [invoice, accountant.number]
    assert [item["held"] for item in received] == [True, True]


def test_a_rejected_invoice_is_explained_corrected_and_filed(accountant, records, reject):
    customer = records.customer()
    reject(customer.siren, REASON)
    accountant.open_invoice(records.invoice(customer))
    accountant.until_status("Rejected")
    for text in (
        "found the invoice's XML structure invalid",
        "then submit the document again",
    ):
        expect(accountant.reasons).to_contain_text(text)
    expect(accountant.reasons).to_contain_text(REASON["reasonMessage"])

    accountant.button("Correct this invoice").click()
    expect(accountant.status).to_have_text("Being corrected")
    accountant.change_line("price_unit", "230.00")
    accountant.confirm()
    accountant.until_status(FILED)

    accountant.button("Details").click()
    versions = accountant.rows("version_ids")
    expect(versions).to_have_count(2)
    outcomes = versions.locator("td[name=outcome]").all_inner_texts()
    numbers = versions.locator("td[name=number]").all_inner_texts()
    assert dict(zip(numbers, outcomes, strict=True)) == {"1": "Rejected", "2": FILED}


def test_a_missing_siren_is_named_opened_and_filled_in(accountant, records):
    customer = records.customer(registered=False)
    accountant.new_invoice(customer.name, (SHELF, 1, 240.0))
    accountant.button("Confirm").click()
    refusal = accountant.dialog()
    expect(refusal).to_contain_text("SIREN")
    expect(refusal).to_contain_text(customer.name)

    refusal.get_by_role("button", name="Open and correct").click()
    form = accountant.dialog()
    expect(form.locator("[name=name] input, [name=name] textarea").first).to_have_value(
        customer.name
    )
    form.locator("[name=company_registry] input").fill(customer.siret)
    form.get_by_role("button", name="Save", exact=True).click()
    expect(accountant.page.locator(".o_dialog")).to_have_count(0)
    accountant.confirm()
    accountant.until_status(FILED)


def test_a_lost_answer_is_found_out_and_nothing_is_sent_twice(
    accountant, records, control, lose_answer
):
    customer = records.customer()
    lose_answer(customer.siren)
    accountant.open_invoice(records.invoice(customer))
    accountant.until_status("Outcome unknown", FILED)
    accountant.until_status(FILED)
    (received,) = control.oracle("afnor", buyer=customer.siren)
    assert (received["number"], received["held"]) == (accountant.number, True)
    assert received["times_received"] == 1
    assert any("no response was received" in line for line in accountant.timeline())
