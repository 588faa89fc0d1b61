"""The life of an e-invoice as an accountant reads it, as data.

Draft → Submitted → Filed or Accepted, or Rejected → Being corrected → Submitted. *Filed* is said where a platform has
taken the document, *accepted* where an authority or the buyer has approved it. What the exchange behind it does is
folded into these states; tokens, polls and retries have no state of their own.
"""

from __future__ import annotations

DRAFT = "draft"
SUBMITTED = "submitted"
UNKNOWN = "unknown"
FILED = "filed"
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
    (REMEDIATION, "Being corrected"),
    (FAILED, "Not delivered"),
    (FILED, "Filed"),
    (ACCEPTED, "Accepted"),
    (CANCELLED, "Cancelled"),
)

#: What may follow the answer of a platform or an authority.
_ANSWERS = frozenset({FILED, ACCEPTED, REJECTED})

TRANSITIONS: dict[str, frozenset[str]] = {
    DRAFT: frozenset({SUBMITTED, CANCELLED}),
    SUBMITTED: _ANSWERS | {UNKNOWN, FAILED, DRAFT},
    UNKNOWN: _ANSWERS | {SUBMITTED, FAILED, DRAFT},
    REJECTED: frozenset({REMEDIATION, CANCELLED}),
    REMEDIATION: frozenset({SUBMITTED, CANCELLED}),
    FAILED: _ANSWERS | {SUBMITTED, UNKNOWN, REMEDIATION, DRAFT},
    # Filing is not the end: the authority or the buyer may still accept or reject the document (E11).
    FILED: frozenset({ACCEPTED, REJECTED}),
    ACCEPTED: frozenset(),
    CANCELLED: frozenset({SUBMITTED, REMEDIATION}),
}

#: What a state of the exchange means for the e-invoice; an accepted one: see ``state_of``.
STATE_OF_EXCHANGE = {
    "pending": SUBMITTED,
    "held": SUBMITTED,
    "sending": SUBMITTED,
    "waiting": SUBMITTED,
    "unknown": UNKNOWN,
    "rejected": REJECTED,
    "failed": FAILED,
    "cancelled": DRAFT,
}

#: No platform or authority holds the document: it may be changed, cancelled or deleted.
FREE = frozenset({DRAFT, REJECTED, REMEDIATION, CANCELLED})
#: A platform or an authority may hold it: its answer comes first.
OPEN = frozenset({SUBMITTED, UNKNOWN, FAILED})
#: A platform or an authority holds it.
HELD = frozenset({FILED, ACCEPTED})
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


def state_of(exchange_state: str, on_acceptance: str) -> str | None:
    """Return what a state of the exchange means; None where it means nothing for the e-invoice.

    ``on_acceptance`` is FILED or ACCEPTED: what the regime calls a submission its provider has accepted.
    """
    if exchange_state == "accepted":
        return on_acceptance
    return STATE_OF_EXCHANGE.get(exchange_state)
