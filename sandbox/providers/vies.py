"""VIES: the European Commission's check of VAT numbers, SOAP 1.1 document/literal and REST.

``checkVatService`` and ``checkVatTestService`` as their WSDLs say, and the three REST operations. The mirrored WSDL
of the live service declares its local elements unqualified, that of the test service qualified: an answer has the form
of its request, so that a client driven by either can read it. Nothing is authenticated. A consultation number is
given only to a requester whose own number is valid; the oracle keeps every one (``/control/issued/vies``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from ..checks import Field, object_problems
from ..clock import MICROSECONDS, to_text
from ..documents import Arrival
from ..provider import Provider
from ..values import Call, Operation, Reply, json_reply, read_json
from .vies_wsdl import TYPES, wsdl

ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
HOUR = 3600 * MICROSECONDS
XML = "text/xml; charset=utf-8"
#: The member states and Northern Ireland; Greece is EL.
MEMBER_STATES = (
    "AT",
    "BE",
    "BG",
    "CY",
    "CZ",
    "DE",
    "DK",
    "EE",
    "EL",
    "ES",
    "FI",
    "FR",
    "HR",
    "HU",
    "IE",
    "IT",
    "LT",
    "LU",
    "LV",
    "MT",
    "NL",
    "PL",
    "PT",
    "RO",
    "SE",
    "SI",
    "SK",
    "XI",
)
COUNTRY = re.compile(r"[A-Z]{2}")
NUMBER = re.compile(r"[0-9A-Za-z+*.]{2,12}")
NOT_DISCLOSED = "---"
SHOWN_COMPANY_TYPE = re.compile(r"[A-Z]{2}-[1-9][0-9]?")

INVALID_INPUT, INVALID_REQUESTER = "INVALID_INPUT", "INVALID_REQUESTER_INFO"
UNAVAILABLE, STATE_UNAVAILABLE = "SERVICE_UNAVAILABLE", "MS_UNAVAILABLE"
FAULTS = (
    INVALID_INPUT,
    INVALID_REQUESTER,
    UNAVAILABLE,
    STATE_UNAVAILABLE,
    "TIMEOUT",
    "VAT_BLOCKED",
    "IP_BLOCKED",
    "GLOBAL_MAX_CONCURRENT_REQ",
    "GLOBAL_MAX_CONCURRENT_REQ_TIME",
    "MS_MAX_CONCURRENT_REQ",
    "MS_MAX_CONCURRENT_REQ_TIME",
    "SERVER_BUSY",
)
CLIENT_FAULTS = (INVALID_INPUT, INVALID_REQUESTER)
#: What the test service answers to a VAT number; any other is SERVICE_UNAVAILABLE.
TEST_NUMBERS = {
    "100": True,
    "200": False,
    "201": INVALID_INPUT,
    "202": INVALID_REQUESTER,
    "300": UNAVAILABLE,
    "301": STATE_UNAVAILABLE,
    "302": "TIMEOUT",
    "400": "VAT_BLOCKED",
    "401": "IP_BLOCKED",
    "500": "GLOBAL_MAX_CONCURRENT_REQ",
    "501": "GLOBAL_MAX_CONCURRENT_REQ_TIME",
    "600": "MS_MAX_CONCURRENT_REQ",
    "601": "MS_MAX_CONCURRENT_REQ_TIME",
}
TRADER = {
    "name": Field(max_length=200),
    "street": Field(max_length=200),
    "postcode": Field(max_length=20),
    "city": Field(max_length=100),
    "company_type": Field(pattern=SHOWN_COMPANY_TYPE.pattern),
}
EXAMPLES = {
    "FR83404833048": {
        "name": "SAS MARTEL",
        "street": "12 RUE DU PORT",
        "postcode": "44000",
        "city": "NANTES",
    },
    "BE0411905847": {"name": "NV VERMEULEN", "city": "GENT"},
    "DE136695976": {},
    "PL5260001246": {"name": "NOWAK SP. Z O.O.", "city": "WARSZAWA"},
}
#: SOAP name, REST name and key in the registry, of what a request may compare.
COMPARED = (
    ("traderName", "traderName", "name"),
    ("traderCompanyType", "traderCompanyType", "company_type"),
    ("traderStreet", "traderStreet", "street"),
    ("traderPostcode", "traderPostalCode", "postcode"),
    ("traderCity", "traderCity", "city"),
)
MATCHES = {"VALID": "1", "INVALID": "2", "NOT_PROCESSED": "3"}
CHECK = {
    "countryCode": Field(required=True),
    "vatNumber": Field(required=True),
    "requesterMemberStateCode": Field(),
    "requesterNumber": Field(),
    **{rest: Field() for _soap, rest, _key in COMPARED},
}


class Fault(Exception):
    """The service answers with one of its faults."""


class Malformed(Exception):
    """The request is no SOAP 1.1 request of this service."""


@dataclass(frozen=True)
class Question:
    """One check, whichever protocol it came by."""

    country: str
    number: str
    requester: str = ""
    requester_given: bool = False
    trader: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    question: Question
    at: int
    trader: Mapping[str, str] | None
    consultation: str = ""

    @property
    def valid(self) -> bool:
        return self.trader is not None

    def value(self, key: str) -> str:
        """Return what the member state discloses, or its sign for nothing."""
        return (self.trader or {}).get(key) or NOT_DISCLOSED

    @property
    def address(self) -> str:
        trader = self.trader or {}
        place = " ".join(trader[key] for key in ("postcode", "city") if trader.get(key))
        return "\n".join(line for line in (trader.get("street"), place) if line) or NOT_DISCLOSED

    def match(self, key: str) -> str:
        known = (self.trader or {}).get(key)
        if not known:
            return "NOT_PROCESSED"
        return "VALID" if plain(known) == plain(self.question.trader[key]) else "INVALID"


class Vies(Provider):
    name = "vies"
    title = "VIES: check of VAT numbers (European Commission)"
    default_settings = {"registered": EXAMPLES, "answer_with": {}, "unavailable": [], "night": {}}
    settings_fields = {
        "registered": Field(dict),
        "answer_with": Field(dict),
        "unavailable": Field(list, items=Field(choices=MEMBER_STATES)),
        "night": Field(dict),
    }

    def operations(self) -> Sequence[Operation]:
        live, test = "/services/checkVatService", "/services/checkVatTestService"
        rest, free = "/rest-api", {"authenticated": False, "group": "query"}
        unlimited = {"authenticated": False, "limited": False}
        return (
            Operation("checkVat", "POST", live, self.soap(self.check), soap_error, **free),
            Operation("checkVatTest", "POST", test, self.soap(self.test), soap_error, **free),
            Operation("wsdl", "GET", live, self.describe, soap_error, **unlimited),
            Operation("wsdlTest", "GET", test, self.describe, soap_error, **unlimited),
            Operation(
                "checkVatNumber",
                "POST",
                f"{rest}/check-vat-number",
                self.rest(self.check),
                self.error,
                **free,
            ),
            Operation(
                "checkVatTestService",
                "POST",
                f"{rest}/check-vat-test-service",
                self.rest(self.test),
                self.error,
                **free,
            ),
            Operation(
                "checkStatus", "GET", f"{rest}/check-status", self.status, self.error, **free
            ),
        )

    def error(self, status: int, code: str = "", message: str = "") -> Reply:
        """Return the error body of REST, which documents 400 and 500 only."""
        code = code or fault_of(status)
        wrapper = {"error": code, "message": message or code}
        body = {"actionSucceed": False, "errorWrappers": [wrapper]}
        return json_reply(body, 400 if code in CLIENT_FAULTS else 500)

    def tracking_id(self, operation: str, call: Call) -> str | None:
        """Return the VAT number with its country."""
        try:
            question = call.once("question", read_question)
        except (Malformed, Fault):
            return None
        return f"{question.country}{question.number}"

    def change_settings(self, changes: Any) -> list[str]:
        """Change the registry and the availability of member states."""
        found = settings_problems(changes) if isinstance(changes, dict) else []
        return found or super().change_settings(changes)

    # The two services

    def check(self, question: Question) -> Answer:
        """Answer as the live service does."""
        if question.country not in MEMBER_STATES or not NUMBER.fullmatch(question.number):
            raise Fault(INVALID_INPUT)
        given = self.settings["answer_with"]
        vat = f"{question.country}{question.number}"
        for key in (vat, question.country, "*"):
            if key in given:
                raise Fault(given[key])
        if self.closed(question.country):
            raise Fault(STATE_UNAVAILABLE)
        if question.requester_given and question.requester not in self.settings["registered"]:
            raise Fault(INVALID_REQUESTER)
        return self.answer(question, self.settings["registered"].get(vat))

    def test(self, question: Question) -> Answer:
        """Answer as the test service documents."""
        planned = TEST_NUMBERS.get(question.number, UNAVAILABLE)
        if isinstance(planned, str):
            raise Fault(planned)
        trader = {
            "name": "John Doe",
            "street": "123 Main St",
            "postcode": "1000",
            "city": "Anytown",
        }
        return self.answer(question, trader if planned else None)

    def answer(self, question: Question, trader: Mapping[str, str] | None) -> Answer:
        at = self.core.clock.peek()
        if not question.requester_given:
            return Answer(question, at, trader)
        consultation = f"WAPIAAAA{uuid4().hex[:8].upper()}"
        number = f"{question.country}{question.number}"
        self.core.oracle.issue(
            self.name,
            Arrival(
                reference=consultation,
                content=number.encode(),
                number=number,
                buyer=question.requester,
                kind="consultation",
                attributes={"valid": trader is not None},
            ),
        )
        return Answer(question, at, trader, consultation)

    def closed(self, country: str) -> bool:
        """Whether a member state answers nothing now: always, or at this hour of the night (UTC)."""
        if country in self.settings["unavailable"]:
            return True
        begins, ends = self.settings["night"].get(country, ("", ""))
        now = to_text(self.core.clock.peek())[11:16]
        return begins <= now < ends if begins <= ends else now >= begins or now < ends

    # SOAP

    def soap(self, check: Callable[[Question], Answer]) -> Callable[[Call], Reply]:
        """Return the handler of a SOAP service."""

        def handler(call: Call) -> Reply:
            try:
                envelope = call.once("envelope", read_envelope)
                answer = check(call.once("question", read_question))
            except Malformed as malformed:
                return soap_fault(str(malformed), "Client")
            except Fault as fault:
                return soap_fault(str(fault))
            return soap_answer(envelope, answer)

        return handler

    def describe(self, call: Call) -> Reply:
        """Return the WSDL, at ``?wsdl`` or without it; the address is the one it was fetched from."""
        service = call.path.rpartition("/")[2]
        location = f"{scheme_of(call)}://{call.headers.get('Host', '127.0.0.1')}{call.path}"
        return Reply(200, wsdl(service, location), XML)

    # REST

    def rest(self, check: Callable[[Question], Answer]) -> Callable[[Call], Reply]:
        """Return the handler of a REST check."""

        def handler(call: Call) -> Reply:
            try:
                return json_reply(rest_answer(check(call.once("question", read_question))))
            except (Fault, Malformed) as fault:
                code = str(fault) if isinstance(fault, Fault) else INVALID_INPUT
                return self.error(400 if code in CLIENT_FAULTS else 500, code)

        return handler

    def status(self, call: Call) -> Reply:
        """checkStatus: which member states answer now."""
        countries = [
            {
                "countryCode": country,
                "availability": "Unavailable" if self.closed(country) else "Available",
            }
            for country in MEMBER_STATES
        ]
        available = "*" not in self.settings["answer_with"]
        return json_reply({"vow": {"available": available}, "countries": countries})


# Requests


@dataclass(frozen=True)
class Envelope:
    operation: str
    qualified: bool
    values: Mapping[str, str]


def read_question(call: Call) -> Question:
    return rest_question(call) if "/rest-api/" in call.path else soap_question(call)


def soap_question(call: Call) -> Question:
    values = call.once("envelope", read_envelope).values
    requester = f"{values.get('requesterCountryCode', '')}{values.get('requesterVatNumber', '')}"
    trader = {key: values[soap] for soap, _rest, key in COMPARED if values.get(soap)}
    return Question(values["countryCode"], values["vatNumber"], requester, bool(requester), trader)


def rest_question(call: Call) -> Question:
    try:
        body = read_json(call.body)
    except ValueError:
        raise Fault(INVALID_INPUT) from None
    if object_problems(body, CHECK):
        raise Fault(INVALID_INPUT)
    requester = f"{body.get('requesterMemberStateCode', '')}{body.get('requesterNumber', '')}"
    trader = {key: body[rest] for _soap, rest, key in COMPARED if body.get(rest)}
    return Question(body["countryCode"], body["vatNumber"], requester, bool(requester), trader)


def read_envelope(call: Call) -> Envelope:
    """Return the one request in the body of a SOAP 1.1 envelope."""
    if b"<!DOCTYPE" in call.body.replace(b"\0", b""):
        raise Malformed("A document type declaration is not accepted")
    try:
        root = ET.fromstring(call.body)
    except (ET.ParseError, ValueError, LookupError):
        raise Malformed("The request is not well-formed XML") from None
    body = root.find(f"{{{ENVELOPE}}}Body")
    if root.tag != f"{{{ENVELOPE}}}Envelope" or body is None or len(body) != 1:
        raise Malformed("The request is not a SOAP 1.1 envelope with one request")
    request = body[0]
    namespace, _brace, operation = request.tag[1:].partition("}")
    if namespace != TYPES or operation not in ("checkVat", "checkVatApprox"):
        raise Malformed(f"Message part {request.tag} was not recognized")
    qualified = bool(len(request)) and request[0].tag.startswith(f"{{{TYPES}}}")
    values = {child.tag.rpartition("}")[2]: (child.text or "").strip() for child in request}
    if not {"countryCode", "vatNumber"} <= set(values):
        raise Fault(INVALID_INPUT)
    return Envelope(operation, qualified, values)


# Answers


def soap_answer(envelope: Envelope, answer: Answer) -> Reply:
    question = answer.question
    fields = [
        ("countryCode", question.country),
        ("vatNumber", question.number),
        ("requestDate", brussels_date(answer.at)),
        ("valid", "true" if answer.valid else "false"),
    ]
    if envelope.operation == "checkVat":
        fields += [("name", answer.value("name")), ("address", answer.address)]
    else:
        fields += approximate(answer, with_address=envelope.qualified)
    prefix = "t:" if envelope.qualified else ""
    body = "".join(f"<{prefix}{name}>{escape(value)}</{prefix}{name}>" for name, value in fields)
    element = f"t:{envelope.operation}Response"
    return soap_reply(f'<{element} xmlns:t="{TYPES}">{body}</{element}>', 200)


def approximate(answer: Answer, *, with_address: bool) -> list[tuple[str, str]]:
    """Return the rest of a checkVatApproxResponse, in the order of its schema."""
    disclosed = {soap: answer.value(key) for soap, _rest, key in COMPARED}
    found = [("traderName", disclosed.pop("traderName"))]
    company = disclosed.pop("traderCompanyType")
    if SHOWN_COMPANY_TYPE.fullmatch(company):
        found.append(("traderCompanyType", company))
    if with_address:
        found.append(("traderAddress", answer.address))
    found += disclosed.items()
    for soap, _rest, key in COMPARED:
        match = MATCHES[answer.match(key)] if key in answer.question.trader else ""
        # Only the test service's schema has a code for "not processed".
        if match and (with_address or match != MATCHES["NOT_PROCESSED"]):
            found.append((f"{soap}Match", match))
    return [*found, ("requestIdentifier", answer.consultation)]


def rest_answer(answer: Answer) -> dict[str, Any]:
    question = answer.question
    return {
        "countryCode": question.country,
        "vatNumber": question.number,
        "requestDate": to_text(answer.at),
        "valid": answer.valid,
        "requestIdentifier": answer.consultation,
        "name": answer.value("name"),
        "address": answer.address,
        **{rest: answer.value(key) for _soap, rest, key in COMPARED},
        **{
            f"{rest}Match": answer.match(key) if key in question.trader else "NOT_PROCESSED"
            for _soap, rest, key in COMPARED
        },
    }


def soap_error(status: int, code: str = "", message: str = "") -> Reply:
    """Return trouble that is not the service's own as the fault that comes nearest."""
    return soap_fault(code or fault_of(status), "Client" if status in (400, 404) else "Server")


