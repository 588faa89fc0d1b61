"""Documents and answers: totals, several rates, both currencies, explanations."""

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from odoo.addons.finance_connector_base.core import contract
from odoo.addons.finance_tax_embedded.core import engine
from odoo.addons.finance_tax_engine.core.answers import check_answer
from odoo.addons.finance_tax_engine.core.errors import IncompleteAnswer
from odoo.addons.finance_tax_engine.core.rounding import Precision

from .tax_facts import CENTS, DATE, NOW, WHOLE, book, document, rule

CENT = Decimal("0.01")
BOOKS = {"tax_category": "books"}


def test_several_rates_on_one_document():
    doc = document(lines=[("100", {}), ("50", BOOKS), ("10", {})])
    answer = engine.determine(doc, book(), CENTS, NOW)
    assert [d.tax for d in answer.details] == [20, Decimal("2.75"), 2]
    assert answer.total_tax() == Decimal("24.75")
    decided = [item.args for item in answer.explanation if item.code == "tax.decided"]
    assert [args["rate"] for args in decided] == ["20", "5.5"]
    assert decided[1]["legal_reference"] == "CGI art. 278-0 bis"


def test_the_same_decision_is_made_once_for_a_thousand_lines(monkeypatch):
    calls = []
    decide = engine.decide
    monkeypatch.setattr(engine, "decide", lambda *args: calls.append(args) or decide(*args))
    answer = engine.determine(document(lines=[("1", {})] * 1000), book(), CENTS, NOW)
    assert len(answer.details) == 1000
    assert len(calls) == 1


def test_t3_the_answer_carries_the_documents_fingerprint():
    doc = document()
    answer = engine.determine(doc, book(), CENTS, NOW)
    assert answer.fingerprint == contract.fingerprint(doc)
    check_answer(doc, answer, CENT, CENT)


def test_t4_an_answer_with_a_gap_is_refused():
    doc = document(lines=[("100", {}), ("50", {})])
    answer = engine.determine(doc, book(), CENTS, NOW)
    gap = answer.model_copy(update={"details": answer.details[:1]})
    with pytest.raises(IncompleteAnswer, match="FT005.lines answered=1, lines=2"):
        check_answer(doc, gap, CENT, CENT)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"tax": Decimal("20.001")}, "FT005.precision"),
        ({"category": "E"}, "FT005.category .*category=E"),
    ],
)
def test_t4_amounts_a_ledger_cannot_hold_are_refused(change, message):
    doc = document()
    answer = engine.determine(doc, book(), CENTS, NOW)
    bad = answer.model_copy(update={"details": (answer.details[0].model_copy(update=change),)})
    with pytest.raises(IncompleteAnswer, match=message):
        check_answer(doc, bad, CENT, CENT)


@pytest.mark.parametrize("change", [{"fingerprint": "0" * 64}, {"currency": "USD"}])
def test_an_answer_for_something_else_is_refused(change):
    doc = document()
    answer = engine.determine(doc, book(), CENTS, NOW)
    with pytest.raises(IncompleteAnswer):
        check_answer(doc, answer.model_copy(update=change), CENT, CENT)


def test_per_document_rounding_differs_from_per_line_by_design():
    doc = document(lines=[("0.13", {})] * 10)
    assert engine.determine(doc, book(), CENTS, NOW).total_tax() == Decimal("0.30")
    assert engine.determine(doc, book(), WHOLE, NOW).total_tax() == Decimal("0.26")


def test_yen_have_no_decimals():
    doc = document(currency="JPY", currency_rate=Decimal(160), lines=[("1003", {})])
    answer = engine.determine(doc, book(), Precision(Decimal(1), CENT), NOW)
    (detail,) = answer.details
    assert (detail.tax, detail.tax_company) == (201, Decimal("1.26"))


def test_a_credit_note_follows_the_date_of_the_supply_it_corrects():
    old = rule("FR", "10", valid_to=dt.date(2026, 1, 31))
    new = rule("FR", "20", valid_from=dt.date(2026, 2, 1))
    original = contract.DocumentReference(id="9", number="INV/9", tax_date=dt.date(2026, 1, 15))
    doc = document(kind="credit_note", original=original)
    assert engine.determine(doc, book(rules=(old, new)), CENTS, NOW).total_tax() == 10
    assert engine.determine(document(), book(rules=(old, new)), CENTS, NOW).total_tax() == 20
    assert engine.tax_date(document()) == DATE


AMOUNTS = st.decimals(-5000, 5000, places=2, allow_nan=False)
LINES = st.lists(st.tuples(AMOUNTS, st.sampled_from([{}, BOOKS])), min_size=1, max_size=30)
RATES = st.decimals("0.01", 200, places=4, allow_nan=False)


@given(LINES, RATES, st.sampled_from(["line", "document"]))
def test_t1_details_are_whole_cents_and_sum_to_the_rounded_total(lines, rate, method):
    doc = document(currency="USD", currency_rate=rate, lines=lines)
    answer = engine.determine(doc, book(), Precision(CENT, CENT, method), NOW)
    check_answer(doc, answer, CENT, CENT)
    for percent in {d.rate for d in answer.details}:
        group = [d for d in answer.details if d.rate == percent]
        exact = sum(d.taxable for d in group) * percent / 100
        total = sum(d.tax for d in group)
        slack = CENT / 2 if method == "document" else CENT / 2 * len(group)
        assert abs(total - exact) <= slack
        assert sum(d.taxable for d in group) == sum(
            line.net_amount for line in doc.lines if line.id in {d.line_id for d in group}
        )
