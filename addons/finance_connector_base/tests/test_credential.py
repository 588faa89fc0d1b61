"""R40: secrets are unreadable in the database, through RPC and for every role."""

import os
from unittest.mock import patch

from odoo.addons.finance_audit.core.keyring import Unreadable
from odoo.exceptions import AccessError
from odoo.tests import tagged

from ..core.security.vault import ENVIRONMENT_KEYS
from ..exceptions import CredentialError
from ..secret_store import open_secrets
from .common import ConnectorCase

SECRET = "pa55-word-that-is-never-shown"


@tagged("post_install", "-at_install")
class TestCredential(ConnectorCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.connection._set_secret("client_secret", SECRET)
        cls.credential = cls.connection.credential_ids

    def test_the_adapter_gets_the_secret_back(self):
        self.assertEqual(open_secrets(self.connection)["client_secret"], SECRET)

    def test_the_database_does_not_hold_it(self):
        self.env.cr.execute("SELECT row_to_json(c)::text FROM finance_credential c")
        rows = " ".join(row[0] for row in self.env.cr.fetchall())
        self.assertIn("v2:test:", rows)
        self.assertNotIn(SECRET, rows)

    def test_no_role_reads_the_ciphertext(self):
        for role, user in self.users.items():
            with self.subTest(role=role), self.assertRaises(AccessError):
                self.credential.with_user(user).read(["ciphertext"])

    def test_no_role_finds_it_by_searching(self):
        for role, user in self.users.items():
            with self.subTest(role=role), self.assertRaises(AccessError):
                self.env["finance.credential"].with_user(user).search(
                    [("ciphertext", "like", "v1")]
                )

    def test_no_role_writes_credentials_directly(self):
        for role, user in self.users.items():
            with self.subTest(role=role), self.assertRaises(AccessError):
                self.credential.with_user(user).write({"purpose": "x"})

    def test_a_ciphertext_copied_to_another_connection_does_not_open(self):
        other = self.connection.copy({"name": "Second"})
        other._set_secret("client_secret", "another")
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE finance_credential SET ciphertext = %s WHERE id = %s",
            (self.credential.sudo().ciphertext, other.credential_ids.id),
        )
        self.env.invalidate_all()
        with self.assertRaises(CredentialError) as caught:
            open_secrets(other)["client_secret"]
        self.assertIsInstance(caught.exception.__cause__, Unreadable)

    def test_a_copied_database_does_not_open_it(self):
        self.env["ir.config_parameter"].sudo().set_param("database.uuid", "a-copy")
        with self.assertRaises(CredentialError):
            open_secrets(self.connection)["client_secret"]

    def test_a_change_of_environment_drops_the_secrets(self):
        self.connection.base_url = "https://provider.example"
        self.connection.environment = "production"
        self.assertFalse(self.connection.credential_ids)

    def test_without_a_key_ring_the_message_names_the_setting_to_correct(self):
        with (
            patch.dict(os.environ, {"FINANCE_CONNECT_KEY_FILE": ""}),
            self.assertRaisesRegex(CredentialError, "FINANCE_CONNECT_KEY_FILE"),
        ):
            os.environ.pop(ENVIRONMENT_KEYS)
            self.connection._set_secret("client_secret", "x")

    def test_setting_a_secret_is_evidence_without_the_secret(self):
        entries = self.env["finance.audit.entry"].search(
            [("record_model", "=", "finance.connection"), ("record_id", "=", self.connection.id)]
        )
        self.assertIn("credential.set", entries.mapped("action"))
        self.assertNotIn(SECRET, " ".join(entries.mapped("canonical_text")))

    def test_a_copied_connection_has_no_secret(self):
        self.assertFalse(self.connection.copy().credential_ids)
