"""The facts of one entry and the bytes they become.

The keys of the document are the names of the table's columns: PostgreSQL fills the columns from
the bytes, so that a column can never contradict the evidence.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from .canonical import iso_utc, json_bytes, to_json
from .erasable import Part
from .errors import ActionRefused, OutcomeRefused, ValueRefused
from .statement import Coded, stored

FORMAT = "finance-audit-entry/1"
OUTCOMES = ("info", "success", "warning", "failure")
SOURCES = ("ui", "rpc", "cron", "cli")

# At least two words: a topic and an event. The ids are a public contract, so the form is fixed.
_ACTION = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")
# PostgreSQL cannot store NUL in text, UTF-8 cannot encode half a surrogate pair. An unusual response of a provider
# must not prevent an operation from being recorded, so both become the replacement character.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_REPLACEMENT = "\ufffd"
# NUL in JSON.
_ZERO = b"\\u0000"


@dataclass(frozen=True)
class Subject:
    """A record with its name at the time of the entry."""

    model: str
    id: int
    name: str = ""


@dataclass(frozen=True)
class Actor:
    """The acting user: that of the environment, and the one who is logged in."""

    user_id: int
    real_user_id: int
    login: str
    source: str


@dataclass(frozen=True)
class Facts:
    """Everything that an entry states except its time and its uid."""

    action: str
    actor: Actor
    outcome: str = "info"
    # In the writer's language: what is shown where no installed addon has the code of the statement.
    summary: str = ""
    statement: Coded | None = None
    record: Subject | None = None
    document: Subject | None = None
    company_id: int | None = None
    correlation_id: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict[str, Any])
    # What may be erased later, with its salt. The entry contains the salted hash.
    erasable: Part | None = None

    def __post_init__(self) -> None:
        if not _ACTION.fullmatch(self.action or ""):
            raise ActionRefused(f"{self.action!r} is not a dotted id such as exchange.accepted")
        if self.outcome not in OUTCOMES:
            raise OutcomeRefused(f"{self.outcome!r} is not one of {', '.join(OUTCOMES)}")


def entry_bytes(facts: Facts, uid: UUID, created_at: datetime) -> bytes:
    """Return the canonical bytes of the entry."""
    document = to_json(entry_document(facts, uid, created_at))
    try:
        data = json_bytes(document)
    except ValueRefused:  # half of a surrogate pair
        return json_bytes(storable(document))
    # Text is searched for unstorable characters only when the bytes contain one.
    return json_bytes(storable(document)) if _ZERO in data else data


def entry_document(facts: Facts, uid: UUID, created_at: datetime) -> dict[str, Any]:
    """Return the entry as one flat JSON object plus its `details`."""
    return {
        "format": FORMAT,
        "uid": uid,
        "created_at": iso_utc(created_at),
        "company_id": facts.company_id,
        "user_id": facts.actor.user_id,
        "real_user_id": facts.actor.real_user_id,
        "user_login": facts.actor.login,
        "source": facts.actor.source,
        "action": facts.action,
        "outcome": facts.outcome,
        "summary": facts.summary or "",
        **_subject_columns("record", facts.record),
        **_subject_columns("document", facts.document),
        "correlation_id": facts.correlation_id or None,
        "details": dict(facts.details or {}),
        **({"statement": stored(facts.statement)} if facts.statement else {}),
        # In the form in which PostgreSQL reads bytes from text.
        **({"sensitive_hash": f"\\x{facts.erasable.digest().hex()}"} if facts.erasable else {}),
    }


def storable(value: Any) -> Any:
    """Return `value` without the characters that PostgreSQL or UTF-8 cannot store."""
    if isinstance(value, str):
        return _UNSTORABLE.sub(_REPLACEMENT, value)
    if isinstance(value, dict):
        mapping = cast("dict[Any, Any]", value)
        return {storable(key): storable(item) for key, item in mapping.items()}
    if isinstance(value, list):
        return [storable(item) for item in cast("list[Any]", value)]
    return value


def _subject_columns(prefix: str, subject: Subject | None) -> dict[str, Any]:
    return {
        f"{prefix}_model": subject and subject.model,
        f"{prefix}_id": subject and subject.id,
        f"{prefix}_name": subject and (subject.name or ""),
    }
