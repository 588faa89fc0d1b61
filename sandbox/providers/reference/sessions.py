"""Sessions with a key: open, send encrypted documents, close, list what arrived."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any
from uuid import uuid4

from ...checks import Field
from ...clock import MICROSECONDS, to_text
from ...documents import Document
from ...provider import Provider
from ...values import Call, Reply, json_reply
from .common import (
    ACCOUNT,
    AUTH,
    LOOKUP,
    NUMBER,
    SEND,
    SESSION_ITEM,
    Identity,
    Refused,
    arrival,
    checked_body,
    checked_name,
    created,
    cursor_of,
    decoded,
    page_limit,
    receipt,
    to_cursor,
)
from .keys import NONCE, SIGNING, Keys, decrypt

KEPT = 1000
TEXT = Field(required=True)
OPEN = {"key_id": TEXT, "encrypted_key": TEXT}
SEALED = {
    "number": NUMBER,
    "nonce": TEXT,
    "encrypted": TEXT,
    "sha256": Field(required=True, pattern="[0-9a-f]{64}"),
}


@dataclass
class Session:
    account: str
    key: str
    expires_at: int
    closed: bool = False


class Sessions(Provider):
    """The operations of sessions. A repeat is known by its number, across all sessions of the account."""

    def __init__(self, core: Any) -> None:
        super().__init__(core)
        self.keys = Keys()
        self.sessions: dict[str, Session] = {}

    def session_operations(self) -> tuple[tuple[Any, ...], ...]:
        documents = "/sessions/{session}/documents"
        return (
            ("openSession", "POST", "/sessions", self.open_session, AUTH),
            ("sendInSession", "POST", documents, self.send_in_session, SEND),
            ("listSession", "GET", documents, self.list_session, LOOKUP),
            ("closeSession", "POST", "/sessions/{session}/close", self.close_session, AUTH),
            ("getSession", "GET", "/sessions/{session}", self.get_session, LOOKUP),
        )

    def key_operations(self) -> tuple[tuple[Any, ...], ...]:
        return (("getKeys", "GET", "/keys", self.list_keys, AUTH),)

    def list_keys(self, call: Call) -> Reply:
        """getKeys: the public keys to encrypt for the provider and to check its signatures."""
        return json_reply({"keys": self.public_keys()})

    def open_session(self, call: Call) -> Reply:
        """openSession: the session's AES key, encrypted for the provider's current RSA key."""
        body = checked_body(call, OPEN)
        if body["key_id"] != self.encryption_key_id():
            raise Refused(422, "unknown_key", "The key is not the one in use now; see /keys")
        try:
            key = self.keys.unwrap(body["key_id"], decoded(body["encrypted_key"], "encrypted_key"))
        except ValueError:
            raise Refused(422, "undecryptable", "The session key cannot be read") from None
        account, now = call.memo[ACCOUNT], self.core.clock.peek()
        mine = [each for each in self.sessions.values() if each.account == account]
        if sum(is_open(each, now) for each in mine) >= self.settings["sessions_at_once"]:
            raise Refused(409, "too_many_sessions", "Close a session first")
        reference = str(uuid4())
        ends = now + self.settings["session_seconds"] * MICROSECONDS
        self.sessions[reference] = Session(account, base64.b64encode(key).decode(), ends)
        self.forget_oldest(now)
        self.core.save()
        return json_reply(self.session_report(reference), 201)

    def send_in_session(self, call: Call) -> Reply:
        """sendInSession: one encrypted document; the authority files its plain bytes."""
        reference, session = self.my_session(call)
        body = checked_body(call, SEALED)
        if not is_open(session, self.core.clock.peek()):
            code = "session_closed" if session.closed else "session_expired"
            raise Refused(409, code, "The session takes no documents any more")
        content, wire = opened(reference, session, body)
        identity = Identity(call.memo[ACCOUNT], SESSION_ITEM, body["number"])
        self.refuse_repeat(identity)
        filed = arrival(call, identity, None, content=content, session=reference, wire_sha256=wire)
        return created(self.core.receive(self, filed, defects=[]))

    def close_session(self, call: Call) -> Reply:
        """closeSession: no more documents; closing again changes nothing."""
        reference, session = self.my_session(call)
        session.closed = True
        session.key = ""
        self.core.save()
        return json_reply(self.session_report(reference))

    def get_session(self, call: Call) -> Reply:
        """getSession: its state, also long after its end."""
        return json_reply(self.session_report(self.my_session(call)[0]))

    def list_session(self, call: Call) -> Reply:
        """listSession: what arrived in a session, in pages; ``number`` looks one document up."""
        reference, _session = self.my_session(call)
        number, limit, after = call.query.get("number"), page_limit(call), cursor_of(call)
        if number is not None:
            checked_name(number, "number")
        found = [
            each
            for each in self.in_session(reference, call.memo[ACCOUNT], number)
            if each.received_at > after
        ]
        page = found[:limit]
        reply: dict[str, Any] = {"results": [receipt(each) for each in page]}
        if len(found) > limit:
            reply["next_cursor"] = to_cursor(page[-1].received_at)
        self.core.oracle.look(page)
        return json_reply(reply)

    def my_session(self, call: Call) -> tuple[str, Session]:
        reference = call.params["session"]
        session = self.sessions.get(reference)
        if session is None or session.account != call.memo[ACCOUNT]:
            raise Refused(404)
        return reference, session

    def in_session(self, reference: str, account: str, number: str | None = None) -> list[Document]:
        """Return the documents of a session in the order of arrival, or those with a number."""
        narrowed = {} if number is None else {"number": number}
        mine = self.core.oracle.documents(self.name, seller=account, **narrowed)
        found = [each for each in mine if each.attributes.get("session") == reference]
        return sorted(found, key=lambda each: each.received_at)

    def session_report(self, reference: str) -> dict[str, Any]:
        session = self.sessions[reference]
        open_now = is_open(session, self.core.clock.peek())
        return {
            "session": reference,
            "state": "closed" if session.closed else "open" if open_now else "expired",
            "expires_at": to_text(session.expires_at),
            "documents": len(self.in_session(reference, session.account)),
        }

    def forget_oldest(self, now: int) -> None:
        """Keep the number of sessions bounded; an open one is never forgotten."""
        ended = [name for name, each in self.sessions.items() if not is_open(each, now)]
        for name in ended[: max(0, len(self.sessions) - KEPT)]:
            del self.sessions[name]

    def encryption_key_id(self) -> str:
        return f"encrypt-{self.settings['encryption_key']}"

    def public_keys(self) -> list[dict[str, str]]:
        current = self.encryption_key_id()
        found = [("encrypt", "RSA-OAEP-256", current), ("sign", "EdDSA", SIGNING)]
        shown = [
            {"key_id": name, "use": use, "algorithm": kind, "public_key": self.keys.public(name)}
            for use, kind, name in found
        ]
        self.core.save()  # a key once shown must outlive the process
        return shown

    def dump_sessions(self) -> dict[str, Any]:
        return {reference: asdict(session) for reference, session in self.sessions.items()}

    def load_sessions(self, state: Mapping[str, Any]) -> None:
        self.sessions = {reference: Session(**session) for reference, session in state.items()}


def is_open(session: Session, now: int) -> bool:
    return not session.closed and session.expires_at > now


def opened(reference: str, session: Session, body: Mapping[str, str]) -> tuple[bytes, str]:
    """Return the plain bytes of a document and the hash of the encrypted ones."""
    nonce, sealed = decoded(body["nonce"], "nonce"), decoded(body["encrypted"], "encrypted")
    if len(nonce) != NONCE:
        raise Refused(400, message=f"nonce: must have {NONCE} bytes")
    try:
        content = decrypt(base64.b64decode(session.key), nonce, sealed, reference)
    except ValueError:
        raise Refused(422, "undecryptable", "The document cannot be decrypted") from None
    if hashlib.sha256(content).hexdigest() != body["sha256"]:
        raise Refused(422, "hash_mismatch", "The decrypted bytes are not those announced")
    return content, hashlib.sha256(sealed).hexdigest()
