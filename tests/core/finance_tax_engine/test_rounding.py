"""Rounded parts sum to the rounded whole, in steps of the currency."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from odoo.addons.finance_tax_engine.core.rounding import distribute, rounded, to_company

CENT = Decimal("0.01")
UNITS = st.sampled_from([Decimal(1), Decimal("0.1"), CENT, Decimal("0.001"), Decimal("0.05")])
AMOUNTS = st.decimals(-(10**7), 10**7, places=6, allow_nan=False)


@pytest.mark.parametrize(
    ("amount", "unit", "expected"),
    [
        ("0.005", "0.01", "0.01"),
        ("-0.005", "0.01", "-0.01"),
        ("2.674999", "0.01", "2.67"),
        ("1.5", "1", "2"),
        ("0.075", "0.05", "0.10"),
    ],
)
def test_halves_go_away_from_zero(amount, unit, expected):
    assert rounded(Decimal(amount), Decimal(unit)) == Decimal(expected)


def test_company_amount_divides_by_units_of_document_currency():
    assert to_company(Decimal(20), Decimal("1.25"), CENT) == Decimal(16)


@given(st.lists(AMOUNTS, min_size=1, max_size=40), UNITS)
def test_t1_distributed_parts_sum_to_the_total_and_stay_within_one_unit(shares, unit):
    total = rounded(sum(shares), unit)
    parts = distribute(total, shares, unit)
    assert sum(parts) == total
    assert all(part == rounded(part, unit) for part in parts)
    assert all(abs(part - share) <= unit for part, share in zip(parts, shares, strict=True))


def test_the_missing_cent_goes_to_the_largest_remainder():
    shares = [Decimal("0.333"), Decimal("0.334"), Decimal("0.333")]
    assert distribute(Decimal("1.00"), shares, CENT) == [
        Decimal("0.33"),
        Decimal("0.34"),
        Decimal("0.33"),
    ]


def test_distributing_over_nothing_gives_nothing():
    assert distribute(Decimal(0), [], CENT) == []
