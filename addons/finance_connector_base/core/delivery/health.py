"""How a connection fares, in numbers and short words: which calls count as errors, shares, ages. Pure."""

from __future__ import annotations

from .breaker import FAILURES
from .outcomes import codes

#: A call whose worker died has no outcome of its own; on attempts it is called so.
LOST = "lost"
#: Outcomes, as attempts store them, of calls that brought no usable answer: what opens the breaker, and lost workers.
#: A rejection is an answer, and so is "too many calls": neither says that the provider is away.
CALL_ERRORS = (*sorted(codes(FAILURES)), LOST)

_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))


def share(part: int, whole: int) -> float:
    """``part`` of ``whole`` between 0 and 1; nothing of nothing is 0.

    >>> share(1, 4), share(0, 0)
    (0.25, 0.0)
    """
    return part / whole if whole else 0.0


def short(seconds: float) -> str:
    """A length of time in its largest unit, for people who want to know how bad it is.

    >>> short(12.4), short(119), short(7_300), short(200_000), short(-1)
    ('12 s', '1 min', '2 h', '2 d', '0 s')
    """
    whole = max(0, int(seconds))
    for size, unit in _UNITS:
        if whole >= size:
            return f"{whole // size} {unit}"
    return f"{whole} s"
