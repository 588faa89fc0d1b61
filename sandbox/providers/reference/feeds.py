"""What is fetched: signed receipts, feeds of statuses and documents, queries without effect, the limits."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable, Mapping
from typing import Any
from uuid import uuid4

from ...checks import Field
from ...clock import MICROSECONDS, to_text
from ...documents import Arrival, Document
from ...provider import Provider
from ...values import Call, Reply, json_reply
from ...verdicts import ACCEPTED, PENDING
from .common import (
    ACCOUNT,
    AUTH,
    FEED,
    LOOKUP,
    NUMBER,
    QUERY,
    SEND,
    Refused,
    checked_name,
    cursor_of,
    page_limit,
    receipt,
    to_cursor,
)

JOSE = "application/jose"
GROUPS = (AUTH, SEND, LOOKUP, QUERY, FEED)
ISSUE = {
    "kind": Field(required=True, choices=("invoice", "statement", "report")),
    "number": NUMBER,
    "content": Field(required=True),
    "account": Field(),
}


class Feeds(Provider):
    """Operations without any effect."""

    def feed_operations(self) -> tuple[tuple[Any, ...], ...]:
        return (
            ("getReceipt", "GET", "/receipts/{reference}", self.get_receipt, LOOKUP),
            ("feedStatuses", "GET", "/feeds/statuses", self.feed_statuses, FEED),
            ("feedDocuments", "GET", "/feeds/documents", self.feed_documents, FEED),
            ("queryParty", "GET", "/queries/parties/{party}", self.query_party, QUERY),
            ("getLimits", "GET", "/limits", self.get_limits, ""),
        )

    def get_receipt(self, call: Call) -> Reply:
        """getReceipt: the signed receipt of an accepted document; the same bytes every time."""
        document = self.core.oracle.get(self.name, call.params["reference"])
        if document is None or document.issued or document.seller != call.memo[ACCOUNT]:
            raise Refused(404)
        if document.state != ACCEPTED:
            raise Refused(409, "not_accepted", "Only what was accepted has a receipt", document)
        ready = document.updated_at + round(self.settings["receipt_delay"] * MICROSECONDS)
        wait = math.ceil((ready - self.core.clock.peek()) / MICROSECONDS)
        if wait > 0:
            text = "The receipt is not made yet"
            raise Refused(409, "not_ready", text, document, retry_after=wait)
        signed = {**receipt(document), "accepted_at": to_text(document.updated_at)}
        return Reply(200, self.keys.sign(json.dumps(signed, sort_keys=True).encode()), JOSE)

    def feed_statuses(self, call: Call) -> Reply:
        """feedStatuses: every verdict on a document of the account, oldest first."""
        mine = self.core.oracle.documents(self.name, seller=call.memo[ACCOUNT])
        decided = [each for each in mine if each.state != PENDING]
        return self.page(call, decided, status_item)

    def feed_documents(self, call: Call) -> Reply:
        """feedDocuments: what the provider has for the account, oldest first."""
        issued = self.core.oracle.documents(self.name, issued=True, seller=call.memo[ACCOUNT])
        return self.page(call, list(issued), self.document_item)

    def page(
        self, call: Call, entries: list[Document], show: Callable[[Document], dict[str, Any]]
    ) -> Reply:
        """Return the entries after the cursor; ``feed_overlap`` repeats some before it, as real feeds do."""
        after, limit = cursor_of(call), page_limit(call)
        begin = sum(each.updated_at <= after for each in entries)
        page = entries[max(0, begin - self.settings["feed_overlap"]) : begin + limit]
        fresh = entries[begin : begin + limit]
        return json_reply(
            {
                "items": [show(each) for each in page],
                "next_cursor": to_cursor(fresh[-1].updated_at if fresh else after),
                "more": len(entries) > begin + limit,
            }
        )

    def document_item(self, document: Document) -> dict[str, Any]:
        content = base64.b64encode(self.core.oracle.content(document)).decode()
        about = {"number": document.number, "sha256": document.sha256, "content": content}
        return item(document.reference, document.kind or "", document.updated_at, about)

    def query_party(self, call: Call) -> Reply:
        """queryParty: whether a party is registered. Leaves nothing behind but a journal entry."""
        party = checked_name(call.params["party"], "party")
        name = self.settings["parties"].get(party)
        answer = {"party": party, "registered": name is not None, "name": name}
        proof = {"proof": str(uuid4()), "at": to_text(self.core.clock.peek())}
        return json_reply({**answer, **proof})

    def get_limits(self, call: Call) -> Reply:
        """getLimits: limit, remaining calls and seconds until the reset, by group and window."""
        account = call.memo[ACCOUNT]
        return json_reply({"groups": {each: self.windows.state(each, account) for each in GROUPS}})

    def issue(self, spec: Mapping[str, Any]) -> Document:
        """Put a document into the feed of an account."""
        account = spec.get("account", next(iter(self.default_clients)))
        try:
            content = base64.b64decode(spec["content"], validate=True)
        except ValueError:
            raise ValueError("content: is not base64") from None
        return self.core.oracle.issue(
            self.name,
            Arrival(
                reference=str(uuid4()),
                content=content,
                number=spec["number"],
                seller=account,
                kind=spec["kind"],
            ),
        )


def status_item(document: Document) -> dict[str, Any]:
    name = f"{document.reference}:{document.state}"
    return item(name, "status", document.updated_at, receipt(document))


def item(name: str, kind: str, at: int, data: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": name, "kind": kind, "at": to_text(at), "data": data}
