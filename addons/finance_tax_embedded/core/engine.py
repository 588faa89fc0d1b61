"""The embedded engine: a document and a rule book give a tax answer, or a typed error.

Lines that share supply kind and tax category share one decision, so a thousand lines cost a handful
of decisions.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from odoo.addons.finance_connector_base.core import contract
from odoo.addons.finance_tax_engine.core.amounts import Share, percent, tax_details
from odoo.addons.finance_tax_engine.core.errors import MissingFact
from odoo.addons.finance_tax_engine.core.rounding import Precision

from . import selection
from .facts import CATEGORY, Jurisdiction, Rule, RuleBook
from .place import place
from .supply import PlaceOfSupply, Situation, Verdict

NAME = "embedded"
VERSION = "1.0"


@dataclass(frozen=True, slots=True)
class Decision:
    """What is due on one kind of line, and why."""

    shares: tuple[Share, ...]
    explanation: tuple[contract.Statement, ...]


def determine(
    document: contract.Document, book: RuleBook, precision: Precision, now: dt.datetime
) -> contract.TaxAnswer:
    """Return the answer for every line of ``document``."""
    date = tax_date(document)
    decisions: dict[tuple[str, str], Decision] = {}
    for line in document.lines:
        key = (line.supply, line.tax_category)
        if key not in decisions:
            decisions[key] = decide(situation_of(document, line, book, date), line.tax_category)
    details = tax_details(
        document, {key: decision.shares for key, decision in decisions.items()}, precision
    )
    return contract.TaxAnswer(
        engine=NAME,
        engine_version=VERSION,
        fingerprint=contract.fingerprint(document),
        determined_at=now,
        currency=document.currency,
        details=details,
        explanation=tuple(
            statement for decision in decisions.values() for statement in decision.explanation
        ),
    )


def tax_date(document: contract.Document) -> dt.date:
    """Return the date whose rules apply: a credit note follows the supply it corrects."""
    original = document.original
    if document.kind == "credit_note" and original and original.tax_date:
        return original.tax_date
    return document.tax_date


def situation_of(
    document: contract.Document, line: contract.Line, book: RuleBook, date: dt.date
) -> Situation:
    """Return what the place of supply of ``line`` depends on."""
    return Situation(
        book=book,
        supply=line.supply,
        date=date,
        seller=document.seller,
        buyer=document.buyer,
        ship_from=document.ship_from or document.seller.address,
        ship_to=document.ship_to or document.buyer.address,
    )


def decide(situation: Situation, category: str) -> Decision:
    """Decide by the place of supply first; then, if the place taxes, one rule per jurisdiction."""
    where = place(situation)
    if where.verdict:
        shares = (_verdict_share(where.path[0], where.verdict),)
        basis = [{"rule": where.verdict.rule}]
    else:
        rules = _rules(situation, where, category)
        shares = tuple(_rule_share(rule, item) for item, rule in rules)
        basis = [_basis(rule) for _item, rule in rules]
    decided = tuple(
        _decided(situation.supply, category, share, facts)
        for share, facts in zip(shares, basis, strict=True)
    )
    return Decision(shares, (*decided, *where.why))


def _rules(
    situation: Situation, where: PlaceOfSupply, category: str
) -> list[tuple[Jurisdiction, Rule]]:
    """Return the rules that apply: sales taxes add up along the path; of VAT the smallest area that
    has a rule decides.
    """
    conditions: selection.Conditions = {
        "category": category,
        "customer": situation.customer,
        "supply": situation.supply,
        "date": situation.date,
    }
    book = situation.book
    if not where.path:
        raise MissingFact("delivery_area")
    if where.path[0].tax_type == "sales":
        return [(item, selection.select(book, item, **conditions)) for item in where.path]
    for item in reversed(where.path[1:]):
        if selection.fitting(book, item, **conditions):
            return [(item, selection.select(book, item, **conditions))]
    return [(where.path[0], selection.select(book, where.path[0], **conditions))]


def _rule_share(rule: Rule, jurisdiction: Jurisdiction) -> Share:
    return Share(
        jurisdiction=jurisdiction.to_contract(),
        tax_type=jurisdiction.tax_type,
        category=CATEGORY[rule.treatment],
        rate=rule.rate if rule.treatment == "taxable" else Decimal(0),
        rule=rule.name,
        reason=rule.reason,
        reason_code=rule.reason_code,
        legal_reference=rule.legal_reference,
    )


def _verdict_share(jurisdiction: Jurisdiction, verdict: Verdict) -> Share:
    return Share(
        jurisdiction=jurisdiction.to_contract(),
        tax_type=jurisdiction.tax_type,
        category=verdict.category,
        rate=Decimal(0),
        rule=verdict.rule,
        reason=verdict.reason,
        reason_code=verdict.reason_code,
        legal_reference=verdict.legal_reference,
    )


def _basis(rule: Rule) -> dict[str, str]:
    """Return where a rule comes from, as arguments."""
    since = "" if rule.valid_from == dt.date.min else str(rule.valid_from)
    return {"rule": rule.name, "since": since, "source": rule.source}


def _decided(supply: str, category: str, share: Share, basis: dict[str, str]) -> contract.Statement:
    """Return what is due to whom on one kind of line, and by which rule."""
    args = {
        "supply": supply,
        "category": category,
        "place": share.jurisdiction.code,
        "tax_type": share.tax_type,
        "un_category": share.category,
        "rate": percent(share.rate),
        "reason": share.reason,
        "legal_reference": share.legal_reference,
        **basis,
    }
    kept = {name: value for name, value in args.items() if value}
    return contract.Statement(code="tax.decided", args=kept)
