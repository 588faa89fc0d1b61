"""A token bucket per provider: so many calls a second, then 429 with Retry-After (RFC 6585)."""

from __future__ import annotations

import math
import time
from collections.abc import Callable


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
