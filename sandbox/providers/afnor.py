"""A French approved platform: AFNOR Flow Service 1.1.0 (XP Z12-013), with an OAuth token endpoint.

The interface is synchronous about form and asynchronous about substance: what the request says of
itself is answered at once (400, 413, 422); whether the file is valid is reported by the
acknowledgement (Pending, then Ok or Error with reasons). A flow whose acknowledgement is Error is
not held, so a corrected file may carry the same invoice number. Incoming flows (invoices and
life-cycle messages for the client) are put here by the control API and found by searchFlow.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any
from urllib.parse import quote
from uuid import uuid4

from .. import multipart
from ..business_xml import Facts, Unreadable, read_pdf, read_xml
from ..checks import Field, object_problems
from ..clock import from_text, to_text
from ..documents import Arrival, Document
from ..oauth import failure
from ..provider import Provider
from ..values import JSON, Call, Operation, Reply, json_reply, read_json
from ..verdicts import ACCEPTED, PENDING, REJECTED
from ..webhooks import BearerToken, unsigned

RULES = ("B2B", "B2BInt", "B2C", "OutOfScope", "ArchiveOnly", "NotApplicable")
SYNTAXES = ("CII", "UBL", "Factur-X", "CDAR", "FRR")
INVOICES = ("CII", "UBL", "Factur-X")
TYPES = (
    "CustomerInvoice",
    "SupplierInvoice",
    "StateInvoice",
    "CustomerInvoiceLC",
    "SupplierInvoiceLC",
    "StateCustomerInvoiceLC",
    "StateSupplierInvoiceLC",
    "AggregatedCustomerTransactionReport",
    "UnitaryCustomerTransactionReport",
    "AggregatedCustomerPaymentReport",
    "UnitaryCustomerPaymentReport",
    "UnitarySupplierTransactionReport",
    "MultiFlowReport",
)
STATUSES = {PENDING: "Pending", ACCEPTED: "Ok", REJECTED: "Error"}
STATES = {status: state for state, status in STATUSES.items()}
DOCUMENT_TYPES = ("Metadata", "Original", "Converted", "ReadableView")
FILE_TYPES = ("application/xml", "application/pdf")
BINARY = "application/octet-stream"
NO_ID = "00000000-0000-0000-0000-000000000000"
UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")

IDENTIFIER = Field(max_length=36)
DOC_TYPE = Field(choices=DOCUMENT_TYPES)
FLOW_INFO = {
    "trackingId": IDENTIFIER,
    "name": Field(max_length=255),
    "processingRule": Field(choices=RULES),
    "flowSyntax": Field(required=True, choices=SYNTAXES),
    "flowProfile": Field(choices=("Basic", "CIUS", "Extended-CTC-FR")),
    "sha256": Field(pattern="[a-f0-9]{64}"),
}
CRITERIA = {
    "updatedAfter": Field(date_time=True),
    "updatedBefore": Field(date_time=True),
    "processingRule": Field(list, items=Field(choices=RULES)),
    "flowType": Field(list, items=Field(choices=TYPES)),
    "flowDirection": Field(list, items=Field(choices=("In", "Out"))),
    "trackingId": IDENTIFIER,
    "ackStatus": Field(choices=tuple(STATES)),
}
LISTS = ("processingRule", "flowType", "flowDirection")
SEARCH = {
    "limit": Field(int, at_least=1, at_most=100),
    "where": Field(dict, required=True, fields=CRITERIA),
    "cursor": Field(max_length=200),
}
DEFAULT_LIMIT = 25
#: The version of the document that pages a search by cursor.
CURSORS_SINCE = "1.3.0"
INCOMING = {
    "content": Field(required=True),
    "flowSyntax": Field(required=True, choices=(*INVOICES, "CDAR")),
    "flowProfile": FLOW_INFO["flowProfile"],
    "processingRule": FLOW_INFO["processingRule"],
    "trackingId": IDENTIFIER,
    "name": FLOW_INFO["name"],
}
ERRORS = {
    400: ("INVALID_REQUEST", "Invalid request format"),
    401: ("INVALID_TOKEN", "A valid access token is required"),
    403: ("FORBIDDEN_ACCESS", "The client may not do this"),
    404: ("MISSING_RESOURCE", "The requested resource is not found"),
    413: ("FILE_SIZE_EXCEEDED", "The file is too big"),
    422: ("UNPROCESSABLE_ENTITY", "The flow information contradicts itself"),
    429: ("TOO_MANY_REQUESTS", "The client sent too many requests"),
    500: ("INTERNAL_ERROR", "Internal error"),
    503: ("RESOURCE_ERROR", "The service is unavailable"),
}


class Bad(Exception):
    """The request is refused at once."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


