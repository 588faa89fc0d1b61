"""Token bucket: how many calls a provider's rate limit leaves room for at this moment.

The state lives in the connection's gate row in PostgreSQL and is shared by all workers; this is the arithmetic.
Times are seconds since the epoch by the database's clock, so that no machine's own clock matters.
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Bucket:
    """``rate`` calls per second on average, ``burst`` at once; a rate of 0 means no limit."""

    rate: float
    burst: float
    tokens: float
    at: float

    @property
    def unlimited(self) -> bool:
        """No limit was set for this connection."""
        return self.rate <= 0

    def refilled(self, now: float) -> Bucket:
        """The bucket as it is at ``now``; time that seems to run backwards adds nothing."""
        size = max(self.burst, 1.0)
        gained = max(0.0, now - self.at) * self.rate
        return replace(self, tokens=min(size, self.tokens + gained), at=max(now, self.at))

    def room(self) -> int:
        """Whole calls that may start now."""
        return max(0, int(self.tokens + 1e-9))

    def taken(self, calls: int) -> Bucket:
        """After ``calls`` calls were let through."""
        return replace(self, tokens=self.tokens - calls)

    def seconds_until_room(self) -> float:
        """Seconds until one call may start."""
        if self.unlimited or self.tokens >= 1:
            return 0.0
        return (1 - self.tokens) / self.rate
