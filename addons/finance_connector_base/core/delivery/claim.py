"""A claimed step as plain values, for a sending thread."""

from __future__ import annotations

from dataclasses import dataclass

from ..http.client import ProviderClient
from ..protocol import Call, Step


@dataclass(frozen=True, slots=True)
class Claim:
    """``token`` is the fencing token: the answer counts only while the exchange still carries it (X4)."""

    connection_id: int
    exchange_id: int
    attempt_id: int
    token: str
    step: Step
    call: Call
    client: ProviderClient
    worker_id: int | None = None


@dataclass(frozen=True, slots=True)
class Probe:
    """A harmless question to a provider whose breaker is open."""

    connection_id: int
    client: ProviderClient
    token: str = ""