class AfnorFlow(Provider):
    name = "afnor"
    title = "AFNOR Flow Service 1.1.0"
    default_clients = {"sandbox-client": "sandbox-secret"}
    default_settings = {
        "max_file_bytes": 20_000_000,
        "webhook_bearer": None,
        "flow_version": "1.1.0",
    }
    issue_fields = INCOMING
    settings_fields = {
        "flow_version": Field(choices=("1.1.0", CURSORS_SINCE)),
        "max_file_bytes": Field(int, at_least=1, at_most=200_000_000),
        "webhook_bearer": Field(nullable=True, pattern="[A-Za-z0-9._~+/-]+=*"),
    }
    reason_fields = {
        "level": Field(required=True, choices=("Error", "Warning")),
        "item": Field(required=True),
        "reasonCode": Field(required=True),
        "reasonMessage": Field(required=True),
    }
    default_reason = {
        "level": "Error",
        "item": "flow",
        "reasonCode": "OtherTechnicalError",
        "reasonMessage": "Refused by the platform",
    }

    def operations(self) -> Sequence[Operation]:
        flows, health = "/flow-service/v1/flows", "/flow-service/v1/healthcheck"
        wrap, error, free = self.answering, self.error, {"authenticated": False, "limited": False}
        return (
            Operation("createFlow", "POST", flows, wrap(self.create), error),
            Operation("searchFlow", "POST", f"{flows}/search", wrap(self.search), error),
            Operation("getFlow", "GET", f"{flows}/{{flowId}}", wrap(self.get), error),
            Operation(
                "getHealth", "GET", health, lambda call: Reply(content_type=""), error, **free
            ),
            Operation("token", "POST", "/oauth/token", self.tokens.issue, failure, **free),
        )

    def error(self, status: int, code: str = "", message: str = "") -> Reply:
        usual_code, usual_message = ERRORS.get(status, (f"HTTP_{status}", "The request failed"))
        body = {"errorCode": code or usual_code, "errorMessage": message or usual_message}
        return json_reply(body, status)

    def authenticate(self, call: Call) -> Reply | None:
        if self.tokens.holder(call):
            return None
        missing = "Authorization" not in call.headers
        reply = self.error(401, "MISSING_TOKEN" if missing else "")
        reply.headers["WWW-Authenticate"] = "Bearer" if missing else 'Bearer error="invalid_token"'
        return reply

    def tracking_id(self, operation: str, call: Call) -> str | None:
        try:
            if operation == "createFlow":
                value = call.once("submission", read_submission)[0].get("trackingId")
            elif operation == "searchFlow":
                value = call.once("criteria", read_criteria)["where"].get("trackingId")
            else:
                document = self.core.oracle.get(self.name, call.params.get("flowId", ""))
                value = document and document.tracking_id
        except Bad:
            return None
        return value

    def finish(self, call: Call, reply: Reply) -> Reply:
        if "X-Request-Id" in call.headers:
            reply.headers["X-Request-Id"] = call.headers["X-Request-Id"]
        return reply

    def notice(self, document: Document) -> Any:
        return {"flowInfo": self.flow(document)}

    def announce(self, document: Document) -> None:
        """Return headers with the bearer only: the document names no signature."""
        url, bearer = self.settings["webhook_url"], self.settings["webhook_bearer"]
        if url:
            sign = BearerToken(bearer) if bearer else unsigned
            self.core.webhook_sender.send(self.name, url, self.notice(document), sign=sign)

    def answering(self, handler: Callable[[Call], Reply]) -> Callable[[Call], Reply]:
        """Return the handler, with the check every operation shares and refusals made replies."""

        def checked(call: Call) -> Reply:
            try:
                if not UUID.fullmatch(call.headers.get("X-Request-Id", NO_ID)):
                    raise Bad("X-Request-Id must be a UUID")
                return handler(call)
            except Bad as bad:
                return self.error(bad.status, message=str(bad))

        return checked

    # Operations

    def create(self, call: Call) -> Reply:
        """createFlow: take the file, answer with its identifier; the rest comes later."""
        info, file = call.once("submission", read_submission)
        if len(file.content) > self.settings["max_file_bytes"]:
            return self.error(413)
        check_consistency(info)
        facts, defects = inspect(info, file.content)
        arrival = arrival_of(info, file, facts)
        if not defects and self.core.oracle.standing(self.name, arrival):
            defects = [reason("AlreadyExistingFlow", "flow", "Already sent and received")]
        if "sha256" in info and info["sha256"] != arrival.sha256:
            defects.append(reason("ChecksumMismatch", "sha256", "Differs from the computed one"))
        document = self.core.receive(self, arrival, defects)
        accepted = {"flowId": document.reference, "submittedAt": to_text(document.received_at)}
        return json_reply({**accepted, "sha256": arrival.sha256, **info}, 202)

    def search(self, call: Call) -> Reply:
        """searchFlow: oldest change first, so the last updatedAt is where to go on."""
        criteria = call.once("criteria", read_criteria)
        limit, where = criteria["limit"], criteria["where"]
        cursors = self.settings["flow_version"] == CURSORS_SINCE
        bounds = columns(where)
        if cursors and "cursor" in criteria:
            bounds["after"] = max(bounds.get("after", 0), from_cursor(criteria["cursor"]))
        found = self.core.oracle.documents(self.name, issued=None, **bounds)
        results = list(islice((each for each in found if fits(each, where)), limit + 1))
        more, results = len(results) > limit, results[:limit]
        shown = [self.flow(each) for each in results]
        reply: dict[str, Any] = {"limit": limit, "filters": where, "results": shown}
        if cursors and more:
            reply["nextCursor"] = to_cursor(results[-1].updated_at)
        waiting = self.core.oracle.waiting_for_looks(self.name)
        self.core.oracle.look([each for each in waiting if looked_for(each, where)])
        return json_reply(reply)

    def get(self, call: Call) -> Reply:
        """getFlow: the metadata, or the file as it was sent."""
        reference, wanted = call.params["flowId"], call.query.get("docType", "Metadata")
        refuse(IDENTIFIER.problems(reference, "flowId") + DOC_TYPE.problems(wanted, "docType"))
        document = self.core.oracle.get(self.name, reference)
        if document is None:
            return self.error(404)
        if wanted == "Metadata":
            reply = json_reply(self.flow(document))
            self.core.oracle.look([document])
            return reply
        if wanted != "Original":
            return self.error(404, message=f"There is no {wanted} of this flow")
        disposition = {"Content-Disposition": attachment(document.attributes["name"])}
        return Reply(200, self.core.oracle.content(document), BINARY, disposition)

    def flow(self, document: Document) -> dict[str, Any]:
        """Return the Flow object of a document, with what version 1.3.0 demands of it."""
        shown = flow(document)
        if self.settings["flow_version"] == CURSORS_SINCE:
            profile = shown.get("flowProfile", "Undefined")
            shown |= {"name": document.attributes["name"], "flowProfile": profile}
        return shown

    # What comes in

    def issue(self, spec: Mapping[str, Any]) -> Document:
        """Make an incoming flow: an invoice of a supplier, or a life-cycle message."""
        try:
            content = base64.b64decode(spec["content"], validate=True)
        except ValueError:
            raise ValueError("content: is not base64") from None
        facts, defects = inspect(spec, content)
        if defects:
            raise ValueError(f"content: {defects[0]['reasonMessage']}")
        file = multipart.Part("file", content)
        arrival = arrival_of(spec, file, facts)
        kinds = {"flowDirection": "In", "flowType": incoming_type(spec, facts)}
        arrival = replace(arrival, attributes={**arrival.attributes, **kinds})
        document = self.core.oracle.issue(self.name, arrival)
        self.announce(document)
        return document


