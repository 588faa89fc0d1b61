"""Rounding that adds up: per line, or per document with the remainder given back to the lines.

Amounts are rounded half up (away from zero) to multiples of the currency's smallest amount.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal


@dataclass(frozen=True, slots=True)
class Precision:
    """Smallest amounts of the document's and of the company's currency, and how to round."""

    document: Decimal = Decimal("0.01")
    company: Decimal = Decimal("0.01")
    method: Literal["line", "document"] = "line"


def rounded(amount: Decimal, unit: Decimal) -> Decimal:
    """Return ``amount`` as a multiple of ``unit``, halves away from zero."""
    return (amount / unit).quantize(Decimal(1), rounding=ROUND_HALF_UP) * unit


def to_company(amount: Decimal, rate: Decimal, unit: Decimal) -> Decimal:
    """Convert an amount of document currency to company currency.

    :param rate: document units for one company unit
    """
    return rounded(amount / rate, unit)


def distribute(total: Decimal, shares: Sequence[Decimal], unit: Decimal) -> list[Decimal]:
    """Return rounded shares that sum to ``total`` exactly; missing units go to the largest
    remainders.

    ``total`` must be a multiple of ``unit``. Ties go to the earlier share, so that the same input
    always gives the same lines.
    """
    amounts = [rounded(share, unit) for share in shares]
    missing = int((total - sum(amounts, Decimal(0))) / unit)
    if not missing or not shares:
        return amounts
    step = unit if missing > 0 else -unit
    order = sorted(range(len(shares)), key=lambda i: (-(shares[i] - amounts[i]) * step, i))
    for turn in range(abs(missing)):
        amounts[order[turn % len(order)]] += step
    return amounts
