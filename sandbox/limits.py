"""How many calls a provider takes, then 429 with Retry-After (RFC 6585): a bucket, or windows per group."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping

from .clock import MICROSECONDS, Clock


class Bucket:
    def __init__(
        self, per_second: float, burst: float, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self.per_second = per_second
        self.burst = burst
        self._monotonic = monotonic
        self._level = burst
        self._at = monotonic()

    def take(self) -> int:
        """Zero if the call may pass, else the whole seconds to wait."""
        now = self._monotonic()
        self._level = min(self.burst, self._level + (now - self._at) * self.per_second)
        self._at = now
        if self._level >= 1:
            self._level -= 1
            return 0
        return max(1, math.ceil((1 - self._level) / self.per_second))


SECONDS = {"second": 1, "minute": 60, "hour": 3600}


class Windows:
    """Fixed windows of a second, a minute and an hour for each group of operations and account.

    They follow the sandbox's clock, so a test moves time instead of waiting. The headers are those of the
    IETF draft "RateLimit header fields for HTTP".
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._used: dict[tuple[str, str, str], tuple[int, int]] = {}
        self.limits: dict[str, dict[str, int]] = {}

    def set(self, group: str, limits: Mapping[str, int]) -> None:
        """Set the limits of a group by window; none removes the group's."""
        self.limits.pop(group, None)
        if limits:
            self.limits[group] = dict(limits)

    def take(self, group: str, account: str) -> tuple[str, int] | None:
        """Draw one call from every window; else the exhausted window and the seconds to wait."""
        state = self.state(group, account)
        exhausted = [(name, each) for name, each in state.items() if not each["remaining"]]
        if exhausted:
            name, worst = max(exhausted, key=lambda item: item[1]["reset"])
            return name, worst["reset"]
        for name in state:
            window, used = self._current(group, account, name)
            self._used[group, account, name] = (window, used + 1)
        return None

    def state(self, group: str, account: str) -> dict[str, dict[str, int]]:
        """Return limit, remaining calls and seconds until the reset, by window."""
        found = {}
        now = self._clock.peek()
        for name, limit in self.limits.get(group, {}).items():
            window, used = self._current(group, account, name)
            ends = (window + 1) * SECONDS[name] * MICROSECONDS
            reset = max(1, math.ceil((ends - now) / MICROSECONDS))
            found[name] = {"limit": limit, "remaining": max(0, limit - used), "reset": reset}
        return found

    def headers(self, group: str, account: str) -> dict[str, str]:
        state = self.state(group, account)
        if not state:
            return {}
        policies = [f'"{name}";q={each["limit"]};w={SECONDS[name]}' for name, each in state.items()]
        states = [
            f'"{name}";r={each["remaining"]};t={each["reset"]}' for name, each in state.items()
        ]
        return {"RateLimit-Policy": ", ".join(policies), "RateLimit": ", ".join(states)}

    def reset(self) -> None:
        self._used.clear()
        self.limits.clear()

    def _current(self, group: str, account: str, name: str) -> tuple[int, int]:
        window = self._clock.peek() // (SECONDS[name] * MICROSECONDS)
        began, used = self._used.get((group, account, name), (window, 0))
        return window, used if began == window else 0
