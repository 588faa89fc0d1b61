"""Answers made from an earlier answer: a full reversal (T6) and the last known rates (T4)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal

from odoo.addons.finance_connector_base.core import contract

from .amounts import Share, tax_details
from .errors import NoRule
from .rounding import Precision, distribute, to_company

REVERSAL = "reversal"
LAST_KNOWN = "last_known"


def reversal(
    document: contract.Document,
    original: contract.Document,
    answer: contract.TaxAnswer,
    precision: Precision,
    now: dt.datetime,
) -> contract.TaxAnswer | None:
    """Return the answer of a credit note that reverses all of ``original``, exact; None if it does not
    reverse all of it.

    Lines are matched by what they sell, never by position; lines that are equal in everything are
    interchangeable.
    """
    matched = match_lines(document.lines, original.lines)
    if matched is None or document.currency != original.currency:
        return None
    by_line: dict[str, list[contract.TaxDetail]] = {}
    for detail in answer.details:
        by_line.setdefault(detail.line_id, []).append(detail)
    details = [
        detail.model_copy(update={"line_id": line_id})
        for line_id, original_id in matched.items()
        for detail in by_line.get(original_id, ())
    ]
    if document.currency_rate != original.currency_rate:
        details = _revalued(details, document.currency_rate, precision)
    return contract.TaxAnswer(
        engine=REVERSAL,
        engine_version=answer.engine_version,
        fingerprint=contract.fingerprint(document),
        determined_at=now,
        currency=document.currency,
        details=tuple(details),
        explanation=(
            contract.Statement(
                code="tax.reversal",
                args={"document": _name(document, original), "date": str(original.tax_date)},
            ),
            *answer.explanation,
        ),
    )


def _name(document: contract.Document, original: contract.Document) -> str:
    """Return the number of the reversed document; at its determination it may have had none."""
    known = document.original.number if document.original else ""
    return known or original.number or original.id


def match_lines(
    lines: Iterable[contract.Line], originals: Iterable[contract.Line]
) -> dict[str, str] | None:
    """Return line id → original line id if both sell exactly the same, else None."""
    waiting: dict[tuple[object, ...], list[str]] = {}
    for line in originals:
        waiting.setdefault(_sold(line), []).append(line.id)
    matched: dict[str, str] = {}
    for line in lines:
        candidates = waiting.get(_sold(line))
        if not candidates:
            return None
        matched[line.id] = candidates.pop(0)
    return None if any(waiting.values()) else matched


def _sold(line: contract.Line) -> tuple[object, ...]:
    fields = ("product_code", "tax_category", "supply", "description")
    amounts = (line.quantity, line.unit_price, line.discount_percent, line.net_amount)
    return (*(getattr(line, name) for name in fields), *amounts)


def _revalued(
    details: list[contract.TaxDetail], rate: Decimal, precision: Precision
) -> list[contract.TaxDetail]:
    """Return company amounts at another exchange rate: each jurisdiction's total is converted, then
    distributed to its lines.
    """
    groups: dict[tuple[object, ...], list[int]] = {}
    for index, detail in enumerate(details):
        key = (detail.jurisdiction.code, detail.tax_type, detail.category, detail.rate, detail.rule)
        groups.setdefault(key, []).append(index)
    company: dict[int, Decimal] = {}
    for indexes in groups.values():
        taxes = [details[index].tax for index in indexes]
        total = to_company(sum(taxes, Decimal(0)), rate, precision.company)
        parts = distribute(total, [tax / rate for tax in taxes], precision.company)
        company.update(zip(indexes, parts, strict=True))
    return [
        detail.model_copy(
            update={
                "tax_company": company[index],
                "taxable_company": to_company(detail.taxable, rate, precision.company),
            }
        )
        for index, detail in enumerate(details)
    ]


def last_known(
    document: contract.Document,
    earlier: contract.Document,
    answer: contract.TaxAnswer,
    precision: Precision,
    now: dt.datetime,
) -> contract.TaxAnswer:
    """Tax ``document`` with the rates an earlier answer gave to the same parties, addresses and
    kinds of lines.
    """
    if _parties(document) != _parties(earlier):
        raise NoRule("last_known_parties")
    details_of: dict[str, list[contract.TaxDetail]] = {}
    for detail in answer.details:
        details_of.setdefault(detail.line_id, []).append(detail)
    shares: dict[tuple[str, str], tuple[Share, ...]] = {}
    for line in earlier.lines:
        shares[(line.supply, line.tax_category)] = tuple(map(_share, details_of.get(line.id, ())))
    missing = {(line.supply, line.tax_category) for line in document.lines} - {
        key for key, value in shares.items() if value
    }
    if missing:
        kinds = "\n".join(sorted(f"{supply}/{category}" for supply, category in missing))
        raise NoRule("last_known_kinds", kinds=kinds)
    return contract.TaxAnswer(
        engine=LAST_KNOWN,
        engine_version=answer.engine_version,
        fingerprint=contract.fingerprint(document),
        determined_at=now,
        currency=document.currency,
        details=tax_details(document, shares, precision),
        explanation=(
            contract.Statement(
                code="tax.last_known", args={"date": f"{answer.determined_at:%Y-%m-%d}"}
            ),
        ),
    )


def _parties(document: contract.Document) -> tuple[object, ...]:
    """Return what must be equal for an earlier rate to apply: parties and addresses, not names."""
    return tuple(
        value
        for party in (document.seller, document.buyer)
        for value in (party.is_business, _numbers(party), party.address)
    ) + (document.ship_from, document.ship_to)


def _numbers(party: contract.Party) -> tuple[contract.Identifier, ...]:
    """Return the identifiers without proof numbers: each check of the same number gives a new one."""
    return tuple(item for item in party.identifiers if item.scheme not in contract.PROOF_SCHEMES)


def _share(detail: contract.TaxDetail) -> Share:
    names = ("jurisdiction", "tax_type", "category", "rate", "rule")
    reasons = ("reason", "reason_code", "legal_reference")
    return Share(**{name: getattr(detail, name) for name in (*names, *reasons)})
