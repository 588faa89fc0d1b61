"""Circuit breaker of one connection: stop calling a provider that is away, let one call find out when it is back.

::

    closed ──(threshold failures in a row)──▶ open ──(time up, harmless probe answered)──▶ half_open
      ▲                                        ▲ └──(probe failed: twice as long, up to the ceiling)
      └────────(the one trial succeeded)───────┴──────────(the one trial failed)───────────┘

An open breaker makes no calls but the probe, and the probe is a request without effect, so an outage of any length
costs no exchange an attempt (X9). The state lives in the gate row; times are seconds since the epoch by the
database's clock.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from .outcomes import AuthFailed, ContractBroken, Outcome, Transient, Unknown

CLOSED = "closed"
OPEN = "open"
HALF_OPEN = "half_open"

CEILING_SECONDS = 300.0
#: A worker that died while probing must not keep the breaker open for ever.
PROBE_LEASE_SECONDS = 45.0

#: The provider could not be used; anything else, a rejection or "too many calls" included, is a provider that works.
FAILURES = (Transient, Unknown, ContractBroken, AuthFailed)


def is_failure(outcome: Outcome) -> bool:
    """Whether an outcome says that the provider, not the document, is the trouble."""
    return isinstance(outcome, FAILURES)


@dataclass(frozen=True, slots=True)
class Breaker:
    """``failures`` in a row while closed; ``openings`` in a row; ``until`` when an open one may be probed."""

    state: Literal["closed", "open", "half_open"] = CLOSED
    failures: int = 0
    openings: int = 0
    until: float = 0.0
    threshold: int = 5
    base_seconds: float = 10.0

    def admits(self, in_flight: int, wanted: int) -> int:
        """How many calls may start now, of ``wanted``, while ``in_flight`` are on their way."""
        if self.state == OPEN:
            return 0
        if self.state == HALF_OPEN:
            return 0 if in_flight else min(1, wanted)
        return wanted

    def wants_probe(self, now: float) -> bool:
        """The time to ask whether the provider is back has come."""
        return self.state == OPEN and now >= self.until

    def probed(self, ok: bool, now: float) -> Breaker:
        """After the harmless probe of an open breaker."""
        if self.state != OPEN:
            return self
        return replace(self, state=HALF_OPEN) if ok else self._opened(now)

    def called(self, failed: bool, now: float) -> Breaker:
        """After one call. What comes late to an open breaker changes nothing."""
        if self.state == OPEN:
            return self
        if not failed:
            return replace(self, state=CLOSED, failures=0, openings=0, until=0.0)
        if self.state == HALF_OPEN or self.failures + 1 >= self.threshold:
            return self._opened(now)
        return replace(self, failures=self.failures + 1)

    def reset(self) -> Breaker:
        """A person has seen that the provider works."""
        return replace(self, state=CLOSED, failures=0, openings=0, until=0.0)

    def _opened(self, now: float) -> Breaker:
        pause = min(CEILING_SECONDS, self.base_seconds * 2 ** min(self.openings, 20))
        return replace(self, state=OPEN, failures=0, openings=self.openings + 1, until=now + pause)
