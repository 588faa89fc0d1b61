"""A webhook event of the platform shortens the wait for the verdict, and decides nothing itself."""

import json

from odoo.addons.finance_connector_base.core.security.webhook import WebhookRefused
from odoo.tests import tagged

from .sandbox_case import SandboxCase

BEARER = "what-the-platform-was-given"


@tagged("post_install", "-at_install")
class TestAfnorWebhook(SandboxCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.connection.webhook_secret = BEARER

    def setUp(self):
        super().setUp()
        # Nothing listens there: what the platform would send is read from its list of events.
        self.control.settings("afnor", webhook_url="http://127.0.0.1:9/", webhook_bearer=BEARER)

    def waiting(self):
        """An invoice that the platform has taken and whose verdict is polled much later."""
        self.control.verdict("late", looks=1)
        move = self.submit()
        self.dispatch()
        exchange = self.exchanges(move)
        self.assertEqual(exchange.state, "waiting")
        exchange.next_step_at = "2100-01-01"
        return move, exchange

    def call_back(self, content, token=BEARER):
        body = json.dumps(content).encode()
        self.env["finance.webhook.event"]._receive(
            self.connection, {"authorization": f"Bearer {token}"}, body
        )

    def event_of(self, exchange):
        """The event's content as the specification defines it."""
        return {"flowInfo": {"flowId": exchange.reference, "flowDirection": "Out"}}

    def test_the_platform_is_polled_at_once(self):
        move, exchange = self.waiting()
        # The platform has the verdict ready only after it was polled once.
        self.control.clear_requests()
        self.call_back(self.event_of(exchange))
        self.dispatch()
        self.assertEqual(self.control.counts("afnor").get("getFlow"), 1)
        self.make_due(exchange)
        self.deliver(move)
        self.assertEqual(move.einvoice_state, "filed")

    def test_the_event_of_the_platform_is_read(self):
        move = self.submit()
        self.dispatch()
        exchange = self.exchanges(move)
        exchange.next_step_at = "2100-01-01"
        (delivery,) = self.control.webhooks()
        self.call_back(delivery["content"])
        self.dispatch()
        self.dispatch()
        self.assertEqual(move.einvoice_state, "filed")
        self.assertEqual(self.connection.webhook_event_ids.exchange_id, exchange)

    def test_a_forged_verdict_decides_nothing(self):
        move, exchange = self.waiting()
        forged = self.event_of(exchange)
        forged["flowInfo"]["acknowledgement"] = {"status": "Error"}
        self.call_back(forged)
        self.env.flush_all()
        self.env["finance.webhook.event"]._process_due()
        self.assertEqual(exchange.state, "waiting")

    def test_without_the_bearer_nothing_is_stored(self):
        _move, exchange = self.waiting()
        with self.assertRaises(WebhookRefused):
            self.call_back(self.event_of(exchange), "another-token-of-some-length")
        self.assertFalse(self.connection.webhook_event_ids)

    def test_the_document_asks_for_an_answer_of_200(self):
        self.assertEqual(self.connection._adapter()._webhook_status, 200)
