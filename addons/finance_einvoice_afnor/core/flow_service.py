"""AFNOR Flow service 1.1.0 (XP Z12-013, annex "Flow service"): the interface every French approved platform offers.

``POST /v1/flows`` submits one file with a ``trackingId`` of ours; the platform answers 202 with its ``flowId`` and
acknowledges later (``Pending`` → ``Ok`` or ``Error`` with reasons). ``POST /v1/flows/search`` finds a flow by
``trackingId``, which is how a lost response is recovered; ``GET /v1/flows/{flowId}`` reads the acknowledgement.

``WebhookCallback`` (components of the same document) announces a change of a flow. The document defines no signature and
only one way to authenticate, a bearer; that does not protect the body, so a webhook event triggers a status check and is
never a verdict. One about a flow that came in lets the feed of flows be read (``flow_feed``).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import quote

from odoo.addons.finance_connector_base.core.conversation import Context, FeedConversation
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
from odoo.addons.finance_connector_base.core.http.multipart import encode_multipart
from odoo.addons.finance_connector_base.core.http.wire import (
    QUERY_TIMEOUT,
    HttpRequest,
    HttpResponse,
)
from odoo.addons.finance_connector_base.core.protocol import (
    Call,
    ClientCredentials,
    ProviderProtocol,
    Step,
    refusal_by_status,
    unreadable,
)
from odoo.addons.finance_connector_base.core.security.webhook import WebhookEvent, verify_bearer

from .error_table import ALREADY_EXISTING, NO_REASON, finding
from .flow_feed import FEED, MAX_FILE, read_flows

API_VERSION = "1.1.0"
_POLL_SECONDS = 3.0
_OK, _ACCEPTED = 200, 202
_NOT_FOUND, _UNPROCESSABLE = 404, 422
#: ``NotOnlyUuid`` of the specification.
_MAX_ID = 36
#: Any past moment makes a valid criterion; the probe needs no result, only a response.
_PROBE = {"limit": 1, "where": {"updatedAfter": "2024-01-01T00:00:00Z"}}


@dataclass(frozen=True)
class FlowService(ProviderProtocol):
    """One account at one approved platform. ``base_url`` ends before ``/v1``."""

    base_url: str
    grant: ClientCredentials
    webhook_secrets: tuple[str, ...] = field(default=(), repr=False)

    def authorization(self) -> ClientCredentials:
        return self.grant

    def build(self, step: Step, call: Call) -> HttpRequest:
        if step == "send":
            return self._submission(call)
        if step == "lookup":
            return self._post_json(
                "/v1/flows/search",
                {"where": {"trackingId": _tracking_id(call)}},
                call.correlation_id,
            )
        return HttpRequest(
            "GET",
            f"{self._root()}/v1/flows/{quote(call.reference, safe='')}?docType=Metadata",
            self._headers(call.correlation_id),
            timeout=QUERY_TIMEOUT,
        )

    def interpret(self, step: Step, call: Call, response: HttpResponse) -> Outcome:
        reader = {"send": _read_submission, "lookup": _read_search, "poll": _read_flow}[step]
        return reader(call, response)

    def build_probe(self) -> HttpRequest:
        return self._post_json("/v1/flows/search", _PROBE, "")

    def interpret_probe(self, response: HttpResponse) -> Outcome:
        data = response.json_object()
        if response.status == _OK and data is not None and isinstance(data.get("results"), list):
            return Accepted("")
        if response.status == _OK:
            return unreadable(response)
        return refusal_by_status(response, _reason(response)) or ContractBroken(_reason(response))

    def feed(self, name: str, cursor: str, context: Context) -> FeedConversation:
        if name != FEED:
            raise LookupError(name)
        return read_flows(
            cursor, lambda body: self._post_json("/v1/flows/search", body, ""), self._file
        )

    def _file(self, flow_id: str) -> HttpRequest:
        return HttpRequest(
            "GET",
            f"{self._root()}/v1/flows/{quote(flow_id, safe='')}?docType=Original",
            {"Accept": "application/xml, application/pdf, application/octet-stream"},
            timeout=QUERY_TIMEOUT,
            max_body=MAX_FILE,
            accepts_oversize=True,
        )

    def verify_webhook(self, headers: Mapping[str, str], body: bytes, received_at: float) -> None:
        verify_bearer(headers, self.webhook_secrets)

    def read_webhook(self, headers: Mapping[str, str], body: bytes) -> tuple[WebhookEvent, ...]:
        flow = json.loads(body)["flowInfo"]
        reference, key = flow["flowId"], flow.get("trackingId") or ""
        if not (
            isinstance(reference, str) and 0 < len(reference) <= _MAX_ID and isinstance(key, str)
        ):
            raise ValueError("the webhook event names no flow")
        if flow.get("flowDirection") == "In":
            return (WebhookEvent(reference, feed=FEED),)
        return (WebhookEvent(reference, key),)

    def _submission(self, call: Call) -> HttpRequest:
        name = call.parameters["name"]
        flow_info = {
            **call.parameters,
            "trackingId": _tracking_id(call),
            "sha256": hashlib.sha256(call.payload).hexdigest(),
        }
        body, content_type = encode_multipart(
            (
                ("flowInfo", None, "application/json", json.dumps(flow_info).encode()),
                ("file", name, "application/xml", call.payload),
            ),
            seed=call.key,
        )
        headers = {**self._headers(call.correlation_id), "Content-Type": content_type}
        return HttpRequest("POST", f"{self._root()}/v1/flows", headers, body)

    def _post_json(self, path: str, value: dict[str, Any], correlation_id: str) -> HttpRequest:
        headers = {**self._headers(correlation_id), "Content-Type": "application/json"}
        body = json.dumps(value).encode()
        return HttpRequest("POST", self._root() + path, headers, body, QUERY_TIMEOUT)

    def _headers(self, correlation_id: str) -> dict[str, str]:
        headers = {"Accept": "application/json"}
        if correlation_id:
            headers["X-Request-Id"] = correlation_id
        return headers

    def _root(self) -> str:
        return self.base_url.rstrip("/")


def _tracking_id(call: Call) -> str:
    """Return our key as the platform's tracking id.

    :raises ValueError: it is too long; two keys cut to one id would be one document to the platform.
    """
    if len(call.key) > _MAX_ID:
        raise ValueError(f"a tracking id has at most {_MAX_ID} characters")
    return call.key


def _read_submission(call: Call, response: HttpResponse) -> Outcome:
    data = response.json_object()
    if response.status == _ACCEPTED:
        return _read_receipt(call, response, data)
    refused = refusal_by_status(response, _reason(response))
    if refused is not None:
        return refused
    if response.status == _UNPROCESSABLE and data is not None:
        return _read_unprocessable(data)
    if data is not None and "errorCode" in data:
        # 400, 404 and 413: the request as such is wrong; the same bytes will never pass.
        return Permanent(_finding_of_error(data))
    return unreadable(response)


def _read_receipt(call: Call, response: HttpResponse, data: dict[str, Any] | None) -> Outcome:
    flow_id = data.get("flowId") if data else None
    if data is None or not isinstance(flow_id, str) or not flow_id or len(flow_id) > _MAX_ID:
        return unreadable(response)
    theirs = data.get("sha256")
    if theirs and theirs != hashlib.sha256(call.payload).hexdigest():
        return ContractBroken(f"the platform reports another sha256 for flow {flow_id}")
    return Waiting(flow_id, _POLL_SECONDS)


def _read_unprocessable(data: dict[str, Any]) -> Outcome:
    reason = _finding_of_error(data)
    if reason.code == ALREADY_EXISTING:
        return Duplicate(finding=reason)
    return Rejected((reason,))


def _read_search(call: Call, response: HttpResponse) -> Outcome:
    """Read the flows under our tracking id; the one that is held takes precedence over refused repetitions."""
    data = response.json_object()
    if response.status != _OK:
        return refusal_by_status(response, _reason(response)) or ContractBroken(_reason(response))
    results = data.get("results") if data else None
    if not isinstance(results, list):
        return unreadable(response)
    results = cast("list[dict[str, Any]]", results)
    flows = [flow for flow in results if flow.get("trackingId") == _tracking_id(call)]
    if len(flows) != len(results):
        return ContractBroken("the search answered with flows of another tracking id")
    if not flows:
        return NotFound()
    order: dict[str | None, int] = {"Ok": 0, "Pending": 1, "Error": 2}
    best = min(flows, key=lambda flow: order.get(_status(flow), 3))
    return _by_acknowledgement(best, response)


def _read_flow(call: Call, response: HttpResponse) -> Outcome:
    data = response.json_object()
    if response.status == _NOT_FOUND:
        return ContractBroken(f"the platform no longer has flow {call.reference}")
    if response.status != _OK or data is None:
        refused = refusal_by_status(response, _reason(response))
        return refused or unreadable(response)
    if data.get("flowId") != call.reference:
        return ContractBroken("the platform answered with another flow")
    outcome = _by_acknowledgement(data, response)
    if isinstance(outcome, Rejected) and _only_already_existing(outcome):
        return Duplicate(call.reference, outcome.findings[0])
    return outcome


def _by_acknowledgement(flow: dict[str, Any], response: HttpResponse) -> Outcome:
    reference, status = flow.get("flowId"), _status(flow)
    if not isinstance(reference, str) or not reference:
        return unreadable(response)
    details: list[dict[str, str]] = _acknowledgement(flow).get("details") or []
    findings = tuple(finding(detail) for detail in details)
    if status == "Ok":
        return Accepted(reference, findings=findings)
    if status == "Error":
        return Rejected(findings or (NO_REASON,), reference)
    if status in ("Pending", None):
        return Waiting(reference, _POLL_SECONDS)
    return ContractBroken(f"unknown acknowledgement status {status!r}")


def _acknowledgement(flow: dict[str, Any]) -> dict[str, Any]:
    return flow.get("acknowledgement") or {}


def _status(flow: dict[str, Any]) -> str | None:
    return _acknowledgement(flow).get("status")


def _only_already_existing(outcome: Rejected) -> bool:
    errors = [item for item in outcome.findings if item.blocks]
    return bool(errors) and all(item.code == ALREADY_EXISTING for item in errors)


def _finding_of_error(data: dict[str, Any]) -> Finding:
    return finding(
        {
            "reasonCode": str(data.get("errorCode") or "UNKNOWN"),
            "reasonMessage": str(data.get("errorMessage") or ""),
        }
    )


def _reason(response: HttpResponse) -> str:
    data = response.json_object() or {}
    code = str(data.get("errorCode") or "")
    return f"HTTP {response.status} {code}".strip()
