"""What every answer must satisfy before its amounts may touch a document, whoever gave it."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

from odoo.addons.finance_connector_base.core import contract

from .amounts import percent
from .errors import IncompleteAnswer
from .rounding import rounded

#: Jurisdiction, type, category, rate and reason code: what one Odoo tax stands for.
TaxKey = tuple[str, str, str, str, str]


def tax_key(detail: contract.TaxDetail) -> TaxKey:
    """Return the identity of the Odoo tax that carries ``detail``."""
    return (
        detail.jurisdiction.code,
        detail.tax_type,
        detail.category,
        percent(detail.rate),
        detail.reason_code,
    )


def check_answer(
    document: contract.Document, answer: contract.TaxAnswer, unit: Decimal, company_unit: Decimal
) -> None:
    """Refuse an answer for something else, with gaps, or with amounts a ledger cannot hold."""
    if answer.fingerprint != contract.fingerprint(document):
        raise IncompleteAnswer("document")
    if answer.currency != document.currency:
        raise IncompleteAnswer("currency", currency=answer.currency)
    lines = {line.id for line in document.lines}
    answered = {detail.line_id for detail in answer.details}
    if lines != answered:
        raise IncompleteAnswer("lines", answered=len(answered & lines), lines=len(lines))
    for detail in answer.details:
        _check_detail(detail, unit, company_unit)


def _check_detail(detail: contract.TaxDetail, unit: Decimal, company_unit: Decimal) -> None:
    amounts = ((detail.tax, unit), (detail.tax_company, company_unit))
    if any(amount != rounded(amount, step) for amount, step in amounts):
        raise IncompleteAnswer("precision", tax=detail.tax)
    if detail.category != "S" and detail.tax:
        raise IncompleteAnswer("category", tax=detail.tax, category=detail.category)


def by_line(answer: contract.TaxAnswer) -> dict[str, list[contract.TaxDetail]]:
    """Return the details of each line id."""
    found: dict[str, list[contract.TaxDetail]] = defaultdict(list)
    for detail in answer.details:
        found[detail.line_id].append(detail)
    return dict(found)
