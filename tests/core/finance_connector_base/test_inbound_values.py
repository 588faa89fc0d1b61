"""P5, F10: what a provider of feeds may put into a page is refused, or kept within bounds."""

import json
import time
import tracemalloc

import pytest
from odoo.addons.finance_connector_base.core.conversation import Item, Page
from odoo.addons.finance_connector_base.core.http.wire import parse_json
from odoo.addons.finance_connector_base.core.inbound import (
    MAX_BYTES,
    MAX_CURSOR,
    MAX_ID,
    MAX_ITEMS,
    BadPage,
    arrival,
    checked_page,
    next_read,
)

pytestmark = pytest.mark.slow

UNSTORABLE = ("a\0b", "\ud800", "\x1b[2J", "x\u202ey", "")
GOOD = Item("X-1", "invoice", b"<x/>")


def item(name="X-1", kind="invoice", content=b"<x/>", **values):
    return Item(name, kind, content, **values)


@pytest.mark.parametrize("name", [*UNSTORABLE, "x" * (MAX_ID + 1), "x" * 10_000_000, None, 7, b"x"])
def test_an_id_that_cannot_be_stored_refuses_the_page(name):
    with pytest.raises(BadPage) as refused:
        checked_page(Page((GOOD, item(name)), "next"))
    assert len(str(refused.value)) < 100


@pytest.mark.parametrize(
    "kind", [*UNSTORABLE, "virus", "INVOICE", "x" * 1_000_000, None, ["invoice"]]
)
def test_an_unknown_kind_refuses_the_page(kind):
    with pytest.raises(BadPage):
        checked_page(Page((item(kind=kind),), "next"))


@pytest.mark.parametrize(
    "given", [*UNSTORABLE, "a/b\0", "a/\ud800", "x" * 1_000_000, None, 7, "a", "a/b/c"]
)
def test_a_media_type_that_cannot_be_stored_is_none(given):
    page = checked_page(Page((item(media_type=given),), "next"))
    assert page.items[0].media_type == "application/octet-stream"


@pytest.mark.parametrize(
    "cursor", ["x" * (MAX_CURSOR + 1), "x" * 10_000_000, "a\0", "\ud800", None, 7]
)
def test_a_position_that_cannot_be_stored_refuses_the_page(cursor):
    with pytest.raises(BadPage):
        checked_page(Page((GOOD,), cursor))


@pytest.mark.parametrize("content", ["text", 7, ["x"], bytearray(b"x")])
def test_a_content_that_is_no_bytes_refuses_the_page(content):
    with pytest.raises(BadPage):
        checked_page(Page((item(content=content),), "next"))


def test_a_page_of_a_million_items_is_refused_at_once():
    page = Page((GOOD,) * 1_000_000, "next")
    started = time.perf_counter()
    with pytest.raises(BadPage):
        checked_page(page)
    assert time.perf_counter() - started < 0.1
    assert len(checked_page(Page((GOOD,) * MAX_ITEMS, "next")).items) == MAX_ITEMS


def test_a_document_over_the_limit_is_kept_by_hash_and_size():
    stored = arrival(item(content=b"x" * (MAX_BYTES + 1)))
    assert (stored.content, stored.size, len(stored.sha256)) == (None, MAX_BYTES + 1, 64)


def test_of_a_document_that_was_not_received_neither_size_nor_hash_is_known():
    (checked,) = checked_page(Page((item(content=None),), "next")).items
    stored = arrival(checked)
    assert (stored.provider_id, stored.content, stored.size, stored.sha256) == (
        "X-1",
        None,
        None,
        None,
    )


@pytest.mark.parametrize(
    ("new", "cursor", "at_once"),
    [(1, "2", True), (0, "2", False), (1, "1", False), (0, "1", False)],
)
def test_more_without_end_is_followed_at_once_only_while_it_brings_something_new(
    new, cursor, at_once
):
    page = Page((GOOD,), cursor, more=True)
    assert (next_read(page, "1", new, 60.0) == 0) is at_once


BODIES = {
    "items": b'{"items": [' + b"{}," * 1_000_000 + b"{}]}",
    "lists": b"[" + b"[[[[[[[[]]]]]]]]," * 300_000 + b"[]]",
    "numbers": b"[" + b"1," * 4_000_000 + b"1]",
    "deep": b"[" * 8_000_000,
    "texts": b"[" + b'"",' * 2_600_000 + b'""]',
}


@pytest.mark.parametrize("name", BODIES)
def test_a_page_with_millions_of_values_costs_neither_time_nor_memory(name):
    started = time.perf_counter()
    assert parse_json(BODIES[name]) is None
    assert time.perf_counter() - started < 2.0
    tracemalloc.start()
    try:
        parse_json(BODIES[name])
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1024 * 1024


def test_commas_in_texts_are_no_values():
    value = {"items": [{"id": "1", "content": ",[{" * 500_000 + '"\\'}]}
    assert parse_json(json.dumps(value).encode()) == value
