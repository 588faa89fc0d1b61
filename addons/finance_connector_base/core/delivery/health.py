"""Figures about the health of a connection: shares and durations. Pure."""

from __future__ import annotations

_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))


def share(part: int, whole: int) -> float:
    """Return ``part`` of ``whole`` between 0 and 1; nothing of nothing is 0.

    >>> share(1, 4), share(0, 0)
    (0.25, 0.0)
    """
    return part / whole if whole else 0.0


def short(seconds: float) -> str:
    """Return a duration in its largest unit.

    >>> short(12.4), short(119), short(7_300), short(200_000), short(-1)
    ('12 s', '1 min', '2 h', '2 d', '0 s')
    """
    whole = max(0, int(seconds))
    for size, unit in _UNITS:
        if whole >= size:
            return f"{whole // size} {unit}"
    return f"{whole} s"
