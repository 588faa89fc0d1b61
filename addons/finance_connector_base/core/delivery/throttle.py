"""Everything that decides how many calls of one connection may start now: breaker, rate limit,
parallelism, fairness.

The state is shared by all workers in one database row per connection; this is the arithmetic. Times
are seconds since the epoch by the database's clock, so that no machine's own clock matters.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar

from .outcomes import Outcome, RateLimited, Transient, is_failure

CLOSED = "closed"
OPEN = "open"
HALF_OPEN = "half_open"

CEILING_SECONDS = 300.0
#: A worker that ended while probing must not keep the breaker open for ever.
PROBE_LEASE_SECONDS = 45.0
#: A 429 without Retry-After pauses the connection this long.
DEFAULT_PAUSE_SECONDS = 1.0
#: One connection may hold at most this many times what is free: a single busy one uses two thirds
#: of the slots.
_FACTOR = 2

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Breaker:
    """Circuit breaker: stop calling a provider that is unavailable, and let one call find out when
    it is back.

    ::

        closed ──(threshold failures in a row)──▶ open ──(time up, harmless probe answered)──▶ half_open
          ▲                                        ▲ └──(probe failed: twice as long, up to the ceiling)
          └────────(the one trial succeeded)───────┴──────────(the one trial failed)───────────┘

    An open breaker makes no calls but the probe, a request without effect, so an outage of any
    length costs no exchange an attempt (X9). ``failures`` in a row while closed; ``openings`` in a
    row; ``until`` when an open one may be probed.
    """

    state: Literal["closed", "open", "half_open"] = CLOSED
    failures: int = 0
    openings: int = 0
    until: float = 0.0
    threshold: int = 5
    base_seconds: float = 10.0

    def admits(self, in_flight: int, wanted: int) -> int:
        """Return how many of ``wanted`` calls may start now, while ``in_flight`` are running."""
        if self.state == OPEN:
            return 0
        if self.state == HALF_OPEN:
            return 0 if in_flight else min(1, wanted)
        return wanted

    def probed(self, ok: bool, now: float) -> Breaker:
        """Return the breaker after the harmless probe of an open one."""
        if self.state != OPEN:
            return self
        return replace(self, state=HALF_OPEN) if ok else self._opened(now)

    def called(self, failed: bool, now: float) -> Breaker:
        """Return the breaker after one call. A result that comes late to an open breaker changes
        nothing.
        """
        if self.state == OPEN:
            return self
        if not failed:
            return self.reset()
        if self.state == HALF_OPEN or self.failures + 1 >= self.threshold:
            return self._opened(now)
        return replace(self, failures=self.failures + 1)

    def reset(self) -> Breaker:
        """Return the breaker as closed, as after a successful call."""
        return replace(self, state=CLOSED, failures=0, openings=0, until=0.0)

    def _opened(self, now: float) -> Breaker:
        pause = min(CEILING_SECONDS, self.base_seconds * 2 ** min(self.openings, 20))
        return replace(self, state=OPEN, failures=0, openings=self.openings + 1, until=now + pause)


@dataclass(frozen=True, slots=True)
class Bucket:
    """Token bucket: ``rate`` calls per second on average, ``burst`` at once; a rate of 0 means no
    limit.
    """

    rate: float
    burst: float
    tokens: float
    at: float

    @property
    def unlimited(self) -> bool:
        """Whether no limit was set for this connection."""
        return self.rate <= 0

    def refilled(self, now: float) -> Bucket:
        """Return the bucket as it is at ``now``; time that seems to run backwards adds nothing."""
        size = max(self.burst, 1.0)
        gained = max(0.0, now - self.at) * self.rate
        return replace(self, tokens=min(size, self.tokens + gained), at=max(now, self.at))

    def room(self) -> int:
        """Return how many whole calls may start now."""
        return max(0, int(self.tokens + 1e-9))

    def taken(self, calls: int) -> Bucket:
        """Return the bucket after ``calls`` calls were admitted."""
        return replace(self, tokens=self.tokens - calls)


@dataclass(frozen=True, slots=True)
class Throttle:
    """Breaker, rate limit and parallelism of one connection. ``max_parallel`` 0 means no limit of
    its own.
    """

    connection_id: int
    breaker: Breaker
    bucket: Bucket
    not_before: float = 0.0
    max_parallel: int = 0

    @property
    def is_limited(self) -> bool:
        """Whether anything limits how many calls may start at once."""
        return bool(self.max_parallel or not self.bucket.unlimited or self.breaker.state != CLOSED)

    @classmethod
    def from_row(cls, row: tuple[Any, ...]) -> Throttle:
        """Return the throttle of a row of the statement ``throttles``."""
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

    def as_json(self) -> dict[str, Any]:
        """Return the values of the statement ``throttles_save``."""
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

    def admits(self, wanted: int, in_flight: int, now: float) -> tuple[int, Throttle]:
        """Return how many of ``wanted`` calls may start now, and the throttle with its bucket
        filled up to now.
        """
        filled = self if self.bucket.unlimited else replace(self, bucket=self.bucket.refilled(now))
        if now < self.not_before:
            return 0, filled
        number = self.breaker.admits(in_flight, wanted)
        if self.max_parallel:
            number = min(number, max(0, self.max_parallel - in_flight))
        if not self.bucket.unlimited:
            number = min(number, filled.bucket.room())
        return number, filled

    def taken(self, calls: int) -> Throttle:
        """Return the throttle after ``calls`` calls were admitted."""
        return self if self.bucket.unlimited else replace(self, bucket=self.bucket.taken(calls))

    def paused(self, until: float) -> Throttle:
        """Return the throttle after the provider asked for a pause; the longest one asked for
        holds.
        """
        return replace(self, not_before=max(self.not_before, until))

    def called(self, failed: bool, now: float) -> Throttle:
        """Return the throttle after one call."""
        return replace(self, breaker=self.breaker.called(failed, now))

    def learned(self, outcome: Outcome, now: float) -> Throttle:
        """Return the throttle after a call with this outcome."""
        throttle = self
        if isinstance(outcome, (RateLimited, Transient)) and outcome.retry_after is not None:
            throttle = throttle.paused(now + outcome.retry_after)
        elif isinstance(outcome, RateLimited):
            throttle = throttle.paused(now + DEFAULT_PAUSE_SECONDS)
        if outcome.pause is not None:
            throttle = throttle.paused(now + outcome.pause)
        return throttle.called(is_failure(outcome), now)

    def probed(self, ok: bool, now: float) -> Throttle:
        """Return the throttle after the harmless probe of an open breaker."""
        return replace(self, breaker=self.breaker.probed(ok, now))

    def reset(self) -> Throttle:
        """Return the throttle as if nothing had gone wrong."""
        return replace(self, breaker=self.breaker.reset(), not_before=0.0)


def after_calls(
    throttles: Mapping[int, Throttle], outcomes: Iterable[tuple[int, Outcome]], now: float
) -> dict[int, Throttle]:
    """Return the throttles by connection id after calls, given as (connection id, outcome) in
    order.
    """
    known = dict(throttles)
    for connection_id, outcome in outcomes:
        if connection_id in known:
            known[connection_id] = known[connection_id].learned(outcome, now)
    return known


# -- fairness: how the free slots of a worker are shared (X11) -------------------------------------


def fill(capacity: int, wanted: Mapping[Key, int]) -> dict[Key, int]:
    """Share ``capacity`` whole slots; the first in order get what cannot be divided.

    Max-min fairness ("water-filling", Bertsekas & Gallager, Data Networks, §6.5.2): a share is
    never larger than what was asked for, and the rest of it is divided among the others.
    """
    given: dict[Key, int] = dict.fromkeys(wanted, 0)
    hungry: list[Key] = [key for key, number in wanted.items() if number > 0]
    left = max(0, capacity)
    while hungry and left:
        share = max(1, left // len(hungry))
        for key in hungry:
            portion = min(share, wanted[key] - given[key], left)
            given[key] += portion
            left -= portion
        hungry = [key for key in hungry if given[key] < wanted[key]]
    return given


def shares(
    capacity: int, wanted: Mapping[tuple[Hashable, Hashable], int]
) -> dict[tuple[Hashable, Hashable], int]:
    """Share slots by (company, connection): first among companies, then among the connections of
    each.
    """
    of_company: dict[Hashable, dict[Hashable, int]] = defaultdict(dict)
    for (company, connection), number in wanted.items():
        of_company[company][connection] = number
    by_company = fill(capacity, {key: sum(each.values()) for key, each in of_company.items()})
    return {
        (company, connection): number
        for company, each in of_company.items()
        for connection, number in fill(by_company[company], each).items()
    }


def ceiling(free: int, held: int) -> int:
    """Return how many more calls a connection with ``held`` slots may start on a worker with
    ``free`` slots.

    Dynamic threshold (Choudhury & Hahne 1998): slow calls of one provider never take every slot, so
    a share stays for the next connection.
    """
    # The largest n with held + n <= factor * (free - n).
    return max(0, (_FACTOR * free - held) // (_FACTOR + 1))


class SlowStart:
    """How many calls of each connection one worker has in flight at most, by what it has seen.

    Few at first, one more for each usable response, half of them after a failure (RFC 5681 §3.1): a
    provider that answers badly costs few calls until its breaker opens, and one that works has as
    many as there are slots after a few round trips.
    """

    START = 32

    def __init__(self) -> None:
        self._most: dict[Hashable, int] = {}

    def room(self, connection: Hashable, held: int) -> int:
        """Return how many more calls a connection may start that has ``held`` in flight."""
        return max(0, self._most.get(connection, self.START) - held)

    def learned(self, connection: Hashable, failed: bool) -> None:
        """Note the end of a call."""
        known = self._most.get(connection, self.START)
        self._most[connection] = max(self.START, known // 2) if failed else known + 1