def fault_of(status: int) -> str:
    faults = {400: INVALID_INPUT, 413: INVALID_INPUT, 429: "GLOBAL_MAX_CONCURRENT_REQ"}
    return faults.get(status, UNAVAILABLE)


def soap_fault(text: str, who: str = "Server") -> Reply:
    """Return a SOAP 1.1 fault, always with status 500 (SOAP 1.1, 6.2)."""
    inner = f"<faultcode>env:{who}</faultcode><faultstring>{escape(text)}</faultstring>"
    return soap_reply(f"<env:Fault>{inner}</env:Fault>", 500)


def soap_reply(content: str, status: int) -> Reply:
    text = f'<env:Envelope xmlns:env="{ENVELOPE}"><env:Body>{content}</env:Body></env:Envelope>'
    return Reply(status, text.encode(), XML)


def scheme_of(call: Call) -> str:
    return "https" if call.certificate else "http"


def brussels_date(instant: int) -> str:
    """Return an xsd:date with the offset of Central European Time, as the service sends it."""
    return to_text(instant + HOUR)[:10] + "+01:00"


def plain(text: str) -> str:
    """Return the text as names and addresses are compared: case, signs and spaces do not count."""
    return re.sub(r"[\W_]+", "", text.casefold())


def settings_problems(changes: Mapping[str, Any]) -> list[str]:
    found = []
    for vat, trader in as_object(changes, "registered").items():
        found += object_problems(trader, TRADER, f"settings.registered.{vat}", closed=True)
        if vat[:2] not in MEMBER_STATES or not NUMBER.fullmatch(vat[2:]):
            found.append(f"settings.registered.{vat}: is no VAT number")
    for key, fault in as_object(changes, "answer_with").items():
        if fault not in FAULTS:
            found.append(f"settings.answer_with.{key}: is not one of {', '.join(FAULTS)}")
    for country, hours in as_object(changes, "night").items():
        times = [hour for hour in hours if re.fullmatch(r"[0-2]\d:[0-5]\d", str(hour))]
        if country not in MEMBER_STATES or len(hours) != 2 or len(times) != 2:
            found.append(f"settings.night.{country}: must be two times such as 23:30")
    return found


def as_object(changes: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = changes.get(name)
    return value if isinstance(value, dict) else {}
