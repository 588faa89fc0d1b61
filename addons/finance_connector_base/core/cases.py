"""Policy of human decisions about exchanges that cannot proceed, as data.

An operator may always do what certainly cannot cause a second effect. Whatever rests on information
that only the
operator has (a telephone call with the provider) is an override: it needs a reason, which is kept
as evidence.
Kinds, decisions and resolutions of cases are written here and nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .delivery import states

# Kinds of cases about one exchange.
UNRESOLVED = "unresolved"
BUDGET = "budget"
CONTRACT = "contract"
IMPOSSIBLE = "impossible"
DAMAGED = "damaged"
REJECTED = "rejected"
HELD = "held"
CONTRADICTION = "contradiction"
OVERDUE = "overdue"
NO_RECEIPT = "no_receipt"
MANUAL = "manual"
# Kinds of cases about a whole connection.
CREDENTIALS = "credentials"
STOPPED = "stopped"
CERTIFICATE = "certificate"
# Kinds of cases about what comes in.
FEED = "feed"
INBOUND_FAILED = "inbound_failed"
INBOUND_UNHANDLED = "inbound_unhandled"
INBOUND_CONFLICT = "inbound_conflict"
# Kinds of cases about a document of accounting.
NOT_POSTED = "not_posted"
NO_EVIDENCE = "no_evidence"
DIFFERENCE = "difference"
# Kinds of cases about the evidence itself, and about its size.
TAMPERED = "tampered"
STORAGE = "storage"

KINDS = (
    (UNRESOLVED, "Outcome unknown"),
    (BUDGET, "Retry limit reached"),
    (CONTRACT, "Unreadable responses"),
    (IMPOSSIBLE, "Request refused"),
    (DAMAGED, "Damaged payload"),
    (REJECTED, "Rejected"),
    (HELD, "On hold"),
    (CONTRADICTION, "Contradicting responses"),
    (OVERDUE, "Verdict overdue"),
    (NO_RECEIPT, "Receipt overdue"),
    (MANUAL, "Decided without a case"),
    (CREDENTIALS, "Credentials refused"),
    (STOPPED, "Connection not sending"),
    (CERTIFICATE, "Client certificate expires"),
    (FEED, "Feed cannot be read"),
    (INBOUND_FAILED, "Inbound document not processed"),
    (INBOUND_UNHANDLED, "Inbound documents without a handler"),
    (INBOUND_CONFLICT, "Inbound document received with different content"),
    (NOT_POSTED, "Not posted"),
    (NO_EVIDENCE, "Posted without checks"),
    (DIFFERENCE, "Differs from the e-invoice"),
    (TAMPERED, "Differs from the audit log"),
    (STORAGE, "Storage limit exceeded"),
)
#: Kinds that are raised by the periodic review and closed by it when the condition has ended.
STALLS = (OVERDUE, NO_RECEIPT, CREDENTIALS, STOPPED, CERTIFICATE)

RETRY = "retry"
SEND_AGAIN = "send_again"
ADOPT = "adopt"
CANCEL = "cancel"
RELEASE = "release"
DISMISS = "dismiss"

DECISIONS = (
    (RETRY, "Retry"),
    (SEND_AGAIN, "Resend"),
    (ADOPT, "Link to provider record"),
    (CANCEL, "Cancel"),
    (RELEASE, "Release"),
    (DISMISS, "Dismiss"),
)

SETTLED = "settled"
SUPERSEDED = "superseded"
CANCELLED = "cancelled"
OVERRIDDEN = "overridden"
ENDED = "ended"

#: How a case ended. An override is one whatever was decided by it; the decision itself is kept
#: beside it.
RESOLUTIONS = (
    ("retried", "Retried"),
    ("adopted", "Linked to provider record"),
    (CANCELLED, "Cancelled"),
    ("released", "Released"),
    (OVERRIDDEN, "Overridden with a reason"),
    (SUPERSEDED, "Replaced by a correction"),
    (SETTLED, "Settled by the provider"),
    (ENDED, "No longer applies"),
)

RESOLUTION_OF = {
    RETRY: "retried",
    SEND_AGAIN: OVERRIDDEN,
    ADOPT: "adopted",
    CANCEL: CANCELLED,
    RELEASE: "released",
    DISMISS: OVERRIDDEN,
}


@dataclass(frozen=True, slots=True)
class Situation:
    """The facts about an exchange that determine which decisions are possible.

    ``state`` is empty for a case that concerns no exchange. ``repeat`` and ``verdict`` are the
    operation's;
    ``is_asking`` tells whether the dispatcher still polls the provider, ``is_claimed`` whether a
    step is running.
    """

    state: str
    kind: str = ""
    maybe_sent: bool = False
    repeat: Literal["key", "lookup", "nothing"] = "lookup"
    verdict: Literal["poll", "immediate"] = "poll"
    has_reference: bool = False
    is_asking: bool = False
    is_claimed: bool = False

    @property
    def is_uncertain(self) -> bool:
        """Return whether the provider may hold something that it has not confirmed."""
        return self.state == states.UNKNOWN or self.maybe_sent


def allowed(situation: Situation) -> dict[str, bool]:
    """Return decision → whether it is an override, in the order in which they are offered."""
    if situation.is_claimed:
        return {}
    if not situation.state:
        # Nothing to send: the condition ends at its source, or an operator accepts it.
        return {DISMISS: True}
    if situation.kind == NO_RECEIPT:
        # The verdict stands; the receipt is fetched until it is there.
        return {DISMISS: True}
    if situation.kind == CONTRADICTION:
        # The recorded verdict stays: the operator clarifies with the provider and documents the
        # result.
        return {DISMISS: True}
    if situation.state == states.HELD:
        return {RELEASE: False, CANCEL: situation.maybe_sent}
    if situation.state == states.REJECTED:
        return {DISMISS: True}
    if situation.state == states.WAITING:
        # The provider has it, so there is nothing to send, link or cancel: poll now, or close the
        # case.
        return {DISMISS: True} if situation.kind == DAMAGED else {RETRY: False, DISMISS: True}
    if situation.state == states.PENDING:
        return {} if situation.is_uncertain else {CANCEL: False}
    if situation.state not in (states.FAILED, states.UNKNOWN):
        return {}
    return _of_undelivered(situation)


def _of_undelivered(situation: Situation) -> dict[str, bool]:
    uncertain = situation.is_uncertain
    decisions: dict[str, bool] = {}
    if situation.kind != DAMAGED:
        if not uncertain or _can_be_asked(situation):
            decisions[RETRY] = False
        if uncertain and not (situation.is_asking and _can_be_asked(situation)):
            # X7: without an answer of the provider only an operator can rule out a second effect.
            decisions[SEND_AGAIN] = True
    decisions[ADOPT] = not (uncertain and situation.verdict == "poll")
    decisions[CANCEL] = uncertain
    return decisions


def _can_be_asked(situation: Situation) -> bool:
    """Return whether a status check is possible: by our key, by a lookup, or by the provider's
    reference.
    """
    return situation.repeat != "nothing" or _has_pollable_reference(situation)


def _has_pollable_reference(situation: Situation) -> bool:
    return situation.has_reference and situation.verdict == "poll"


def target(decision: str, situation: Situation) -> str:
    """Return the state a decision leads to."""
    if decision == RETRY:
        return _retry_target(situation)
    if decision == ADOPT:
        return states.WAITING if situation.verdict == "poll" else states.ACCEPTED
    return {
        SEND_AGAIN: states.PENDING,
        CANCEL: states.CANCELLED,
        RELEASE: states.PENDING,
        DISMISS: situation.state,
    }[decision]


def _retry_target(situation: Situation) -> str:
    if situation.state == states.WAITING:
        return states.WAITING
    if not situation.is_uncertain:
        return states.PENDING
    return states.WAITING if situation.repeat == "nothing" else states.UNKNOWN