# Requests


def read_submission(call: Call) -> tuple[dict[str, Any], multipart.Part]:
    """Return the checked flowInfo, known members only, and the file part."""
    try:
        parts = multipart.parse(call.content_type, call.body)
    except ValueError as error:
        raise Bad(str(error)) from error
    named = {part.name: part for part in parts}
    refuse([f"{name}: is missing" for name in ("flowInfo", "file") if name not in named])
    refuse(["a part is given twice"] if len(named) < len(parts) else [])
    info, file = named["flowInfo"], named["file"]
    if multipart.media_type(info.content_type or "") != JSON:
        raise Bad("flowInfo: the part must be application/json")
    if multipart.media_type(file.content_type or "") not in FILE_TYPES:
        raise Bad("file: the part must be application/xml or application/pdf")
    return checked_json(info.content, FLOW_INFO, "flowInfo"), file


def read_criteria(call: Call) -> dict[str, Any]:
    """Return the checked search: its limit and at least one criterion. An empty list is none."""
    if multipart.media_type(call.content_type) != JSON:
        raise Bad("the body must be application/json")
    search = checked_json(call.body, SEARCH, "body")
    given = search["where"]
    where = {name: given[name] for name in CRITERIA if given.get(name, []) != []}
    refuse([] if where else ["body.where: at least one criterion is required"])
    cursor = {"cursor": search["cursor"]} if "cursor" in search else {}
    return {"limit": search.get("limit", DEFAULT_LIMIT), "where": where, **cursor}


