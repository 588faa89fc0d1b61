"""A client pulls statuses and received invoices from the AFNOR platform, page by page."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from flow_client import FlowClient
from flow_contract import URI, formats
from flow_samples import BUYER, cdar, cii, facturx, ubl
from jsonschema import Draft4Validator
from referencing import Registry
from referencing.jsonschema import DRAFT4

from sandbox.client import ControlClient, ControlError
from tools.dev import specifications

LONG_AGO = "2000-01-01T00:00:00Z"
CURRENT = specifications.FOLDER / "afnor" / "flow-service-1.3.0.json"
EXAMPLES = specifications.FOLDER / "afnor" / "examples"


def receive(
    control: ControlClient, content: bytes, syntax: str = "UBL", **info: str
) -> dict[str, Any]:
    encoded = base64.b64encode(content).decode()
    return control.issue("afnor", content=encoded, flowSyntax=syntax, **info)


@pytest.mark.parametrize(
    ("content", "syntax", "kind"),
    [
        (ubl(), "UBL", "SupplierInvoice"),
        (ubl(code="389"), "UBL", "CustomerInvoice"),
        (cii(), "CII", "SupplierInvoice"),
        (facturx(cii()), "Factur-X", "SupplierInvoice"),
        (cdar(role="BY"), "CDAR", "CustomerInvoiceLC"),
        (cdar(role="SE"), "CDAR", "SupplierInvoiceLC"),
    ],
)
def test_an_incoming_flow_is_found_and_fetched(
    flows: FlowClient, control: ControlClient, content: bytes, syntax: str, kind: str
) -> None:
    flows.created()
    reference = receive(control, content, syntax, name="received.xml")["reference"]
    (found,) = flows.found(flowDirection=["In"], updatedAfter=LONG_AGO)
    assert (found["flowId"], found["flowType"], found["flowSyntax"]) == (reference, kind, syntax)
    assert found["acknowledgement"] == {"status": "Ok"}
    assert flows.get(reference, "Original").content == content


def test_what_is_issued_is_not_counted_as_received(
    flows: FlowClient, control: ControlClient
) -> None:
    content = ubl("F-1")
    receive(control, content)
    receive(control, content)
    assert control.summary("afnor")["received"] == 0
    assert [item["number"] for item in control.issued("afnor")] == ["F-1", "F-1"]
    assert flows.flow(flows.created(content))["acknowledgement"]["status"] == "Ok"
    assert control.summary("afnor")["held_twice"] == []


@pytest.mark.parametrize(
    "spec",
    [
        {"content": "%", "flowSyntax": "UBL"},
        {"content": "", "flowSyntax": "UBL"},
        {"content": base64.b64encode(cii()).decode(), "flowSyntax": "UBL"},
        {"content": base64.b64encode(b"<a/>").decode(), "flowSyntax": "FRR"},
    ],
)
def test_what_no_platform_would_deliver_is_refused(
    control: ControlClient, spec: dict[str, str]
) -> None:
    with pytest.raises(ControlError):
        control.issue("afnor", **spec)


def test_statuses_and_invoices_are_pulled_together_in_order(
    flows: FlowClient, control: ControlClient
) -> None:
    control.verdict("late", seconds=60, times=1)
    sent = flows.created()
    invoice, status = receive(control, ubl()), receive(control, cdar(), "CDAR")
    after, pulled = LONG_AGO, []
    while page := flows.found(1, updatedAfter=after):
        pulled += [(flow["flowId"], flow["acknowledgement"]["status"]) for flow in page]
        after = page[-1]["updatedAt"]
    assert pulled == [
        (sent, "Pending"),
        (invoice["reference"], "Ok"),
        (status["reference"], "Ok"),
    ]
    control.advance(60)
    assert [flow["flowId"] for flow in flows.found(updatedAfter=after)] == [sent]


def test_version_1_1_knows_no_cursor(flows: FlowClient) -> None:
    for _ in range(2):
        flows.created()
    assert "nextCursor" not in flows.search(1, updatedAfter=LONG_AGO).json()


def pull(flows: FlowClient, cursor: str | None = None, limit: int = 2) -> dict[str, Any]:
    given = {} if cursor is None else {"cursor": cursor}
    body = {"limit": limit, "where": {"updatedAfter": LONG_AGO}, **given}
    response = flows.send("searchFlow", "POST", "/flows/search", checked=False, json=body)
    assert response.status_code == 200, response.text
    return response.json()


def test_version_1_3_pages_by_cursor_and_keeps_its_schema(
    flows: FlowClient, control: ControlClient
) -> None:
    control.settings("afnor", flow_version="1.3.0")
    expected = [receive(control, ubl())["reference"] for _ in range(4)] + [flows.created()]
    cursor, pulled, pages = None, [], 0
    while True:
        page = pull(flows, cursor)
        check_current(page)
        pulled += [flow["flowId"] for flow in page["results"]]
        pages += 1
        cursor = page.get("nextCursor")
        if cursor is None:
            break
    assert (pulled, pages) == (expected, 3)


def check_current(page: dict[str, Any]) -> None:
    """Hold an answer against the document of version 1.3.0, where that is at hand."""
    if not CURRENT.is_file():
        return
    document = json.loads(CURRENT.read_text("utf-8"))
    reason = document["components"]["schemas"]["ReasonCode"]
    if "oneOf" in reason:
        reason["anyOf"] = reason.pop("oneOf")
    registry = Registry().with_resource(URI, DRAFT4.create_resource(document))
    schema = {"$ref": f"{URI}#/components/schemas/SearchFlowContent"}
    validator = Draft4Validator(schema, registry=registry, format_checker=formats)
    assert [error.message for error in validator.iter_errors(page)] == []


def test_a_cursor_of_elsewhere_is_refused(flows: FlowClient, control: ControlClient) -> None:
    control.settings("afnor", flow_version="1.3.0")
    body = {"where": {"updatedAfter": LONG_AGO}, "cursor": "elsewhere"}
    assert flows.send("searchFlow", "POST", "/flows/search", json=body).status_code == 400


@pytest.mark.parametrize("kind", ["drop_after", "cut_body", "malformed_body"])
def test_a_page_that_was_lost_is_read_again(
    flows: FlowClient, control: ControlClient, kind: str
) -> None:
    reference = receive(control, ubl(buyer=BUYER))["reference"]
    control.fault(kind, operation="searchFlow")
    with pytest.raises(Exception, match=r".+"):
        flows.search(updatedAfter=LONG_AGO).json()
    assert [flow["flowId"] for flow in flows.found(updatedAfter=LONG_AGO)] == [reference]


def official(path: Path) -> str:
    return "CDAR" if "CDV" in path.name else path.stem.rpartition("_")[2]


def test_the_official_examples_can_be_delivered(flows: FlowClient, control: ControlClient) -> None:
    if not EXAMPLES.is_dir():
        pytest.skip(specifications.missing("AFNOR use cases"))
    paths = sorted(EXAMPLES.glob("UC*/*.xml"))
    sent = [receive(control, path.read_bytes(), official(path))["reference"] for path in paths]
    found = flows.found(100, flowDirection=["In"])
    assert [flow["flowId"] for flow in found] == sent
    assert len(sent) > 20
