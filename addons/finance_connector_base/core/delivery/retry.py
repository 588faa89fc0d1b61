"""When to retry: exponential back-off with full jitter. A provider's ``Retry-After`` takes
precedence.

Full jitter (a uniform draw between zero and the exponential ceiling) spreads the retries of many
exchanges after an outage better than a fixed or half-jittered delay.
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
    """How often and when; what finance admins may tune per connection and operation.

    ``max_attempts`` limits sends that certainly failed (0: as the operation declares); ``max_asks``
    limits status checks of an unknown outcome, or polls for a verdict, without a usable response.
    """

    base_seconds: float = BASE_SECONDS
    ceiling_seconds: float = CEILING_SECONDS
    max_attempts: int = 0
    max_asks: int = 0
    poll_ceiling_seconds: float = POLL_CEILING_SECONDS
    verdict_hours: float = 0.0

    def attempts(self, declared: int) -> int:
        """Return the budget of sends, given what the operation declares."""
        return self.max_attempts or declared

    def asks(self, declared: int) -> int:
        """Return the budget of unanswered status checks, given what the operation declares for
        sends.
        """
        return self.max_asks or declared


DEFAULT_POLICY = RetryPolicy()


def backoff(
    attempt: int,
    rng: random.Random | None = None,
    *,
    policy: RetryPolicy = DEFAULT_POLICY,
) -> float:
    """Return the seconds to wait after the ``attempt``-th failure (first = 1).

    Drawn from [0, min(ceiling, base·2^(attempt-1))], at least a tenth of that ceiling, so that
    "retry" never means "at once".
    """
    draw = (rng or random).uniform
    exponent = min(max(attempt, 1) - 1, _MAX_EXPONENT)
    limit = min(policy.ceiling_seconds, policy.base_seconds * 2**exponent)
    return draw(limit * 0.1, limit)


def poll_delay(polls: int, first: float, ceiling: float = POLL_CEILING_SECONDS) -> float:
    """Return the seconds until the next poll: the provider's pace, doubling every fifth poll, at
    most ``ceiling``.
    """
    return min(ceiling, first * 2 ** min(polls // 5, _MAX_EXPONENT))
