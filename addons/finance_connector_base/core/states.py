"""The life of an exchange as data: which state may follow which, and what each outcome leads to.

The pictures of it stand in ``docs/exchange.md``; the only method that changes a state checks this table.
"""

from __future__ import annotations

from .outcomes import (
    Accepted,
    AuthFailed,
    ContractBroken,
    Duplicate,
    NotFound,
    Outcome,
    Permanent,
    RateLimited,
    Rejected,
    Transient,
    Unknown,
    Waiting,
)
from .protocol import Operation, Step

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
    WAITING: frozenset({ACCEPTED, REJECTED, FAILED, UNKNOWN}),
    UNKNOWN: frozenset({WAITING, ACCEPTED, REJECTED, PENDING, FAILED, CANCELLED}),
    REJECTED: frozenset({SUPERSEDED}),
    FAILED: frozenset({PENDING, UNKNOWN, WAITING, ACCEPTED, SUPERSEDED, CANCELLED}),
    ACCEPTED: frozenset(),
    SUPERSEDED: frozenset(),
    CANCELLED: frozenset(),
}

#: What a step is taken from: a pending exchange is sent, an unknown one looked up, a waiting one polled.
STEP_OF_STATE: dict[str, Step] = {SENDING: "send", UNKNOWN: "lookup", WAITING: "poll"}


class ForbiddenTransition(ValueError):
    """The state machine does not allow this change."""


def check_transition(old: str, new: str) -> None:
    """Refuse a change that the table does not name.

    :raises ForbiddenTransition: with both states in the message.
    """
    if new not in TRANSITIONS[old]:
        raise ForbiddenTransition(f"{old} → {new}")


def next_state(
    step: Step,
    outcome: Outcome,
    operation: Operation,
    attempts: int,
    *,
    settled: bool = True,
) -> str:
    """The state after one step.

    ``attempts`` counts the steps of this kind taken so far, this one included; ``settled`` says whether enough time
    has passed since the last send for "not found" to be believed. A send that may have had an effect
    is never followed by another send before the provider was asked (X5); without a way to ask, a person decides (X7).
    """
    if isinstance(outcome, Accepted):
        return ACCEPTED
    if isinstance(outcome, Rejected):
        return REJECTED
    if isinstance(outcome, Waiting):
        return WAITING
    if isinstance(outcome, Permanent):
        return FAILED
    if isinstance(outcome, NotFound) and not settled:
        return UNKNOWN
    return _STEPS[step](outcome, operation, attempts)


def _after_send(outcome: Outcome, operation: Operation, attempts: int) -> str:
    if isinstance(outcome, (Unknown, ContractBroken, Duplicate)):
        return UNKNOWN
    if isinstance(outcome, (Transient, RateLimited, AuthFailed)):
        return FAILED if attempts >= operation.max_attempts else PENDING
    return UNKNOWN


def _after_lookup(outcome: Outcome, operation: Operation, attempts: int) -> str:
    if isinstance(outcome, NotFound) and operation.repeat != "nothing":
        return PENDING
    if isinstance(outcome, (Transient, RateLimited)):
        # The provider being away is no reason to give up the question; only a person may.
        return UNKNOWN
    return FAILED if attempts >= operation.max_attempts else UNKNOWN


def _after_poll(outcome: Outcome, operation: Operation, attempts: int) -> str:
    if isinstance(outcome, (Transient, RateLimited)):
        return WAITING
    if isinstance(outcome, Duplicate):
        # "Already there" may be our own earlier sending: ask what is there before anybody is alarmed (X6).
        return UNKNOWN
    return FAILED if attempts >= operation.max_attempts else WAITING


_STEPS = {"send": _after_send, "lookup": _after_lookup, "poll": _after_poll}
