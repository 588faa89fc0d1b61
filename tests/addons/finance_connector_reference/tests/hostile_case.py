"""A hostile provider beside a good one, through the real dispatcher, for any adapter.

A test class of an adapter names how a connection and a document of it are made (``hostile_connection``,
``hostile_document``); everything else, the bad answers included, is the same for all.
"""

from contextlib import contextmanager
from unittest.mock import patch

from odoo.addons.finance_connector_base.core.delivery import states
from odoo.addons.finance_connector_base.core.http import wire
from odoo.tools import mute_logger

from .engine_case import EngineCase

#: Time of a whole call in these tests.
SECONDS = 1.5
ROUNDS = 3
SCREENS = (
    "finance.connection",
    "finance.exchange",
    "finance.exchange.attempt",
    "finance.throttle",
    "finance.case",
)
DISPATCHER = "odoo.addons.finance_connector_base.models.finance_dispatcher"
PIPELINE = "odoo.addons.finance_connector_base.core.delivery.pipeline"


class HostileCase(EngineCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        from sandbox.hostile import HostileProvider  # the path is set by _start_sandbox

        cls.hostile = cls.enterClassContext(HostileProvider())

    # -- what an adapter names ---------------------------------------------------------------------

    def hostile_connection(self, name, url):
        """Return a new connection to the address, not activated."""
        raise NotImplementedError

    def hostile_document(self, connection, name):
        """Return the exchange of a new document that is sent through the connection."""
        raise NotImplementedError

    def good_document(self, name):
        """Return the exchange of a document that is sent to a provider in good order."""
        return self.document("document", name).exchange_id

    # -- what is tested ----------------------------------------------------------------------------

    def connect_all(self):
        """Return one active connection for each kind of bad answer."""
        connections = {}
        for name, url in self.hostile.urls.items():
            connection = self.hostile_connection(name, url)
            connection.sudo().write(
                {"state": "active", "sealed_database": connection._database_uuid()}
            )
            connections[name] = connection
        return connections

    @contextmanager
    def short_calls(self):
        with (
            patch.object(wire, "MAX_SECONDS", SECONDS),
            mute_logger("odoo.addons.finance_connector_base.core.http.transport"),
        ):
            yield

    def check_all_bad_answers(self):
        """A good exchange is delivered in each round, every other ends in a state of the table, no
        error is raised or logged, and every screen opens.
        """
        bad = {
            name: self.hostile_document(connection, f"bad-{name}")
            for name, connection in self.connect_all().items()
        }
        everything = self.env["finance.exchange"].union(*bad.values())
        for number in range(ROUNDS):
            good = self.good_document(f"good-{number}")
            with (
                self.short_calls(),
                self.assertNoLogs(DISPATCHER, "ERROR"),
                self.assertNoLogs(PIPELINE, "ERROR"),
            ):
                self.dispatch()
            self.assertEqual(good.state, states.ACCEPTED)
            self.check_states(bad)
            self.make_due(everything, throttles=True)
        self.check_screens()
        return bad

    def check_states(self, bad):
        allowed = {state for state, _label in states.LABELS}
        for name, exchange in bad.items():
            with self.subTest(name):
                self.assertIn(
                    exchange.state, allowed - {states.SENDING, states.ACCEPTED, states.CANCELLED}
                )
                self.assertTrue(exchange.attempt_ids)
                self.assertTrue(all(attempt.outcome for attempt in exchange.attempt_ids))

    def check_screens(self):
        """Read every field of every record as the forms and lists do."""
        for model in SCREENS:
            self.env[model].invalidate_model()
            for record in self.env[model].search([]):
                record.read()
                record.display_name  # noqa: B018 (computed on reading)
