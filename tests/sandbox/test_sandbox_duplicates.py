"""One invoice is held once: the platform knows a repeat by its natural key or its bytes."""

from __future__ import annotations

import pytest
from flow_client import FlowClient
from flow_samples import cdar, cii, ubl

from sandbox.client import ControlClient, ControlError


def refused_as_repeat(flows: FlowClient, flow_id: str) -> bool:
    acknowledgement = flows.acknowledgement(flow_id)
    if acknowledgement["status"] == "Ok":
        return False
    assert [detail["reasonCode"] for detail in acknowledgement["details"]] == [
        "AlreadyExistingFlow"
    ]
    return True


def test_identical_bytes_with_the_same_tracking_id_are_a_repeat(
    flows: FlowClient, control: ControlClient
) -> None:
    """The platform offers no idempotency key: each POST is a flow of its own."""
    content = ubl()
    first, second = (flows.created(content, trackingId="same") for _ in range(2))
    assert first != second
    assert flows.acknowledgement(first) == {"status": "Ok"}
    assert refused_as_repeat(flows, second)
    assert [each["held"] for each in control.oracle("afnor")] == [True, False]
    assert [each["flowId"] for each in flows.found(trackingId="same")] == [first, second]


@pytest.mark.parametrize(
    ("other", "repeat"),
    [
        ({"note": "other words"}, True),
        ({"buyer": "900000009"}, True),
        ({"date": "2026-12-31"}, True),
        ({"code": "384"}, True),
        ({"date": "2027-01-01"}, False),
        ({"seller": "900000009"}, False),
        ({"number": "N-2"}, False),
        ({"code": "381", "root": "CreditNote"}, False),
    ],
)
def test_the_natural_key_is_seller_number_kind_and_year(
    other: dict[str, str], repeat: bool, flows: FlowClient
) -> None:
    flows.created(ubl("N-1"))
    second = flows.created(ubl(**{"number": "N-1", **other}))
    assert refused_as_repeat(flows, second) is repeat


def test_the_same_invoice_in_another_syntax_is_a_repeat(flows: FlowClient) -> None:
    flows.created(ubl("N-1"))
    assert refused_as_repeat(flows, flows.created(cii("N-1"), flowSyntax="CII"))


def test_a_status_message_with_the_number_of_an_invoice_is_no_repeat(flows: FlowClient) -> None:
    flows.created(ubl("N-1"))
    message = flows.created(cdar("N-1"), flowSyntax="CDAR")
    assert not refused_as_repeat(flows, message)
    assert refused_as_repeat(flows, flows.created(cdar("N-1"), flowSyntax="CDAR"))


def test_reports_without_a_number_repeat_by_their_bytes(flows: FlowClient) -> None:
    first, second, third = (
        flows.created(content, flowSyntax="FRR")
        for content in (b"<Report>1</Report>", b"<Report>1</Report>", b"<Report>2</Report>")
    )
    assert [refused_as_repeat(flows, each) for each in (first, second, third)] == [
        False,
        True,
        False,
    ]


def test_a_corrected_invoice_may_keep_the_number_of_a_refused_one(
    flows: FlowClient, control: ControlClient
) -> None:
    control.verdict("reject", number="N-1", times=1)
    refused = flows.created(ubl("N-1"))
    corrected = flows.created(ubl("N-1", note="corrected"))
    assert flows.reason_codes(refused) == ["OtherTechnicalError"]
    assert flows.acknowledgement(corrected) == {"status": "Ok"}
    assert control.summary("afnor")["held_twice"] == []


def test_the_very_same_bytes_may_be_resent_after_a_refusal(
    flows: FlowClient, control: ControlClient
) -> None:
    content = ubl()
    flows.created(content, sha256="0" * 64)
    assert flows.acknowledgement(flows.created(content)) == {"status": "Ok"}


def test_a_waiting_invoice_already_blocks_its_repeat(
    flows: FlowClient, control: ControlClient
) -> None:
    control.verdict("late", seconds=60, times=1)
    content = ubl()
    first, second = flows.created(content), flows.created(content)
    assert refused_as_repeat(flows, second)
    control.advance(60)
    assert flows.acknowledgement(first) == {"status": "Ok"}
    assert control.summary("afnor")["held"] == 1


def test_no_decision_can_make_the_authority_hold_an_invoice_twice(
    flows: FlowClient, control: ControlClient
) -> None:
    control.verdict("reject", seconds=60, times=1)
    doomed, second = flows.created(ubl("N-1")), flows.created(ubl("N-1", note="corrected"))
    assert flows.acknowledgement(second) == {"status": "Ok"}
    with pytest.raises(ControlError, match="409"):
        control.decide("afnor", doomed, "accept")
    assert control.summary("afnor")["held_twice"] == []
