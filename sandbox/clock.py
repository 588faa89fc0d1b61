"""Time as the sandbox sees it: microseconds since the epoch, never the same instant twice.

Distinct instants make "updated after" a sound way to turn pages. Tests move the clock forward
instead of sleeping. Text form: RFC 3339, UTC.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone

MICROSECONDS = 1_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
RFC3339 = re.compile(
    r"(\d{4}-\d{2}-\d{2})[Tt](\d{2}:\d{2}:\d{2})(?:\.(\d+))?([Zz]|[+-]\d{2}:\d{2})", re.ASCII
)


def system_time() -> int:
    return time.time_ns() // 1_000


class Clock:
    """A strictly rising clock that can be moved forward."""

    def __init__(self, source: Callable[[], int] = system_time) -> None:
        self._source = source
        self._last = 0
        self.offset = 0

    def now(self) -> int:
        self._last = max(self._last + 1, self.peek())
        return self._last

    def peek(self) -> int:
        """Return the present instant, without using one up."""
        return max(self._last, self._source() + self.offset)

    def advance(self, seconds: float) -> None:
        self.offset += round(seconds * MICROSECONDS)

    def not_before(self, instant: int) -> None:
        """Never hand out an instant that an earlier run has already used."""
        self._last = max(self._last, instant)

    def reset(self) -> None:
        self.offset = 0
        self._last = 0


def to_text(instant: int) -> str:
    moment = EPOCH + timedelta(microseconds=instant)
    return moment.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def from_text(text: str) -> int:
    """Microseconds since the epoch; ``ValueError`` if this is not an RFC 3339 date-time."""
    match = RFC3339.fullmatch(text)
    if not match:
        raise ValueError(f"not an RFC 3339 date-time: {text!r}")
    day, clock, fraction, offset = match.groups()
    digits = (fraction or "")[:6].ljust(6, "0")
    zone = "+00:00" if offset in "Zz" else offset
    moment = datetime.fromisoformat(f"{day}T{clock}.{digits}{zone}")
    return (moment - EPOCH) // timedelta(microseconds=1)
