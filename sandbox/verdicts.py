"""What the authority will decide about a document, and when: rules set by the control API.

A rule uses generic outcomes (accepted, rejected); the provider maps them to its own.
The first rule that matches decides; without one the default rule does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from .checks import Field, object_problems

PENDING, ACCEPTED, REJECTED = "pending", "accepted", "rejected"
OUTCOMES = {"accept": ACCEPTED, "late": ACCEPTED, "reject": REJECTED, "never": None}
MATCHERS = ("number", "tracking_id", "seller", "buyer")
FIELDS = {
    "verdict": Field(required=True, choices=tuple(OUTCOMES)),
    "provider": Field(),
    **{name: Field() for name in MATCHERS},
    "reasons": Field(list, items=Field(dict)),
    "seconds": Field(float, at_least=0, at_most=10_000_000),
    "looks": Field(int, at_least=0, at_most=1_000_000),
    "times": Field(int, nullable=True, at_least=1),
}


@dataclass(frozen=True)
class Plan:
    """What becomes of one document: the outcome (``None``: never decided), its reasons, and when."""

    outcome: str | None = ACCEPTED
    reasons: tuple[dict[str, Any], ...] = ()
    seconds: float = 0
    looks: int = 0

    @property
    def immediate(self) -> bool:
        return self.outcome is not None and not self.seconds and not self.looks


@dataclass
class VerdictRule:
    verdict: str = "accept"
    provider: str = "*"
    number: str | None = None
    tracking_id: str | None = None
    seller: str | None = None
    buyer: str | None = None
    reasons: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0
    looks: int = 0
    times: int | None = None
    id: int = 0
    used: int = 0

    def matches(self, provider: str, facts: Mapping[str, str | None]) -> bool:
        if self.provider not in ("*", provider) or (self.times and self.used >= self.times):
            return False
        wanted = {name: getattr(self, name) for name in MATCHERS}
        return all(
            pattern is None or facts.get(name) == pattern or glob(facts.get(name), pattern)
            for name, pattern in wanted.items()
        )

    def plan(self) -> Plan:
        return Plan(OUTCOMES[self.verdict], tuple(self.reasons), self.seconds, self.looks)


def glob(value: str | None, pattern: str) -> bool:
    return value is not None and fnmatchcase(value, pattern)


def rule_problems(spec: Any) -> list[str]:
    found = object_problems(spec, FIELDS, "verdict", closed=True)
    if not found and spec["verdict"] == "late" and not (spec.get("seconds") or spec.get("looks")):
        found.append("verdict: late needs seconds or looks")
    if not found and spec.get("seconds") and spec.get("looks"):
        found.append("verdict: either seconds or looks, not both")
    return found


class VerdictRules:
    """The rules in the order they were added, and the default."""

    def __init__(self) -> None:
        self.default = VerdictRule()
        self.rules: list[VerdictRule] = []
        self._last_id = 0

    def add(self, spec: Mapping[str, Any]) -> VerdictRule:
        self._last_id += 1
        rule = VerdictRule(**spec, id=self._last_id)
        self.rules.append(rule)
        return rule

    def remove(self, rule_id: int) -> bool:
        kept = [rule for rule in self.rules if rule.id != rule_id]
        removed = len(kept) < len(self.rules)
        self.rules = kept
        return removed

    def clear(self) -> None:
        self.default = VerdictRule()
        self.rules = []

    def plan(self, provider: str, facts: Mapping[str, str | None]) -> Plan:
        for rule in self.rules:
            if rule.matches(provider, facts):
                rule.used += 1
                return rule.plan()
        return self.default.plan()

    def dump(self) -> dict[str, Any]:
        return {"default": asdict(self.default), "rules": [asdict(rule) for rule in self.rules]}

    def load(self, state: Mapping[str, Any]) -> None:
        self.default = VerdictRule(**state["default"])
        self.rules = [VerdictRule(**rule) for rule in state["rules"]]
        self._last_id = max([rule.id for rule in self.rules], default=0)
