"""Canary: a secret that a provider repeats, however it is written, is in no report, no log and no traceback."""

import base64
import binascii
import builtins
import html
import io
import json
import logging
import re
from urllib.parse import quote, quote_plus, unquote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st
from odoo.addons.finance_connector_base.core.conversation import Answer, Ask
from odoo.addons.finance_connector_base.core.delivery.outcomes import Accepted, Rejected
from odoo.addons.finance_connector_base.core.finding import Finding
from odoo.addons.finance_connector_base.core.http.client import ProviderClient
from odoo.addons.finance_connector_base.core.http.wire import HttpRequest, HttpResponse
from odoo.addons.finance_connector_base.core.protocol import Call, ProviderProtocol
from odoo.addons.finance_connector_base.core.security.masking import (
    MaskingFilter,
    StatementFilter,
    TracebackFilter,
    forms_of,
    hide,
    mask,
)

SECRETS = (
    "cnry-Client/Secret+31=",
    "with space & <angle> \"quotes\" 'and' back\\slash",
    "päßwörd-ünï",
    "line\nbreak-of-a-pem",
)


def php(secret):
    return json.dumps(secret).replace("/", "\\/")


#: How programs write a text that they repeat.
WRITINGS = {
    "plain": str,
    "json": lambda s: json.dumps(s, ensure_ascii=False),
    "json ascii": json.dumps,
    "json of php": php,
    "json in json": lambda s: json.dumps(php(s)),
    "json of .net": lambda s: re.sub(
        r"[^a-z\\\"]", lambda m: f"\\u{ord(m[0]):04X}", json.dumps(s, ensure_ascii=False)[1:-1]
    ),
    "every character": lambda s: "".join(f"\\u{ord(c):04x}" for c in s),
    "url": lambda s: quote(s, safe=""),
    "url in lower case": lambda s: re.sub("%..", lambda m: m[0].lower(), quote(s, safe="")),
    "url twice": lambda s: quote(quote(s, safe=""), safe=""),
    "form": quote_plus,
    "html": html.escape,
    "decimal entities": lambda s: "".join(f"&#{ord(c)};" for c in s),
    "hexadecimal entities": lambda s: "".join(f"&#x{ord(c):X};" for c in s),
    "repr": repr,
    "repr of bytes": lambda s: repr(s.encode()),
    "hex": lambda s: s.encode().hex(),
    "HEX": lambda s: s.encode().hex().upper(),
    "base64": lambda s: base64.b64encode(s.encode()).decode(),
    "base64 without padding": lambda s: base64.b64encode(s.encode()).decode().rstrip("="),
    "base64 for urls": lambda s: base64.urlsafe_b64encode(s.encode()).decode(),
    "basic": lambda s: base64.b64encode(f"id:{s}".encode()).decode(),
    "basic 1": lambda s: base64.b64encode(f"id1:{s}@x".encode()).decode(),
    "basic 2": lambda s: base64.b64encode(f"id12:{s}.".encode()).decode(),
}


def reading(text):
    """Return all that a reader can make of a text, decoded in each known way."""
    found = [text]
    for _again in range(3):
        for old in list(found):
            decoded = html.unescape(old)
            decoded = re.sub(r"\\+u([0-9a-fA-F]{4})", lambda m: chr(int(m[1], 16)), decoded)
            decoded = re.sub(r"(?:\\x[0-9a-f]{2})+", _bytes, decoded)
            plain = re.sub(r"\\(.)", lambda m: "\n" if m[1] == "n" else m[1], decoded)
            found += [decoded, plain, unquote_plus(old)]
        found = list(dict.fromkeys(found))
    for old in list(found):
        for part in re.findall(r"[A-Za-z0-9+/_-]{16,}", old):
            for content in (_base64(part), _hex(part)):
                found.append(content)
    return found


def _bytes(found):
    return bytes.fromhex(found[0].replace("\\x", "")).decode(errors="replace")


def _base64(part):
    try:
        whole = part.replace("-", "+").replace("_", "/")
        return base64.b64decode(whole + "=" * (-len(whole) % 4)).decode(errors="replace")
    except (ValueError, binascii.Error):
        return ""


def _hex(part):
    try:
        return bytes.fromhex(part).decode(errors="replace")
    except ValueError:
        return ""


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("writing", WRITINGS)
def test_canary_a_secret_is_hidden_however_it_is_written(secret, writing):
    text = f'{{"echo": "{WRITINGS[writing](secret)}", "more": "x"}}'
    assert any(secret in one for one in reading(text))
    forms = forms_of([secret])
    for hidden in (hide(text, forms), hide(text.encode(), forms).decode()):
        assert not any(secret in one for one in reading(hidden)), hidden
        assert hidden.endswith('", "more": "x"}')
        assert hidden.startswith('{"echo": ')


@given(st.text(max_size=200), st.text(min_size=6, max_size=20))
def test_canary_hiding_takes_the_secret_and_nothing_else(text, secret):
    forms = forms_of([secret])
    hidden = hide(text, forms)
    if not any(form in one for one in reading(text) for form in forms):
        assert hidden == text
    assert hide(text.encode("utf-8", "surrogatepass"), forms) is not None
    assert secret not in hide(f"{text}{secret}{text}", forms)


