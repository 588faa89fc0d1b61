"""Findings as they are stored: what this release and earlier ones wrote is read alike."""

import pytest
from odoo.addons.finance_connector_base.core.finding import MAX_TEXT, WARNING, Finding

WORDS = {"text": "Order number missing.", "hint": "Ask the buyer."}
STORED_BY_RELEASE_1 = {
    "code": "E-7",
    "message": "Order number missing.",
    "item": "BT-13",
    "hint": "Ask the buyer.",
    "level": "warning",
}


def test_what_is_stored_is_read_as_it_was():
    finding = Finding("FC-7", WARNING, {"name": "x"}, "res.partner", 7, "street", "line/1")
    assert Finding.from_json(finding.to_json()) == finding


def test_a_providers_reason_of_release_1_is_read_as_a_finding():
    assert Finding.from_json(STORED_BY_RELEASE_1) == Finding("E-7", WARNING, WORDS, item="BT-13")
    without = {"code": "E-7", "message": "", "item": "", "hint": "", "level": "error"}
    assert Finding.from_json(without) == Finding("E-7")


def test_a_reason_without_words_is_named_by_its_code():
    assert Finding.of_provider("E-7").text == "E-7"
    assert Finding.of_provider("E-7", "words").text == "words"


@pytest.mark.parametrize("text", ["a\x00b", "a\ud800b", "x" * 10 * MAX_TEXT])
def test_a_text_of_a_provider_is_bounded_and_storable(text):
    kept = Finding.of_provider("E", text).text
    assert len(kept) <= MAX_TEXT
    assert kept.encode("utf-8").decode() == kept
    assert "\x00" not in kept
