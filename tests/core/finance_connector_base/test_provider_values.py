"""F1, F10: every text and number that a provider may put anywhere into an answer leads to a report that can be stored.

The answers in good form are those of the sandbox's documents; each value of them, at every depth, each header and
each element of XML, is replaced by values that databases, clocks, screens or parsers cannot hold.
"""

import copy
import dataclasses
import json
import math
import re
from collections.abc import Mapping
from datetime import datetime, timedelta

import pytest
from odoo.addons.finance_connector_base.core.conversation import Answer, Obtained
from odoo.addons.finance_connector_base.core.delivery import outcomes
from odoo.addons.finance_connector_base.core.finding import Finding
from odoo.addons.finance_connector_base.core.http.client import ProviderClient
from odoo.addons.finance_connector_base.core.http.wire import KEPT_BODY, HttpResponse
from odoo.addons.finance_connector_base.core.protocol import Call, ClientCredentials
from odoo.addons.finance_connector_reference.core.reference_rest import FILING, ReferenceRest
from odoo.addons.finance_einvoice_afnor.core.flow_service import FlowService
from odoo.addons.finance_registry.core.hmrc import CHECK, Hmrc

pytestmark = pytest.mark.slow

URL = "https://p.example"
KEY = "7b0c0a8e-58b4-4d5c-9c5e-1d6a5a3f0f11"
NUMBER = "553557881"
#: JSON texts: what a parser, a database, a clock or a screen cannot hold, and other types.
HOSTILE = (
    r'"a\u0000b"', r'"\ud800"', r'"\u202e\u001b[2J\u200b"', '"' + "x" * 70_000 + '"', '""', "null", "true", "-5", "[]",
    "{}", '["x", {"y": [1]}]', "1e308", "9" * 400, "9" * 5000, "-1e308", "0.1e-400", '"9999-12-31T23:59:59Z"',
    '"0001-01-01T00:00:00+23:59"', '"2026-02-30"', '"11533-01-01T00:00:00Z"', '"999999999999999999999"', "1.7e15",
    "[" * 60 + "]" * 60, '"\\u00b2"', '"$9999999999999999999"',
)  # fmt: skip
HEADERS = (
    "9" * 400, "-5", "1e400", "²", "NaN", "x\0y", "\ud800", "\x1b[2J", "y" * 100_000, "", "a\r\nb: c",
    "Wed, 21 Oct 99999 07:28:00 GMT", "Fri, 31 Dec 9999 23:59:59 +9999", "300000000000",
)  # fmt: skip
NAMES = (
    "retry-after", "content-type", "x-request-id", "location", "date", "etag", "set-cookie", "www-authenticate",
    "x-ratelimit-reset", "x-correlation-id", "content-language", "x-api-version",
)  # fmt: skip

_MARK = "@@hostile@@"
REASONS = [
    {"level": "Error", "item": "/x", "reasonCode": "InvalidSchema", "reasonMessage": "wrong"},
    {"level": "Warning", "item": "/y", "reasonCode": "Own", "reasonMessage": "odd"},
]
FLOW = {
    "flowId": "F-1",
    "trackingId": KEY,
    "submittedAt": "2026-01-01T00:00:00Z",
    "acknowledgement": {"status": "Error", "details": REASONS},
}
ERROR = {"errorCode": "OtherTechnicalError", "errorMessage": "wrong", "details": [{"a": "b"}]}
REFERENCE = {
    "reference": "R-1",
    "state": "rejected",
    "number": "N",
    "key": KEY,
    "reasons": [{"code": "c", "message": "m", "field": "f"}],
    "error": "e",
    "received_at": "2026-01-01T00:00:00Z",
}
PARTNER = {
    "target": {"name": "n", "vatNumber": NUMBER, "address": {"line1": "l", "postcode": "p"}},
    "requester": NUMBER,
    "consultationNumber": "abc-def-ghi",
    "processingDate": "2026-01-01T00:00:00+00:00",
}
AFNOR = (
    ("send", 202, FLOW),
    ("send", 422, ERROR),
    ("send", 400, ERROR),
    ("send", 429, ERROR),
    ("send", 503, ERROR),
    ("poll", 200, FLOW),
    ("poll", 404, ERROR),
    ("lookup", 200, {"results": [FLOW], "limit": 1}),
)
CASES = {
    **{f"afnor {step} {status}": ("afnor", step, status, value) for step, status, value in AFNOR},
    **{
        f"reference {step} {status}": ("reference", step, status, REFERENCE)
        for step, status in (
            ("send", 201),
            ("send", 422),
            ("send", 409),
            ("poll", 200),
            ("lookup", 200),
        )
    },
    "hmrc 200": ("hmrc", "query", 200, PARTNER),
    "hmrc 404": ("hmrc", "query", 404, {"code": "NOT_FOUND", "message": "m"}),
    "hmrc 403": ("hmrc", "query", 403, {"code": "INVALID_REQUEST", "message": "m"}),
}
PROTOCOLS = {
    "afnor": lambda: FlowService(URL, ClientCredentials(f"{URL}/token", "id", "s3cret-of-1")),
    "reference": lambda: ReferenceRest(URL, "key-of-reference"),
    "hmrc": lambda: Hmrc(URL, "id", "s3cret-of-2"),
}


