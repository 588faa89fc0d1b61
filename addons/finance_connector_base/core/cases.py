"""What a person may decide about an exchange that cannot go on by itself, as data.

An operator may always do what certainly cannot cause a second effect. Whatever rests on knowledge that only the person
has ("the provider told me on the telephone") is an override: it needs a reason, which is kept as evidence.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .delivery import states

UNRESOLVED = "unresolved"
BUDGET = "budget"
CONTRACT = "contract"
IMPOSSIBLE = "impossible"
DAMAGED = "damaged"
REJECTED = "rejected"
HELD = "held"
CONTRADICTION = "contradiction"

#: Why a person is needed.
KINDS = (
    (UNRESOLVED, "Outcome unknown"),
    (BUDGET, "Tries used up"),
    (CONTRACT, "Unreadable answers"),
    (IMPOSSIBLE, "Request refused"),
    (DAMAGED, "Damaged content"),
    (REJECTED, "Rejected"),
    (HELD, "Held"),
    (CONTRADICTION, "Contradicting answers"),
)

RETRY = "retry"
SEND_AGAIN = "send_again"
ADOPT = "adopt"
CANCEL = "cancel"
RELEASE = "release"
DISMISS = "dismiss"

DECISIONS = (
    (RETRY, "Try again"),
    (SEND_AGAIN, "Send again"),
    (ADOPT, "Adopt by reference"),
    (CANCEL, "Cancel"),
    (RELEASE, "Release"),
    (DISMISS, "Set aside"),
)

SETTLED = "settled"
SUPERSEDED = "superseded"
OVERRIDDEN = "overridden"

#: How a case ended. An override is one whatever was decided by it; the decision itself is kept beside.
RESOLUTIONS = (
    ("retried", "Tried again"),
    ("adopted", "Adopted by reference"),
    ("cancelled", "Cancelled"),
    ("released", "Released"),
    (OVERRIDDEN, "Overridden with a reason"),
    (SUPERSEDED, "Replaced by a correction"),
    (SETTLED, "Settled by the provider"),
)

RESOLUTION_OF = {
    RETRY: "retried",
    SEND_AGAIN: OVERRIDDEN,
    ADOPT: "adopted",
    CANCEL: "cancelled",
    RELEASE: "released",
    DISMISS: OVERRIDDEN,
}


@dataclass(frozen=True, slots=True)
class Situation:
    """What matters of an exchange for what may be decided about it.

    ``repeat`` and ``verdict`` are the operation's; ``is_asking`` says whether the provider is still being asked by the
    dispatcher, ``is_claimed`` that a step is being taken at this moment.
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
        """Whether the provider may hold something that it has not confirmed."""
        return self.state == states.UNKNOWN or self.maybe_sent


def allowed(situation: Situation) -> dict[str, bool]:
    """Decision → whether it is an override, in the order in which they are offered."""
    if situation.is_claimed:
        return {}
    if situation.kind == CONTRADICTION:
        # What was decided stays: the person finds out at the provider what holds, and writes it down.
        return {DISMISS: True}
    if situation.state == states.HELD:
        return {RELEASE: False, CANCEL: situation.maybe_sent}
    if situation.state == states.REJECTED:
        return {DISMISS: True}
    if situation.state == states.WAITING:
        # The provider has it, so there is nothing to send, adopt or cancel: ask now, or stop looking.
        return {DISMISS: True} if situation.kind == DAMAGED else {RETRY: False, DISMISS: True}
    if situation.state not in (states.FAILED, states.UNKNOWN):
        return {}
    return _of_undelivered(situation)


def _of_undelivered(situation: Situation) -> dict[str, bool]:
    uncertain = situation.is_uncertain
    decisions = {}
    if situation.kind != DAMAGED:
        if not uncertain or _can_be_asked(situation):
            decisions[RETRY] = False
        if uncertain and not (situation.is_asking and _can_be_asked(situation)):
            # X7: without an answer of the provider only a person can know that a second sending is no second effect.
            decisions[SEND_AGAIN] = True
    decisions[ADOPT] = not (uncertain and situation.verdict == "poll")
    decisions[CANCEL] = uncertain
    return decisions


def _can_be_asked(situation: Situation) -> bool:
    """By our key (sent again, recognised), by what we know of the document, or by the reference the provider gave."""
    return situation.repeat != "nothing" or _has_pollable_reference(situation)


def _has_pollable_reference(situation: Situation) -> bool:
    return situation.has_reference and situation.verdict == "poll"


def target(decision: str, situation: Situation) -> str:
    """The state a decision leads to."""
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
