"""One document in one call: by idempotency key, by number, without recognition of repeats, in a chain."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from ...documents import Document
from ...provider import Provider
from ...values import Call, Reply, json_reply
from ...verdicts import REJECTED, Plan
from .common import (
    ACCOUNT,
    CHAINED,
    COLLECTIONS,
    DOCUMENT,
    FILING,
    LOOKUP,
    NOTICE,
    NUMBERED,
    QUERY,
    SEND,
    Identity,
    Refused,
    arrival,
    checked_body,
    checked_name,
    created,
    filed_number,
    receipt,
    record_of,
)


class Documents(Provider):
    """The operations that take one document, and what the authority holds."""

    def document_operations(self) -> tuple[tuple[Any, ...], ...]:
        return (
            ("ping", "GET", "/ping", self.ping, QUERY),
            ("putDocument", "PUT", "/documents/{key}", self.put_document, SEND),
            ("getDocument", "GET", "/documents/{key}", self.get_document, LOOKUP),
            ("fileFiling", "POST", "/filings", self.file, SEND),
            ("findFiling", "GET", "/filings", self.find_filing, LOOKUP),
            ("getFiling", "GET", "/filings/{reference}", self.get, LOOKUP),
            ("postNotice", "POST", "/notices", self.notify, SEND),
            ("getNotice", "GET", "/notices/{reference}", self.get, LOOKUP),
            ("appendRecord", "POST", "/chains/{chain}", self.append, SEND),
            ("findRecord", "GET", "/chains/{chain}", self.find_record, LOOKUP),
            ("getRecord", "GET", "/chains/{chain}/{reference}", self.get, LOOKUP),
        )

    # Operations

    def ping(self, call: Call) -> Reply:
        """ping: are address and key right?"""
        return json_reply({"status": "ok", "account": call.memo[ACCOUNT]})

    def put_document(self, call: Call) -> Reply:
        """putDocument: the key in the path makes a repeat harmless."""
        key = checked_name(call.params["key"], "key")
        identity = Identity(call.memo[ACCOUNT], DOCUMENT, key)
        found = self.first(identity)
        if found is None:
            return created(self.take(call, identity))
        if found.sha256 != hashlib.sha256(call.body).hexdigest():
            raise Refused(409, "conflict", "The key was used for other bytes", found)
        return created(found)

    def get_document(self, call: Call) -> Reply:
        """getDocument: what was received under a key."""
        key = checked_name(call.params["key"], "key")
        return self.looked_at(self.first(Identity(call.memo[ACCOUNT], DOCUMENT, key)))

    def file(self, call: Call) -> Reply:
        """fileFiling: one number is filed once; what was refused may be filed again."""
        body = checked_body(call, NUMBERED)
        identity = Identity(call.memo[ACCOUNT], FILING, body["number"])
        self.refuse_repeat(identity)
        return created(self.take(call, identity))

    def find_filing(self, call: Call) -> Reply:
        """findFiling: what arrived under a number, the refused included."""
        number = checked_name(call.query.get("key", ""), "key")
        return self.found(Identity(call.memo[ACCOUNT], FILING, number))

    def notify(self, call: Call) -> Reply:
        """postNotice: every call is an effect."""
        body = checked_body(call, NUMBERED)
        return created(self.take(call, Identity(call.memo[ACCOUNT], NOTICE, body["number"])))

    def append(self, call: Call) -> Reply:
        """appendRecord: the next record of a chain, and no other."""
        chain, body = checked_name(call.params["chain"], "chain"), checked_body(call, CHAINED)
        identity = record_of(call, chain, body["sequence"])
        self.refuse_repeat(identity)
        before = self.standing(record_of(call, chain, body["sequence"] - 1))
        first = body["sequence"] == 1
        if body["previous"] != (before.sha256 if before else "") or not (first or before):
            self.note_disorder(call, identity, body)
            raise Refused(422, "out_of_order", "The predecessor is not the one named", before)
        return created(self.take(call, identity, body["number"]))

    def find_record(self, call: Call) -> Reply:
        """findRecord: what arrived under a sequence number, the refused included."""
        sequence = call.query.get("sequence", "")
        if not re.fullmatch(r"[1-9]\d{0,8}", sequence, re.ASCII):
            raise Refused(400, message="sequence: must be a whole number above zero")
        chain = checked_name(call.params["chain"], "chain")
        return self.found(record_of(call, chain, int(sequence)))

    def get(self, call: Call) -> Reply:
        """GetFiling and its like: the receipt as it stands."""
        document = self.core.oracle.get(self.name, call.params["reference"])
        collection = call.path.split("/")[2]
        fits = document and COLLECTIONS.get(document.kind) == collection
        mine = document and document.seller == call.memo[ACCOUNT]
        return self.looked_at(document if fits and mine else None)

    def looked_at(self, document: Document | None) -> Reply:
        """Answer a lookup of the verdict."""
        if document is None:
            raise Refused(404)
        reply = json_reply(receipt(document))
        self.core.oracle.look([document])
        return reply

    # What the authority holds

    def filed(self, identity: Identity) -> list[Document]:
        """Everything that arrived under an identity, in the order of its last change."""
        found = self.core.oracle.documents(
            self.name, number=filed_number(identity), seller=identity.account
        )
        return [each for each in found if each.kind == identity.kind]

    def first(self, identity: Identity) -> Document | None:
        return next(iter(self.filed(identity)), None)

    def standing(self, identity: Identity) -> Document | None:
        """Return what is filed under an identity, unless refused or about to be."""
        return next((each for each in self.filed(identity) if each.outcome != REJECTED), None)

    def found(self, identity: Identity) -> Reply:
        documents = self.filed(identity)
        reply = json_reply({"results": [receipt(each) for each in documents]})
        self.core.oracle.look(documents)
        return reply

    def refuse_repeat(self, identity: Identity) -> None:
        document = self.standing(identity)
        if document is not None:
            raise Refused(409, "duplicate", "This was received already", document)

    def take(self, call: Call, identity: Identity, number: str | None = None) -> Document:
        """Take effect."""
        return self.core.receive(self, arrival(call, identity, number), defects=[])

    def note_disorder(self, call: Call, identity: Identity, body: Mapping[str, Any]) -> None:
        """Refuse a record out of order; it stays in the files, so that the oracle counts it."""
        reason = {"code": "out_of_order", "message": "Sent before its predecessor, or beside it"}
        filed = arrival(call, identity, body["number"])
        self.core.oracle.receive(self.name, filed, Plan(REJECTED, (reason,)))
