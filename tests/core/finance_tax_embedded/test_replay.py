"""Full reversals are exact; last known rates only for the same situation."""

from decimal import Decimal

import pytest
from odoo.addons.finance_connector_base.core.contract import Identifier
from odoo.addons.finance_tax_embedded.core import engine
from odoo.addons.finance_tax_engine.core import replay
from odoo.addons.finance_tax_engine.core.errors import NoRule

from .tax_facts import CENTS, NOW, WHOLE, book, document, party, registration

BOOKS = {"tax_category": "books"}
ORIGINAL = document(lines=[("0.13", {}), ("0.13", {}), ("50", BOOKS)], number="INV/1")
ANSWER = engine.determine(ORIGINAL, book(), WHOLE, NOW)


def credit(lines, **kwargs):
    numbered = document(lines=lines, kind="credit_note", id="2", **kwargs)
    renamed = [item.model_copy(update={"id": f"c{item.id}"}) for item in numbered.lines]
    return numbered.model_copy(update={"lines": tuple(renamed)})


def test_t6_a_full_reversal_repeats_the_amounts_in_any_order_of_lines():
    note = credit([("50", BOOKS), ("0.13", {}), ("0.13", {})])
    found = replay.reversal(note, ORIGINAL, ANSWER, CENTS, NOW)
    assert found.engine == replay.REVERSAL
    assert sorted(d.tax for d in found.details) == sorted(d.tax for d in ANSWER.details)
    assert {d.line_id for d in found.details} == {"c1", "c2", "c3"}
    assert next(d for d in found.details if d.line_id == "c1").rate == Decimal("5.5")
    assert found.explanation[0].code == "tax.reversal"
    assert found.explanation[0].args["date"] == str(ORIGINAL.tax_date)


@pytest.mark.parametrize(
    "lines",
    [
        [("0.13", {}), ("50", BOOKS)],
        [("0.13", {}), ("0.12", {}), ("50", BOOKS)],
        [("0.13", {}), ("0.13", {}), ("50", {})],
        [("0.13", {}), ("0.13", {}), ("50", BOOKS), ("1", {})],
    ],
)
def test_t6_anything_less_or_more_is_not_a_full_reversal(lines):
    assert replay.reversal(credit(lines), ORIGINAL, ANSWER, CENTS, NOW) is None


def test_t6_a_reversal_at_another_exchange_rate_is_exact_in_document_currency():
    lines = [("0.13", {}), ("0.13", {}), ("50", BOOKS)]
    original = document(lines=lines, currency="USD", currency_rate=Decimal("1.25"))
    answer = engine.determine(original, book(), WHOLE, NOW)
    note = credit(lines, currency="USD", currency_rate=Decimal("1.6"))
    found = replay.reversal(note, original, answer, CENTS, NOW)
    assert found.total_tax() == answer.total_tax()
    books = [d for d in found.details if d.rate != 20]
    assert [d.tax_company for d in books] == [Decimal("1.72")]


def test_t6_another_currency_is_not_a_reversal():
    lines = [("0.13", {}), ("0.13", {}), ("50", BOOKS)]
    assert replay.reversal(credit(lines, currency="USD"), ORIGINAL, ANSWER, CENTS, NOW) is None


def test_t4_last_known_rates_apply_to_the_same_kinds_of_lines():
    found = replay.last_known(document(lines=[("200", {})]), ORIGINAL, ANSWER, CENTS, NOW)
    assert found.engine == replay.LAST_KNOWN
    assert found.total_tax() == 40
    assert [item.code for item in found.explanation] == ["tax.last_known"]


def test_t4_a_new_proof_of_the_same_number_is_the_same_party():
    def proven(doc, proof):
        identifiers = (*doc.buyer.identifiers, Identifier(scheme="vat-proof", value=proof))
        buyer = doc.buyer.model_copy(update={"identifiers": identifiers})
        return doc.model_copy(update={"buyer": buyer})

    again, earlier = proven(document(), "second"), proven(ORIGINAL, "first")
    assert replay.last_known(again, earlier, ANSWER, CENTS, NOW).engine == replay.LAST_KNOWN
    other = proven(document(buyer=party("DE", vat="DE123456788")), "first")
    with pytest.raises(NoRule):
        replay.last_known(other, earlier, ANSWER, CENTS, NOW)


@pytest.mark.parametrize(
    "doc",
    [
        document(lines=[("200", {"supply": "services"})]),
        document(lines=[("200", {"tax_category": "food"})]),
        document(buyer=party("DE", vat="DE123456788")),
        document(buyer=party("FR", business=False)),
    ],
)
def test_t4_last_known_rates_are_refused_for_anything_else(doc):
    with pytest.raises(NoRule):
        replay.last_known(doc, ORIGINAL, ANSWER, CENTS, NOW)


def test_a_reversal_of_a_destination_taxed_sale_keeps_the_destination():
    sale = document(buyer=party("DE", business=False))
    answer = engine.determine(sale, book(registration("oss", "FR")), CENTS, NOW)
    note = credit([("100", {})], buyer=party("DE", business=False))
    found = replay.reversal(note, sale, answer, CENTS, NOW)
    assert found.details[0].jurisdiction.code == "DE"
