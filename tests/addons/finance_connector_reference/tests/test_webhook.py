"""Webhooks as the sandbox signs and sends them: two implementations of one specification meet."""

import queue
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from odoo.addons.finance_connector_base.core.delivery import states
from odoo.addons.finance_connector_base.core.protocol import Call
from odoo.addons.finance_connector_base.core.security.webhook import WebhookRefused
from odoo.addons.finance_connector_base.secret_store import new_client
from odoo.tests import tagged

from .common import ReferenceCase

WAIT = 10


class Receiver(ThreadingHTTPServer):
    """Hands over what comes, headers in lower case."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.messages = queue.Queue()
        self.url = f"http://127.0.0.1:{self.server_port}/hook"


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.send_response(202)
        self.send_header("Content-Length", "0")
        self.end_headers()
        self.server.messages.put((headers, body))

    def log_message(self, *_details):
        """Say nothing on the terminal."""


@tagged("post_install", "-at_install")
class TestReferenceWebhook(ReferenceCase):
    def setUp(self):
        super().setUp()
        self.receiver = Receiver()
        thread = threading.Thread(target=self.receiver.serve_forever)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(self.receiver.server_close)
        self.addCleanup(self.receiver.shutdown)
        settings = self.control.settings("reference", webhook_url=self.receiver.url)
        self.connection.webhook_secret = settings["webhook_secret"]
        self.events = self.env["finance.webhook.event"]

    def sent(self, operation, name="D-1"):
        """The exchange of a document that was sent, and the answer, of which it knows nothing yet."""
        exchange = self.document(operation, name).exchange_id
        client = new_client(self.connection)
        self.addCleanup(client.close)
        call = Call(
            operation, exchange.idempotency_key, exchange._payload_bytes(), exchange.parameters
        )
        outcome = client.perform("send", call).outcome
        exchange._transition(states.SENDING, "sending", maybe_sent=True)
        return exchange, outcome

    def receive(self):
        headers, body = self.receiver.messages.get(timeout=WAIT)
        self.events._receive(self.connection, headers, body)
        self.env.flush_all()
        self.events._process_due()
        return headers, body

    def test_a_late_verdict_arrives_by_webhook(self):
        self.control.verdict("late", seconds=0.1)
        exchange, taken = self.sent("filing")
        exchange._transition(states.WAITING, "taken", reference=taken.reference)
        self.receive()
        self.assertEqual((exchange.state, exchange.reference), (states.ACCEPTED, taken.reference))

    def test_a_rejection_comes_with_its_reasons(self):
        reason = {"code": "amount", "message": "Wrong amount"}
        self.control.verdict("reject", seconds=0.1, reasons=[reason])
        exchange, taken = self.sent("filing")
        exchange._transition(states.WAITING, "taken", reference=taken.reference)
        self.receive()
        self.assertEqual(exchange.state, states.REJECTED)
        self.assertEqual(exchange.findings[0]["code"], "amount")

    def test_x5_a_webhook_resolves_a_lost_answer(self):
        for operation in ("document", "filing", "notice"):
            with self.subTest(operation=operation):
                exchange, lost = self.sent(operation, name=operation)
                exchange._transition(states.UNKNOWN, "no answer")
                self.receive()
                self.assertEqual((exchange.state, exchange.reference), ("accepted", lost.reference))

    def test_copies_are_one_event(self):
        self.control.settings("reference", webhook_copies=3)
        exchange, taken = self.sent("filing")
        exchange._transition(states.UNKNOWN, "no answer")
        for _copy in range(3):
            self.receive()
        self.assertEqual(len(self.connection.webhook_event_ids), 1)
        self.assertEqual(exchange.state, states.ACCEPTED)

    def test_another_secret_refuses_what_the_sandbox_signs(self):
        self.sent("filing")
        headers, body = self.receiver.messages.get(timeout=WAIT)
        self.connection.webhook_secret = "whsec_" + "QUJD" * 11
        self.connection._set_secret("callback_previous", "")
        with self.assertRaises(WebhookRefused):
            self.events._receive(self.connection, headers, body)
