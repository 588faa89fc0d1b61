"""The protocol of the Letterbox: a letter is posted once and can be looked up by its key."""

import base64
import hashlib
import json
from dataclasses import dataclass, field
from urllib.parse import quote

from odoo.addons.finance_connector_base.core.conversation import Answer, Ask, Item, Page
from odoo.addons.finance_connector_base.core.delivery.outcomes import (
    Accepted,
    ContractBroken,
    NotFound,
    Rejected,
    Waiting,
)
from odoo.addons.finance_connector_base.core.finding import Finding
from odoo.addons.finance_connector_base.core.http.sign_ins import ApiKey
from odoo.addons.finance_connector_base.core.http.wire import HttpRequest
from odoo.addons.finance_connector_base.core.protocol import (
    ProviderProtocol,
    refusal_by_status,
    unreadable,
)

JSON = "application/json"


@dataclass(frozen=True)
class Letterbox(ProviderProtocol):
    base_url: str
    api_key: str = field(repr=False)

    def authorization(self):
        return ApiKey(self.api_key)

    # -- one letter: build a request, interpret its response ---------------------------------------

    def build(self, step, call):
        path = f"/letters/{quote(call.key, safe='')}"
        if step == "send":
            return self._request("POST", path, call.payload, "application/octet-stream")
        return self._request("GET", path)

    def interpret(self, step, call, response):
        refused = refusal_by_status(response, f"HTTP {response.status}")
        if refused:
            return refused
        data = response.json_object() or {}
        if step == "lookup" and response.status == 404 and data.get("error") == "no_letter":
            return NotFound()
        if response.status == 409 and data.get("error") == "key_taken":
            return ContractBroken("the provider has other bytes under this key")
        if response.status not in (200, 202):
            return unreadable(response)
        return self._verdict(call, data) or unreadable(response)

    def _verdict(self, call, letter):
        """Return what the provider says of one letter, None where it says nothing."""
        reference, state = letter.get("letter"), letter.get("state")
        if not isinstance(reference, str) or not reference:
            return None
        if letter.get("sha256") != hashlib.sha256(call.payload).hexdigest():
            return ContractBroken("the provider has other bytes under this key")
        if state == "sorting":
            return Waiting(reference, poll_after=2.0)
        if state == "delivered":
            return Accepted(reference)
        if state == "refused":
            code, message = f"letterbox.{letter.get('error')}", letter.get("message")
            return Rejected((Finding.of_provider(code, message),), reference)
        return None

    # -- several letters in one request ------------------------------------------------------------

    def converse_batch(self, calls, context):
        items = [
            {"key": call.key, "text": base64.b64encode(call.payload).decode()} for call in calls
        ]
        body = json.dumps({"letters": items}).encode()
        response = yield Ask(self._request("POST", "/letters", body, JSON), effect=True)
        refused = refusal_by_status(response, f"HTTP {response.status}")
        if refused:
            return refused
        letters = (response.json_object() or {}).get("letters")
        if response.status != 200 or not isinstance(letters, list):
            return unreadable(response)
        by_key = {letter.get("key"): letter for letter in letters if isinstance(letter, dict)}
        return {
            call.key: self._verdict(call, by_key[call.key]) or unreadable(response)
            for call in calls
            if call.key in by_key
        }

    # -- what the provider reports, and what it can be asked ---------------------------------------

    def feed(self, name, cursor, context):
        response = yield Ask(self._request("GET", f"/statuses?after={quote(cursor or '0')}"))
        data = response.json_object() or {}
        statuses, following = data.get("statuses"), data.get("next")
        if response.status != 200 or not isinstance(statuses, list) or not following:
            return refusal_by_status(response, f"HTTP {response.status}") or unreadable(response)
        items = tuple(
            Item(status["id"], "status", json.dumps(status, sort_keys=True).encode())
            for status in statuses
        )
        return Page(items, following, more=data.get("more") is True)

    def query(self, operation, payload, context):
        number = payload["number"]
        response = yield Ask(self._request("GET", f"/numbers/{quote(number, safe='')}"))
        data = response.json_object() or {}
        exists = data.get("exists")
        is_answer = response.status == 200 and data.get("number") == number
        if not is_answer or not isinstance(exists, bool):
            return refusal_by_status(response, f"HTTP {response.status}") or unreadable(response)
        return Answer("exists" if exists else "does_not_exist", proof=data.get("proof") or "")

    # -- the connection test -----------------------------------------------------------------------

    def build_probe(self):
        return self._request("GET", "/ping")

    def interpret_probe(self, response):
        if response.status == 200 and (response.json_object() or {}).get("status") == "ok":
            return Accepted("")
        return refusal_by_status(response, f"HTTP {response.status}") or unreadable(response)

    def _request(self, method, path, body=None, media_type=""):
        headers = {"Accept": JSON, **({"Content-Type": media_type} if media_type else {})}
        return HttpRequest(method, self.base_url.rstrip("/") + path, headers, body)
