"""VIES: the European Commission's check of VAT numbers, SOAP 1.1.

A number is invalid only where the service answers ``valid = false``. Every fault and everything
unreadable means that it could not be asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from odoo.addons.finance_connector_base.core.conversation import (
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
from odoo.addons.finance_connector_base.core.http import soap
from odoo.addons.finance_connector_base.core.http.wire import QUERY_TIMEOUT, HttpResponse
from odoo.addons.finance_connector_base.core.protocol import ProviderProtocol, refusal_by_status

CHECK = "check_number"
SOURCE = "vies"
#: Fault → what it means for the connection. All of them leave the number unknown. The fault of one
#: member state is no fault of the service: ``Permanent`` leaves the breaker of the others closed.
BUSY = "busy"
DOWN = "down"
STATE = "state"
REQUEST = "request"
BLOCKED = "blocked"
FAULTS: Mapping[str, str] = {
    "INVALID_INPUT": REQUEST,
    "INVALID_REQUESTER_INFO": REQUEST,
    "SERVICE_UNAVAILABLE": DOWN,
    "MS_UNAVAILABLE": STATE,
    "TIMEOUT": STATE,
    "VAT_BLOCKED": BLOCKED,
    "IP_BLOCKED": BLOCKED,
    "GLOBAL_MAX_CONCURRENT_REQ": BUSY,
    "GLOBAL_MAX_CONCURRENT_REQ_TIME": BUSY,
    "MS_MAX_CONCURRENT_REQ": STATE,
    "MS_MAX_CONCURRENT_REQ_TIME": STATE,
    "SERVER_BUSY": BUSY,
}


class Vies(ProviderProtocol):
    """The service at one address."""

    def __init__(self, url: str, wsdl: bytes):
        self._url = url
        self._service = soap.service(wsdl)

    def query(
        self, operation: str, payload: Mapping[str, Any], context: Context
    ) -> QueryConversation:
        """Return the check of one number, with a consultation number for a requester."""
        number, requester = str(payload["number"]), str(payload.get("requester") or "")
        values = {"countryCode": number[:2], "vatNumber": number[2:]}
        name = "checkVat"
        if requester:
            name = "checkVatApprox"
            values["requesterCountryCode"] = requester[:2]
            values["requesterVatNumber"] = requester[2:]
        request = self._service.request(self._url, name, values, timeout=QUERY_TIMEOUT)
        response = yield Ask(request, auth="")
        return self._answer(name, number, response)

    def probe(self, context: Context) -> Conversation:
        """Ask about a number that has no registration; an answer or a member state's fault shows
        that the service works.
        """
        values = {"countryCode": "BE", "vatNumber": "0000000000"}
        request = self._service.request(self._url, "checkVat", values, timeout=QUERY_TIMEOUT)
        response = yield Ask(request, auth="")
        result = self._answer("checkVat", "BE0000000000", response)
        if isinstance(result, Answer):
            return Accepted("")
        if isinstance(result, Permanent) and result.finding.args.get("kind") in (STATE, REQUEST):
            return Accepted("")
        return (
            Transient(str(result.finding.args.get("fault", "")))
            if isinstance(result, Permanent)
            else result
        )

    def _answer(self, name: str, number: str, response: HttpResponse) -> Answer | Outcome:
        try:
            result = self._service.read_response(name, response)
            asked_on = soap.element_text(response, "requestDate")
        except soap.Unreadable as error:
            return refusal_by_status(response, str(error)) or ContractBroken(str(error))
        if isinstance(result, soap.SoapFault):
            return fault_outcome(result.text)
        answered = f"{result.get('countryCode')}{result.get('vatNumber')}"
        if not isinstance(result.get("valid"), bool) or answered.upper() != number:
            return ContractBroken("the answer is not about the number that was asked")
        values = {key: value for key, value in result.items() if isinstance(value, str | bool)}
        values["requestDate"] = asked_on
        proof = str(result.get("requestIdentifier") or "")
        return Answer("valid" if result["valid"] else "invalid", values, proof)


def fault_outcome(text: str) -> Outcome:
    """Return what a fault of the service means; an unknown one counts as an outage."""
    fault = text.strip().upper().partition(" ")[0].rstrip(":")
    kind = FAULTS.get(fault, DOWN)
    if kind == BUSY:
        return RateLimited(fault)
    if fault == "IP_BLOCKED":
        return AuthFailed(fault)
    if kind in (STATE, REQUEST, BLOCKED):
        return Permanent(Finding("vies.fault", args={"fault": fault, "kind": kind}))
    return Transient(fault or "a fault without text")
