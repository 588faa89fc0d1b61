"""The most specific valid rule wins; no winner is a configuration error, never a coin toss.

A rule made for the company precedes shared rules. Among those left, rule A is more specific than
rule B if A restricts everything B restricts and something more. The winner must be more specific
than every other fitting rule.
"""

from __future__ import annotations

import datetime as dt

from .errors import AmbiguousRule, NoRule
from .facts import Jurisdiction, Rule, RuleBook


def fitting(
    book: RuleBook,
    jurisdiction: Jurisdiction,
    *,
    category: str,
    customer: str,
    supply: str,
    date: dt.date,
) -> list[Rule]:
    """Every rule of ``jurisdiction`` whose conditions hold; only the company's own ones if there
    are any.
    """
    rules = [
        rule
        for rule in book.rules.get(jurisdiction.code, ())
        if rule.fits(category=category, customer=customer, supply=supply, date=date)
    ]
    return [rule for rule in rules if rule.own] or rules


def most_specific(rules: list[Rule]) -> Rule:
    """The one rule that is more specific than all others in ``rules`` (not empty)."""
    winner = max(rules, key=lambda rule: len(rule.conditions()))
    rivals = [
        rule for rule in rules if rule is not winner and not rule.conditions() < winner.conditions()
    ]
    if rivals:
        names = ", ".join(sorted(f"“{rule.name}”" for rule in [winner, *rivals]))
        raise AmbiguousRule(f"Equally specific tax rules fit: {names}.")
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
    """The rule that decides, or a typed error."""
    rules = fitting(
        book, jurisdiction, category=category, customer=customer, supply=supply, date=date
    )
    if not rules:
        raise NoRule(
            f"No tax rule of {jurisdiction.name} ({jurisdiction.code}) covers {supply} of category "
            f"“{book.categories.get(category, category)}” for a {customer} on {date}."
        )
    return most_specific(rules)


def overlapping(rules: list[Rule]) -> list[tuple[Rule, Rule]]:
    """Pairs of rules that restrict the same things to the same values in overlapping periods."""
    seen: dict[tuple[object, ...], list[Rule]] = {}
    pairs = []
    for rule in rules:
        key = (rule.jurisdiction, rule.category, rule.customer, rule.supply, rule.own)
        for other in seen.setdefault(key, []):
            if rule.valid_from <= other.valid_to and other.valid_from <= rule.valid_to:
                pairs.append((other, rule))
        seen[key].append(rule)
    return pairs
