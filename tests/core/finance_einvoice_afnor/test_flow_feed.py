"""P5: the feed of flows, page by page, against both published versions of the document."""

import base64
import dataclasses
import json

import pytest
from odoo.addons.finance_audit.core.address import NetworkPolicy
from odoo.addons.finance_connector_base.core.conversation import Context, Page
from odoo.addons.finance_connector_base.core.delivery.outcomes import ContractBroken
from odoo.addons.finance_connector_base.core.http.client import ProviderClient
from odoo.addons.finance_connector_base.core.http.transport import Transport
from odoo.addons.finance_connector_base.core.http.wire import HttpResponse, NoAnswer
from odoo.addons.finance_connector_base.core.protocol import ClientCredentials
from odoo.addons.finance_einvoice_afnor.core import flow_feed
from odoo.addons.finance_einvoice_afnor.core.flow_feed import FEED, Position, kind_of
from odoo.addons.finance_einvoice_afnor.core.flow_service import FlowService

from sandbox.client import ControlClient
from sandbox.hostile import HostileProvider
from sandbox.server import SandboxThread

INVOICE = """<?xml version="1.0" encoding="UTF-8"?>
<Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"
 xmlns:cac="urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"
 xmlns:cbc="urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2">
<cbc:ID>{number}</cbc:ID><cbc:IssueDate>2026-11-25</cbc:IssueDate>
<cbc:InvoiceTypeCode>380</cbc:InvoiceTypeCode>
<cac:AccountingSupplierParty><cac:Party><cac:PartyLegalEntity>
<cbc:CompanyID schemeID="0002">123456789</cbc:CompanyID></cac:PartyLegalEntity></cac:Party>
</cac:AccountingSupplierParty></Invoice>"""
SERVICE = FlowService(
    "https://platform.example/flow-service", ClientCredentials("https://t.example", "id", "s")
)
CONTEXT = Context(0.0, bytes)


@pytest.fixture(scope="module")
def server():
    with SandboxThread() as running, ControlClient(running.url) as control:
        yield control


@pytest.fixture
def control(server):
    server.reset()
    return server


@pytest.fixture
def client(control):
    grant = ClientCredentials(
        f"{control.url}/afnor/oauth/token", "sandbox-client", "sandbox-secret"
    )
    transport = Transport("sandbox", NetworkPolicy(sandbox=True))
    made = ProviderClient(FlowService(f"{control.url}/afnor/flow-service", grant), transport)
    yield made
    made.close()


def receive(control, number):
    content = INVOICE.format(number=number).encode()
    control.issue("afnor", content=base64.b64encode(content).decode(), flowSyntax="UBL")


def read_all(client, cursor="", pages=200):
    """Return the items of a feed until it has no more, and the position behind them."""
    items = []
    for _page in range(pages):
        report = client.feed(FEED, cursor)
        assert isinstance(report.value, Page), report.outcome
        items += report.value.items
        if not report.value.more:
            return items, report.value.cursor
        assert report.value.cursor != cursor
        cursor = report.value.cursor
    raise AssertionError("the feed has no end")


@pytest.mark.parametrize("version", ["1.1.0", "1.3.0"])
@pytest.mark.parametrize("number", [0, 1, 8, 25, 26, 60])
def test_p5_every_flow_is_fetched_once_in_either_version(control, client, version, number):
    control.settings("afnor", flow_version=version)
    for flow in range(number):
        receive(control, f"F-{flow}")
    items, cursor = read_all(client)
    expected = [item["reference"] for item in control.issued("afnor")]
    assert sorted(item.provider_id for item in items) == sorted(expected)
    assert control.counts("afnor").get("getFlow", 0) == number
    assert {item.kind for item in items} <= {"invoice"}
    control.clear_requests()
    again, behind = read_all(client, cursor)
    assert again == []
    assert behind == cursor
    receive(control, "F-new")
    (new,), _cursor = read_all(client, cursor)
    assert b"F-new" in new.content
    assert new.media_type == "application/xml"
    assert new.parameters["flowType"] == "SupplierInvoice"


def test_p5_the_position_moves_on_only_when_a_page_is_exhausted(control, client):
    for flow in range(12):
        receive(control, f"F-{flow}")
    page = client.feed(FEED, "").value
    position = Position.of(page.cursor)
    assert page.more
    assert (position.after, len(position.seen)) == (Position().after, len(page.items))


def answer(value, status=200):
    return HttpResponse(status, {"content-type": "application/json"}, json.dumps(value).encode())


def flow(name, at, status="Ok", flow_type="SupplierInvoice", **more):
    return {
        "flowId": name,
        "updatedAt": at,
        "flowDirection": "In",
        "flowType": flow_type,
        "flowSyntax": "UBL",
        "acknowledgement": {"status": status},
        **more,
    }


def converse(cursor, *results, oversize=(), **more):
    """Run a conversation with one answer to the search; every file is found, some too large."""
    conversation = SERVICE.feed(FEED, cursor, CONTEXT)
    asked = [next(conversation)]
    response = answer({"results": list(results), **more})
    try:
        while True:
            asked.append(conversation.send(response))
            name = asked[-1].request.url.rpartition("/")[2].partition("?")[0]
            is_large = name in oversize
            body = b"" if is_large else b"<a/>"
            response = HttpResponse(
                200, {"content-type": "application/xml"}, body, is_oversize=is_large
            )
    except StopIteration as stop:
        return asked, stop.value


