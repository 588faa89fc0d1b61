"""The acknowledgement: what the platform finds in the file, and what the verdict rules decide."""

from __future__ import annotations

from typing import Any

import pytest
from flow_client import FlowClient
from flow_samples import cdar, cii, facturx, ubl

from sandbox.client import ControlClient, ControlError

REASON = {
    "level": "Error",
    "item": "BT-31",
    "reasonCode": "InvalidSchema",
    "reasonMessage": "The seller's VAT number is missing",
}
WARNING = {**REASON, "level": "Warning", "reasonCode": "MyOwnCode"}


def status(flows: FlowClient, flow_id: str) -> str:
    return flows.acknowledgement(flow_id)["status"]


# What the platform finds by itself


def test_a_good_invoice_is_ok_at_the_next_look(flows: FlowClient) -> None:
    flow = flows.flow(flows.created(trackingId="t", flowProfile="CIUS"))
    assert flow["acknowledgement"] == {"status": "Ok"}
    assert flow["updatedAt"] > flow["submittedAt"]
    assert flow["flowType"] == "CustomerInvoice"
    assert flow["flowDirection"] == "Out"
    assert (flow["processingRule"], flow["processingRuleSource"]) == ("B2B", "Computed")
    assert (flow["trackingId"], flow["flowProfile"]) == ("t", "CIUS")


def test_a_given_processing_rule_is_marked_as_input(flows: FlowClient) -> None:
    flow = flows.flow(flows.created(processingRule="OutOfScope"))
    assert (flow["processingRule"], flow["processingRuleSource"]) == ("OutOfScope", "Input")


