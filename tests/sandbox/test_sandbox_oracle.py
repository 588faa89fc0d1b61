"""The oracle: what the authority received and holds, and what arrived more than once."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor

import pytest
from flow_client import FlowClient
from flow_samples import BUYER, SELLER, cii, ubl

from sandbox.client import ControlClient, ControlError


def test_a_document_is_reported_in_full(flows: FlowClient, control: ControlClient) -> None:
    content = ubl("N-1")
    flow_id = flows.created(content, trackingId="track-1")
    (document,) = control.oracle("afnor")
    flow = flows.flow(flow_id)
    expected = {
        "reference": flow_id,
        "tracking_id": "track-1",
        "number": "N-1",
        "seller": SELLER,
        "buyer": BUYER,
        "kind": "invoice",
        "period": "2026",
        "sha256": hashlib.sha256(content).hexdigest(),
        "size": len(content),
        "received_at": flow["submittedAt"],
        "updated_at": flow["updatedAt"],
        "times_received": 1,
        "state": "accepted",
        "held": True,
        "reasons": [],
    }
    assert {name: document[name] for name in expected} == expected
    assert document["attributes"]["flowSyntax"] == "UBL"


def test_documents_come_in_the_order_they_arrived(
    flows: FlowClient, control: ControlClient
) -> None:
    control.verdict("late", seconds=60, times=1)
    sent = [flows.created() for _ in range(3)]
    control.advance(60)
    assert [each["reference"] for each in control.oracle("afnor")] == sent


@pytest.mark.parametrize(
    "filters",
    [
        {"tracking_id": "a"},
        {"number": "N-A"},
        {"seller": "111"},
        {"buyer": "222"},
        {"state": "accepted"},
        {"number": "N-A", "state": "accepted"},
    ],
)
def test_filters_find_the_document(
    filters: dict[str, str], flows: FlowClient, control: ControlClient
) -> None:
    control.verdict("reject", number="N-B")
    wanted = flows.created(ubl("N-A", seller="111", buyer="222"), trackingId="a")
    flows.created(ubl("N-B"), trackingId="b")
    assert [each["reference"] for each in control.oracle("afnor", **filters)] == [wanted]
    assert control.oracle("afnor", reference=wanted) == control.oracle("afnor", **filters)


def test_an_unknown_filter_is_refused_rather_than_ignored(control: ControlClient) -> None:
    with pytest.raises(ControlError, match="no filter named trackingId"):
        control.oracle("afnor", trackingId="x")


def test_times_received_counts_the_same_bytes(flows: FlowClient, control: ControlClient) -> None:
    content = ubl()
    for _ in range(3):
        flows.created(content)
    flows.created(ubl())
    assert [each["times_received"] for each in control.oracle("afnor")] == [3, 3, 3, 1]


def test_the_summary_counts_states_and_repeats(flows: FlowClient, control: ControlClient) -> None:
    control.verdict("never", number="N-3")
    first = ubl("N-1")
    for content, tracking in ((first, "a"), (first, "b"), (cii("N-1"), "c"), (ubl("N-2"), "c")):
        syntax = "CII" if b"CrossIndustry" in content else "UBL"
        flows.created(content, trackingId=tracking, flowSyntax=syntax)
    flows.created(ubl("N-3"))
    digest = hashlib.sha256(first).hexdigest()
    assert control.summary("afnor") == {
        "received": 5,
        "held": 2,
        "pending": 1,
        "rejected": 2,
        "duplicates": {
            "natural_key": [{"seller": SELLER, "number": "N-1", "times": 3}],
            "sha256": [{"sha256": digest, "times": 2}],
            "tracking_id": [{"tracking_id": "c", "times": 2}],
        },
        "held_twice": [],
    }


def test_the_summary_of_an_empty_authority_is_all_zero(control: ControlClient) -> None:
    summary = control.summary("afnor")
    assert [summary[name] for name in ("received", "held", "pending", "rejected")] == [0] * 4


def test_an_invoice_held_twice_would_be_seen(flows: FlowClient, control: ControlClient) -> None:
    """Same seller and number in two years: lawful here, and exactly what the alarm looks at."""
    flows.created(ubl("N-1", date="2026-01-01"))
    flows.created(ubl("N-1", date="2027-01-01"))
    held_twice = control.summary("afnor")["held_twice"]
    assert held_twice == [{"seller": SELLER, "number": "N-1", "times": 2}]


def test_concurrent_repeats_are_all_received_and_one_is_held(
    flows: FlowClient, control: ControlClient
) -> None:
    content, token = ubl(), flows.token

    def send(_number: int) -> str:
        with FlowClient(control.url, flows.contract) as client:
            client.token = token
            return client.created(content, trackingId="same")

    with ThreadPoolExecutor(16) as pool:
        references = list(pool.map(send, range(48)))
    documents = control.oracle("afnor")
    assert sorted(each["reference"] for each in documents) == sorted(references)
    assert sum(each["held"] for each in documents) == 1
    assert control.summary("afnor")["received"] == 48


def test_unknown_documents_and_providers_are_not_found(control: ControlClient) -> None:
    for path in ("oracle/afnor/none", "oracle/afnor/none/bytes", "oracle/unknown"):
        with pytest.raises(ControlError, match="404"):
            control._call("GET", path)
