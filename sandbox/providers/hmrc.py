"""HMRC "Check a UK VAT number" 2.0: look up a VAT registration, with a consultation number for a requester.

Application-restricted: a token by OAuth 2.0 client credentials with the scope ``read:vat``. The errors outside the API's
own document (token, Accept header, throttling, outage) are those of HMRC's reference guide for all of its APIs. The
oracle keeps every consultation number (``/control/issued/hmrc``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import uuid4

from ..checks import Field, object_problems
from ..clock import to_text
from ..documents import Arrival
from ..oauth import failure
from ..provider import Provider
from ..values import Call, Operation, Reply, json_reply

SCOPE = "read:vat"
ACCEPTED_VERSION = "application/vnd.hmrc.2.0+json"
VRN = re.compile(r"\d{9}(\d{3})?", re.ASCII)
GRANT = "grant"
ERRORS = {
    400: ("INVALID_REQUEST", "Invalid request"),
    401: ("INVALID_CREDENTIALS", "Invalid Authentication information provided"),
    403: ("INVALID_SCOPE", "Cannot access the required resource. Ensure this token has all scopes"),
    404: (
        "MATCHING_RESOURCE_NOT_FOUND",
        "A resource with the name in the request can not be found",
    ),
    406: ("ACCEPT_HEADER_INVALID", "The accept header is missing or invalid"),
    429: ("MESSAGE_THROTTLED_OUT", "The request for the API is throttled as the quota is exceeded"),
    500: ("INTERNAL_SERVER_ERROR", "Unknown error"),
    503: ("SERVER_ERROR", "Service unavailable"),
    504: ("GATEWAY_TIMEOUT", "The request was not answered in time"),
}
#: Every error of the API's document and of the reference guide, by status and code.
PUBLISHED = {
    (400, "INVALID_REQUEST"),
    (401, "MISSING_CREDENTIALS"),
    (403, "INVALID_REQUEST"),
    (404, "NOT_FOUND"),
    *((status, code) for status, (code, _message) in ERRORS.items()),
}
COMPANY = {
    "name": Field(required=True, max_length=200),
    "address": Field(
        dict,
        required=True,
        fields={
            "line1": Field(required=True),
            "postcode": Field(required=True),
            "countryCode": Field(required=True, pattern="[A-Z]{2}"),
        },
        closed=True,
    ),
}
EXAMPLES = {
    "553557881": {
        "name": "Credite Sberger Donal Inc.",
        "address": {"line1": "131B Barton Hamlet", "postcode": "SW97 5CK", "countryCode": "GB"},
    },
    "146295999727": {
        "name": "Harbour Lights Ltd",
        "address": {"line1": "2 Quay Street", "postcode": "BS1 4DJ", "countryCode": "GB"},
    },
}


class Refused(Exception):
    """The lookup is refused with one of the API's errors."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


