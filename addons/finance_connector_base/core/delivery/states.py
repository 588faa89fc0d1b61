"""The states of an exchange, which may follow which, and the sets of states that have a meaning of
their own.

State diagrams: ``docs/exchange.md``. Which state an outcome leads to is decided in
``core.delivery.transitions``. The sets below are written here only: indexes and selections are
derived from them, SQL statements receive them as parameters, and the domains of views are tested
against them.
"""

from __future__ import annotations

from collections.abc import Iterable

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

#: No step changes these; ``accepted``, ``superseded`` and ``cancelled`` are never left.
FINAL = frozenset({ACCEPTED, REJECTED, FAILED, SUPERSEDED, CANCELLED})
#: From these the dispatcher takes the next step when it is due; from ``accepted`` only the receipt.
CLAIMABLE = (PENDING, UNKNOWN, WAITING, ACCEPTED)
#: Within a chain these keep the later exchanges back (X10).
CHAIN_BLOCKING = (PENDING, SENDING, UNKNOWN, HELD, FAILED)
#: The first exchange of a chain may be claimed from these.
CHAIN_CLAIMABLE = tuple(state for state in CLAIMABLE if state in CHAIN_BLOCKING)
#: Within a chain these may be claimed whatever comes before: the provider has the document already.
CHAIN_FREE = tuple(state for state in CLAIMABLE if state not in CHAIN_BLOCKING)
#: Not settled yet.
OPEN = (PENDING, SENDING, WAITING, UNKNOWN, HELD)
#: The provider has not confirmed to have received these.
UNCONFIRMED = (PENDING, SENDING, UNKNOWN)
#: Ended without a verdict of the provider.
WITHDRAWN = (SUPERSEDED, CANCELLED)
#: An exchange returns to these when it is retried.
RESUMED = (PENDING, UNKNOWN)
#: Shown to operators as needing attention.
ATTENTION = (UNKNOWN, REJECTED, FAILED, HELD)


class ForbiddenTransition(ValueError):
    """The state machine does not allow this change."""


def check_transition(old: str, new: str) -> None:
    """Refuse a change that the table does not allow.

    :raises ForbiddenTransition: with both states in the message.
    """
    if new not in TRANSITIONS[old]:
        raise ForbiddenTransition(f"{old} → {new}")


def sql_list(some: Iterable[str]) -> str:
    """Return states as a list of SQL literals, for the predicates of partial indexes.

    >>> sql_list(("pending", "unknown"))
    "('pending', 'unknown')"
    """
    return "({})".format(", ".join(f"'{state}'" for state in some))
