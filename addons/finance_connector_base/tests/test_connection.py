"""Connections: safe addresses, activation after a test, no sending from a copy of the database."""

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import tagged

from .common import ConnectorCase


@tagged("post_install", "-at_install")
class TestConnection(ConnectorCase):
    def test_open_wires_are_refused(self):
        for environment, address in (
            ("production", "http://provider.example"),
            ("test", "http://127.0.0.1:8070"),
            ("sandbox", "http://provider.example"),
        ):
            with self.subTest(address=address), self.assertRaises(ValidationError):
                self.connection.write({"environment": environment, "base_url": address})

    def test_only_a_finance_admin_tests_and_activates(self):
        for role in ("accountant", "operator", "auditor", "employee"):
            connection = self.connection.with_user(self.users[role])
            for action in ("action_test", "action_activate"):
                with self.subTest(role=role, action=action), self.assertRaises(AccessError):
                    getattr(connection, action)()

    def test_a_connection_that_was_not_seen_to_work_is_not_activated(self):
        with self.assertRaises(UserError):
            self.connection.with_user(self.users["admin"]).action_activate()
        self.assertEqual(self.connection.state, "draft")

    def test_an_operator_may_pause_and_an_accountant_not(self):
        self.connection.state = "active"
        with self.assertRaises(AccessError):
            self.connection.with_user(self.users["accountant"]).action_pause()
        self.connection.with_user(self.users["operator"]).action_pause()
        self.assertEqual(self.connection.state, "paused")

    def test_r40_a_copy_of_the_database_may_not_send(self):
        self.connection.write(
            {"state": "active", "sealed_database": self.connection._database_uuid()}
        )
        self.assertIsNone(self.connection._blocking_finding())
        self.env["ir.config_parameter"].sudo().set_param("database.uuid", "a-copy")
        self.assertEqual(self.connection._blocking_finding().code, "connection.database_copy")
        self.assertNotIn(self.connection, self.env["finance.connection"]._usable_for_sending())
        self.assertEqual(self.connection.blocking_finding["code"], "connection.database_copy")

    def test_r40_a_neutralized_database_does_not_send_to_production(self):
        self.connection.write(
            {
                "base_url": "https://provider.example",
                "environment": "production",
                "sealed_database": self.connection._database_uuid(),
            }
        )
        self.assertIsNone(self.connection._blocking_finding())
        self.env["ir.config_parameter"].sudo().set_param("database.is_neutralized", "1")
        self.assertEqual(
            self.connection._blocking_finding().code, "connection.database_neutralized"
        )

    def test_r40_neutralizing_takes_secrets_and_what_waits(self):
        self.connection._set_secret("client_secret", "secret")
        exchange = self.enqueue()
        self.env.flush_all()
        with open(self._neutralize_file(), encoding="utf-8") as statements:
            self.env.cr.execute(statements.read())
        self.env.invalidate_all()
        self.assertFalse(self.connection.credential_ids)
        self.assertEqual(self.connection.state, "paused")
        self.assertEqual(exchange.state, "cancelled")

    def test_changes_are_evidence(self):
        self.connection.name = "Renamed"
        entry = self.env["finance.audit.entry"].search(
            [("record_model", "=", "finance.connection"), ("record_id", "=", self.connection.id)],
            limit=1,
        )
        self.assertEqual(entry.action, "configuration.changed")
        self.assertIn("Renamed", entry.canonical_text)

    def _neutralize_file(self):
        from odoo.tools import file_path

        return file_path("finance_connector_base/data/neutralize.sql")