class Echo(ProviderProtocol):
    """Repeats what it got, in everything that a protocol may return."""

    def __init__(self, texts):
        self.texts = texts

    def converse(self, step, call, context):
        yield Ask(HttpRequest("POST", "https://p.example/send"), effect=step == "send")
        return Rejected(self._findings(), self.texts[0])

    def converse_batch(self, calls, context):
        yield Ask(HttpRequest("POST", "https://p.example/send"), effect=True)
        outcomes = (Rejected(self._findings()), Accepted(self.texts[0], self._findings()))
        return {call.key: outcomes[number % 2] for number, call in enumerate(calls)}

    def query(self, operation, payload, context):
        yield Ask(HttpRequest("POST", "https://p.example/query"))
        return Answer("valid", {"deep": [{t: t} for t in self.texts]}, self.texts[0])

    def _findings(self):
        return tuple(
            Finding.of_provider(text, text, item=text, hint=f"because of {text}")
            for text in self.texts
        )


class Wire:
    def __init__(self, texts):
        body = json.dumps({"echo": texts}).encode()
        headers = {
            "content-type": "application/json",
            "x-request-id": texts[0],
            "location": texts[1],
        }
        self.answer = HttpResponse(422, headers, body)

    def send(self, _request):
        return self.answer


@pytest.mark.parametrize("secret", SECRETS[:3])
@pytest.mark.parametrize("step", ["send", "poll", "lookup", "batch", "query"])
def test_canary_no_report_of_any_step_holds_a_secret(secret, step):
    texts = [write(secret) for write in WRITINGS.values()]
    client = ProviderClient(Echo(texts), Wire(texts), secrets=(secret,))
    calls = tuple(Call("op", f"k{number}", b"x") for number in range(3))
    if step == "batch":
        reports = client.perform_batch(calls)
        assert isinstance(reports["k1"].outcome, Accepted)
    elif step == "query":
        reports = client.query("op", {})
        assert reports.value.code == "valid"
    else:
        reports = client.perform(step, calls[0])
    text = repr(reports)
    assert "***" in text
    assert not any(secret in one for one in reading(text))


@pytest.mark.parametrize(
    "whole",
    [
        "FR7630006000011234567890189", "FR76 3000 6000 0112 3456 7890 189", "fr7630006000011234567890189",
        "DE89 3704 0044 0532 0130 00", "GB29-NWBK-6016-1331-9268-19", "NO93 8601 1117 947", "mt84malt011000012345mtlcast001s",
        "FR 32 123 456 782", "fr32123456782", "DE 136 695 976", "BE 0411.905.847", "ATU12345678", "NL123456789B01",
        "CHE123456789", "732 829 320", "732 829 320 00074", "73282932000074", "12-3456789", "02718281828", "553557881",
        "NL 123 456 789",
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "around", ["%s", "account %s of a partner", "vat=%s,", '{"id": "%s"}', "(%s) REFUSED"]
)
def test_canary_identifiers_are_shortened_however_people_write_them(whole, around):
    masked = mask(around % whole)
    assert whole not in masked
    digits = re.sub(r"\D", "", whole)
    assert digits not in re.sub(r"\D", "", masked)
    head, tail = around.split("%s")
    assert masked.startswith(head)
    assert masked.endswith(tail)


@pytest.mark.parametrize(
    "text",
    [
        "INV/2026/00007 posted in 120 ms", "2026-11-25 10:11:12,123", "127.0.0.1:8069 POST /web 200",
        "12 of 345 678 rows", "Odoo 19.0 (ab12cd34)", "total 1 234.56 EUR", "0f8b7a9e-58b4-4d5c-9c5e-1d6a5a3f0f11",
    ],
)  # fmt: skip
def test_ordinary_lines_of_a_log_stay(text):
    assert mask(text) == text


SHOWN = "client_secret=hunter2-hunter2 FR7630006000011234567890189"


def _raise_in_chain():
    try:
        try:
            raise KeyError(SHOWN)
        except KeyError as error:
            raise ValueError(f"inner {SHOWN}") from error
    except ValueError:
        raise RuntimeError(SHOWN)  # noqa: B904 (the implicit context is what is tried)


def _group():
    kind = getattr(builtins, "ExceptionGroup", None)  # from Python 3.11 on
    if kind is None:
        raise ValueError(SHOWN)
    raise kind(SHOWN, [ValueError(SHOWN), kind("x", [TypeError(SHOWN)])])


def _note():
    error = ValueError("x")
    if hasattr(error, "add_note"):
        error.add_note(SHOWN)
    raise error


def _bytes_error():
    SHOWN.encode().decode("utf-16", "strict")
    raise OSError(5, SHOWN, SHOWN)


@pytest.mark.parametrize("kind", [MaskingFilter, TracebackFilter])
@pytest.mark.parametrize("raiser", [_raise_in_chain, _group, _note, _bytes_error])
def test_f21_every_part_of_a_traceback_is_masked(kind, raiser):
    seen = io.StringIO()
    logger = logging.getLogger(f"test.f21.{kind.__name__}.{raiser.__name__}")
    logger.addHandler(logging.StreamHandler(seen))
    logger.addFilter(kind())
    try:
        raiser()
    except Exception:
        logger.exception("failed with %s", SHOWN, stack_info=True)
    assert "Traceback" in seen.getvalue()
    assert "hunter2" not in seen.getvalue()
    assert "30006000011234567890" not in seen.getvalue()


@pytest.mark.parametrize("table", ["finance_exchange", "res_partner_bank", "account_move"])
def test_f21_no_refused_statement_shows_its_values(table):
    text = f"bad query: INSERT INTO {table} VALUES ('{SHOWN}')"
    record = logging.LogRecord("odoo.sql_db", logging.ERROR, "", 0, text, (), None)
    assert StatementFilter().filter(record)
    assert "30006000011234567890" not in record.getMessage()
    assert "hunter2" not in record.getMessage()
    assert table in record.getMessage()
