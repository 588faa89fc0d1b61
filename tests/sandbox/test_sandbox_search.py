"""searchFlow: criteria, order, pages."""

from __future__ import annotations

from typing import Any

import pytest
from flow_client import FlowClient
from flow_samples import cdar, ubl

from sandbox.client import ControlClient

LONG_AGO, FAR_AHEAD = "2000-01-01T00:00:00Z", "2100-01-01T00:00:00Z"


@pytest.fixture
def three(flows: FlowClient, control: ControlClient) -> dict[str, str]:
    """Provide an accepted invoice, a refused one, and a status message still waiting."""
    control.verdict("reject", tracking_id="refused")
    control.verdict("never", tracking_id="waiting")
    content = {"accepted": ubl(), "refused": ubl(), "waiting": cdar()}
    rules = {"accepted": "B2B", "refused": "B2C", "waiting": "NotApplicable"}
    return {
        name: flows.created(
            content[name],
            trackingId=name,
            processingRule=rules[name],
            flowSyntax="CDAR" if name == "waiting" else "UBL",
        )
        for name in content
    }


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ({"trackingId": "refused"}, ["refused"]),
        ({"trackingId": "unknown"}, []),
        ({"ackStatus": "Ok"}, ["accepted"]),
        ({"ackStatus": "Error"}, ["refused"]),
        ({"ackStatus": "Pending"}, ["waiting"]),
        ({"processingRule": ["B2B"]}, ["accepted"]),
        ({"processingRule": ["B2B", "B2C"]}, ["accepted", "refused"]),
        ({"flowType": ["CustomerInvoice"]}, ["accepted", "refused"]),
        ({"flowType": ["SupplierInvoiceLC", "StateInvoice"]}, ["waiting"]),
        ({"flowDirection": ["Out"]}, ["accepted", "refused", "waiting"]),
        ({"flowDirection": ["In"]}, []),
        ({"flowType": ["CustomerInvoice"], "ackStatus": "Error"}, ["refused"]),
        ({"processingRule": ["B2B"], "ackStatus": "Error"}, []),
        ({"processingRule": [], "ackStatus": "Ok"}, ["accepted"]),
        ({"updatedAfter": LONG_AGO}, ["accepted", "refused", "waiting"]),
        ({"updatedAfter": FAR_AHEAD}, []),
        ({"updatedBefore": FAR_AHEAD}, ["accepted", "refused", "waiting"]),
        ({"updatedBefore": LONG_AGO}, []),
    ],
)
def test_criteria_are_anded_and_lists_are_ored(
    where: dict[str, Any], expected: list[str], three: dict[str, str], flows: FlowClient
) -> None:
    found = flows.found(**where)
    assert [flow["trackingId"] for flow in found] == expected
    assert [flow["flowId"] for flow in found] == [three[name] for name in expected]


def test_the_answer_repeats_limit_and_filters(flows: FlowClient) -> None:
    where = {"trackingId": "x", "ackStatus": "Ok"}
    body = flows.search(7, **where).json()
    assert (body["limit"], body["filters"], body["results"]) == (7, where, [])
    assert flows.search(trackingId="x").json()["limit"] == 25


@pytest.mark.parametrize(
    "where",
    [
        {},
        {"processingRule": []},
        {"flowId": "x"},
        {"ackStatus": "OK"},
        {"ackStatus": ["Ok"]},
        {"trackingId": ["x"]},
        {"flowType": "CustomerInvoice"},
        {"flowType": ["Invoice"]},
        {"updatedAfter": "2026-01-01"},
        {"updatedAfter": "2026-01-01T00:00:00"},
        {"updatedAfter": 0},
    ],
)
def test_a_search_without_a_sound_criterion_is_refused(
    where: dict[str, Any], flows: FlowClient
) -> None:
    assert flows.search(valid=False, **where).status_code == 400


@pytest.mark.parametrize("limit", [0, -1, 101, "10", 2.5, True])
def test_the_limit_is_a_whole_number_up_to_one_hundred(limit: Any, flows: FlowClient) -> None:
    assert flows.search(limit, valid=False, trackingId="x").status_code == 400


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"limit": 5}', b'{"where": []}'])
def test_the_body_must_be_a_search(body: bytes, flows: FlowClient) -> None:
    headers = {"Content-Type": "application/json"}
    response = flows.send("searchFlow", "POST", "/flows/search", data=body, headers=headers)
    assert response.status_code == 400


def test_pages_by_updated_after_are_complete_and_do_not_overlap(flows: FlowClient) -> None:
    sent = [flows.created() for _ in range(23)]
    after, pages = LONG_AGO, []
    while page := flows.found(10, updatedAfter=after):
        pages.append([flow["flowId"] for flow in page])
        after = page[-1]["updatedAt"]
    assert [len(page) for page in pages] == [10, 10, 3]
    assert [flow_id for page in pages for flow_id in page] == sent


def test_a_change_brings_a_flow_back_into_the_next_page(
    flows: FlowClient, control: ControlClient
) -> None:
    control.verdict("late", seconds=60, times=1)
    late, quick = flows.created(), flows.created()
    after = flows.found(updatedAfter=LONG_AGO)[-1]["updatedAt"]
    control.advance(60)
    changed = flows.found(updatedAfter=after)
    assert [flow["flowId"] for flow in changed] == [late]
    everything = flows.found(updatedAfter=LONG_AGO)
    assert [flow["flowId"] for flow in everything] == [quick, late]


def test_bounds_are_exclusive_and_know_time_zones(flows: FlowClient) -> None:
    flow = flows.flow(flows.created())
    at = flow["updatedAt"]
    elsewhere = at.replace("Z", "+00:00")
    assert flows.found(updatedAfter=at) == []
    assert flows.found(updatedBefore=elsewhere) == []
    assert flows.found(updatedAfter=at.replace("Z", "+00:01")) == [flow]


def test_more_results_than_the_limit_are_cut(flows: FlowClient) -> None:
    for _ in range(30):
        flows.created()
    assert len(flows.found(updatedAfter=LONG_AGO)) == 25
    assert len(flows.found(100, updatedAfter=LONG_AGO)) == 30
