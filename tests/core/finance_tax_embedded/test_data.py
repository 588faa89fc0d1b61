"""The shipped rates: complete, unambiguous, with source, and answering as the law does."""

import csv
import datetime as dt
from decimal import Decimal
from pathlib import Path

import pytest
from odoo.addons.finance_tax_embedded.core import engine, eu, selection
from odoo.addons.finance_tax_embedded.core.facts import Jurisdiction, Rule, RuleBook

from .tax_facts import CENTS, NOW, address, document, party, registration

DATA = Path(__file__).parents[3] / "addons" / "finance_tax_embedded" / "data"


def rows(name):
    with (DATA / name).open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def jurisdictions():
    code_of = {row["id"]: row["code"] for row in rows("finance.tax.jurisdiction.csv")}
    for row in rows("finance.tax.jurisdiction.csv"):
        country, _dash, region = row["code"].partition("-")
        yield Jurisdiction(
            row["code"],
            row["name"],
            country,
            row["level"],
            row["tax_type"],
            code_of.get(row["parent_id/id"]),
            row["origin_sourced"] == "True",
            region,
        )


def rules():
    for path in sorted(DATA.glob("finance.tax.rule-*.csv")):
        for row in rows(path.name):
            yield Rule(
                id=row["id"],
                name=row["name"],
                jurisdiction=row["jurisdiction_id/id"][13:].upper().replace("_", "-"),
                treatment=row["treatment"],
                rate=Decimal(row["rate"]),
                category=row["category_id/id"][9:] or None,
                supply=row.get("supply") or None,
                valid_from=dt.date.fromisoformat(row["valid_from"]),
                valid_to=dt.date.fromisoformat(row["valid_to"] or "9999-12-31"),
                reason=row.get("reason", ""),
                reason_code=row.get("reason_code", ""),
                legal_reference=row.get("legal_reference", ""),
                source=row["source"],
            )


RULES = list(rules())
BOOK = RuleBook.of(jurisdictions(), RULES)


def test_ids_are_unique_and_every_row_has_a_source():
    assert len({rule.id for rule in RULES}) == len(RULES)
    assert all(rule.source for rule in RULES)


def test_no_two_shipped_rules_overlap():
    assert selection.overlapping(RULES) == []


def test_t7_every_rule_without_tax_says_why():
    assert [r.id for r in RULES if r.treatment != "taxable" and not r.reason] == []
    assert [r.id for r in RULES if r.treatment == "taxable" and not r.rate] == []


@pytest.mark.parametrize("state", sorted(eu.MEMBER_STATES))
def test_every_member_state_has_a_standard_rate_the_directive_allows(state):
    for date in (dt.date(2025, 1, 1), dt.date(2026, 5, 4)):
        found = selection.select(
            BOOK,
            BOOK.country(state),
            category="standard",
            customer="consumer",
            supply="goods",
            date=date,
        )
        assert 15 <= found.rate <= 27


@pytest.mark.parametrize(
    ("seller", "category", "rate"),
    [
        ("FR", "standard", "20"),
        ("FR", "reduced", "10"),
        ("FR", "reduced_low", "5.5"),
        ("FR", "super_reduced", "2.1"),
        ("FR", "books", "5.5"),
        ("FR", "restaurant", "10"),
        ("DE", "standard", "19"),
        ("DE", "food", "7"),
        ("PL", "standard", "23"),
        ("IE", "books", "0"),
        ("NL", "accommodation", "21"),
    ],
)
def test_domestic_rates_in_2026(seller, category, rate):
    doc = document(seller, seller, lines=[("100", {"tax_category": category})])
    (detail,) = engine.determine(doc, BOOK, CENTS, NOW).details
    assert detail.rate == Decimal(rate)


@pytest.mark.parametrize(("day", "rate"), [("2025-06-30", "22"), ("2025-07-01", "24")])
def test_estonia_changed_its_rate_on_the_day(day, rate):
    doc = document("EE", "EE", tax_date=dt.date.fromisoformat(day))
    assert engine.determine(doc, BOOK, CENTS, NOW).details[0].rate == Decimal(rate)


def test_all_states_and_the_district_are_there_and_five_have_no_sales_tax():
    states = [item for item in BOOK.jurisdictions.values() if item.level == "state"]
    assert len(states) == 51
    none = {rule.jurisdiction for rule in RULES if rule.name.endswith("no sales tax")}
    assert none == {"US-AK", "US-DE", "US-MT", "US-NH", "US-OR"}


def test_texas_taxes_goods_and_not_groceries():
    texas = party(address("US", "TX", "Houston"), name="S")
    lines = [("100", {}), ("100", {"tax_category": "food"})]
    book = RuleBook.of(BOOK.jurisdictions.values(), RULES, [registration("nexus", "US-TX")])
    answer = engine.determine(document(texas, texas, lines), book, CENTS, NOW)
    assert [detail.tax for detail in answer.details] == [Decimal("6.25"), 0]
