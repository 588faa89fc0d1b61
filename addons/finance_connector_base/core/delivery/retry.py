"""When to try again: exponential back-off with full jitter. A provider's own ``Retry-After`` goes before it.

Full jitter (a uniform draw between zero and the exponential ceiling) spreads the retries of many exchanges after an
outage better than a fixed or half-jittered delay.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

BASE_SECONDS = 2.0
CEILING_SECONDS = 900.0
POLL_CEILING_SECONDS = 300.0
_MAX_EXPONENT = 20


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and when; what operators may tune per connection and operation.

    ``max_attempts`` counts sends that certainly failed (0: as the operation declares); ``max_asks`` counts questions
    for an unknown outcome or a verdict that brought nothing usable.
    """

    base_seconds: float = BASE_SECONDS
    ceiling_seconds: float = CEILING_SECONDS
    max_attempts: int = 0
    max_asks: int = 0
    poll_ceiling_seconds: float = POLL_CEILING_SECONDS
    verdict_hours: float = 0.0

    def attempts(self, declared: int) -> int:
        """The budget of sends, given what the operation declares."""
        return self.max_attempts or declared

    def asks(self, declared: int) -> int:
        """The budget of unanswered questions, given what the operation declares for sends."""
        return self.max_asks or declared


DEFAULT_POLICY = RetryPolicy()


def backoff(
    attempt: int,
    rng: random.Random | None = None,
    *,
    policy: RetryPolicy = DEFAULT_POLICY,
) -> float:
    """Seconds to wait after the ``attempt``-th failure (first = 1), drawn from [0, min(ceiling, base·2^(attempt-1))].

    At least a tenth of the ceiling of that attempt, so that "retry" never means "at once".
    """
    draw = (rng or random).uniform
    exponent = min(max(attempt, 1) - 1, _MAX_EXPONENT)
    limit = min(policy.ceiling_seconds, policy.base_seconds * 2**exponent)
    return draw(limit * 0.1, limit)


def poll_delay(polls: int, first: float, ceiling: float = POLL_CEILING_SECONDS) -> float:
    """Seconds until the next look for a verdict: the provider's pace, doubling every fifth look, at most ``ceiling``."""
    return min(ceiling, first * 2 ** (polls // 5))