class Hmrc(Provider):
    name = "hmrc"
    title = "HMRC Check a UK VAT number 2.0"
    default_clients = {"hmrc-client": "hmrc-secret"}
    default_settings = {"registered": EXAMPLES, "answer_with": {}}
    settings_fields = {"registered": Field(dict), "answer_with": Field(dict)}
    scopes = (SCOPE,)

    def operations(self) -> Sequence[Operation]:
        lookup = "/organisations/vat/check-vat-number/lookup/{targetVrn}"
        free = {"authenticated": False, "limited": False}
        return (
            Operation(
                "GetaVATregistration",
                "GET",
                lookup,
                self.answering(self.look_up),
                self.error,
                group="query",
            ),
            Operation(
                "GetaVATregistrationwithareferencenumber",
                "GET",
                f"{lookup}/{{requesterVrn}}",
                self.answering(self.consult),
                self.error,
                group="query",
            ),
            Operation("token", "POST", "/oauth/token", self.tokens.issue, failure, **free),
        )

    def error(self, status: int, code: str = "", message: str = "") -> Reply:
        usual_code, usual_message = ERRORS.get(status, (f"HTTP_{status}", "The request failed"))
        return json_reply({"code": code or usual_code, "message": message or usual_message}, status)

    def authenticate(self, call: Call) -> Reply | None:
        """Check the token, its scope and the version that the Accept header asks for."""
        if "Authorization" not in call.headers:
            text = "Authentication information is not provided"
            return self.error(401, "MISSING_CREDENTIALS", text)
        grant = call.memo[GRANT] = self.tokens.held(call)
        if grant is None:
            return self.error(401)
        if SCOPE not in grant.scopes:
            return self.error(403)
        return None if call.headers.get("Accept") == ACCEPTED_VERSION else self.error(406)

    def account(self, call: Call) -> str:
        return call.memo[GRANT].client

    def tracking_id(self, operation: str, call: Call) -> str | None:
        """Return the number that is looked up."""
        return call.params.get("targetVrn")

    def change_settings(self, changes: Any) -> list[str]:
        """Change the registered companies, and the errors that numbers are answered with."""
        answers = changes.get("answer_with") if isinstance(changes, dict) else None
        wrong = [
            f"settings.answer_with.{vrn}: is no published error such as 404 NOT_FOUND"
            for vrn, text in (answers if isinstance(answers, dict) else {}).items()
            if read_error(text) not in PUBLISHED
        ]
        registered = changes.get("registered") if isinstance(changes, dict) else None
        found = wrong
        for vrn, company in (registered if isinstance(registered, dict) else {}).items():
            found += object_problems(company, COMPANY, f"settings.registered.{vrn}", closed=True)
            found += [] if VRN.fullmatch(vrn) else [f"settings.registered.{vrn}: is no VAT number"]
        return found or super().change_settings(changes)

    def answering(self, handler: Callable[[Call], dict[str, Any]]) -> Callable[[Call], Reply]:
        """Return the handler, with refusals made replies."""

        def checked(call: Call) -> Reply:
            try:
                self.refuse_as_set(call)
                return json_reply(handler(call))
            except Refused as refused:
                return self.error(refused.status, refused.code, str(refused))

        return checked

    def refuse_as_set(self, call: Call) -> None:
        """Refuse a number, or with ``*`` every one, with the error that was set for it."""
        given = self.settings["answer_with"]
        text = given.get(call.params["targetVrn"]) or given.get("*")
        if text:
            status, code = read_error(text)
            raise Refused(status, code, ERRORS.get(status, ("", ""))[1])

    # Operations

    def look_up(self, call: Call) -> dict[str, Any]:
        """GetaVATregistration: name and address of a registered business."""
        vrn = checked_vrn(call, "targetVrn")
        return {"target": self.target(vrn), "processingDate": self.now()}

    def consult(self, call: Call) -> dict[str, Any]:
        """GetaVATregistrationwithareferencenumber: the same, with proof for a registered requester."""
        vrn, requester = checked_vrn(call, "targetVrn"), checked_vrn(call, "requesterVrn")
        if requester not in self.settings["registered"]:
            text = "requesterVrn does not match a registered company"
            raise Refused(403, "INVALID_REQUEST", text)
        target = self.target(vrn)
        consultation = f"{uuid4().int:x}"[:9]
        self.core.oracle.issue(
            self.name,
            Arrival(
                reference=consultation,
                content=vrn.encode(),
                number=vrn,
                buyer=requester,
                kind="consultation",
            ),
        )
        return {
            "target": target,
            "requester": requester,
            "consultationNumber": consultation,
            "processingDate": self.now(),
        }

    def target(self, vrn: str) -> Mapping[str, Any]:
        company = self.settings["registered"].get(vrn)
        if company is None:
            raise Refused(404, "NOT_FOUND", "targetVrn does not match a registered company")
        return {"name": company["name"], "vatNumber": vrn, "address": company["address"]}

    def now(self) -> str:
        return to_text(self.core.clock.peek())[:19] + "+00:00"


def read_error(text: Any) -> tuple[int, str]:
    """Return status and code of a setting such as ``404 NOT_FOUND``."""
    status, _space, code = str(text).partition(" ")
    return int(status) if status.isdecimal() else 0, code


def checked_vrn(call: Call, name: str) -> str:
    vrn = call.params[name]
    if not VRN.fullmatch(vrn):
        text = f"Invalid {name} - Vrn parameters should be 9 or 12 digits"
        raise Refused(400, "INVALID_REQUEST", text)
    return vrn
