"""Batches: many documents in one call, an answer for each key.

Faults of single items come from the fault injector: ``items_missing`` (taken, but left out of the answer), ``items_lost``
(neither taken nor answered), ``items_repeated`` (answered twice); a rejected subset is a matter of verdict rules.
"""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from ...checks import Field
from ...documents import Document
from ...provider import Provider
from ...values import Call, Reply, json_reply
from .common import (
    ACCOUNT,
    BATCH_ITEM,
    LOOKUP,
    NUMBER,
    SEND,
    Identity,
    Refused,
    arrival,
    checked_body,
    checked_name,
    decoded,
    receipt,
)

ITEM = Field(dict, fields={"key": NUMBER, "content": Field(required=True)})
BATCH = {"items": Field(list, required=True, items=ITEM)}


class Batches(Provider):
    """The operations of batches. Items are judged one by one; there is no all or nothing."""

    def batch_operations(self) -> tuple[tuple[Any, ...], ...]:
        return (
            ("sendBatch", "POST", "/batches", self.send_batch, SEND),
            ("findBatchItem", "GET", "/batches", self.find_batch_item, LOOKUP),
            ("getBatch", "GET", "/batches/{batch}", self.get_batch, LOOKUP),
        )

    def send_batch(self, call: Call) -> Reply:
        """sendBatch: take the items in their order and answer for each key."""
        items = [
            (item["key"], decoded(item["content"], f"items[{index}].content"))
            for index, item in enumerate(checked_body(call, BATCH)["items"])
        ]
        if len(items) > self.settings["batch_max_items"]:
            raise Refused(413)
        if not items or len({key for key, _content in items}) < len(items):
            raise Refused(400, message="items: none, or a key is given twice")
        batch, results = str(uuid4()), []
        for key, content in items:
            if meets(call, "items_lost", key):
                continue
            result = self.take_item(call, batch, key, content)
            if not meets(call, "items_missing", key):
                results += [result] * (2 if meets(call, "items_repeated", key) else 1)
        return json_reply({"batch": batch, "results": results}, 201)

    def take_item(self, call: Call, batch: str, key: str, content: bytes) -> dict[str, Any]:
        """Return the answer for one item: its receipt, or what is there already."""
        identity = Identity(call.memo[ACCOUNT], BATCH_ITEM, key)
        standing = self.standing(identity)
        if standing and self.settings["batch_repeats"] == "refused":
            return {"key": key, "outcome": "duplicate", "receipt": receipt(standing)}
        filed = arrival(call, identity, None, content=content, batch=batch)
        return item_answer(self.core.receive(self, filed, defects=[]))

    def get_batch(self, call: Call) -> Reply:
        """getBatch: what was taken in a batch, as it stands; a missing item was not taken."""
        mine = self.core.oracle.documents(self.name, seller=call.memo[ACCOUNT])
        batch = call.params["batch"]
        found = [each for each in mine if each.attributes.get("batch") == batch]
        if not found:
            raise Refused(404)
        reply = json_reply({"batch": batch, "results": [item_answer(each) for each in found]})
        self.core.oracle.look(found)
        return reply

    def find_batch_item(self, call: Call) -> Reply:
        """findBatchItem: what arrived under a key in any batch, the refused included."""
        key = checked_name(call.query.get("key", ""), "key")
        return self.found(Identity(call.memo[ACCOUNT], BATCH_ITEM, key))


def item_answer(document: Document) -> dict[str, Any]:
    return {"key": document.number, "outcome": document.state, "receipt": receipt(document)}


def meets(call: Call, kind: str, key: str) -> bool:
    """Whether the fault of this call, if there is one, is of the kind and meets the item."""
    return call.fault is not None and call.fault.concerns(kind, key)
