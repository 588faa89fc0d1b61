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
from fnmatch import fnmatchcase
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
#: These concern single items of a batch; the operation itself carries them out.
ITEM_FAULTS = ("items_missing", "items_lost", "items_repeated")
TIMED = ("delay", "delay_before", "slow_body")
WITH_STATUS = ("status", "status_after")
MAX_SECONDS = 3600

FIELDS = {
    "kind": Field(required=True, choices=BEFORE_EFFECT + AFTER_EFFECT + ITEM_FAULTS),
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
    "items": Field(list, items=Field()),
    "share": Field(float, at_least=0, at_most=1),
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
    items: list[str] = field(default_factory=list)
    share: float | None = None
    id: int = 0
    used: int = 0
    draws: Counter[str] = field(default_factory=Counter, repr=False)

    @property
    def after_effect(self) -> bool:
        return self.kind in AFTER_EFFECT

    def concerns(self, kind: str, item: str) -> bool:
        """Whether the fault is of this kind and meets this item of a batch, in every run alike."""
        if self.kind != kind or (self.items and not any(fnmatchcase(item, p) for p in self.items)):
            return False
        return self.share is None or draw(self.seed, kind, item) < self.share

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
        return draw(self.seed, key, self.draws[key]) < self.probability

    def report(self) -> dict[str, Any]:
        shown = {name: value for name, value in asdict(self).items() if name != "draws"}
        return {**shown, "spent": self.spent}


def draw(*seed: object) -> float:
    """Return a number from 0 to 1 that depends on nothing but the seed."""
    digest = hashlib.sha256(":".join(map(str, seed)).encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


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
        self,
        provider: str,
        operation: str,
        call: Call,
        tracking_id: Callable[[], str | None],
        *,
        items: bool = False,
    ) -> Fault | None:
        """Return the first rule that matches, used up by this; ``items`` for answers on many items."""
        for fault in self.faults:
            if (
                not fault.spent
                and (items or fault.kind not in ITEM_FAULTS)
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
