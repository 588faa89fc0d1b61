"""When to try again: exponential back-off with full jitter. A provider's own ``Retry-After`` goes before it.

Full jitter (a uniform draw between zero and the exponential ceiling) spreads the retries of many exchanges after an
outage better than a fixed or half-jittered delay.
"""

from __future__ import annotations

import random

BASE_SECONDS = 2.0
CEILING_SECONDS = 900.0
_MAX_EXPONENT = 20


def backoff(attempt: int, rng: random.Random | None = None) -> float:
    """Seconds to wait after the ``attempt``-th failure (first = 1), drawn from [0, min(ceiling, base·2^(attempt-1))].

    At least a tenth of the ceiling of that attempt, so that "retry" never means "at once".
    """
    draw = (rng or random).uniform
    limit = min(CEILING_SECONDS, BASE_SECONDS * 2 ** min(max(attempt, 1) - 1, _MAX_EXPONENT))
    return draw(limit * 0.1, limit)


def poll_delay(polls: int, first: float, ceiling: float = 300.0) -> float:
    """Seconds until the next look for a verdict: the provider's pace, doubling every fifth look, at most ``ceiling``."""
    return min(ceiling, first * 2 ** (polls // 5))
