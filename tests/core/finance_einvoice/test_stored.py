"""Findings are stored as code and arguments; what earlier releases stored is still read."""

from odoo.addons.finance_connector_base.core.finding import Finding
from odoo.addons.finance_einvoice.core import stored

REASON = {
    "code": "E-7",
    "message": "Order number missing.",
    "hint": "Ask the buyer.",
    "item": "BT-13",
    "level": "warning",
}


def test_a_providers_reason_is_a_finding_in_its_own_words():
    found = stored.finding(REASON, "example")
    assert found == Finding(
        "E-7",
        "warning",
        {"text": "Order number missing.", "hint": "Ask the buyer.", "source": "example"},
        item="BT-13",
    )


def test_what_is_stored_is_read_as_it_was():
    assert [stored.finding(item) for item in stored.to_json([REASON], "example")] == [
        stored.finding(REASON, "example")
    ]
    assert stored.to_json(None, "example") == []


def test_a_severity_of_the_provider_that_is_not_a_warning_is_an_error():
    assert stored.finding({**REASON, "level": "error"}).severity == "error"


def test_a_reason_that_is_stored_as_a_finding_is_given_its_source():
    reason = Finding.of_provider("E-7", "Order number missing.", item="BT-13")
    assert stored.finding(reason.to_json()) == reason
    assert stored.finding(reason.to_json(), "example").args == {**reason.args, "source": "example"}