def test_p5_what_is_pending_is_fetched_when_it_has_changed():
    asked, page = converse("", flow("A", "2026-11-25T10:00:00Z", "Pending"))
    assert len(asked) == 1
    assert page.items == ()
    asked, page = converse(page.cursor, flow("A", "2026-11-25T10:05:00Z"))
    assert [item.provider_id for item in page.items] == ["A"]


def test_p5_the_end_of_the_feed_overlaps():
    _asked, page = converse(
        "", flow("A", "2026-11-25T10:00:00Z"), flow("B", "2026-11-25T10:01:00Z")
    )
    position = Position.of(page.cursor)
    assert position.after == "2026-11-25T10:00:30.000000Z"
    assert position.seen == ("B",)
    asked, page = converse(page.cursor, flow("B", "2026-11-25T10:01:00Z"))
    assert len(asked) == 1
    assert page.items == ()


def test_p5_flows_of_one_instant_are_not_jumped_over(monkeypatch):
    monkeypatch.setattr(flow_feed, "_FILES", 1000)
    same = [flow(f"F-{number}", "2026-11-25T10:00:00.500Z") for number in range(25)]
    _asked, page = converse("", *same)
    assert Position.of(page.cursor).after == "2026-11-25T10:00:00.499000Z"
    _asked, wider = converse(page.cursor, *same)
    assert Position.of(wider.cursor).limit == 100
    many = [flow(f"F-{number}", "2026-11-25T10:00:00.500Z") for number in range(100)]
    _asked, refused = converse(wider.cursor, *many)
    assert isinstance(refused, ContractBroken)


def test_p5_a_full_page_in_another_order_is_not_taken_as_a_page(monkeypatch):
    monkeypatch.setattr(flow_feed, "_FILES", 1000)
    found = [flow(f"F-{number}", f"2026-11-25T10:{number:02d}:00Z") for number in range(25)]
    _asked, page = converse("", *reversed(found))
    assert isinstance(page, ContractBroken)
    _asked, page = converse("", *reversed(found), nextCursor="next")
    assert Position.of(page.cursor).token == "next"


@pytest.mark.parametrize(
    "bad",
    [
        flow("", "2026-11-25T10:00:00Z"),
        flow("x" * 37, "2026-11-25T10:00:00Z"),
        flow("A", "yesterday"),
        flow("A", "2026-11-25T10:00:00Z", flowDirection="Out"),
        flow("A", "2026-11-25T10:00:00Z", acknowledgement=[]),
        "A",
        None,
    ],
)
def test_p5_a_list_with_anything_else_is_no_page(bad):
    _asked, page = converse("", flow("B", "2026-11-25T10:00:00Z"), bad)
    assert not isinstance(page, Page)


def test_p5_a_page_of_a_proxy_is_no_file():
    conversation = SERVICE.feed(FEED, "", CONTEXT)
    next(conversation)
    conversation.send(answer({"results": [flow("A", "2026-11-25T10:00:00Z")]}))
    with pytest.raises(StopIteration) as stop:
        conversation.send(HttpResponse(200, {"content-type": "text/html"}, b"<html/>"))
    assert not isinstance(stop.value.value, Page)


def test_p5_a_file_that_is_too_large_is_one_item_and_the_feed_goes_on():
    found = [flow(name, f"2026-11-25T10:0{place}:00Z") for place, name in enumerate("ABC")]
    _asked, page = converse("", *found, oversize="B")
    # The time of a page is limited, and this file took much of it.
    assert [(item.provider_id, item.content) for item in page.items] == [
        ("A", b"<a/>"),
        ("B", None),
    ]
    assert page.more
    assert page.items[1].parameters["flowType"] == "SupplierInvoice"
    asked, page = converse(page.cursor, *found, oversize="B")
    assert [item.provider_id for item in page.items] == ["C"]
    assert len(asked) == 2


def test_p5_an_endless_file_of_a_platform_is_an_item_without_content():
    """Through the real transport: the search is answered well, the file has no end."""
    with HostileProvider() as provider:
        transport = Transport("sandbox", NetworkPolicy(sandbox=True))
        try:
            request = dataclasses.replace(
                SERVICE._file("A"), url=provider.urls["body_20_mb"], max_body=4096
            )
            response = transport.send(request)
            assert (response.status, response.body, response.is_oversize) == (200, b"", True)
            refused = transport.send(dataclasses.replace(request, accepts_oversize=False))
            assert isinstance(refused, NoAnswer)
        finally:
            transport.close()


@pytest.mark.parametrize(
    ("flow_type", "kind"),
    [
        ("SupplierInvoice", "invoice"),
        ("CustomerInvoice", "invoice"),
        ("CustomerInvoiceLC", "status"),
        ("StatePaymentReportLC", "status"),
        ("MultiFlowReport", "report"),
        ("SomethingOfVersion9", "report"),
    ],
)
def test_p5_the_kind_follows_the_type_of_the_flow(flow_type, kind):
    assert kind_of(flow_type) == kind
