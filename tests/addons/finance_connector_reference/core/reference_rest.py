"""The sandbox's reference provider (``docs/reference-provider.md``): one operation for each way in which a provider can
behave, so that the engine above is exercised in all of them.

Documents, filings, notices and chains take one request a step. Secret filings travel encrypted in a session, batches
carry a thousand documents, certified ones have a signed receipt; feeds and a query are without effect.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote, urlencode

from odoo.addons.finance_connector_base.core.conversation import (
    TOKEN,
    Answer,
    Ask,
    BatchConversation,
    Context,
    Conversation,
    FeedConversation,
    Item,
    Page,
    QueryConversation,
    Resource,
    ResourceConversation,
)
from odoo.addons.finance_connector_base.core.delivery.outcomes import (
    Accepted,
    Artefact,
    ContractBroken,
    Duplicate,
    NotFound,
    Outcome,
    Permanent,
    Rejected,
    Transient,
    Unknown,
    Waiting,
)
from odoo.addons.finance_connector_base.core.finding import Finding
from odoo.addons.finance_connector_base.core.http.wire import (
    MAX_BODY,
    QUERY_TIMEOUT,
    HttpRequest,
    HttpResponse,
)
from odoo.addons.finance_connector_base.core.protocol import (
    LIMITS,
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

from . import reference_resources as resources
from .reference_resources import KEYS, SESSION, error_code

API_VERSION = "2.0"
_RECORD = "record"
DOCUMENT, FILING, FILING_NOW, NOTICE, CHAIN = "document", "filing", "filing_now", "notice", "chain"
SECRET_FILING, CERTIFIED, BATCH_ITEM = "secret_filing", "certified", "batch_item"
PARTY, STATUSES, DOCUMENTS = "party", "statuses", "documents"
SEND, LOOKUP, QUERY, FEED = "send", "lookup", "query", "feed"
#: Short: the provider is on the same machine, and a test waits for each call that is lost.
TIMEOUT = (2.0, 5.0)
_OK, _CREATED, _ACCEPTED = 200, 201, 202
_BAD_REQUEST, _NOT_FOUND, _CONFLICT, _TOO_LARGE, _REFUSED = 400, 404, 409, 413, 422
_POLL_SECONDS = 1.0
_JOSE = "application/jose"
_ANSWER_SECONDS = 86_400.0
#: A page of documents is larger than an answer.
_FEED_BYTES = 8 * 1024 * 1024
_KINDS = frozenset({"invoice", "status", "statement", "report"})
_SESSION_ENDED = frozenset({"session_closed", "session_expired", "not_found"})


@dataclass(frozen=True)
class ReferenceRest(ProviderProtocol):
    """One account at the reference provider. ``base_url`` ends with ``/reference``.

    With an ``account`` it signs in by challenge, and the API key is the secret it signs with.
    """

    base_url: str
    api_key: str = field(repr=False)
    webhook_secrets: tuple[str, ...] = field(default=(), repr=False)
    account: str = ""

    # -- resources ---------------------------------------------------------------------------------

    def has_resource(self, name: str) -> bool:
        return name in (TOKEN, LIMITS) and bool(self.account)

    def needs(self, step: Step, call: Call) -> tuple[str, ...]:
        if step == "receipt":
            return (KEYS,)
        return (SESSION,) if step == "send" and call.operation == SECRET_FILING else ()

    def rests_on(self, name: str) -> tuple[str, ...]:
        return (KEYS,) if name == SESSION else ()

    def obtain(self, name: str, old: Resource | None, context: Context) -> ResourceConversation:
        if name == TOKEN:
            return resources.obtain_token(self._json, self.account, self.api_key, old)
        if name == KEYS:
            return resources.obtain_keys(self._json)
        if name == SESSION:
            return resources.obtain_session(self._json, context)
        if name == LIMITS:
            return resources.obtain_limits(self._json)
        raise LookupError(name)

    def release(self, name: str, resource: Resource, context: Context) -> Conversation | None:
        return self._close(resource) if name == SESSION else None

    def _close(self, resource: Resource) -> Conversation:
        path = f"sessions/{quote(resource.public['session'], safe='')}/close"
        response = yield Ask(self._json("POST", path, None))
        if response.status == _OK:
            return Accepted("")
        return refusal_by_status(response, _words(response)) or unreadable(response)

    # -- conversations -----------------------------------------------------------------------------

    def converse(self, step: Step, call: Call, context: Context) -> Conversation:
        if step == "receipt":
            return self._fetch_receipt(call, context)
        if step == "send" and call.operation == SECRET_FILING:
            return self._send_secretly(call, context)
        if step == "send" and call.operation == BATCH_ITEM:
            return self._send_alone(call, context)
        return super().converse(step, call, context)

    def _send_secretly(self, call: Call, context: Context) -> Conversation:
        session = context.resources[SESSION].public["session"]
        body = resources.encrypted_document(call.parameters["number"], call.payload, context)
        request = self._json("POST", f"sessions/{quote(session, safe='')}/documents", body)
        response = yield Ask(request, effect=True, limit=SEND)
        if error_code(response) in _SESSION_ENDED:
            return Transient(_words(response), ended=(SESSION,))
        return _read_receipt(call, response)

    def _send_alone(self, call: Call, context: Context) -> Conversation:
        found = yield from self.converse_batch((call,), context)
        if isinstance(found, Outcome):
            return found
        return found.get(call.key) or Unknown("the response does not mention this document")

    def converse_batch(self, calls: tuple[Call, ...], context: Context) -> BatchConversation:
        items = [
            {"key": call.key, "content": base64.b64encode(call.payload).decode()} for call in calls
        ]
        request = self._json("POST", "batches", {"items": items}, max_body=_FEED_BYTES)
        response = yield Ask(request, effect=True, limit=SEND)
        if response.status != _CREATED:
            return _read_receipt(calls[0], response)
        results = (response.json_object() or {}).get("results")
        if not isinstance(results, list):
            return unreadable(response)
        return _by_key(calls, results, response)

    def _fetch_receipt(self, call: Call, context: Context) -> Conversation:
        request = self._get(f"receipts/{quote(call.reference, safe='')}", (_JOSE,))
        response = yield Ask(request, limit=LOOKUP)
        if response.status == _OK:
            return _read_signed(call, response, context.resources[KEYS])
        if error_code(response) == "not_ready":
            return Waiting(call.reference, response.retry_after() or _POLL_SECONDS)
        return refusal_by_status(response, _words(response)) or ContractBroken(_words(response))

    def query(
        self, operation: str, payload: Mapping[str, Any], context: Context
    ) -> QueryConversation:
        request = self._get(f"queries/parties/{quote(str(payload['party']), safe='')}")
        response = yield Ask(request, limit=QUERY)
        data = response.json_object()
        if response.status != _OK:
            return refusal_by_status(response, _words(response)) or ContractBroken(_words(response))
        if not data or data.get("party") != payload["party"]:
            return unreadable(response)
        if not isinstance(data.get("registered"), bool):
            return unreadable(response)
        code = "registered" if data["registered"] else "not_registered"
        values = {"name": data.get("name") or ""}
        return Answer(code, values, str(data.get("proof") or ""), _ANSWER_SECONDS)

    def feed(self, name: str, cursor: str, context: Context) -> FeedConversation:
        query = f"?{urlencode({'cursor': cursor})}" if cursor else ""
        request = replace(self._get(f"feeds/{name}{query}"), max_body=_FEED_BYTES)
        response = yield Ask(request, limit=FEED)
        data = response.json_object()
        if response.status != _OK:
            return refusal_by_status(response, _words(response)) or ContractBroken(_words(response))
        if not data or not isinstance(data.get("next_cursor"), str):
            return unreadable(response)
        items = [_item(item) for item in data.get("items") or ()]
        if None in items:
            return unreadable(response)
        return Page(tuple(filter(None, items)), data["next_cursor"], bool(data.get("more")))

    # -- one request per step ----------------------------------------------------------------------

    def build(self, step: Step, call: Call) -> HttpRequest:
        if step == "send":
            return self._send(call)
        if step == "lookup" or call.operation in (SECRET_FILING, BATCH_ITEM):
            return self._get(_lookup_path(call))
        return self._get(f"{_collection(call)}/{quote(call.reference, safe='')}")

    def interpret(self, step: Step, call: Call, response: HttpResponse) -> Outcome:
        if step == "send":
            return _read_receipt(call, response)
        if step == "lookup" or call.operation in (SECRET_FILING, BATCH_ITEM):
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

    def _get(self, path: str, types: tuple[str, ...] = ("application/json",)) -> HttpRequest:
        headers = {**self._headers(), "Accept": ", ".join(("application/json", *types))}
        return HttpRequest(
            "GET",
            self._url(path),
            headers,
            timeout=QUERY_TIMEOUT,
            expected_types=("application/json", *types),
        )

    def _json(
        self, method: str, path: str, body: Mapping[str, Any] | None, max_body: int = MAX_BODY
    ) -> HttpRequest:
        content = None if body is None else json.dumps(body).encode()
        headers = {**self._headers(), "Content-Type": "application/json"}
        return HttpRequest(
            method, self._url(path), headers, content, TIMEOUT, total=30.0, max_body=max_body
        )

    def _headers(self) -> dict[str, str]:
        key = {} if self.account else {"X-Api-Key": self.api_key}
        return {"Accept": "application/json", **key}

    def _url(self, path: str) -> str:
        return f"{self.base_url.rstrip('/')}/{path}"


def _collection(call: Call) -> str:
    if call.operation == CHAIN:
        return f"chains/{quote(call.parameters['chain'], safe='')}"
    return "notices" if call.operation == NOTICE else "filings"


def _lookup_path(call: Call) -> str:
    number = call.parameters.get("number", "")
    query = {"key": number}
    if call.operation == SECRET_FILING:
        session = call.resources[SESSION]["session"]
        return f"sessions/{quote(session, safe='')}/documents?{urlencode({'number': number})}"
    if call.operation == BATCH_ITEM:
        return f"batches?{urlencode({'key': call.key})}"
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
        if call.operation == SECRET_FILING and error.get("sha256") != _sha256(call):
            # A number is taken once in all sessions, and only the last one is looked at.
            return _taken()
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
        return _taken()
    return NotFound()


def _taken() -> Outcome:
    return Rejected((Finding.of_provider("taken", "Another document has this number"),))


def _by_key(
    calls: tuple[Call, ...], results: list[Any], response: HttpResponse
) -> dict[str, Outcome]:
    """Return what the answer to a batch says of each document, by its key alone; what it says twice
    in two ways it does not say.
    """
    by_key = {call.key: call for call in calls}
    found: dict[str, Outcome] = {}
    for result in results:
        call = by_key.get(result.get("key")) if isinstance(result, dict) else None
        if call is None:
            continue
        outcome = _read_item(call, result, response)
        if found.setdefault(call.key, outcome) != outcome:
            found[call.key] = Unknown("the response contradicts itself")
    return found


def _read_item(call: Call, result: Mapping[str, Any], response: HttpResponse) -> Outcome:
    stated = result.get("receipt")
    if not isinstance(stated, dict):
        return ContractBroken("the response has no receipt for this document")
    if result.get("outcome") != "duplicate":
        return _by_state(call, stated, response)
    if stated.get("sha256") != _sha256(call):
        return _taken()
    return Duplicate(str(stated.get("reference") or ""))


def _read_signed(call: Call, response: HttpResponse, keys: Resource) -> Outcome:
    """A signed receipt, believed where the provider's key signed it and it is about our bytes."""
    try:
        stated = resources.signed_payload(response.body, keys)
    except KeyError:
        return Transient("the receipt is signed with a key that is not known yet", ended=(KEYS,))
    if (
        not stated
        or stated.get("reference") != call.reference
        or stated.get("sha256") != _sha256(call)
    ):
        return ContractBroken("the receipt is not one of this document")
    return Accepted(
        call.reference, artefacts=(Artefact("receipt.jws", _JOSE, bytes(response.body)),)
    )


def _item(entry: Any) -> Item | None:
    """Return an item of a feed, None where it is none."""
    if not isinstance(entry, dict) or not isinstance(entry.get("id"), str):
        return None
    kind, data = entry.get("kind"), entry.get("data")
    if kind not in _KINDS or not isinstance(data, dict):
        return None
    if kind == "status":
        return Item(entry["id"], kind, json.dumps(data, sort_keys=True).encode())
    try:
        content = base64.b64decode(str(data.get("content")), validate=True)
    except ValueError:
        return None
    about = {"number": str(data.get("number") or "")}
    return Item(entry["id"], kind, content, "application/octet-stream", about)


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
