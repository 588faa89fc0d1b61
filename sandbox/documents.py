"""What arrives at an authority, and how the authority files it."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import cached_property
from typing import Any

from .clock import to_text
from .verdicts import ACCEPTED

IDENTITY = ("number", "seller", "kind", "period")


@dataclass(frozen=True)
class Arrival:
    """What a provider recognised in a request that has an effect.

    ``number``, ``seller``, ``kind`` and ``period`` together are the document's natural key.
    """

    reference: str
    content: bytes
    tracking_id: str | None = None
    number: str | None = None
    seller: str | None = None
    buyer: str | None = None
    kind: str | None = None
    period: str | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    @property
    def facts(self) -> dict[str, str | None]:
        """What verdict rules can match."""
        names = ("number", "tracking_id", "seller", "buyer")
        return {name: getattr(self, name) for name in names}

    def columns(self) -> dict[str, Any]:
        return {
            **self.facts,
            "reference": self.reference,
            "kind": self.kind,
            "period": self.period,
            "sha256": self.sha256,
            "size": len(self.content),
            "attributes": json.dumps(dict(self.attributes)),
            "content": self.content,
        }


@dataclass(frozen=True)
class Document:
    """One document: received, or ``issued`` by the provider. ``outcome`` is its state once decided."""

    id: int
    provider: str
    reference: str
    tracking_id: str | None
    number: str | None
    seller: str | None
    buyer: str | None
    kind: str | None
    period: str | None
    sha256: str
    size: int
    received_at: int
    updated_at: int
    state: str
    outcome: str | None
    reasons: list[dict[str, Any]]
    due_at: int | None
    looks: int | None
    attributes: dict[str, Any]
    issued: int = 0

    @classmethod
    def of(cls, row: sqlite3.Row) -> Document:
        values = dict(row)
        values["reasons"] = json.loads(values["reasons"])
        values["attributes"] = json.loads(values["attributes"])
        return cls(**values)

    @classmethod
    def columns(cls) -> str:
        """Return what to select to make one; the content is left where it is."""
        return ", ".join(field.name for field in fields(cls))

    @property
    def held(self) -> bool:
        """Whether the authority legally has it."""
        return self.state == ACCEPTED

    @property
    def natural_key(self) -> tuple[str | None, ...]:
        return tuple(getattr(self, name) for name in IDENTITY)

    def report(self) -> dict[str, Any]:
        """Return the document as the control API shows it."""
        hidden = ("id", "provider", "outcome", "due_at", "looks", "issued")
        shown = {name: value for name, value in asdict(self).items() if name not in hidden}
        shown["received_at"] = to_text(self.received_at)
        shown["updated_at"] = to_text(self.updated_at)
        return {**shown, "held": self.held}
