"""Every operation and every status of the OpenAPI document is answered as documented."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests
from flow_client import FlowClient
from flow_contract import Contract, load_specification
from flow_samples import ubl

from sandbox.client import ControlClient

SPECIFICATION = load_specification()
PAIRS = (
    [
        (operation, status)
        for operation in Contract(SPECIFICATION).operations
        for status in Contract(SPECIFICATION).statuses(operation)
    ]
    if SPECIFICATION
    else []
)
UNKNOWN = "00000000-0000-4000-8000-000000000000"
SELF_CONTRADICTING = {"flowSyntax": "FRR", "processingRule": "B2B"}
Recipe = Callable[[FlowClient, ControlClient], requests.Response]


def plain(flows: FlowClient, operation: str, **details: Any) -> requests.Response:
    """Return the operation at its simplest."""
    if operation == "createFlow":
        return flows.create()
    if operation == "searchFlow":
        return flows.search(trackingId="x")
    if operation == "getFlow":
        return flows.get(flows.created())
    return flows.health()


def without_token(operation: str) -> Recipe:
    def send(flows: FlowClient, control: ControlClient) -> requests.Response:
        flows.token = "expired"
        if operation == "getFlow":
            return flows.get(UNKNOWN)
        return plain(flows, operation)

    return send


def too_large(flows: FlowClient, control: ControlClient) -> requests.Response:
    control.settings("afnor", max_file_bytes=10)
    return flows.create()


def beyond_the_limit(operation: str) -> Recipe:
    def send(flows: FlowClient, control: ControlClient) -> requests.Response:
        flow_id = flows.created()
        control.limit("afnor", per_second=0.01, burst=1)
        flows.search(trackingId="the only call that may pass")
        return flows.get(flow_id) if operation == "getFlow" else plain(flows, operation)

    return send


RECIPES: dict[tuple[str, int], Recipe] = {
    ("createFlow", 400): lambda flows, control: flows.create(valid=False, flowSyntax="PDF"),
    ("createFlow", 413): too_large,
    ("createFlow", 422): lambda flows, control: flows.create(**SELF_CONTRADICTING),
    ("searchFlow", 400): lambda flows, control: flows.search(),
    ("getFlow", 400): lambda flows, control: flows.get(UNKNOWN, "Draft"),
    ("getFlow", 404): lambda flows, control: flows.get(UNKNOWN),
    **{(name, 401): without_token(name) for name in ("createFlow", "searchFlow", "getFlow")},
    **{(name, 429): beyond_the_limit(name) for name in ("createFlow", "searchFlow", "getFlow")},
}


@pytest.mark.parametrize(("operation", "status"), PAIRS)
def test_documented_status_is_answered_as_documented(
    operation: str, status: int, flows: FlowClient, control: ControlClient, contract: Contract
) -> None:
    recipe = RECIPES.get((operation, status))
    if recipe:
        response = recipe(flows, control)
    else:
        if status >= 400:
            control.fault("status", operation=operation, status=status)
        response = plain(flows, operation)
    # The client has checked the body against the schema of this status.
    assert response.status_code == status


def test_the_contract_rejects_what_is_not_documented(
    flows: FlowClient, control: ControlClient, contract: Contract
) -> None:
    """The checker used all over these tests can fail."""
    control.fault("status", operation="createFlow", status=418)
    with pytest.raises(AssertionError, match="does not document 418"):
        flows.create()
    control.fault("wrong_content_type", operation="createFlow")
    with pytest.raises(AssertionError, match="text/html is not documented"):
        flows.create()
    control.fault("status", operation="createFlow", status=503, body='{"message": "no code"}')
    with pytest.raises(AssertionError, match="errorCode"):
        flows.create()


@pytest.mark.parametrize("operation", ["createFlow", "searchFlow", "getFlow", "getHealth"])
def test_request_id_is_echoed_on_every_operation(operation: str, flows: FlowClient) -> None:
    flows.session.headers["X-Request-Id"] = UNKNOWN
    assert plain(flows, operation).headers["X-Request-Id"] == UNKNOWN


def test_request_id_is_echoed_on_refusals(flows: FlowClient, control: ControlClient) -> None:
    flows.session.headers["X-Request-Id"] = UNKNOWN
    control.fault("status", operation="createFlow", status=503)
    assert flows.create().headers["X-Request-Id"] == UNKNOWN
    assert flows.search().headers["X-Request-Id"] == UNKNOWN


def test_request_id_must_be_a_uuid(flows: FlowClient, control: ControlClient) -> None:
    flows.session.headers["X-Request-Id"] = "not-a-uuid"
    assert flows.create(ubl()).status_code == 400
    assert control.oracle("afnor") == []


def test_health_needs_no_token(flows: FlowClient) -> None:
    flows.token = "expired"
    assert flows.health().status_code == 200
