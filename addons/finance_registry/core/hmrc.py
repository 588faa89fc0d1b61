"""HMRC "Check a UK VAT number" 2.0.

404 ``NOT_FOUND`` is the one response that means "not registered". Every other error means that the
number could not be asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from odoo.addons.finance_connector_base.core.conversation import (
    TOKEN,
    Answer,
    Ask,
    Context,
    Conversation,
    QueryConversation,
)
from odoo.addons.finance_connector_base.core.delivery.outcomes import (
    Accepted,
    AuthFailed,
    ContractBroken,
    Outcome,
    Permanent,
    RateLimited,
    Transient,
)
from odoo.addons.finance_connector_base.core.finding import Finding
from odoo.addons.finance_connector_base.core.http.wire import (
    QUERY_TIMEOUT,
    HttpRequest,
    HttpResponse,
)
from odoo.addons.finance_connector_base.core.protocol import (
    ClientCredentials,
    ProviderProtocol,
    unreadable,
)

CHECK = "check_number"
SOURCE = "hmrc"
SCOPE = "read:vat"
VERSION = "2.0"
ACCEPT = f"application/vnd.hmrc.{VERSION}+json"
INVALID = "invalid"
UNKNOWN = "unknown"
#: (status, code) → what it means for the number.
ERRORS: Mapping[tuple[int, str], str] = {
    (400, "INVALID_REQUEST"): UNKNOWN,
    (401, "MISSING_CREDENTIALS"): UNKNOWN,
    (401, "INVALID_CREDENTIALS"): UNKNOWN,
    (403, "INVALID_REQUEST"): UNKNOWN,
    (403, "INVALID_SCOPE"): UNKNOWN,
    (404, "NOT_FOUND"): INVALID,
    (404, "MATCHING_RESOURCE_NOT_FOUND"): UNKNOWN,
    (406, "ACCEPT_HEADER_INVALID"): UNKNOWN,
    (429, "MESSAGE_THROTTLED_OUT"): UNKNOWN,
    (500, "INTERNAL_SERVER_ERROR"): UNKNOWN,
    (503, "SERVER_ERROR"): UNKNOWN,
    (504, "GATEWAY_TIMEOUT"): UNKNOWN,
}
_OK, _BAD, _AUTH, _FORBIDDEN, _MISSING, _MANY, _ERROR = 200, 400, 401, 403, 404, 429, 500
#: A number of the published examples; any answer about it shows that address and rights are right.
_PROBE = "553557881"


class Hmrc(ProviderProtocol):
    """The API at one address, under one application's credentials."""

    def __init__(self, base_url: str, client_id: str, client_secret: str):
        self._base = base_url.rstrip("/")
        self._grant = ClientCredentials(
            f"{self._base}/oauth/token", client_id, client_secret, SCOPE
        )

    def authorization(self) -> ClientCredentials:
        """Return the application's grant."""
        return self._grant

    def query(
        self, operation: str, payload: Mapping[str, Any], context: Context
    ) -> QueryConversation:
        """Return the check of one number, with a consultation number for a requester."""
        number, requester = str(payload["number"]), str(payload.get("requester") or "")
        path = number.removeprefix("GB")
        if requester.startswith("GB"):
            path = f"{path}/{requester.removeprefix('GB')}"
        response = yield Ask(self._request(path), auth=TOKEN)
        return answer_of(number, response)

    def probe(self, context: Context) -> Conversation:
        """Look up a number of the published examples."""
        response = yield Ask(self._request(_PROBE), auth=TOKEN)
        result = answer_of(f"GB{_PROBE}", response)
        return Accepted("") if isinstance(result, Answer) else result

    def _request(self, path: str) -> HttpRequest:
        url = f"{self._base}/organisations/vat/check-vat-number/lookup/{path}"
        return HttpRequest("GET", url, {"Accept": ACCEPT}, timeout=QUERY_TIMEOUT)


def answer_of(number: str, response: HttpResponse) -> Answer | Outcome:
    """Return what a response says about a number."""
    data = response.json_object()
    if response.status == _OK:
        target: Any = data.get("target") if data else None
        found: Any = (
            cast("dict[str, Any]", target).get("vatNumber") if isinstance(target, dict) else None
        )
        if f"GB{found}" != number:
            return unreadable(response)
        return Answer("valid", data or {}, str((data or {}).get("consultationNumber") or ""))
    code = str((data or {}).get("code") or "")
    if ERRORS.get((response.status, code)) == INVALID:
        return Answer("invalid", data or {})
    return _refusal(response, code)


def _refusal(response: HttpResponse, code: str) -> Outcome:
    status, reason = response.status, f"HTTP {response.status} {code}".rstrip()
    if status == _MANY:
        return RateLimited(reason, response.retry_after())
    if status == _AUTH or (status == _FORBIDDEN and code != "INVALID_REQUEST"):
        return AuthFailed(reason)
    if status >= _ERROR:
        return Transient(reason, response.retry_after())
    if status in (_BAD, _FORBIDDEN) and code:
        return Permanent(Finding("hmrc.refused", args={"status": str(status), "fault": code}))
    return ContractBroken(reason)
