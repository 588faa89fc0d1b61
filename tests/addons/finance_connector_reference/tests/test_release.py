"""Sessions are closed at the provider when a connection no longer uses them, by the dispatcher."""

from odoo.addons.finance_connector_base.core.delivery import states
from odoo.exceptions import AccessError
from odoo.tests import tagged

from .test_sessions import SignedInCase


@tagged("post_install", "-at_install")
class TestRelease(SignedInCase):
    def setUp(self):
        super().setUp()
        document = self.document("secret_filing")
        self.dispatch()
        self.assertEqual(document.exchange_id.state, states.ACCEPTED)
        self.assertEqual(self.calls("closeSession"), 0)

    @property
    def attempts(self):
        return self.env["finance.exchange.attempt"].search(
            [("connection_id", "=", self.connection.id), ("step", "=", "release")]
        )

    @property
    def orders(self):
        return self.env["finance.resource.release"].search([])

    def test_a_paused_connection_closes_its_session_in_the_dispatcher(self):
        self.connection.action_pause()
        self.assertEqual(self.calls("closeSession"), 0)
        self.dispatch()
        self.assertEqual(self.calls("closeSession"), 1)
        self.assertEqual(self.attempts.mapped("outcome"), ["accepted"])
        self.assertFalse(self.orders)
        self.dispatch()
        self.assertEqual(self.calls("closeSession"), 1)

    def test_after_a_resume_a_new_session_is_opened(self):
        self.connection.action_pause()
        self.dispatch()
        self.connection.action_resume()
        # Both writes are of one moment here; by it clients are replaced.
        self.forget_clients()
        document = self.document("secret_filing", "D-2")
        self.dispatch()
        self.assertEqual(document.exchange_id.state, states.ACCEPTED)
        self.assertEqual(self.calls("openSession"), 2)

    def test_a_pause_that_has_ended_closes_nothing(self):
        self.connection.action_pause()
        self.connection.action_resume()
        self.dispatch()
        self.assertEqual(self.calls("closeSession"), 0)

    def test_changed_credentials_close_what_was_opened_with_the_former_ones(self):
        self.connection._set_secret("api_key", "another-key-of-the-account")
        self.connection._set_secret("api_key", "a-third-key-of-the-account")
        self.dispatch()
        self.assertEqual(self.calls("closeSession"), 1)
        self.assertEqual(self.attempts.mapped("outcome"), ["accepted"])

    def test_a_moved_connection_closes_its_session_at_the_former_address(self):
        self.connection.base_url = "http://127.0.0.1:9/elsewhere"
        self.assertEqual(self.connection.state, "paused")
        self.dispatch()
        self.assertEqual(self.calls("closeSession"), 1)
        self.assertIn(self.control.url, self.attempts.request_line)

    def test_a_failure_is_harmless(self):
        self.control.fault("status", provider="reference", operation="closeSession", status=500)
        self.connection.action_pause()
        self.dispatch()
        self.assertEqual(self.attempts.mapped("http_status"), [500])
        self.assertFalse(self.orders)
        self.assertFalse(
            self.env["finance.case"].search([("connection_id", "=", self.connection.id)])
        )
        self.connection.action_resume()
        document = self.document("secret_filing", "D-2")
        self.dispatch()
        self.assertEqual(document.exchange_id.state, states.ACCEPTED)

    def test_a_session_in_use_is_not_closed(self):
        document = self.document("secret_filing", "D-2")
        self.claim_send()
        self.connection.action_pause()
        self.env.flush_all()
        self.assertFalse(self.dispatcher._claim_releases())
        self.assertTrue(document.exchange_id.claim_token)
        self.assertTrue(self.orders)

    def test_a_copied_database_closes_nothing(self):
        self.connection.action_pause()
        self.env["ir.config_parameter"].sudo().set_param("database.uuid", "a-copy")
        self.dispatch()
        self.assertEqual(self.calls("closeSession"), 0)
        self.assertFalse(self.orders)

    def test_orders_are_written_by_the_system_and_hold_no_readable_secret(self):
        self.connection.action_pause()
        self.env.flush_all()
        self.env.cr.execute("SELECT row_to_json(t)::text FROM finance_resource_release t")
        self.assertNotIn("reference-key", self.env.cr.fetchone()[0])
        admin = self.env.ref("base.user_admin")
        for name in ("settings", "credentials", "resources"):
            with self.assertRaises(AccessError):
                self.orders.with_user(admin).read([name])
