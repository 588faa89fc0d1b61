"""The platform's webhook: a bearer authenticates it; its content is a reason for a status check, never a verdict."""

import json

import pytest
from odoo.addons.finance_connector_base.core.protocol import ClientCredentials
from odoo.addons.finance_connector_base.core.security.webhook import WebhookEvent, WebhookRefused
from odoo.addons.finance_einvoice_afnor.core.flow_service import FlowService

BEARER = "what-the-platform-was-given"
SERVICE = FlowService(
    "https://platform.example/flow-service",
    ClientCredentials("https://t.example", "id", "s"),
    webhook_secrets=(BEARER,),
)
FLOW = {
    "flowId": "F-1",
    "trackingId": "7b0c0a8e-58b4-4d5c-9c5e-1d6a5a3f0f11",
    "flowDirection": "Out",
    "acknowledgement": {"status": "Ok"},
}


def read(**changes):
    body = json.dumps({"flowInfo": {**FLOW, **changes}}).encode()
    return SERVICE.read_webhook({}, body)


def test_the_bearer_shows_that_the_platform_calls():
    assert SERVICE.verify_webhook({"authorization": f"Bearer {BEARER}"}, b"{}", 0.0) is None


@pytest.mark.parametrize(
    "headers", [{}, {"authorization": "Bearer other"}, {"authorization": f"Basic {BEARER}"}]
)
def test_any_other_caller_is_refused(headers):
    with pytest.raises(WebhookRefused):
        SERVICE.verify_webhook(headers, b"{}", 0.0)


def test_without_a_stored_bearer_every_request_is_refused():
    service = FlowService(SERVICE.base_url, SERVICE.grant)
    with pytest.raises(WebhookRefused):
        service.verify_webhook({"authorization": "Bearer "}, b"{}", 0.0)


@pytest.mark.parametrize("status", ["Ok", "Error", "Pending"])
def test_what_it_says_is_never_a_verdict(status):
    events = read(acknowledgement={"status": status})
    assert events == (WebhookEvent("F-1", FLOW["trackingId"]),)


def test_a_flow_without_our_tracking_id_is_known_by_its_own():
    assert read(trackingId=None) == (WebhookEvent("F-1"),)


def test_a_received_flow_is_not_an_event_about_what_we_sent_but_lets_the_feed_be_read():
    assert read(flowDirection="In") == (WebhookEvent("F-1", feed="flows"),)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"flowInfo": null}',
        b'{"flowInfo": {}}',
        b'{"flowInfo": {"flowId": 7}}',
        b'{"flowInfo": {"flowId": ""}}',
        b'{"flowInfo": {"flowId": "F", "trackingId": 1}}',
    ],
)
def test_what_names_no_flow_cannot_be_read(body):
    with pytest.raises((ValueError, KeyError, TypeError)):
        SERVICE.read_webhook({}, body)


def test_the_bearer_is_not_shown():
    assert BEARER not in repr(SERVICE)