class Wire:
    """Answers a token, then what is given."""

    def __init__(self, answer):
        self.answer = answer

    def send(self, request):
        if request.url.endswith("/token"):
            return HttpResponse(200, {}, b'{"access_token": "token-of-it", "expires_in": 60}')
        return self.answer


def report_of(protocol, step, answer):
    client = ProviderClient(PROTOCOLS[protocol](), Wire(answer))
    if step == "query":
        return client.query(CHECK, {"number": f"GB{NUMBER}", "requester": ""})
    return client.perform(
        step, Call(FILING, KEY, b"<x/>", {"number": "N", "name": "F.xml"}, reference="F-1")
    )


def places(value, path=()):
    """Return the path of every value of a JSON document, itself included."""
    yield path
    if isinstance(value, dict):
        for key in value:
            yield from places(value[key], (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from places(item, (*path, index))


def replaced(value, path, instead):
    """Return the document as a JSON text with another JSON text at a place."""
    if not path:
        return instead
    changed = copy.deepcopy(value)
    holder = changed
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = _MARK
    return json.dumps(changed).replace(f'"{_MARK}"', instead)


def assert_storable(value, where="report"):  # noqa: C901 (one case per type)
    """Check that PostgreSQL, JSON, clocks and screens can hold each part of a value."""
    if isinstance(value, str):
        value.encode()  # no half of a surrogate pair
        assert not re.search("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u200b]", value), where
        assert len(value) <= KEPT_BODY, where
    elif isinstance(value, float):
        assert math.isfinite(value), where
        assert abs(value) < 10**8, where
    elif isinstance(value, Mapping):
        for key, item in value.items():
            assert_storable(key, where)
            assert_storable(item, f"{where}.{key}")
    elif isinstance(value, (tuple, list, set, frozenset)):
        assert len(value) <= outcomes.MAX_FINDINGS, where
        for item in value:
            assert_storable(item, where)
    elif isinstance(value, Answer):
        # Evidence of what came: numbers in it are not used, but they are written as JSON.
        text = json.dumps(dict(value.values), allow_nan=False)
        assert "\\u0000" not in text and "\\ud800" not in text, where
        assert_storable((value.code, value.proof), where)
    elif dataclasses.is_dataclass(value):
        for item in dataclasses.fields(value):
            if item.name not in ("body", "content"):
                assert_storable(getattr(value, item.name), f"{where}.{item.name}")


def check(report):
    assert outcomes.is_declared(report.outcome)
    assert_storable(report)
    assert len(report.body) <= KEPT_BODY
    for name in ("retry_after", "poll_after", "pause"):
        seconds = getattr(report.outcome, name, None)
        # A clock of this release and a column of the database hold it.
        assert seconds is None or datetime(2026, 1, 1) + timedelta(seconds=seconds) < datetime(
            2027, 1, 1
        )
    for finding in getattr(report.outcome, "findings", ()):
        assert isinstance(finding, Finding)
        json.dumps(finding.to_json(), allow_nan=False).encode()


@pytest.mark.parametrize("name", CASES)
def test_f1_f10_every_value_of_an_answer_leads_to_a_report_that_can_be_stored(name):
    protocol, step, status, document = CASES[name]
    count = 0
    for path in places(document):
        for instead in HOSTILE:
            body = replaced(document, path, instead).encode()
            answer = HttpResponse(status, {"content-type": "application/json"}, body)
            check(report_of(protocol, step, answer))
            count += 1
    assert count >= 2 * len(HOSTILE)


@pytest.mark.parametrize("status", [200, 202, 401, 403, 422, 429, 500, 503])
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_f1_f10_every_header_of_an_answer_leads_to_a_report_that_can_be_stored(protocol, status):
    step = "query" if protocol == "hmrc" else "send"
    for name in NAMES:
        for value in HEADERS:
            headers = {"content-type": "application/json", name: value}
            check(report_of(protocol, step, HttpResponse(status, headers, b"{}")))


@pytest.mark.parametrize(
    "values",
    [
        {"name": "a\0b"},
        {"a\0": "b"},
        {"deep": [{"x": ["\ud800"]}]},
        {"number": 10**400},
        {"date": "11533-01-01"},
    ],
    ids=str,
)
def test_f1_an_answer_to_a_query_can_be_kept_as_evidence(values):
    check(
        dataclasses.replace(
            report_of("hmrc", "query", HttpResponse(500, {}, b"")),
            value=Answer("va\0lid", values, "p\0" * 500),
        )
    )


@pytest.mark.parametrize("values", [{"a": math.nan}, {"a": math.inf}, {"a": b"x"}, {"a": object()}])
def test_f1_an_answer_that_is_no_json_is_none(values):
    with pytest.raises((TypeError, ValueError)):
        Answer("valid", values)


def test_f1_the_name_of_an_artefact_can_be_stored():
    artefact = outcomes.Artefact("re\0ceipt" * 100, "text/\ud800", b"\0")
    assert_storable((artefact.name, artefact.media_type))
    assert len(artefact.name) <= outcomes.MAX_REFERENCE
    assert artefact.content == b"\0"


@pytest.mark.parametrize("seconds", [1e308, math.inf, 10**400, "9" * 400, 300000000000, 1.7e15])
def test_f10_a_lifetime_of_a_resource_ends_before_the_clock_does(seconds):
    lifetime = Obtained({"token": "t"}, lifetime=seconds).lifetime
    assert datetime(2026, 1, 1) + timedelta(seconds=lifetime) < datetime(2027, 1, 1)
