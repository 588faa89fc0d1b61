"""Faults on demand: which request fails, how, and how often.

The first rule that matches a request is used up by it. A kind in ``AFTER_EFFECT`` lets the effect
happen and corrupts the answer only; if the request turns out to have no effect (it was refused), the
rule is given back, so ``times`` counts effects, not attempts. Draws of a probability are made from
the seed and the request's tracking id: the same document gets the same result in every run,
whatever the order of arrival.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from .checks import Field, object_problems
from .values import Call

BEFORE_EFFECT = ("drop_before", "delay_before", "status")
AFTER_EFFECT = (
    "drop_after",
    "delay",
    "status_after",
    "malformed_body",
    "wrong_content_type",
    "slow_body",
    "cut_body",
)
TIMED = ("delay", "delay_before", "slow_body")
WITH_STATUS = ("status", "status_after")
MAX_SECONDS = 3600

FIELDS = {
    "kind": Field(required=True, choices=BEFORE_EFFECT + AFTER_EFFECT),
    "provider": Field(),
    "operation": Field(),
    "tracking_id": Field(),
    "text": Field(),
    "times": Field(int, nullable=True, at_least=1),
    "probability": Field(float, at_least=0, at_most=1),
    "seed": Field(int),
    "seconds": Field(float, at_least=0, at_most=MAX_SECONDS),
    "status": Field(int, at_least=400, at_most=599),
    "retry_after": Field(int, at_least=0),
    "body": Field(),
    "content_type": Field(),
}


@dataclass
class Fault:
    kind: str
    provider: str = "*"
    operation: str = "*"
    tracking_id: str | None = None
    text: str | None = None
    times: int | None = 1
    probability: float | None = None
    seed: int = 0
    seconds: float = 0
    status: int = 503
    retry_after: int | None = None
    body: str | None = None
    content_type: str = "application/json"
    id: int = 0
    used: int = 0
    draws: Counter[str] = field(default_factory=Counter, repr=False)

    @property
    def after_effect(self) -> bool:
        return self.kind in AFTER_EFFECT

    @property
    def spent(self) -> bool:
        return self.times is not None and self.used >= self.times

    def matches(
        self, provider: str, operation: str, call: Call, tracking_id: Callable[[], str | None]
    ) -> bool:
        return (
            self.provider in ("*", provider)
            and self.operation in ("*", operation)
            and (self.text is None or call.mentions(self.text))
            and (self.tracking_id is None or self.tracking_id == tracking_id())
        )

    def is_drawn(self, tracking_id: Callable[[], str | None]) -> bool:
        if self.probability is None:
            return True
        key = tracking_id() or ""
        self.draws[key] += 1
        draw = hashlib.sha256(f"{self.seed}:{key}:{self.draws[key]}".encode()).digest()
        return int.from_bytes(draw[:8], "big") / 2**64 < self.probability

    def report(self) -> dict[str, Any]:
        shown = {name: value for name, value in asdict(self).items() if name != "draws"}
        return {**shown, "spent": self.spent}


def fault_problems(spec: Any) -> list[str]:
    found = object_problems(spec, FIELDS, "fault", closed=True)
    if found:
        return found
    if spec["kind"] in TIMED and "seconds" not in spec:
        found.append(f"fault.seconds: {spec['kind']} needs it")
    if spec["kind"] in WITH_STATUS and "status" not in spec:
        found.append(f"fault.status: {spec['kind']} needs it")
    return found


class FaultRules:
    """The rules, oldest first."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self._last_id = 0

    def add(self, spec: Mapping[str, Any]) -> Fault:
        """File a rule. With a probability and no count it stays until it is cleared."""
        self._last_id += 1
        unlimited = {"times": None} if "probability" in spec else {}
        fault = Fault(**{**unlimited, **spec}, id=self._last_id)
        self.faults.append(fault)
        return fault

    def take(
        self, provider: str, operation: str, call: Call, tracking_id: Callable[[], str | None]
    ) -> Fault | None:
        for fault in self.faults:
            if (
                not fault.spent
                and fault.matches(provider, operation, call, tracking_id)
                and fault.is_drawn(tracking_id)
            ):
                fault.used += 1
                return fault
        return None

    def give_back(self, fault: Fault) -> None:
        fault.used -= 1

    def remove(self, fault_id: int) -> bool:
        kept = [fault for fault in self.faults if fault.id != fault_id]
        removed = len(kept) < len(self.faults)
        self.faults = kept
        return removed

    def clear(self) -> None:
        self.faults = []
