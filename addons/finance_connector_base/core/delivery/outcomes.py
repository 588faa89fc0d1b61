"""What can result from a call to a provider, as typed values.

Transport and adapters *return* these; nothing below the models raises an error meant for a user.
Each value states what is certain about the effect at the provider, because that alone decides what
may happen next:

=================  =======================================  ===================================
value              the effect at the provider               what happens next
=================  =======================================  ===================================
``Accepted``       happened and is final                    done
``Waiting``        happened, verdict comes later            poll or webhook event
``Rejected``       refused on its merits                    the document must be corrected
``Duplicate``      was already there                        look up, then adopt the reference
``Transient``      certainly did not happen                 retry with back-off
``RateLimited``    certainly did not happen                 retry when the provider allows it
``AuthFailed``     certainly did not happen                 retry; the credentials need a check
``Unknown``        may have happened                        look up at the provider first
``NotFound``       (lookup) the provider does not have it   the same bytes may be sent again
``ContractBroken`` may have happened, answer unreadable     look up; a case if it stays so
``Permanent``      certainly did not happen, never will     a case
=================  =======================================  ===================================

A provider decides what it answers. Every text is therefore made storable and cut, and every number
of seconds bounded, when the value is created: no answer can be one that the database refuses.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from typing import Any

from ..finding import Finding, storable_text

#: Longest pause a provider can ask for; a longer one is one of an hour, after which it is asked
#: again.
MAX_PAUSE_SECONDS = 3600.0
#: A reference is kept in an index; no provider's is longer. Findings of one response.
MAX_REFERENCE = 255
MAX_FINDINGS = 100
MAX_ARTEFACTS = 20
_MAX_INTEGER = 10**40


def bounded_seconds(seconds: Any, most: float = MAX_PAUSE_SECONDS) -> float | None:
    """Return a number of seconds from outside as 0 to ``most``, an hour by default; None where it
    is no number at all.
    """
    if isinstance(seconds, bool):
        return None
    try:
        value = float(seconds)
    except (TypeError, ValueError, OverflowError):
        # An integer that no float can hold is a number all the same.
        return most if isinstance(seconds, int) and seconds > 0 else None
    return None if math.isnan(value) else min(max(value, 0.0), most)


def _clean_reference(value: Any) -> str:
    """Return a provider's reference; none where it is no text or number, which names nothing."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    if isinstance(value, int) and abs(value) >= _MAX_INTEGER:
        return ""
    return storable_text(value, MAX_REFERENCE).strip()


def _clean_findings(value: Any) -> tuple[Finding, ...]:
    found = tuple(item for item in value if isinstance(item, Finding)) if value else ()
    return tuple(item.cleaned() for item in found[:MAX_FINDINGS])


def _clean_artefacts(value: Any) -> tuple[Artefact, ...]:
    found = tuple(item for item in value if isinstance(item, Artefact)) if value else ()
    return found[:MAX_ARTEFACTS]


@dataclass(frozen=True, slots=True)
class _Clean:
    """Makes its own texts storable and its own numbers bounded, whatever an adapter put in."""

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            object.__setattr__(self, item.name, _cleaned(item.name, item.default, value))


def _cleaned(name: str, default: Any, value: Any) -> Any:
    if name in _SECONDS:
        seconds = None if value is None else bounded_seconds(value)
        return default if seconds is None else seconds
    if name == "reference":
        return _clean_reference(value)
    if name == "findings":
        return _clean_findings(value)
    if name == "artefacts":
        return _clean_artefacts(value)
    if name == "ended":
        return tuple(item for item in value if isinstance(item, str)) if value else ()
    if isinstance(value, Finding):
        return value.cleaned()
    if value is None:
        return None if default is None else ""
    return value if isinstance(value, bool) else storable_text(value)


_SECONDS = frozenset({"retry_after", "poll_after", "pause"})


