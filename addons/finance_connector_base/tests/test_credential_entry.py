"""Credentials declared as data: entered in one dialog, named by their label, stored as secrets."""

import base64
from unittest.mock import patch

from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, tagged

from ..core.credentials import Credential
from ..secret_store import CLIENT_CERTIFICATE, WEBHOOK_SECRET, open_secrets
from .common import ConnectorCase

SECRET = "canary-of-the-dialog-0123456789"
DECLARED = (
    Credential("signing_key", "Signing key", help="Issued with the account."),
    Credential("account_name", "Account", secret=False),
    Credential("second_key", "Second key", required=False),
    Credential("own_field", "Entered elsewhere", required=False, field="name"),
)


@tagged("post_install", "-at_install")
class TestCredentialEntry(ConnectorCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        adapter = type(cls.connection._adapter())
        cls.enterClassContext(patch.object(adapter, "_credentials", DECLARED))

    def dialog(self, user=None):
        connection = self.connection.with_user(user or self.users["admin"])
        action = connection.action_enter_credentials()
        return self.env[action["res_model"]].with_user(connection.env.user).browse(action["res_id"])

    def enter(self, **values):
        dialog = self.dialog()
        with Form(dialog) as form:
            for number, line in enumerate(dialog.line_ids):
                if line.name in values:
                    with form.line_ids.edit(number) as row:
                        name = "secret_value" if line.is_secret else "plain_value"
                        setattr(row, name, values[line.name])
        self.env.invalidate_all()
        return dialog

    def test_the_dialog_has_what_is_declared(self):
        rows = [
            (line.label, line.is_required, line.is_secret, line.hint or "")
            for line in self.dialog().line_ids
        ]
        self.assertEqual(
            rows,
            [
                ("Signing key", True, True, "Issued with the account."),
                ("Account", True, False, ""),
                ("Second key", False, True, ""),
            ],
        )

    def test_what_is_required_is_named_by_its_label(self):
        self.connection.base_url = "http://127.0.0.1:9"
        missing = self.connection.with_user(self.users["admin"])
        self.assertEqual(missing.missing_credentials, "Signing key, Account")
        self.assertNotIn("signing_key", str(self.connection._missing_settings()))
        self.enter(signing_key=SECRET, account_name="account-1")
        self.assertFalse(missing.missing_credentials)

    def test_values_are_stored_as_secrets_and_only_plain_ones_are_shown(self):
        dialog = self.enter(signing_key=SECRET, account_name="account-1")
        self.assertEqual(
            open_secrets(self.connection), {"signing_key": SECRET, "account_name": "account-1"}
        )
        lines = dialog.line_ids
        self.assertEqual(lines.mapped("secret_value"), [False, False, False])
        self.assertEqual(lines.mapped("plain_value"), [False, "account-1", False])
        self.assertEqual(lines.mapped("is_stored"), [True, True, False])
        self.env.flush_all()
        for table in ("finance_credential", "finance_credential_entry_line"):
            self.env.cr.execute(f"SELECT row_to_json(t)::text FROM {table} t")
            rows = " ".join(row[0] for row in self.env.cr.fetchall())
            self.assertNotIn(SECRET, rows)
            self.assertNotIn("account-1", rows)

    def test_canary_the_call_that_stores_a_secret_does_not_return_it(self):
        dialog, fields = self.dialog(), {"secret_value": {}, "plain_value": {}, "is_stored": {}}
        values = {"line_ids": [(1, dialog.line_ids[0].id, {"secret_value": SECRET})]}
        returned = dialog.web_save(values, {"line_ids": {"fields": fields}})
        self.assertNotIn(SECRET, str(returned))
        self.assertTrue(returned[0]["line_ids"][0]["is_stored"])
        self.assertEqual(open_secrets(self.connection)["signing_key"], SECRET)

    def test_canary_no_secret_of_a_connection_is_returned_by_the_call_that_stores_it(self):
        model = self.env["finance.connection"]
        names = [
            name
            for name, field in model._fields.items()
            if field.inverse and not field.store and not field.related and field.type == "char"
        ]
        self.assertIn("webhook_secret", names)
        values = {
            name: f"whsec_{base64.b64encode((name * 4)[:32].encode()).decode()}" for name in names
        }
        returned = self.connection.web_save(values, {name: {} for name in names})
        self.assertIn(values["webhook_secret"], open_secrets(self.connection).values())
        for name in names:
            with self.subTest(field=name):
                self.assertFalse(returned[0][name])

    def test_an_empty_entry_keeps_the_stored_secret(self):
        self.enter(signing_key=SECRET)
        self.enter(account_name="account-1")
        self.assertEqual(open_secrets(self.connection)["signing_key"], SECRET)

    def test_a_stored_credential_can_be_removed(self):
        dialog = self.enter(signing_key=SECRET)
        dialog.line_ids[0].action_remove()
        self.assertFalse(self.connection._has_secret("signing_key"))

    def test_the_audit_entry_and_the_list_name_it_by_its_label(self):
        self.enter(signing_key=SECRET)
        self.assertEqual(self.connection.credential_ids.label, "Signing key")
        entry = self.env["finance.audit.entry"].search(
            [("record_model", "=", "finance.connection"), ("action", "=", "credential.set")],
            order="id desc",
            limit=1,
        )
        self.assertIn("Signing key", entry.canonical_text)
        self.assertNotIn(SECRET, entry.canonical_text)

    def test_only_finance_admins_enter_credentials(self):
        for role in ("accountant", "operator", "auditor", "employee"):
            with self.subTest(role=role), self.assertRaises(AccessError):
                self.dialog(self.users[role])

    def test_another_companys_connection_is_not_reached(self):
        self.connection.flush_recordset()
        foreign = self.connection.create(
            {
                "name": "Elsewhere",
                "company_id": self.other_company.id,
                "provider": self.connection.provider,
                "environment": "sandbox",
            }
        )
        entry = self.env["finance.credential.entry"].with_user(self.users["admin"])
        with self.assertRaises(AccessError):
            entry.create(
                {
                    "connection_id": foreign.id,
                    "line_ids": [(0, 0, {"name": "signing_key", "secret_value": SECRET})],
                }
            )

    def test_only_declared_names_are_stored(self):
        entry = self.env["finance.credential.entry"].with_user(self.users["admin"])
        for name in (WEBHOOK_SECRET, CLIENT_CERTIFICATE, "own_field"):
            with self.subTest(name=name), self.assertRaises(UserError):
                entry.create(
                    {
                        "connection_id": self.connection.id,
                        "line_ids": [(0, 0, {"name": name, "secret_value": SECRET})],
                    }
                )
