"""The most specific valid rule wins; no winner is a configuration error, never a coin toss.

A rule made for the company precedes shared rules. Among those left, rule A is more specific than
rule B if A restricts everything B restricts and something more. The winner must be more specific
than every other fitting rule.
"""

from __future__ import annotations

import datetime as dt
from typing import TypedDict

from odoo.addons.finance_tax_engine.core.errors import AmbiguousRule, NoRule

from .facts import Jurisdiction, Rule, RuleBook


class Conditions(TypedDict):
    """What a rule can be restricted to."""

    category: str
    customer: str
    supply: str
    date: dt.date


def fitting(
    book: RuleBook,
    jurisdiction: Jurisdiction,
    *,
    category: str,
    customer: str,
    supply: str,
    date: dt.date,
) -> list[Rule]:
    """Return every rule of ``jurisdiction`` whose conditions hold; only the company's own ones if there
    are any.
    """
    rules = [
        rule
        for rule in book.rules.get(jurisdiction.code, ())
        if rule.fits(category=category, customer=customer, supply=supply, date=date)
    ]
    return [rule for rule in rules if rule.own] or rules


def most_specific(rules: list[Rule]) -> Rule:
    """Return the one rule that is more specific than all others in ``rules`` (not empty)."""
    winner = max(rules, key=lambda rule: len(rule.conditions()))
    rivals = [
        rule for rule in rules if rule is not winner and not rule.conditions() < winner.conditions()
    ]
    if rivals:
        names = "\n".join(sorted(rule.name for rule in [winner, *rivals]))
        raise AmbiguousRule("rules", rules=names)
    return winner


def select(
    book: RuleBook,
    jurisdiction: Jurisdiction,
    *,
    category: str,
    customer: str,
    supply: str,
    date: dt.date,
) -> Rule:
    """Return the rule that decides; without one, raise a typed error."""
    rules = fitting(
        book, jurisdiction, category=category, customer=customer, supply=supply, date=date
    )
    if not rules:
        raise NoRule(
            f"rule_{supply}_{customer}",
            jurisdiction=jurisdiction.code,
            category=category,
            date=date,
        )
    return most_specific(rules)


def overlapping(rules: list[Rule]) -> list[tuple[Rule, Rule]]:
    """Return pairs of rules that restrict the same things to the same values in overlapping periods."""
    seen: dict[tuple[object, ...], list[Rule]] = {}
    pairs: list[tuple[Rule, Rule]] = []
    for rule in rules:
        key = (rule.jurisdiction, rule.category, rule.customer, rule.supply, rule.own)
        for other in seen.setdefault(key, []):
            if rule.valid_from <= other.valid_to and other.valid_from <= rule.valid_to:
                pairs.append((other, rule))
        seen[key].append(rule)
    return pairs
