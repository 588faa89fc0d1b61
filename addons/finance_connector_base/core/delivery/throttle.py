"""The gate of one connection: everything that decides how many of its calls may start now."""

from __future__ import annotations

from dataclasses import dataclass, replace

from .breaker import CLOSED, Breaker
from .bucket import Bucket


@dataclass(frozen=True, slots=True)
class Gate:
    """Times in seconds since the epoch by the database's clock. ``max_parallel`` 0 means no limit of its own."""

    connection_id: int
    breaker: Breaker
    bucket: Bucket
    not_before: float = 0.0
    max_parallel: int = 0

    @property
    def is_limited(self) -> bool:
        """Whether anything decides how many calls may start at once."""
        return bool(self.max_parallel or not self.bucket.unlimited or self.breaker.state != CLOSED)

    @classmethod
    def from_row(cls, row: tuple) -> Gate:
        """From a row of ``gates.sql``."""
        return cls(
            connection_id=row[0],
            breaker=Breaker(
                state=row[1],
                failures=row[2],
                openings=row[3],
                until=row[4],
                threshold=row[5],
                base_seconds=row[6],
            ),
            bucket=Bucket(rate=row[7] or 0.0, burst=row[8] or 0.0, tokens=row[9], at=row[10]),
            not_before=row[11],
            max_parallel=row[12] or 0,
        )

    def as_json(self) -> dict:
        """The values of ``gates_save.sql``."""
        return {
            "connection_id": self.connection_id,
            "breaker_state": self.breaker.state,
            "breaker_failures": self.breaker.failures,
            "breaker_openings": self.breaker.openings,
            "breaker_until": self.breaker.until,
            "bucket_tokens": self.bucket.tokens,
            "bucket_at": self.bucket.at,
            "not_before": self.not_before,
        }

    def admits(self, wanted: int, in_flight: int, now: float) -> tuple[int, Gate]:
        """How many of ``wanted`` calls may start now, and the gate with its bucket filled up to now."""
        gate = self if self.bucket.unlimited else replace(self, bucket=self.bucket.refilled(now))
        if now < self.not_before:
            return 0, gate
        number = self.breaker.admits(in_flight, wanted)
        if self.max_parallel:
            number = min(number, max(0, self.max_parallel - in_flight))
        if not self.bucket.unlimited:
            number = min(number, gate.bucket.room())
        return number, gate

    def taken(self, calls: int) -> Gate:
        """After ``calls`` calls were let through."""
        return self if self.bucket.unlimited else replace(self, bucket=self.bucket.taken(calls))

    def paused(self, until: float) -> Gate:
        """The provider asked for a pause; the longest one asked for holds."""
        return replace(self, not_before=max(self.not_before, until))

    def called(self, failed: bool, now: float) -> Gate:
        """After one call."""
        return replace(self, breaker=self.breaker.called(failed, now))

    def probed(self, ok: bool, now: float) -> Gate:
        """After the harmless probe of an open breaker."""
        return replace(self, breaker=self.breaker.probed(ok, now))

    def reset(self) -> Gate:
        """As if nothing had gone wrong."""
        return replace(self, breaker=self.breaker.reset(), not_before=0.0)
