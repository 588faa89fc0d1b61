"""The most specific valid rule wins; a tie is an error."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st
from odoo.addons.finance_tax_embedded.core import selection
from odoo.addons.finance_tax_engine.core.errors import AmbiguousRule, NoRule

from .tax_facts import DATE, JURISDICTIONS, book, rule

FRANCE = JURISDICTIONS[0]


def pick(*rules, category="books", customer="business", supply="goods", date=DATE):
    return selection.select(
        book(rules=rules), FRANCE, category=category, customer=customer, supply=supply, date=date
    )


def test_specific_category_precedes_the_general_rule():
    books = rule("FR", "5.5", category="books")
    assert pick(rule("FR", "20"), books) is books
    assert pick(rule("FR", "20"), books, category="food").rate == 20


def test_equally_specific_rules_are_an_error_that_names_them():
    one, two = rule("FR", "5.5", category="books"), rule("FR", "0", customer="business")
    with pytest.raises(AmbiguousRule) as raised:
        pick(rule("FR", "20"), one, two)
    assert one.name in str(raised.value)
    assert two.name in str(raised.value)


def test_a_rule_that_restricts_both_settles_the_tie():
    both = rule("FR", "2.1", category="books", customer="business")
    assert (
        pick(rule("FR", "5.5", category="books"), rule("FR", "0", customer="business"), both)
        is both
    )


def test_the_companys_own_rule_precedes_every_shared_rule():
    own = rule("FR", "0", own=True, treatment="exempt")
    assert pick(rule("FR", "5.5", category="books"), own) is own


@pytest.mark.parametrize(
    ("day", "rate"), [("2025-06-30", 22), ("2025-07-01", 24), ("2031-01-01", 24)]
)
def test_rules_are_valid_from_and_to_inclusive(day, rate):
    old = rule("FR", "22", valid_to=dt.date(2025, 6, 30))
    new = rule("FR", "24", valid_from=dt.date(2025, 7, 1))
    assert pick(old, new, date=dt.date.fromisoformat(day)).rate == rate


def test_t4_no_rule_is_an_error_and_not_zero():
    with pytest.raises(NoRule, match="jurisdiction=FR"):
        pick(rule("FR", "5.5", category="food"))


CONDITIONS = st.fixed_dictionaries(
    {
        "category": st.sampled_from([None, "books", "food"]),
        "customer": st.sampled_from([None, "business", "consumer"]),
        "supply": st.sampled_from([None, "goods", "services"]),
    }
)


@given(st.lists(CONDITIONS, min_size=1, max_size=8))
def test_whoever_wins_restricts_strictly_more_than_every_other_fitting_rule(conditions):
    rules = [rule("FR", number, **values) for number, values in enumerate(conditions)]
    fits = [
        r for r in rules if r.fits(category="books", customer="business", supply="goods", date=DATE)
    ]
    try:
        winner = pick(*rules)
    except NoRule:
        assert not fits
    except AmbiguousRule:
        assert not any(all(r is w or r.conditions() < w.conditions() for r in fits) for w in fits)
    else:
        assert winner in fits
        assert all(r is winner or r.conditions() < winner.conditions() for r in fits)


def test_overlapping_rules_are_found_before_they_hurt():
    old = rule("FR", "22", valid_to=dt.date(2025, 7, 1))
    new = rule("FR", "24", valid_from=dt.date(2025, 7, 1))
    later = rule("FR", "25", valid_from=dt.date(2030, 1, 1), category="books")
    assert selection.overlapping([old, new, later]) == [(old, new)]
