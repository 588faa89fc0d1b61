"""From rates to amounts: details per line and jurisdiction that add up in both currencies (T1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from odoo.addons.finance_connector_base.core import contract

from .rounding import Precision, distribute, rounded, to_company


@dataclass(frozen=True, slots=True)
class Share:
    """What one jurisdiction charges on one kind of line."""

    jurisdiction: contract.Jurisdiction
    tax_type: contract.TaxType
    category: contract.TaxCategory
    rate: Decimal
    rule: str = ""
    reason: str = ""
    reason_code: str = ""
    legal_reference: str = ""


def percent(rate: Decimal) -> str:
    """Return a rate without trailing zeros: ``5.5``."""
    text = format(rate, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def tax_details(
    document: contract.Document,
    shares: Mapping[tuple[str, str], tuple[Share, ...]],
    precision: Precision,
) -> tuple[contract.TaxDetail, ...]:
    """Return one detail per line and share. ``shares`` is keyed by (supply, tax category)."""
    pairs = [
        (line, share)
        for line in document.lines
        for share in shares[(line.supply, line.tax_category)]
    ]
    by_tax: dict[Share, list[int]] = {}
    for index, (_line, share) in enumerate(pairs):
        by_tax.setdefault(share, []).append(index)
    taxes: dict[int, tuple[Decimal, Decimal]] = {}
    for share, indexes in by_tax.items():
        nets = [pairs[index][0].net_amount for index in indexes]
        amounts = _taxes(nets, share.rate, document.currency_rate, precision)
        taxes.update(zip(indexes, amounts, strict=True))
    return tuple(
        _detail(line, share, *taxes[index], document, precision)
        for index, (line, share) in enumerate(pairs)
    )


def _taxes(
    nets: list[Decimal], rate: Decimal, currency_rate: Decimal, precision: Precision
) -> list[tuple[Decimal, Decimal]]:
    """Return the tax of each line in document and company currency, rounded by the company's method."""
    exact = [net * rate / 100 for net in nets]
    if precision.method == "line":
        amounts = [rounded(amount, precision.document) for amount in exact]
        company = [to_company(amount, currency_rate, precision.company) for amount in amounts]
        return list(zip(amounts, company, strict=True))
    total = rounded(sum(exact, Decimal(0)), precision.document)
    amounts = distribute(total, exact, precision.document)
    company_total = to_company(total, currency_rate, precision.company)
    company = distribute(
        company_total, [amount / currency_rate for amount in amounts], precision.company
    )
    return list(zip(amounts, company, strict=True))


def _detail(
    line: contract.Line,
    share: Share,
    tax: Decimal,
    tax_company: Decimal,
    document: contract.Document,
    precision: Precision,
) -> contract.TaxDetail:
    return contract.TaxDetail(
        line_id=line.id,
        jurisdiction=share.jurisdiction,
        tax_type=share.tax_type,
        category=share.category,
        rate=share.rate,
        taxable=line.net_amount,
        tax=tax,
        taxable_company=to_company(line.net_amount, document.currency_rate, precision.company),
        tax_company=tax_company,
        rule=share.rule,
        reason=share.reason,
        reason_code=share.reason_code,
        legal_reference=share.legal_reference,
    )
