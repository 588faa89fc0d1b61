"""Exchanges as plain values between the database and the pure core."""

from __future__ import annotations

from dataclasses import dataclass

from .life import Life, Turn
from .outcomes import Finding


@dataclass(frozen=True, slots=True)
class Row:
    """One exchange as read under a row lock. ``life`` moves; the rest never changes."""

    id: int
    connection_id: int
    company_id: int
    operation: str
    key: str
    correlation_id: str
    sha256: str
    contract_version: str
    document_model: str
    document_id: int
    document_name: str
    has_owner: bool
    token: str
    life: Life

    @property
    def name(self) -> str:
        """As it is called on screens and in evidence."""
        return self.document_name or f"{self.operation} {self.id}"


@dataclass(frozen=True, slots=True)
class Move:
    """What becomes of one exchange. ``token`` and ``worker_id`` are set while a step is on its way, else cleared."""

    row: Row
    turn: Turn
    reason: str
    findings: tuple[Finding, ...] | None = None
    answered: bool = False
    sent: bool = False
    token: str | None = None
    worker_id: int | None = None

    @property
    def moved(self) -> bool:
        """The state itself changes, which is told and recorded."""
        return self.turn.life.state != self.row.life.state

    def as_json(self) -> dict:
        """The values of ``move.sql``."""
        life = self.turn.life
        findings = None if self.findings is None else [item.as_dict() for item in self.findings]
        return {
            "id": self.row.id,
            "state": life.state,
            "moved": self.moved,
            "reason": self.reason,
            "due_in": self.turn.due_in,
            "send_count": life.send_count,
            "tries": life.tries,
            "step_count": life.step_count,
            "maybe_sent": life.maybe_sent,
            "in_doubt": life.in_doubt,
            "reference": life.reference or None,
            "findings": findings,
            "answered": self.answered,
            "sent": self.sent,
            "token": self.token,
            "worker_id": self.worker_id,
            "tell": self.row.has_owner and self.moved and life.state != "sending",
        }
