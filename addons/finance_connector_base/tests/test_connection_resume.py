"""An operator lets go on what was paused, and nothing that was never activated, tested or meant for here."""

from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from .common_operations import OperationsCase


@tagged("post_install", "-at_install")
class TestConnectionResume(OperationsCase):
    def setUp(self):
        super().setUp()
        self.seal()
        self.as_operator = self.connection.with_user(self.users["operator"])
        # Which settings and secrets a provider needs is its addon's affair.
        self.missing([])

    def missing(self, labels):
        """Let the provider declare which settings are missing."""
        adapter = self.registry[self.connection._adapter()._name]
        self.patch(adapter, "_missing_settings", lambda _self, _connection: labels)

    def test_operators_and_admins_resume_and_others_not(self):
        for role in ("operator", "admin"):
            self.connection.state = "paused"
            self.connection.with_user(self.users[role]).action_resume()
            self.assertEqual(self.connection.state, "active")
        self.connection.state = "paused"
        for role in ("accountant", "auditor", "employee"):
            with self.subTest(role=role), self.assertRaises(AccessError):
                self.connection.with_user(self.users[role]).action_resume()
        self.assertEqual(self.connection.state, "paused")

    def test_resuming_is_evidence_with_the_name_of_who_asked(self):
        self.as_operator.action_resume()
        entry = self.entries(self.connection)[0]
        self.assertEqual(entry.action, "configuration.changed")
        self.assertEqual(entry.user_id, self.users["operator"])
        self.assertIn("state", entry.canonical_text)

    def test_what_was_never_activated_is_not_resumed(self):
        for state in ("draft", "active"):
            self.connection.state = state
            with self.subTest(state=state), self.assertRaises(UserError):
                self.as_operator.action_resume()
            self.assertEqual(self.connection.state, state)

    def test_a_connection_that_was_not_seen_to_work_is_not_resumed(self):
        for result in ("never", "failed"):
            self.connection.last_test_result = result
            with self.subTest(result=result), self.assertRaises(UserError):
                self.as_operator.action_resume()
        self.assertEqual(self.connection.state, "paused")

    def test_r40_a_copy_of_the_database_is_not_resumed(self):
        self.env["ir.config_parameter"].sudo().set_param("database.uuid", "a-copy")
        with self.assertRaises(UserError):
            self.as_operator.action_resume()
        self.assertEqual(self.connection.state, "paused")

    def test_another_environment_must_be_tested_first(self):
        self.connection.write({"environment": "test", "base_url": "https://provider.example"})
        with self.assertRaises(UserError):
            self.as_operator.action_resume()

    def test_missing_settings_are_named(self):
        self.missing(["API key"])
        with self.assertRaisesRegex(UserError, "API key"):
            self.as_operator.action_resume()

    def test_an_operator_of_another_company_resumes_nothing(self):
        self.users["operator"].write(
            {"company_ids": [(6, 0, self.other_company.ids)], "company_id": self.other_company.id}
        )
        with self.assertRaises(AccessError):
            self.as_operator.action_resume()
