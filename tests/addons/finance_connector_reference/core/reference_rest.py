"""The sandbox's reference provider (``docs/reference-provider.openapi.json``): one operation for each way in which a
provider can recognise a repeat, so that the engine above is exercised in all of them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from odoo.addons.finance_connector_base.core.delivery.outcomes import (
    Accepted,
    ContractBroken,
    Duplicate,
    NotFound,
    Outcome,
    Permanent,
    Rejected,
    Waiting,
)
from odoo.addons.finance_connector_base.core.finding import Finding
from odoo.addons.finance_connector_base.core.http.wire import (
    QUERY_TIMEOUT,
    HttpRequest,
    HttpResponse,
)
from odoo.addons.finance_connector_base.core.protocol import (
    Call,
    ProviderProtocol,
    Step,
    refusal_by_status,
    unreadable,
)
from odoo.addons.finance_connector_base.core.security.webhook import (
    WebhookEvent,
    verify_standard_webhook,
)

API_VERSION = "1.0"
_RECORD = "record"
DOCUMENT, FILING, FILING_NOW, NOTICE, CHAIN = "document", "filing", "filing_now", "notice", "chain"
#: Short: the provider is on the same machine, and a test waits for each call that is lost.
TIMEOUT = (2.0, 5.0)
_OK, _CREATED, _ACCEPTED = 200, 201, 202
_BAD_REQUEST, _NOT_FOUND, _CONFLICT, _TOO_LARGE, _REFUSED = 400, 404, 409, 413, 422
_POLL_SECONDS = 1.0


@dataclass(frozen=True)
class ReferenceRest(ProviderProtocol):
    """One account at the reference provider. ``base_url`` ends with ``/reference``."""

    base_url: str
    api_key: str = field(repr=False)
    webhook_secrets: tuple[str, ...] = field(default=(), repr=False)

    def build(self, step: Step, call: Call) -> HttpRequest:
        if step == "send":
            return self._send(call)
        if step == "lookup":
            return self._get(_lookup_path(call))
        return self._get(f"{_collection(call)}/{quote(call.reference, safe='')}")

    def interpret(self, step: Step, call: Call, response: HttpResponse) -> Outcome:
        if step == "send":
            return _read_receipt(call, response)
        if step == "lookup":
            return _read_results(call, response)
        return _read_verdict(call, response)

    def build_probe(self) -> HttpRequest:
        return self._get("ping")

    def interpret_probe(self, response: HttpResponse) -> Outcome:
        data = response.json_object() or {}
        if response.status == _OK and data.get("status") == "ok":
            return Accepted("")
        return refusal_by_status(response, _words(response)) or unreadable(response)

    def verify_webhook(self, headers: Mapping[str, str], body: bytes, received_at: float) -> str:
        return verify_standard_webhook(headers, body, self.webhook_secrets, received_at)

    def read_webhook(self, headers: Mapping[str, str], body: bytes) -> tuple[WebhookEvent, ...]:
        data = json.loads(body)["data"]
        outcome = _EVENTS[data["state"]](data)
        # A record is identified by its place in the chain; the others by the number, which is our key.
        key = "" if data["kind"] == _RECORD else data["number"]
        return (WebhookEvent(data["reference"], key, outcome, sha256=data["sha256"]),)

    def _send(self, call: Call) -> HttpRequest:
        path, method = _collection(call), "POST"
        if call.operation == DOCUMENT:
            path, method = f"documents/{quote(call.key, safe='')}", "PUT"
        headers = {**self._headers(), "Content-Type": "application/json"}
        return HttpRequest(method, self._url(path), headers, call.payload, TIMEOUT)

    def _get(self, path: str) -> HttpRequest:
        return HttpRequest("GET", self._url(path), self._headers(), timeout=QUERY_TIMEOUT)

    def _headers(self) -> dict[str, str]:
        return {"Accept": "application/json", "X-Api-Key": self.api_key}

    def _url(self, path: str) -> str:
        return f"{self.base_url.rstrip('/')}/{path}"


def _collection(call: Call) -> str:
    if call.operation == CHAIN:
        return f"chains/{quote(call.parameters['chain'], safe='')}"
    return "notices" if call.operation == NOTICE else "filings"


def _lookup_path(call: Call) -> str:
    query = {"key": call.parameters.get("number", "")}
    if call.operation == CHAIN:
        query = {"sequence": call.parameters["sequence"]}
    return f"{_collection(call)}?{urlencode(query)}"


def _read_receipt(call: Call, response: HttpResponse) -> Outcome:
    """The answer to a send."""
    data = response.json_object()
    if response.status in (_CREATED, _ACCEPTED):
        return _by_state(call, data, response)
    refused = refusal_by_status(response, _words(response))
    if refused is not None:
        return refused
    error = (data or {}).get("error")
    if not isinstance(error, dict):
        return unreadable(response)
    if response.status == _CONFLICT and error.get("code") == "duplicate":
        return Duplicate(str(error.get("reference") or ""), _finding(error))
    if response.status == _REFUSED:
        return Rejected((_finding(error),))
    if response.status in (_BAD_REQUEST, _NOT_FOUND, _CONFLICT, _TOO_LARGE):
        return Permanent(_finding(error))
    return unreadable(response)


def _read_results(call: Call, response: HttpResponse) -> Outcome:
    """What arrived under our number: our own bytes, or those of somebody else that are in the way."""
    data = response.json_object()
    if response.status != _OK:
        return refusal_by_status(response, _words(response)) or ContractBroken(_words(response))
    results = data.get("results") if data else None
    if not isinstance(results, list):
        return unreadable(response)
    ours = [item for item in results if item.get("sha256") == _sha256(call)]
    if ours:
        order = {"accepted": 0, "pending": 1, "rejected": 2}
        best = min(ours, key=lambda item: order.get(item.get("state"), 3))
        return _by_state(call, best, response)
    if any(item.get("state") != "rejected" for item in results):
        return Rejected((Finding.of_provider("taken", "Another document has this number"),))
    return NotFound()


def _read_verdict(call: Call, response: HttpResponse) -> Outcome:
    data = response.json_object()
    if response.status == _NOT_FOUND:
        return NotFound(_words(response))
    if response.status != _OK:
        return refusal_by_status(response, _words(response)) or ContractBroken(_words(response))
    if data is None or data.get("reference") != call.reference:
        return ContractBroken("the provider answered with another document")
    return _by_state(call, data, response)


def _by_state(call: Call, data: Mapping[str, Any] | None, response: HttpResponse) -> Outcome:
    """A receipt, compared with what was sent before its reference is believed (X6)."""
    if not data or not isinstance(data.get("reference"), str):
        return unreadable(response)
    if data.get("sha256") != _sha256(call):
        return ContractBroken("the provider reports another sha256")
    reference, state = data["reference"], data.get("state")
    if state == "accepted":
        return Accepted(reference)
    if state == "pending":
        return Waiting(reference, _POLL_SECONDS)
    if state == "rejected":
        return Rejected(tuple(_finding(reason) for reason in data.get("reasons", ())), reference)
    return ContractBroken(f"unknown state {state!r}")


def _finding(error: Mapping[str, Any]) -> Finding:
    return Finding.of_provider(error.get("code") or "failed", error.get("message") or "")


def _sha256(call: Call) -> str:
    return hashlib.sha256(call.payload).hexdigest()


_EVENTS = {
    "accepted": lambda data: Accepted(data["reference"]),
    "rejected": lambda data: Rejected(
        tuple(_finding(reason) for reason in data["reasons"]), data["reference"]
    ),
}


def _words(response: HttpResponse) -> str:
    error = (response.json_object() or {}).get("error")
    code = str(error.get("code") or "") if isinstance(error, dict) else ""
    return f"HTTP {response.status} {code}".strip()
