"""The parts below the web server, on their own: multipart, clock, bucket, checks, journal."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from urllib3 import encode_multipart_formdata
from urllib3.fields import RequestField

from sandbox import multipart
from sandbox.business_xml import Unreadable, read_xml
from sandbox.checks import Field, object_problems
from sandbox.clock import MICROSECONDS, Clock, from_text, to_text
from sandbox.journal import Journal
from sandbox.limits import Bucket
from sandbox.values import Call, read_json

# Multipart


@settings(deadline=None)
@given(st.lists(st.binary(max_size=200), min_size=1, max_size=4))
def test_multipart_contents_come_through_byte_for_byte(contents: list[bytes]) -> None:
    fields = [
        RequestField(f"part{number}", content, headers={"Content-Type": "application/x"})
        for number, content in enumerate(contents)
    ]
    for field in fields:
        field.make_multipart(content_type="application/x")
    body, content_type = encode_multipart_formdata(fields)
    parts = multipart.parse(content_type, body)
    assert [part.content for part in parts] == contents
    assert [part.name for part in parts] == [f"part{number}" for number in range(len(contents))]


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_multipart_refuses_rubbish_with_a_value_error_only(body: bytes) -> None:
    try:
        multipart.parse("multipart/form-data; boundary=b", body)
    except ValueError as error:
        assert str(error)


@pytest.mark.parametrize("end", ["", "\r\n--b", "\r\n--b\r\n", "\r\n--bb--"])
def test_a_multipart_body_that_was_cut_off_is_refused(end: str) -> None:
    whole = '--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nx'
    assert multipart.parse("multipart/form-data; boundary=b", f"{whole}\r\n--b--".encode())
    with pytest.raises(ValueError, match="boundary"):
        multipart.parse("multipart/form-data; boundary=b", (whole + end).encode())


@pytest.mark.parametrize(
    ("header", "filename"),
    [
        ('form-data; name="f"; filename="a.xml"', "a.xml"),
        ("form-data; name=f; filename=a.xml", "a.xml"),
        ('form-data; name="f"; filename="a \\"b\\".xml"', 'a "b".xml'),
        ("form-data; name=\"f\"; filename*=UTF-8''%C3%A9.xml", "é.xml"),
        ('form-data; name="f"; filename="e"; filename*=iso-8859-1\'\'%E9.xml', "é.xml"),
        ('form-data; name="f"', None),
    ],
)
def test_file_names_are_read_in_all_their_forms(header: str, filename: str | None) -> None:
    assert multipart.parameter(header, "filename") == filename
    assert multipart.parameter(header, "name") == "f"


# Time


@settings(deadline=None)
@given(st.integers(min_value=0, max_value=4_102_444_800 * MICROSECONDS))
def test_instants_survive_their_text_form(instant: int) -> None:
    assert from_text(to_text(instant)) == instant


@settings(deadline=None)
@given(st.datetimes(timezones=st.timezones()))
def test_any_zone_names_the_same_instant(moment: datetime) -> None:
    offset = moment.utcoffset()
    if offset is None or offset.total_seconds() % 60:
        return
    utc = moment.astimezone(timezone.utc).isoformat(timespec="microseconds")
    assert from_text(moment.isoformat(timespec="microseconds")) == from_text(utc)


@pytest.mark.parametrize(
    "text",
    ["", "2026-01-01", "2026-01-01T00:00:00", "2026-13-01T00:00:00Z", "2026-01-01T25:00:00Z"],
)
def test_other_texts_are_no_instants(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        from_text(text)


def test_no_instant_is_given_twice_even_if_the_system_clock_stands_or_goes_back() -> None:
    readings = iter([100, 100, 100, 40, 200])
    clock = Clock(lambda: next(readings))
    assert [clock.now() for _ in range(5)] == [100, 101, 102, 103, 200]


def test_the_clock_starts_after_what_an_earlier_run_used() -> None:
    clock = Clock(lambda: 100)
    clock.not_before(500)
    assert clock.now() == 501


def test_advancing_moves_the_clock_forward() -> None:
    clock = Clock(lambda: 100)
    clock.advance(2)
    assert clock.peek() == 100 + 2 * MICROSECONDS


# Rate limit


def test_a_bucket_lets_a_burst_pass_and_then_the_rate() -> None:
    now = [0.0]
    bucket = Bucket(2, 3, lambda: now[0])
    assert [bucket.take() for _ in range(4)] == [0, 0, 0, 1]
    now[0] = 0.5
    assert [bucket.take(), bucket.take()] == [0, 1]
    now[0] = 1000
    assert [bucket.take() for _ in range(4)] == [0, 0, 0, 1]


def test_a_slow_bucket_tells_how_long_to_wait() -> None:
    bucket = Bucket(0.1, 1, lambda: 0.0)
    assert [bucket.take(), bucket.take()] == [0, 10]


# Checks


@pytest.mark.parametrize(
    ("field", "value", "fits"),
    [
        (Field(int), True, False),
        (Field(int), 1.0, False),
        (Field(float), 1, True),
        (Field(float), True, False),
        (Field(bool), True, True),
        (Field(str), None, False),
        (Field(str, nullable=True), None, True),
        (Field(list, items=Field(int)), [1, "2"], False),
        (Field(dict, fields={"a": Field(required=True)}), {}, False),
        (Field(dict, fields={"a": Field()}), {"b": 1}, True),
        (Field(dict, fields={"a": Field()}, closed=True), {"b": 1}, False),
        (Field(pattern="a+"), "aa\n", False),
    ],
)
def test_fields_take_what_they_say(field: Field, value: Any, fits: bool) -> None:
    assert (object_problems({"x": value}, {"x": field}) == []) is fits


@pytest.mark.parametrize("text", [b"NaN", b'"\\ud800"', b"\xff", b"{", b"[" * 100_000])
def test_only_strict_json_is_read(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_json(text)


# Documents


def test_elements_in_a_foreign_namespace_are_not_read() -> None:
    ubl = "urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"
    facts = read_xml(f'<Invoice xmlns="{ubl}"><ID>1</ID></Invoice>'.encode())
    assert (facts.syntax, facts.number) == ("UBL", None)


def test_entities_cannot_be_used_to_exhaust_memory() -> None:
    with pytest.raises(Unreadable, match="document type"):
        read_xml(b'<!DOCTYPE a [<!ENTITY b "bb">]><a>&b;</a>')
    with pytest.raises(Unreadable):
        read_xml('<!DOCTYPE a [<!ENTITY b "bb">]><a>&b;</a>'.encode("utf-16"))


# Journal


def test_the_journal_is_bounded_but_the_counts_are_not() -> None:
    journal = Journal(kept=3)
    for number in range(5):
        journal.open("p", "op", Call("GET", f"/{number}", {}), "now")
    assert [entry["path"] for entry in journal.entries()] == ["/2", "/3", "/4"]
    assert journal.counts() == {"p": {"op": 5}}


def test_secrets_are_masked_in_the_journal() -> None:
    headers = {
        "Authorization": "Basic c2VjcmV0",
        "X-Api-Key": "secret",
        "Cookie": "a=secret b=secret",
        "Accept": "text/plain",
    }
    query = {"access_token": "secret", "page": "2"}
    entry = Journal().open("p", "op", Call("GET", "/", headers, query), "now")
    assert entry["headers"] == {
        "Authorization": "Basic ***",
        "X-Api-Key": "***",
        "Cookie": "***",
        "Accept": "text/plain",
    }
    assert entry["query"] == {"access_token": "***", "page": "2"}
