"""The engine at work on the reference provider: one round at a time, and time moved on by the test."""

from odoo.tests.common import release_test_lock

from .common import API_KEY, ReferenceCase


class EngineCase(ReferenceCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["finance.connection"].search([("id", "!=", cls.connection.id)]).state = "paused"
        cls.connection.action_test()
        cls.connection.action_activate()
        cls.dispatcher = cls.env["finance.dispatcher"]

    def setUp(self):
        super().setUp()
        self.registry_enter_test_mode()
        # Clients are kept per process and per version of the connection; each test has sockets of its own.
        self.connection.sudo().write({"name": f"Reference {self.id()}"})

    def another_connection(self, name="Second", company=None):
        """A further account at the provider, of a company of its own unless one is given."""
        company = company or self.env["res.company"].create({"name": name})
        self.env.user.company_ids |= company
        connection = self.env["finance.connection"].create(
            {
                "name": name,
                "company_id": company.id,
                "provider": "reference",
                "environment": "sandbox",
                "base_url": self.connection.base_url,
                "reference_api_key": API_KEY,
                "receives_documents": False,
            }
        )
        connection.action_test()
        connection.action_activate()
        return connection

    def dispatch(self):
        """One pass of the dispatcher, from claim to notified document."""
        self.env.flush_all()
        # Sending threads need cursors for the resources of a connection.
        with release_test_lock():
            steps = self.dispatcher._round()
        self.env.invalidate_all()
        return steps

    def claim(self, **values):
        """Claim without sending, as a worker does that dies afterwards."""
        self.env.flush_all()
        claimed = self.dispatcher._claim(**values)
        self.env.invalidate_all()
        return claimed

    def make_due(self, exchanges, throttles=False):
        """Move time on for these exchanges, and for the throttles if asked."""
        self.env.flush_all()
        self.env.cr.execute(
            """
            UPDATE finance_exchange
               SET next_step_at = next_step_at - interval '1 hour',
                   sent_at = sent_at - interval '1 hour'
             WHERE id = ANY(%s)
            """,
            (exchanges.ids,),
        )
        if throttles:
            self.env.cr.execute(
                """
                UPDATE finance_throttle
                   SET not_before = not_before - interval '1 hour',
                       breaker_until = breaker_until - interval '1 hour'
                """
            )
        self.env.invalidate_all()

    def fault(self, kind, operation, **rule):
        self.control.fault(kind, provider="reference", operation=operation, **{"times": 1, **rule})

    def calls(self, operation):
        """How many requests of an operation reached the provider."""
        return self.control.counts("reference").get(operation, 0)

    def effects(self, number):
        """How often a document of this number took effect at the provider."""
        return sum(
            item["times_received"]
            for item in self.control.oracle("reference")
            if item["number"] == number
        )

    def throttle(self, connection=None):
        return (connection or self.connection).throttle_ids

    def case_of(self, document):
        return self.env["finance.case"].search(
            [("exchange_id", "=", document.exchange_id.id), ("state", "=", "open")]
        )
