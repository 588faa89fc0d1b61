"""The reference provider: a small REST protocol in which every way a provider can behave is an operation.

Documents honour an idempotency key, filings know a repeat by their number and can be looked up, notices know nothing,
records of a chain name their predecessor and are taken in order only. Each is decided at once (201) or later (202,
then poll or webhook), as the verdict rules say. ``docs/reference-provider.openapi.json`` is the contract.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from ..checks import Field, object_problems
from ..clock import to_text
from ..documents import Arrival, Document
from ..provider import Provider
from ..values import Call, Operation, Reply, json_reply, read_json
from ..verdicts import PENDING, REJECTED, Plan
from ..webhooks import StandardSignature, is_loopback

DOCUMENT, FILING, NOTICE, RECORD = "document", "filing", "notice", "record"
COLLECTIONS = {DOCUMENT: "documents", FILING: "filings", NOTICE: "notices", RECORD: "chains"}
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
    404: ("not_found", "There is nothing here"),
    409: ("conflict", "Something else is here already"),
    413: ("too_large", "The body is too large"),
    422: ("refused", "The content is refused"),
    429: ("too_many_requests", "Too many requests"),
    503: ("unavailable", "The service is unavailable"),
}
ACCOUNT, BODY = "account", "body"


class Refused(Exception):
    """An operation refuses; ``about`` is the document that is in the way."""

    def __init__(self, status: int, code: str = "", message: str = "", about: Any = None) -> None:
        super().__init__(message)
        self.status, self.code, self.about = status, code, about


@dataclass(frozen=True)
class Identity:
    """By what the provider knows a document again: within an account, a collection and, there, a chain."""

    account: str
    kind: str
    number: str
    chain: str | None = None


class Reference(Provider):
    name = "reference"
    title = "Reference provider 1.0"
    default_clients = {"reference": "reference-key"}
    default_settings = {
        "webhook_secret": "whsec_cmVmZXJlbmNlLXByb3ZpZGVyLXNlY3JldA==",
        "webhook_urls": {},
        "webhook_kinds": [],
        "webhook_copies": 1,
        "webhook_delay": 0,
    }
    settings_fields = {
        "webhook_secret": Field(pattern=r"whsec_[A-Za-z0-9+/]{32,}={0,2}"),
        "webhook_urls": Field(dict),
        "webhook_kinds": Field(list, items=Field(choices=tuple(COLLECTIONS))),
        "webhook_copies": Field(int, at_least=1, at_most=10),
        "webhook_delay": Field(float, at_least=0, at_most=3600),
    }
    reason_fields = {"code": Field(required=True), "message": Field(required=True)}
    default_reason = {"code": "refused", "message": "Refused on its merits"}

    def operations(self) -> Sequence[Operation]:
        found = [
            ("ping", "GET", "/ping", self.ping),
            ("putDocument", "PUT", "/documents/{key}", self.put_document),
            ("getDocument", "GET", "/documents/{key}", self.get_document),
            ("fileFiling", "POST", "/filings", self.file),
            ("findFiling", "GET", "/filings", self.find_filing),
            ("getFiling", "GET", "/filings/{reference}", self.get),
            ("postNotice", "POST", "/notices", self.notify),
            ("getNotice", "GET", "/notices/{reference}", self.get),
            ("appendRecord", "POST", "/chains/{chain}", self.append),
            ("findRecord", "GET", "/chains/{chain}", self.find_record),
            ("getRecord", "GET", "/chains/{chain}/{reference}", self.get),
        ]
        return tuple(
            Operation(name, method, path, self.answering(handler), self.error)
            for name, method, path, handler in found
        )

    def error(
        self, status: int, code: str = "", message: str = "", about: Document | None = None
    ) -> Reply:
        usual_code, usual_message = WORDS.get(status, ("failed", "The request failed"))
        found = {} if about is None else {"reference": about.reference, "sha256": about.sha256}
        error = {"code": code or usual_code, "message": message or usual_message, **found}
        return json_reply({"error": error}, status)

    def authenticate(self, call: Call) -> Reply | None:
        """Check the API key: the secret of one client, whose account the documents belong to."""
        given = call.headers.get("X-Api-Key", "").encode()
        for client, secret in self.tokens.clients.items():
            if hmac.compare_digest(secret.encode(), given):
                call.memo[ACCOUNT] = client
                return None
        return self.error(401)

    def tracking_id(self, operation: str, call: Call) -> str | None:
        """Return the key or number a call is about, or that of the document whose reference it names."""
        if "key" in call.params or "key" in call.query:
            return call.params.get("key") or call.query["key"]
        if "reference" in call.params:
            document = self.core.oracle.get(self.name, call.params["reference"])
            return document and document.tracking_id
        body = call.once(BODY, read_body)
        number = body.get("number") if isinstance(body, dict) else None
        return number if isinstance(number, str) else None

    def notice(self, document: Document) -> Any:
        """Return the webhook's content, for decided documents only."""
        kinds = self.settings["webhook_kinds"] or COLLECTIONS
        if document.state == PENDING or document.kind not in kinds:
            return None
        kind = f"{document.kind}.{document.state}"
        return {"type": kind, "timestamp": to_text(document.updated_at), "data": receipt(document)}

    def change_settings(self, changes: Any) -> list[str]:
        """Change the settings; each account may have a webhook URL of its own."""
        urls = changes.get("webhook_urls", {}) if isinstance(changes, dict) else {}
        if isinstance(urls, dict) and not all(map(is_loopback, map(str, urls.values()))):
            return ["settings.webhook_urls: only loopback addresses are called"]
        return super().change_settings(changes)

    def announce(self, document: Document) -> None:
        """Send webhooks by the Standard Webhooks specification; copies are the same event again."""
        url = self.settings["webhook_urls"].get(document.seller) or self.settings["webhook_url"]
        content = self.notice(document) if url else None
        if content is None:
            return
        signature = StandardSignature(self.settings["webhook_secret"], f"msg_{uuid4().hex}")
        for _copy in range(self.settings["webhook_copies"]):
            self.core.webhook_sender.send(
                self.name, url, content, sign=signature, delay=self.settings["webhook_delay"]
            )

    def answering(self, handler: Callable[[Call], Reply]) -> Callable[[Call], Reply]:
        """Return the handler, with refusals made replies."""

        def checked(call: Call) -> Reply:
            try:
                return handler(call)
            except Refused as refused:
                return self.error(refused.status, refused.code, str(refused), refused.about)

        return checked

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
        fits = document and COLLECTIONS[document.kind] == collection
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


def record_of(call: Call, chain: str, sequence: int) -> Identity:
    return Identity(call.memo[ACCOUNT], RECORD, str(sequence), chain)


def filed_number(identity: Identity) -> str:
    return f"{identity.chain}/{identity.number}" if identity.chain else identity.number


def arrival(call: Call, identity: Identity, number: str | None) -> Arrival:
    return Arrival(
        reference=str(uuid4()),
        content=call.body,
        tracking_id=number or identity.number,
        number=filed_number(identity),
        seller=identity.account,
        kind=identity.kind,
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
    }


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