@pytest.mark.parametrize(
    ("content", "info", "code"),
    [
        (b"", {}, "EmptyFlow"),
        (b"<Invoice", {}, "InvalidSchema"),
        (b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", {}, "InvalidSchema"),
        (b"\xff\xfe\x00garbage", {}, "InvalidSchema"),
        (b"<Invoice/>", {}, "FlowTypeError"),
        (ubl(), {"flowSyntax": "CII"}, "FlowTypeError"),
        (ubl(), {"flowSyntax": "FRR"}, "FlowTypeError"),
        (ubl(), {"flowSyntax": "Factur-X"}, "FlowTypeError"),
        (facturx(cii()), {"flowSyntax": "UBL"}, "FlowTypeError"),
        (facturx(b"<nothing/>"), {"flowSyntax": "Factur-X"}, "InvalidSchema"),
        (ubl(number=""), {}, "InvalidSchema"),
        (ubl(seller=" "), {}, "InvalidSchema"),
        (ubl(), {"sha256": "0" * 64}, "ChecksumMismatch"),
    ],
)
def test_a_technical_defect_is_reported_by_the_acknowledgement(
    content: bytes, info: dict[str, str], code: str, flows: FlowClient, control: ControlClient
) -> None:
    flow_id = flows.created(content, **info)
    assert flows.reason_codes(flow_id) == [code]
    (document,) = control.oracle("afnor")
    assert (document["state"], document["held"]) == ("rejected", False)


@pytest.mark.parametrize(
    ("content", "syntax", "flow_type"),
    [
        (ubl(), "UBL", "CustomerInvoice"),
        (ubl(code="381", root="CreditNote"), "UBL", "CustomerInvoice"),
        (ubl(code="389"), "UBL", "SupplierInvoice"),
        (cii(), "CII", "CustomerInvoice"),
        (facturx(cii()), "Factur-X", "CustomerInvoice"),
        (facturx(cii(), compressed=False), "Factur-X", "CustomerInvoice"),
        (cdar(role="BY"), "CDAR", "SupplierInvoiceLC"),
        (cdar(role="SE"), "CDAR", "CustomerInvoiceLC"),
        (b"<Report/>", "FRR", "UnitaryCustomerTransactionReport"),
    ],
)
def test_each_syntax_is_recognised(
    content: bytes, syntax: str, flow_type: str, flows: FlowClient
) -> None:
    pdf = content.startswith(b"%PDF")
    file_type = "application/pdf" if pdf else "application/xml"
    flow = flows.flow(flows.created(content, flowSyntax=syntax, file_type=file_type))
    assert flow["acknowledgement"] == {"status": "Ok"}
    assert flow["flowType"] == flow_type


# What the rules decide


def test_reject_tells_the_given_reasons(flows: FlowClient, control: ControlClient) -> None:
    control.verdict("reject", number="BAD-1", reasons=[REASON, WARNING])
    rejected, accepted = flows.created(ubl("BAD-1")), flows.created(ubl("GOOD-1"))
    acknowledgement = flows.acknowledgement(rejected)
    assert acknowledgement == {"status": "Error", "details": [REASON, WARNING]}
    assert status(flows, accepted) == "Ok"


def test_reject_without_reasons_still_tells_one(flows: FlowClient, control: ControlClient) -> None:
    control.verdict("reject")
    assert flows.reason_codes(flows.created()) == ["OtherTechnicalError"]


def test_accept_can_carry_warnings(flows: FlowClient, control: ControlClient) -> None:
    control.verdict("accept", reasons=[WARNING])
    assert flows.acknowledgement(flows.created()) == {"status": "Ok", "details": [WARNING]}


@pytest.mark.parametrize(
    "matcher",
    [
        {"number": "A-1"},
        {"number": "A-*"},
        {"tracking_id": "track-a"},
        {"seller": "111"},
        {"buyer": "222"},
        {"number": "A-1", "seller": "111"},
        {"provider": "afnor", "buyer": "222"},
    ],
)
def test_a_rule_matches_its_document_and_no_other(
    matcher: dict[str, str], flows: FlowClient, control: ControlClient
) -> None:
    control.verdict("reject", **matcher)
    hit = flows.created(ubl("A-1", seller="111", buyer="222"), trackingId="track-a")
    miss = flows.created(ubl("B-1", seller="333", buyer="444"), trackingId="track-b")
    assert (status(flows, hit), status(flows, miss)) == ("Error", "Ok")


def test_the_first_rule_that_matches_decides(flows: FlowClient, control: ControlClient) -> None:
    control.verdict("reject", number="A-1", times=1)
    control.verdict("accept", number="A-*")
    control.default_verdict("reject")
    first, second, other = (flows.created(ubl(number)) for number in ("A-1", "A-1", "B-1"))
    assert [status(flows, each) for each in (first, second, other)] == ["Error", "Ok", "Error"]


def test_late_by_seconds_waits_for_the_clock(flows: FlowClient, control: ControlClient) -> None:
    control.verdict("late", seconds=60)
    flow_id = flows.created()
    before = flows.flow(flow_id)
    assert before["acknowledgement"] == {"status": "Pending"}
    assert before["updatedAt"] == before["submittedAt"]
    control.advance(59)
    assert status(flows, flow_id) == "Pending"
    control.advance(1)
    after = flows.flow(flow_id)
    assert after["acknowledgement"] == {"status": "Ok"}
    assert after["updatedAt"] > before["updatedAt"]
    assert after["submittedAt"] == before["submittedAt"]


def test_late_by_looks_counts_each_look(flows: FlowClient, control: ControlClient) -> None:
    control.verdict("late", looks=3)
    flow_id = flows.created(trackingId="t")
    seen = [
        status(flows, flow_id),
        flows.found(trackingId="t")[0]["acknowledgement"]["status"],
        status(flows, flow_id),
        status(flows, flow_id),
    ]
    assert seen == ["Pending", "Pending", "Pending", "Ok"]


def test_the_oracle_does_not_count_as_a_look(flows: FlowClient, control: ControlClient) -> None:
    control.verdict("late", looks=1)
    flow_id = flows.created()
    for _ in range(3):
        assert control.oracle("afnor")[0]["state"] == "pending"
    flows.flow(flow_id)
    assert control.oracle("afnor")[0]["state"] == "accepted"


def test_a_search_for_changes_counts_as_a_look(flows: FlowClient, control: ControlClient) -> None:
    """A client that only asks for what changed since last time gets its answer too."""
    control.verdict("late", looks=2)
    flows.created()
    seen = flows.found(updatedAfter="2020-01-01T00:00:00Z")
    after = seen[-1]["updatedAt"]
    assert seen[0]["acknowledgement"]["status"] == "Pending"
    assert flows.found(updatedAfter=after) == []
    assert flows.found(updatedAfter=after)[0]["acknowledgement"]["status"] == "Ok"


def test_a_late_rejection_is_possible(flows: FlowClient, control: ControlClient) -> None:
    control.verdict("reject", seconds=5, reasons=[REASON])
    flow_id = flows.created()
    assert flows.acknowledgement(flow_id) == {"status": "Pending"}
    control.advance(5)
    assert flows.acknowledgement(flow_id) == {"status": "Error", "details": [REASON]}


def test_never_stays_pending_whatever_the_time(flows: FlowClient, control: ControlClient) -> None:
    control.verdict("never")
    good, empty = flows.created(), flows.created(b"")
    control.advance(3_000)
    assert [status(flows, each) for each in (good, empty)] == ["Pending", "Pending"]
    assert control.summary("afnor")["pending"] == 2


def test_a_defect_is_reported_when_the_rule_says(flows: FlowClient, control: ControlClient) -> None:
    control.verdict("late", seconds=5)
    flow_id = flows.created(b"")
    assert status(flows, flow_id) == "Pending"
    control.advance(5)
    assert flows.reason_codes(flow_id) == ["EmptyFlow"]


# Decisions by hand


def test_a_waiting_document_can_be_decided(flows: FlowClient, control: ControlClient) -> None:
    control.verdict("never")
    first, second = flows.created(), flows.created()
    assert control.decide("afnor", first, "accept")["held"] is True
    assert control.decide("afnor", second, "reject", [REASON])["held"] is False
    assert status(flows, first) == "Ok"
    assert flows.reason_codes(second) == ["InvalidSchema"]


def test_a_decided_document_stays_decided(flows: FlowClient, control: ControlClient) -> None:
    flow_id = flows.created()
    with pytest.raises(ControlError, match="409"):
        control.decide("afnor", flow_id, "reject")
    assert status(flows, flow_id) == "Ok"


def test_an_unknown_document_cannot_be_decided(control: ControlClient) -> None:
    with pytest.raises(ControlError, match="404"):
        control.decide("afnor", "nowhere", "accept")


@pytest.mark.parametrize(
    "rule",
    [
        {"verdict": "maybe"},
        {"verdict": "late"},
        {"verdict": "late", "seconds": 1, "looks": 1},
        {"verdict": "reject", "seconds": -1},
        {"verdict": "reject", "colour": "red"},
        {"verdict": "reject", "provider": "unknown"},
        {"verdict": "reject", "reasons": [{"level": "Error"}]},
        {"verdict": "reject", "reasons": [{**REASON, "level": "Fatal"}]},
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(
    rule: dict[str, Any], control: ControlClient
) -> None:
    with pytest.raises(ControlError, match="40[04]"):
        control.verdict(**rule)
    assert control.verdicts()["rules"] == []


def test_rules_can_be_listed_and_removed(flows: FlowClient, control: ControlClient) -> None:
    rule = control.verdict("reject")
    assert [each["id"] for each in control.verdicts()["rules"]] == [rule]
    control.remove_verdict(rule)
    assert status(flows, flows.created()) == "Ok"
    with pytest.raises(ControlError, match="404"):
        control.remove_verdict(rule)
    control.verdict("reject")
    control.default_verdict("reject")
    control.clear_verdicts()
    assert status(flows, flows.created()) == "Ok"
