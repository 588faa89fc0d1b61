"""A French company connected to a real sandbox; the dispatcher runs in the test's own transaction."""

import base64
import os
import sys
from pathlib import Path
from unittest.mock import patch
from urllib.parse import urlsplit

from odoo.addons.finance_connector_base.core.delivery import states
from odoo.addons.finance_connector_base.core.security.vault import ENVIRONMENT_KEYS
from odoo.addons.finance_einvoice_fr.tests.common import FrenchCompanyCase
from odoo.tests.common import _super_send, release_test_lock

PROJECT = Path(__file__).parents[3]


class SandboxCase(FrenchCompanyCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if not (PROJECT / "sandbox").is_dir():
            cls.skipTest(cls, "the sandbox of providers is not beside the addons")
        cls.control = cls._start_sandbox()
        ring = "test:" + base64.b64encode(os.urandom(32)).decode()
        cls.enterClassContext(patch.dict(os.environ, {ENVIRONMENT_KEYS: ring}))
        cls.env.user.group_ids |= cls.env.ref("finance_connector_base.group_admin") | cls.env.ref(
            "finance_connector_base.group_operator"
        )
        cls.env["finance.connection"].search([]).state = "paused"
        cls.connection = cls.env["finance.connection"].create(
            {
                "name": "Platform",
                "company_id": cls.company.id,
                "provider": "afnor",
                "environment": "sandbox",
                "base_url": f"{cls.control.url}/afnor/flow-service",
                "afnor_token_url": f"{cls.control.url}/afnor/oauth/token",
                "afnor_client_id": "sandbox-client",
                "afnor_client_secret": "sandbox-secret",
                # What is not about its feed counts its calls without it.
                "receives_documents": False,
            }
        )
        cls.connection.action_test()
        cls.connection.action_activate()
        cls.company.finance_einvoice_connection_id = cls.connection
        cls.company.finance_einvoice_validation = "block"

    @classmethod
    def _start_sandbox(cls):
        sys.path.insert(0, str(PROJECT))
        cls.addClassCleanup(sys.path.remove, str(PROJECT))
        from sandbox.client import ControlClient
        from sandbox.server import SandboxThread

        server = cls.enterClassContext(SandboxThread())
        return cls.enterClassContext(ControlClient(server.url))

    @classmethod
    def _request_handler(cls, session, request, /, **options):
        """Odoo's guard against the network cannot read a pair of time-outs; the loopback address needs no guard."""
        if urlsplit(request.url).hostname == "127.0.0.1":
            return _super_send(session, request, **options)
        return super()._request_handler(session, request, **options)

    def setUp(self):
        super().setUp()
        self.registry_enter_test_mode()
        self.control.reset()
        # Each test has an empty sandbox, which has no tokens of the test before.
        self.connection.sudo().write({"name": f"Platform {self.id()}"})

    def submit(self, **values):
        """Post an invoice; its e-invoice is in the outbox."""
        move = self.make_invoice(**values)
        move.action_post()
        return move

    def deliver(self, *moves, rounds=8):
        """Let the dispatcher work until nothing of these is on the way; time-outs of the retry policy are skipped."""
        for _round in range(rounds):
            self.dispatch()
            exchanges = self.exchanges(*moves)
            if exchanges and all(exchange.state in states.FINAL for exchange in exchanges):
                return
            self.make_due(exchanges)

    def dispatch(self):
        """One round, as the scheduled action runs it."""
        self.env.flush_all()
        # Sending threads open cursors too: a resource is obtained under the lock of its row.
        with release_test_lock():
            self.env["finance.dispatcher"]._round()
        self.env.invalidate_all()

    def make_due(self, exchanges):
        """Move time on for these: what was to happen later is due, and what was sent is long ago."""
        exchanges.flush_recordset()
        self.env.cr.execute(
            """
            UPDATE finance_exchange
               SET next_step_at = next_step_at - interval '1 hour',
                   sent_at = sent_at - interval '1 hour'
             WHERE id = ANY(%s)
            """,
            (exchanges.ids,),
        )
        self.env.cr.execute(
            """
            UPDATE finance_throttle
               SET not_before = not_before - interval '1 hour',
                   breaker_until = breaker_until - interval '1 hour'
            """
        )
        exchanges.invalidate_recordset()

    def exchanges(self, *moves):
        """All exchanges about these documents."""
        return self.env["finance.exchange"].search(
            [
                ("document_model", "=", "account.move"),
                ("document_id", "in", [move.id for move in moves]),
            ]
        )

    def held(self):
        """What the platform legally holds, by invoice number."""
        return {item["number"]: item for item in self.control.oracle("afnor") if item["held"]}

    def actions(self, move):
        """Actions of the audit log about a document, oldest first."""
        entries = self.env["finance.audit.entry"].search(
            [("document_model", "=", "account.move"), ("document_id", "=", move.id)], order="id"
        )
        return entries.mapped("action")
