"""For the tests of a provider's addon: a connection to a simulation, and the dispatcher step by step."""

import base64
import os
from unittest.mock import patch

from odoo.tests import TransactionCase
from odoo.tests.common import release_test_lock

from ..core.security.vault import ENVIRONMENT_KEYS

#: Whatever waits for a time is due: steps of exchanges, feeds, inbound documents, pauses.
_MOVE_ON = (
    "UPDATE finance_exchange SET next_step_at = next_step_at - interval '1 hour', "
    "sent_at = sent_at - interval '1 hour'",
    "UPDATE finance_feed SET next_at = next_at - interval '1 hour'",
    "UPDATE finance_inbound SET next_at = next_at - interval '1 hour'",
    "UPDATE finance_throttle SET not_before = NULL",
)


class ProviderCase(TransactionCase):
    """Tests that deliver documents through a provider's adapter, without waiting for a clock."""

    def setUp(self):
        super().setUp()
        self.registry_enter_test_mode()
        ring = "test:" + base64.b64encode(os.urandom(32)).decode()
        self.enterContext(patch.dict(os.environ, {ENVIRONMENT_KEYS: ring}))
        self.env.user.group_ids |= self.env.ref("finance_connector_base.group_admin")
        # Other connections of the database take no part.
        self.env["finance.connection"].search([]).state = "paused"

    def connect(self, provider, url, **secrets):
        """Return an active connection to a simulation on this machine, with these credentials."""
        values = {"name": self.id(), "provider": provider, "environment": "sandbox"}
        connection = self.env["finance.connection"].create({**values, "base_url": url})
        for name, secret in secrets.items():
            connection._set_secret(name, secret)
        connection.action_test()
        connection.action_activate()
        return connection

    def dispatch(self, rounds=1):
        """Let the dispatcher do what is due, or would be within an hour, in so many rounds."""
        for _round in range(rounds):
            self.env.flush_all()
            for statement in _MOVE_ON:
                self.env.cr.execute(statement)
            # Sending threads have cursors of their own.
            with release_test_lock():
                self.env["finance.dispatcher"]._round()
            self.env.invalidate_all()

    def ask(self, connection, query, payload):
        """Ask the provider a question; return the ``QueryReply``."""
        self.env.flush_all()
        with release_test_lock():
            return connection._query(query, payload, 10.0)
