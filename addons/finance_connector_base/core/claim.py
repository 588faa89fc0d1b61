"""One claimed step of an exchange as plain values, for a sending thread."""

from __future__ import annotations

from dataclasses import dataclass

from .courier import Courier
from .protocol import Call, Step


@dataclass(frozen=True, slots=True)
class Claim:
    """``token`` is the fencing token: the answer counts only while the exchange still carries it (X4)."""

    exchange_id: int
    attempt_id: int
    token: str
    step: Step
    call: Call
    courier: Courier
