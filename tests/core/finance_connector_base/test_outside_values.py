"""Whatever a provider puts into a value: it can be stored, shown and compared."""

import json
import math
import time

import pytest
from odoo.addons.finance_connector_base.core.conversation import Context
from odoo.addons.finance_connector_base.core.delivery import outcomes
from odoo.addons.finance_connector_base.core.delivery.outcomes import (
    Accepted,
    AuthFailed,
    Rejected,
    Transient,
    Waiting,
)
from odoo.addons.finance_connector_base.core.finding import MAX_TEXT, Finding, storable_text
from odoo.addons.finance_connector_base.core.http.oauth import obtain_token
from odoo.addons.finance_connector_base.core.http.resources import MemoryResources
from odoo.addons.finance_connector_base.core.http.wire import (
    HttpResponse,
    bounded_number,
    parse_json,
    parse_retry_after,
)
from odoo.addons.finance_connector_base.core.protocol import ClientCredentials

TEXTS = [
    "a\0b",
    "\ud800",
    "\u202eevil",
    "\x1b[2J",
    "x" * 10**6,
    "\ufeff",
    b"\xff\0",
    10**5000,
    None,
    {"a": "\0"},
]
NUMBERS = [
    math.nan,
    math.inf,
    -math.inf,
    10**400,
    -(10**400),
    1e308,
    -5,
    True,
    "x",
    None,
    "9" * 400,
    [1],
]


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: type(text).__name__)
def test_f1_every_text_of_an_outcome_can_be_stored(text):
    finding = Finding(
        "code",
        args={"text": text, str(text)[:99] if not isinstance(text, int) else "n": "x"},
        item=text,
    )
    for outcome in (
        AuthFailed(text),
        Rejected((finding,) * 500, text),
        Transient(text),
        Accepted(text),
    ):
        for value in (getattr(outcome, "reason", ""), getattr(outcome, "reference", "")):
            assert len(value) <= MAX_TEXT
            assert value.isprintable() or "\n" in value
        found = getattr(outcome, "findings", ())
        assert len(found) <= outcomes.MAX_FINDINGS
        stored = json.dumps([item.to_json() for item in found], allow_nan=False)
        stored.encode()
        assert "\\u0000" not in stored


@pytest.mark.parametrize(
    "number", NUMBERS, ids=lambda n: str(n)[:12] if not isinstance(n, int) else "int"
)
def test_f1_every_pause_of_an_outcome_is_one_of_at_most_an_hour(number):
    assert 0 <= Waiting("r", number).poll_after <= 3600
    pause = Transient("r", number).retry_after
    assert pause is None or 0 <= pause <= 3600


def test_f1_a_reference_that_is_no_text_names_nothing():
    for value in ({"a": 1}, [1], True, None, 10**5000, 1.5):
        assert Accepted(value).reference == ""
    assert Accepted(7).reference == "7"
    assert len(Accepted("é" * 5000).reference) == outcomes.MAX_REFERENCE


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 200_000, b'{"a":' * 5000 + b"1" + b"}" * 5000, b'{"a": NaN}', b'{"a": -Infinity}', b'{"a": 1e999}',
        b'{"a": ' + b"9" * 5000 + b"}", b'{"a": 1, "a": 2}', b'{"a": "\xff"}', '{"a": 1}'.encode("utf-16"), b"", b"{",
    ],
    ids=lambda body: str(body[:12]),
)  # fmt: skip
def test_f1_json_that_is_read_in_more_than_one_way_is_none(body):
    assert parse_json(body) is None
    assert HttpResponse(200, {}, body).json_object() is None


def test_f1_json_in_good_form_is_read():
    assert HttpResponse(200, {}, b'\xef\xbb\xbf{"a": "[[[\\"["}').json_object() == {"a": '[[["['}
    assert parse_json(b"[1, 2.5, null]") == [1, 2.5, None]


@pytest.mark.parametrize("body", [b'"' + b'\\"' * 120_000, b'"\\' * 120_000, b'["' * 120_000])
def test_f1_the_depth_of_a_hostile_body_is_measured_in_linear_time(body):
    started = time.monotonic()
    assert parse_json(body) is None
    assert time.monotonic() - started < 1.0


@pytest.mark.parametrize(
    "value", ["²", "-5", "NaN", "1e9", "9" * 400, "Wed, 21 Oct 9999999 07:28:00 GMT", "\0", ""]
)
def test_f1_a_pause_that_is_no_number_is_none_and_a_long_one_is_an_hour(value):
    pause = parse_retry_after(value)
    assert pause is None or 0 <= pause <= 3600


@pytest.mark.parametrize("number", [True, math.nan, math.inf, "5", None])
def test_f1_what_is_no_number_is_none(number):
    assert bounded_number(number, 0, 10) is None
    assert bounded_number(10**400, 0, 10) == 10


def _obtain(body):
    conversation = obtain_token(
        ClientCredentials("https://t.example", "id", "secret"), Context(0.0, bytes)
    )
    next(conversation)
    with pytest.raises(StopIteration) as stop:
        conversation.send(HttpResponse(200, {}, body))
    return stop.value.value


@pytest.mark.parametrize(
    "value",
    [
        b'"a\\r\\nX: y"',
        b'"a b"',
        b'"\\u0000"',
        b'"\\u00e9"',
        b'"' + b"a" * 20_000 + b'"',
        b"7",
        b"null",
        b'""',
    ],
)
def test_f1_a_token_that_is_no_token_is_not_used(value):
    assert isinstance(_obtain(b'{"access_token": ' + value + b"}"), outcomes.ContractBroken)


@pytest.mark.parametrize("value", [b"9" * 400, b"-5", b"true", b'"x"', b"1.5e300", b"[]"])
def test_f1_the_lifetime_of_a_token_is_bounded(value):
    obtained = _obtain(b'{"access_token": "abc", "expires_in": ' + value + b"}")
    assert obtained.secret == {"token": "abc"}
    assert 0.0 <= obtained.lifetime <= 86_400.0


def test_f5_a_failed_renewal_serves_all_that_waited_for_it():
    now, calls = [5.0], []
    store = MemoryResources(lambda: now[0])

    def fail(_old):
        calls.append(1)
        return outcomes.Transient("slow")

    failure = store.renew("token", 0, fail)
    # One that began to wait before the failure shares it; a later one asks again.
    assert store._renew("token", 0, fail, asked_at=4.0) is failure
    assert len(calls) == 1
    now[0] = 6.0
    store.renew("token", 0, fail)
    assert len(calls) == 2


def test_f12_a_body_of_a_type_that_is_not_the_providers_is_not_kept():
    page = HttpResponse(200, {"Content-Type": "text/html; charset=x"}, b"INTERNAL password=hunter2")
    assert page.kept_body() == b""
    assert page.kept_headers()["body-bytes"] == "25"
    assert len(page.kept_headers()["body-sha256"]) == 64
    for kind in ("application/json", "application/problem+json; charset=utf-8", "Application/XML"):
        assert HttpResponse(200, {"Content-Type": kind}, b"{}").kept_body() == b"{}"
    assert len(HttpResponse(200, {"content-type": "text/xml"}, b"x" * 10**5).kept_body()) == 65536


def test_f1_storable_text_is_printable():
    assert storable_text("a\tb\nc") == "a\tb\nc"
    assert storable_text("\x1b\u2066\0") == "\ufffd" * 3
