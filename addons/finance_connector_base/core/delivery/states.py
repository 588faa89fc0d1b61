"""The states of an exchange and which may follow which, as data. What an outcome leads to is in ``core.life``.

The pictures of it stand in ``docs/exchange.md``; the only method that changes a state checks this table.
"""

from __future__ import annotations

PENDING = "pending"
SENDING = "sending"
WAITING = "waiting"
UNKNOWN = "unknown"
HELD = "held"
ACCEPTED = "accepted"
REJECTED = "rejected"
FAILED = "failed"
SUPERSEDED = "superseded"
CANCELLED = "cancelled"

LABELS = (
    (PENDING, "Pending"),
    (SENDING, "Sending"),
    (WAITING, "Waiting for the verdict"),
    (UNKNOWN, "Outcome unknown"),
    (HELD, "Held"),
    (REJECTED, "Rejected"),
    (FAILED, "Failed"),
    (ACCEPTED, "Accepted"),
    (SUPERSEDED, "Superseded"),
    (CANCELLED, "Cancelled"),
)

#: Nothing leaves these by itself; ``accepted``, ``superseded`` and ``cancelled`` are left by nobody.
FINAL = frozenset({ACCEPTED, REJECTED, FAILED, SUPERSEDED, CANCELLED})

TRANSITIONS: dict[str, frozenset[str]] = {
    PENDING: frozenset({SENDING, HELD, FAILED, CANCELLED, SUPERSEDED}),
    HELD: frozenset({PENDING, CANCELLED, SUPERSEDED}),
    SENDING: frozenset({WAITING, ACCEPTED, REJECTED, FAILED, UNKNOWN, PENDING}),
    WAITING: frozenset({ACCEPTED, REJECTED, UNKNOWN}),
    UNKNOWN: frozenset({SENDING, WAITING, ACCEPTED, REJECTED, PENDING, FAILED, CANCELLED}),
    REJECTED: frozenset({SUPERSEDED}),
    FAILED: frozenset({PENDING, UNKNOWN, WAITING, ACCEPTED, SUPERSEDED, CANCELLED}),
    ACCEPTED: frozenset(),
    SUPERSEDED: frozenset(),
    CANCELLED: frozenset(),
}


class ForbiddenTransition(ValueError):
    """The state machine does not allow this change."""


def check_transition(old: str, new: str) -> None:
    """Refuse a change that the table does not name.

    :raises ForbiddenTransition: with both states in the message.
    """
    if new not in TRANSITIONS[old]:
        raise ForbiddenTransition(f"{old} → {new}")