def from_cursor(cursor: str) -> int:
    try:
        return int(base64.urlsafe_b64decode(cursor.encode()).decode())
    except ValueError:
        raise Bad("body.cursor: was not given out here") from None


def to_cursor(instant: int) -> str:
    return base64.urlsafe_b64encode(str(instant).encode()).decode()


def checked_json(raw: bytes, fields: Mapping[str, Field], where: str) -> dict[str, Any]:
    try:
        value = read_json(raw)
    except ValueError as error:
        raise Bad(f"{where}: is not JSON") from error
    refuse(object_problems(value, fields, where))
    return {name: value[name] for name in fields if name in value}


def check_consistency(info: Mapping[str, Any]) -> None:
    """Return what flowInfo alone shows to be contradictory."""
    if info["flowSyntax"] not in INVOICES and "flowProfile" in info:
        raise Bad("flowProfile belongs to invoices only", 422)
    if info["flowSyntax"] == "FRR" and info.get("processingRule") == "B2B":
        raise Bad("domestic B2B is invoiced, not reported", 422)


def refuse(problems: Sequence[str]) -> None:
    if problems:
        raise Bad("; ".join(problems))


# Files


def inspect(info: Mapping[str, Any], content: bytes) -> tuple[Facts, list[dict[str, str]]]:
    """Return what the file says, and what is technically wrong with it."""
    syntax = info["flowSyntax"]
    if not content:
        return Facts(""), [reason("EmptyFlow", "file", "The file is empty")]
    if content.startswith(b"%PDF-") != (syntax == "Factur-X"):
        return Facts(""), [reason("FlowTypeError", "file", f"The file is not {syntax}")]
    try:
        facts = read_pdf(content) if syntax == "Factur-X" else read_xml(content)
    except Unreadable as error:
        return Facts(""), [reason("InvalidSchema", "file", str(error))]
    if facts.syntax != {"Factur-X": "CII", "FRR": ""}.get(syntax, syntax):
        return facts, [reason("FlowTypeError", "flowSyntax", f"The root element is not {syntax}")]
    if syntax in INVOICES and not (facts.number and facts.seller):
        return facts, [reason("InvalidSchema", "file", "No invoice number or no seller")]
    return facts, []


