"""What all operations of the reference provider share: refusals, identities, receipts, checks of a request."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from ...checks import Field, object_problems
from ...clock import to_text
from ...documents import Arrival, Document
from ...values import Call, Reply, json_reply, read_json
from ...verdicts import PENDING

DOCUMENT, FILING, NOTICE, RECORD = "document", "filing", "notice", "record"
SESSION_ITEM, BATCH_ITEM = "session_item", "batch_item"
COLLECTIONS = {DOCUMENT: "documents", FILING: "filings", NOTICE: "notices", RECORD: "chains"}
KINDS = (*COLLECTIONS, SESSION_ITEM, BATCH_ITEM)
AUTH, SEND, LOOKUP, QUERY, FEED = "auth", "send", "lookup", "query", "feed"
NAME = re.compile(r"[A-Za-z0-9._:-]{1,100}")
NUMBER = Field(required=True, pattern=NAME.pattern)
NUMBERED = {"number": NUMBER}
CHAINED = {
    "number": NUMBER,
    "sequence": Field(int, required=True, at_least=1),
    "previous": Field(required=True, pattern=r"([0-9a-f]{64})?"),
}
WORDS = {
    400: ("bad_request", "The request is not as documented"),
    401: ("unauthorized", "A valid X-Api-Key is required"),
    403: ("forbidden", "The client may not do this"),
    404: ("not_found", "There is nothing here"),
    409: ("conflict", "Something else is here already"),
    413: ("too_large", "The body is too large"),
    422: ("refused", "The content is refused"),
    429: ("too_many_requests", "Too many requests"),
    503: ("unavailable", "The service is unavailable"),
}
ACCOUNT, BODY = "account", "body"
DEFAULT_PAGE, LARGEST_PAGE = 100, 1000
#: Where a document came from, as its receipt says.
WIRE = ("session", "batch", "wire_sha256")


class Refused(Exception):
    """An operation refuses; ``about`` is the document that is in the way."""

    def __init__(
        self,
        status: int,
        code: str = "",
        message: str = "",
        about: Any = None,
        *,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.about = status, code, about
        self.retry_after = retry_after


@dataclass(frozen=True)
class Identity:
    """By what the provider knows a document again: within an account, a collection and, there, a chain."""

    account: str
    kind: str
    number: str
    chain: str | None = None


def record_of(call: Call, chain: str, sequence: int) -> Identity:
    return Identity(call.memo[ACCOUNT], RECORD, str(sequence), chain)


def filed_number(identity: Identity) -> str:
    return f"{identity.chain}/{identity.number}" if identity.chain else identity.number


def arrival(
    call: Call,
    identity: Identity,
    number: str | None,
    *,
    content: bytes | None = None,
    **attributes: str,
) -> Arrival:
    """Return the document of a call; its bytes are the body unless others are given."""
    return Arrival(
        reference=str(uuid4()),
        content=call.body if content is None else content,
        tracking_id=number or identity.number,
        number=filed_number(identity),
        seller=identity.account,
        kind=identity.kind,
        attributes=attributes,
    )


def receipt(document: Document) -> dict[str, Any]:
    """Return what every answer says of a document."""
    return {
        "reference": document.reference,
        "kind": document.kind,
        "number": document.number,
        "state": document.state,
        "sha256": document.sha256,
        "received_at": to_text(document.received_at),
        "reasons": document.reasons if document.state != PENDING else [],
        **{name: document.attributes[name] for name in WIRE if name in document.attributes},
    }


def page_limit(call: Call) -> int:
    """Return how many entries of a list are asked for."""
    given = call.query.get("limit", str(DEFAULT_PAGE))
    if not (given.isascii() and given.isdigit() and 1 <= int(given) <= LARGEST_PAGE):
        raise Refused(400, message=f"limit: must be a whole number up to {LARGEST_PAGE}")
    return int(given)


def cursor_of(call: Call) -> int:
    """Return the instant after which a list goes on; a cursor is opaque to clients."""
    given = call.query.get("cursor", "")
    try:
        return int(base64.urlsafe_b64decode(given.encode()).decode()) if given else 0
    except ValueError:
        raise Refused(400, "bad_cursor", "The cursor was not given out here") from None


def to_cursor(instant: int) -> str:
    return base64.urlsafe_b64encode(str(instant).encode()).decode()


def decoded(value: str, where: str) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except ValueError:
        raise Refused(400, message=f"{where}: is not base64") from None


def created(document: Document) -> Reply:
    """201 with the verdict, or 202 while there is none."""
    return json_reply(receipt(document), 202 if document.state == PENDING else 201)


def read_body(call: Call) -> Any:
    try:
        return read_json(call.body)
    except ValueError:
        return None


def checked_body(call: Call, fields: Mapping[str, Field]) -> dict[str, Any]:
    body = call.once(BODY, read_body)
    problems = object_problems(body, fields)
    if problems:
        raise Refused(400, message="; ".join(problems))
    return body


def checked_name(value: str, where: str) -> str:
    if not NAME.fullmatch(value):
        raise Refused(400, message=f"{where}: has the wrong format")
    return value
