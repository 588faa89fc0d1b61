"""The life of an e-invoice as an accountant reads it, as data.

Draft → Submitted → Accepted, or Rejected → Pending remediation → Submitted. What the exchange behind it is doing is
folded into these states; nobody has to know about tokens, polls or retries.
"""

from __future__ import annotations

DRAFT = "draft"
SUBMITTED = "submitted"
UNKNOWN = "unknown"
ACCEPTED = "accepted"
REJECTED = "rejected"
REMEDIATION = "remediation"
FAILED = "failed"
CANCELLED = "cancelled"

#: In the order in which the status bar shows them: what is still open stands before the end.
LABELS = (
    (DRAFT, "Draft"),
    (SUBMITTED, "Submitted"),
    (UNKNOWN, "Outcome unknown"),
    (REJECTED, "Rejected"),
    (REMEDIATION, "Pending remediation"),
    (FAILED, "Not delivered"),
    (ACCEPTED, "Accepted"),
    (CANCELLED, "Cancelled"),
)

TRANSITIONS: dict[str, frozenset[str]] = {
    DRAFT: frozenset({SUBMITTED, CANCELLED}),
    SUBMITTED: frozenset({ACCEPTED, REJECTED, UNKNOWN, FAILED, DRAFT}),
    UNKNOWN: frozenset({SUBMITTED, ACCEPTED, REJECTED, FAILED, DRAFT}),
    REJECTED: frozenset({REMEDIATION, CANCELLED}),
    REMEDIATION: frozenset({SUBMITTED, CANCELLED}),
    FAILED: frozenset({SUBMITTED, UNKNOWN, ACCEPTED, REJECTED, REMEDIATION, DRAFT}),
    ACCEPTED: frozenset(),
    CANCELLED: frozenset({SUBMITTED, REMEDIATION}),
}

#: What a state of the exchange means for the e-invoice.
STATE_OF_EXCHANGE = {
    "pending": SUBMITTED,
    "held": SUBMITTED,
    "sending": SUBMITTED,
    "waiting": SUBMITTED,
    "unknown": UNKNOWN,
    "accepted": ACCEPTED,
    "rejected": REJECTED,
    "failed": FAILED,
    "cancelled": DRAFT,
}

#: The authority does not hold the document: it may be changed, cancelled or deleted.
FREE = frozenset({DRAFT, REJECTED, REMEDIATION, CANCELLED})
#: The authority may hold it: wait for the answer.
OPEN = frozenset({SUBMITTED, UNKNOWN, FAILED})
#: The authority or a platform holds it.
HELD = frozenset({ACCEPTED})
#: Nothing that went into the rendering may change.
GUARDED = HELD | OPEN


class ForbiddenTransition(ValueError):
    """The life cycle does not allow this change."""


def check_transition(old: str, new: str) -> None:
    """Refuse a change that the table does not name.

    :raises ForbiddenTransition: with both states in the message.
    """
    if new not in TRANSITIONS[old]:
        raise ForbiddenTransition(f"{old} → {new}")