def reason(code: str, item: str, message: str) -> dict[str, str]:
    return {"level": "Error", "item": item, "reasonCode": code, "reasonMessage": message}


def arrival_of(info: Mapping[str, Any], file: multipart.Part, facts: Facts) -> Arrival:
    kept = ("flowSyntax", "flowProfile")
    attributes = {
        **{name: info[name] for name in kept if name in info},
        "name": info.get("name") or file.filename or "flow",
        "flowType": flow_type(info, facts),
        "flowDirection": "Out",
        "processingRule": info.get("processingRule") or usual_rule(info["flowSyntax"]),
        "processingRuleSource": "Input" if "processingRule" in info else "Computed",
    }
    return Arrival(
        reference=str(uuid4()),
        content=file.content,
        tracking_id=info.get("trackingId"),
        number=facts.number,
        seller=facts.seller,
        buyer=facts.buyer,
        kind=facts.kind,
        period=facts.year,
        attributes=attributes,
    )


def flow_type(info: Mapping[str, Any], facts: Facts) -> str:
    if info["flowSyntax"] == "FRR":
        consumers = info.get("processingRule") == "B2C"
        return f"{'Aggregated' if consumers else 'Unitary'}CustomerTransactionReport"
    if info["flowSyntax"] == "CDAR":
        return "SupplierInvoiceLC" if facts.issuer_role == "BY" else "CustomerInvoiceLC"
    return "SupplierInvoice" if facts.self_billed else "CustomerInvoice"


def incoming_type(info: Mapping[str, Any], facts: Facts) -> str:
    """Return the type of an incoming flow: a buyer's message is about an invoice to a customer."""
    if info["flowSyntax"] == "CDAR":
        return "CustomerInvoiceLC" if facts.issuer_role == "BY" else "SupplierInvoiceLC"
    return "CustomerInvoice" if facts.self_billed else "SupplierInvoice"


def usual_rule(syntax: str) -> str:
    return {"FRR": "B2BInt", "CDAR": "NotApplicable"}.get(syntax, "B2B")


# Answers


def flow(document: Document) -> dict[str, Any]:
    """Return the Flow object of a document."""
    attributes = {name: value for name, value in document.attributes.items() if name != "name"}
    acknowledgement: dict[str, Any] = {"status": STATUSES[document.state]}
    if document.state != PENDING and document.reasons:
        acknowledgement["details"] = document.reasons
    tracking = {} if document.tracking_id is None else {"trackingId": document.tracking_id}
    return {
        "flowId": document.reference,
        "submittedAt": to_text(document.received_at),
        "updatedAt": to_text(document.updated_at),
        **tracking,
        **attributes,
        "acknowledgement": acknowledgement,
    }


def columns(where: Mapping[str, Any]) -> dict[str, Any]:
    """Return the criteria the archive can look up by itself."""
    readers = {
        "updatedAfter": ("after", from_text),
        "updatedBefore": ("before", from_text),
        "trackingId": ("tracking_id", str),
        "ackStatus": ("state", STATES.get),
    }
    return {column: read(where[name]) for name, (column, read) in readers.items() if name in where}


def fits(document: Document, where: Mapping[str, Any]) -> bool:
    return all(document.attributes[name] in where[name] for name in LISTS if name in where)


def looked_for(document: Document, where: Mapping[str, Any]) -> bool:
    """Whether a search was about the document, even if it has not changed since the last one."""
    return fits(document, where) and where.get("trackingId", document.tracking_id) == (
        document.tracking_id
    )


def attachment(name: str) -> str:
    """Return a Content-Disposition with the file's name (RFC 6266), safe whatever the name is."""
    plain = re.sub(r'[^\x20-\x7e]|["\\\\/]', "_", name)
    extended = "" if plain == name else f";filename*=UTF-8''{quote(name, safe='')}"
    return f'attachment;filename="{plain}"{extended}'
