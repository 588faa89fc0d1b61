"""What can come of a call to a provider, as typed values.

Transport and adapters *return* these; nothing below the models raises an error meant for a person. Each value says
what is known about the effect at the provider, because that alone decides what may happen next:

=================  =======================================  ==============================
value              the effect at the provider               what happens next
=================  =======================================  ==============================
``Accepted``       happened and is final                    done
``Waiting``        happened, verdict comes later            poll or webhook
``Rejected``       refused on its merits                    a person corrects the document
``Duplicate``      was already there                        adopt the provider's reference
``Transient``      certainly did not happen                 retry with back-off
``RateLimited``    certainly did not happen                 retry when the provider says
``AuthFailed``     certainly did not happen                 retry; a person checks the credentials
``Unknown``        may have happened                        ask the provider (lookup) first
``NotFound``       (lookup) the provider does not have it   the same bytes may be sent again
``ContractBroken`` may have happened, answer unreadable     ask first; a person if it stays so
``Permanent``      certainly did not happen, never will     a person decides
=================  =======================================  ==============================
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Finding:
    """One reason of a rejection. ``code`` is stable; ``item`` is what it refers to, in the provider's words."""

    code: str
    message: str
    item: str = ""
    hint: str = ""
    level: Literal["error", "warning"] = "error"

    def as_dict(self) -> dict[str, str]:
        """The finding as JSON-ready values."""
        return {
            "code": self.code,
            "message": self.message,
            "item": self.item,
            "hint": self.hint,
            "level": self.level,
        }


@dataclass(frozen=True, slots=True)
class Outcome:
    """Common ancestor; never used itself."""

    @property
    def code(self) -> str:
        """Stable name of the kind of outcome, as stored on attempts."""
        return _CODES[type(self)]


@dataclass(frozen=True, slots=True)
class Accepted(Outcome):
    reference: str
    data: Mapping[str, Any] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Waiting(Outcome):
    """The provider has it under ``reference``; ask again after ``poll_after`` seconds."""

    reference: str
    poll_after: float = 5.0
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rejected(Outcome):
    findings: tuple[Finding, ...]
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Duplicate(Outcome):
    """The provider says it already has this key; what it has is looked up before its reference is adopted."""

    reference: str = ""
    finding: Finding | None = None


@dataclass(frozen=True, slots=True)
class Transient(Outcome):
    """``certain`` is False where only the provider's word (503) says that nothing happened: enough where it knows a
    repeat again, not enough where nobody would notice one.
    """

    reason: str
    retry_after: float | None = None
    certain: bool = True


@dataclass(frozen=True, slots=True)
class RateLimited(Outcome):
    reason: str
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class AuthFailed(Outcome):
    reason: str


@dataclass(frozen=True, slots=True)
class Unknown(Outcome):
    reason: str


@dataclass(frozen=True, slots=True)
class NotFound(Outcome):
    reason: str = "the provider has no record of it"


@dataclass(frozen=True, slots=True)
class ContractBroken(Outcome):
    reason: str


@dataclass(frozen=True, slots=True)
class Permanent(Outcome):
    finding: Finding


_CODES = {
    Accepted: "accepted",
    Waiting: "waiting",
    Rejected: "rejected",
    Duplicate: "duplicate",
    Transient: "transient",
    RateLimited: "rate_limited",
    AuthFailed: "auth_failed",
    Unknown: "unknown",
    NotFound: "not_found",
    ContractBroken: "contract_broken",
    Permanent: "permanent",
}


def codes(kinds: tuple[type[Outcome], ...]) -> list[str]:
    """The stable names of kinds of outcomes."""
    return [_CODES[kind] for kind in kinds]