@dataclass(frozen=True, slots=True)
class Artefact:
    """Something the provider gave back that is kept as evidence: a receipt, a signed document."""

    name: str
    media_type: str
    content: bytes = field(repr=False)

    def __post_init__(self) -> None:
        """Refuse what is not bytes: evidence is what came, not what something made of it.

        Name and media type may be the provider's as well; they are made storable.
        """
        if not isinstance(self.content, bytes):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError("the content of an artefact is bytes")
        object.__setattr__(self, "name", storable_text(self.name, MAX_REFERENCE))
        object.__setattr__(self, "media_type", storable_text(self.media_type, MAX_REFERENCE))


@dataclass(frozen=True, slots=True)
class Outcome(_Clean):
    """Common ancestor; never used itself.

    Any outcome may carry ``artefacts``, kept as evidence, a ``pause`` in seconds that the provider
    asks for, also after a success, and the names of resources that have ``ended`` by the provider's
    own word and are obtained again.
    """

    artefacts: tuple[Artefact, ...] = field(default=(), kw_only=True)
    pause: float | None = field(default=None, kw_only=True)
    ended: tuple[str, ...] = field(default=(), kw_only=True)

    @property
    def code(self) -> str:
        """The stable name of the kind of outcome, as stored on attempts."""
        return _CODES[type(self)]


@dataclass(frozen=True, slots=True)
class Accepted(Outcome):
    reference: str
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Waiting(Outcome):
    """The provider has it under ``reference``; poll again after ``poll_after`` seconds."""

    reference: str
    poll_after: float = 5.0


@dataclass(frozen=True, slots=True)
class Rejected(Outcome):
    findings: tuple[Finding, ...]
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Duplicate(Outcome):
    """The provider reports that it already has this key; the record is looked up before its
    reference is adopted.
    """

    reference: str = ""
    finding: Finding | None = None


@dataclass(frozen=True, slots=True)
class Transient(Outcome):
    """``certain`` is False where only the provider's answer (503) says that nothing happened:
    enough where it recognises a repetition, not enough where a second effect would go unnoticed.
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


#: A call whose worker ended has no outcome of its own; its attempt is stored with this code.
LOST = "lost"
_KINDS: tuple[tuple[type[Outcome], str, str], ...] = (
    (Accepted, "accepted", "Accepted"),
    (Waiting, "waiting", "Waiting"),
    (Rejected, "rejected", "Rejected"),
    (Duplicate, "duplicate", "Duplicate"),
    (Transient, "transient", "Not reached"),
    (RateLimited, "rate_limited", "Rate limited"),
    (AuthFailed, "auth_failed", "Credentials refused"),
    (Unknown, "unknown", "No response"),
    (NotFound, "not_found", "Not found"),
    (ContractBroken, "contract_broken", "Unreadable response"),
    (Permanent, "permanent", "Request refused"),
)
_CODES: dict[type[Outcome], str] = {kind: code for kind, code, _label in _KINDS}
#: What an attempt may have ended with, with labels.
LABELS = (*((code, label) for _kind, code, label in _KINDS), (LOST, "Worker lost"))
#: The provider could not be used. Anything else, a rejection or "too many calls" included, is a
#: working provider.
FAILURES = (Transient, Unknown, ContractBroken, AuthFailed)
#: Codes of calls without a usable response: what opens the breaker, and lost workers.
CALL_ERRORS = (*sorted(_CODES[kind] for kind in FAILURES), LOST)
#: Codes of calls by which the provider refused the document or the request itself.
REFUSALS = tuple(_CODES[kind] for kind in (Rejected, Permanent))


def is_declared(value: object) -> bool:
    """Return whether a value is one of the outcomes of the table; a class derived from one is not."""
    return type(value) in _CODES


def is_failure(outcome: Outcome) -> bool:
    """Return whether an outcome means that the provider, not the document, is the problem."""
    return isinstance(outcome, FAILURES)
