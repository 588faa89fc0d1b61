"""R39: which roles read webhook events and generate webhook URLs; no role changes or deletes the evidence."""

from odoo.addons.finance_audit.exceptions import EvidenceIsAppendOnly
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import tagged
from odoo.tools import file_path

from ..core.security.webhook import WebhookRefused
from ..secret_store import open_secrets, webhook_secrets
from .webhook_case import OTHER_SECRET, SECRET, WebhookCase, message, signed

READERS = ("operator", "auditor")


@tagged("post_install", "-at_install")
class TestWebhookRights(WebhookCase):
    def setUp(self):
        super().setUp()
        self.event = self.receive_event(reference="r-1")
        self.env.flush_all()

    def test_a_user_without_a_role_reads_nothing(self):
        with self.assertRaises(AccessError):
            self.events.with_user(self.users["employee"]).search([])

    def test_content_is_for_operators_and_auditors(self):
        for role in READERS:
            with self.subTest(role=role):
                mine = self.event.with_user(self.users[role])
                self.assertIn("r-1", mine.body_text)
                self.assertIn("webhook-id: msg_1", mine.headers_text)
        for role in ("accountant", "admin"):
            for name in ("body", "body_text", "headers", "headers_text"):
                with self.subTest(role=role, field=name), self.assertRaises(AccessError):
                    self.event.with_user(self.users[role]).read([name])
            self.assertTrue(self.event.with_user(self.users[role]).read(["state", "reason"]))

    def test_another_company_sees_nothing(self):
        for user in self.users.values():
            user.write(
                {
                    "company_ids": [(6, 0, self.other_company.ids)],
                    "company_id": self.other_company.id,
                }
            )
        for role in ("accountant", "operator", "admin", "auditor"):
            with self.subTest(role=role):
                self.assertFalse(self.events.with_user(self.users[role]).search([]))
                with self.assertRaises(AccessError):
                    self.event.with_user(self.users[role]).read(["state"])

    def test_no_role_writes_creates_or_deletes_through_rpc(self):
        values = {"connection_id": self.connection.id, "state": "received"}
        for role, user in self.users.items():
            with self.subTest(role=role):
                with self.assertRaises(AccessError):
                    self.event.with_user(user).write({"state": "processed"})
                with self.assertRaises(AccessError):
                    self.events.with_user(user).create(values)
                with self.assertRaises(AccessError):
                    self.event.with_user(user).unlink()

    def test_evidence_is_changed_by_no_code_either(self):
        event = self.event.sudo()
        for name in ("body", "body_sha256", "headers", "received_at", "dedupe_key", "position"):
            with self.subTest(field=name), self.assertRaises(EvidenceIsAppendOnly):
                event.write({name: False})
        with self.assertRaises(UserError):
            event.unlink()
        with self.assertRaises(UserError):
            event.copy()

    def test_only_operators_process_again_and_only_what_ended_badly(self):
        with self.assertRaises(UserError):
            self.event.with_user(self.users["operator"]).action_process_again()
        self.event.state = "failed"
        for role in ("accountant", "admin", "auditor", "employee"):
            with self.subTest(role=role), self.assertRaises(AccessError):
                self.event.with_user(self.users[role]).action_process_again()
        self.event.with_user(self.users["operator"]).action_process_again()
        self.assertEqual(self.event.state, "received")


@tagged("post_install", "-at_install")
class TestWebhookAddress(WebhookCase):
    def by_token(self, token):
        return self.env["finance.connection"]._by_webhook_token(token)

    def test_only_finance_admins_make_and_see_an_address(self):
        for role in ("accountant", "operator", "auditor", "employee"):
            mine = self.connection.with_user(self.users[role])
            for action in (
                "action_renew_webhook_token",
                "action_close_webhook",
                "action_revoke_previous_webhook_secret",
            ):
                with self.subTest(role=role, action=action), self.assertRaises(AccessError):
                    getattr(mine, action)()
            for name in ("webhook_token", "webhook_token_sha256", "webhook_url"):
                with self.subTest(role=role, field=name), self.assertRaises(AccessError):
                    mine.read([name])
        admin = self.connection.with_user(self.users["admin"])
        admin.action_renew_webhook_token()
        self.assertTrue(admin.webhook_url.endswith(f"/finance/webhook/{admin.webhook_token}"))

    def test_an_address_is_never_chosen(self):
        admin = self.connection.with_user(self.users["admin"])
        for name in ("webhook_token", "webhook_token_sha256"):
            with self.subTest(field=name), self.assertRaises(AccessError):
                admin.write({name: "guess"})
            with self.subTest(field=name), self.assertRaises(AccessError):
                admin.create({"name": "x", name: "guess"})

    def test_a_new_address_closes_the_old_one(self):
        old = self.connection.webhook_token
        self.assertEqual(self.by_token(old), self.connection)
        self.by_admin.action_renew_webhook_token()
        new = self.connection.webhook_token
        self.assertNotEqual(old, new)
        self.assertFalse(self.by_token(old))
        self.assertEqual(self.by_token(new), self.connection)
        self.assertGreaterEqual(len(new), 43)

    def test_a_removed_address_matches_no_connection(self):
        old = self.connection.webhook_token
        self.by_admin.action_close_webhook()
        self.assertFalse(self.by_token(old))
        self.assertFalse(self.by_token(""))
        self.assertFalse(self.by_token(False))

    def test_a_copy_of_a_connection_has_no_address(self):
        copy = self.connection.copy()
        self.assertFalse(copy.webhook_token)
        self.assertFalse(copy.webhook_secret_is_set)

    def test_a_new_address_is_evidence_without_the_address(self):
        self.by_admin.action_renew_webhook_token()
        entries = self.entries(self.connection)
        self.assertEqual(entries[0].action, "webhook_url.generated")
        self.assertNotIn(self.connection.webhook_token, " ".join(entries.mapped("canonical_text")))

    def test_during_a_rotation_both_secrets_are_accepted(self):
        self.connection.webhook_secret = OTHER_SECRET
        self.assertTrue(self.connection.webhook_previous_is_set)
        for number, secret in enumerate((SECRET, OTHER_SECRET)):
            body = message(reference=f"r-{number}")
            headers = signed(body, f"msg_{number}", secret=secret)
            self.assertTrue(self.events._receive(self.connection, headers, body))
        self.by_admin.action_revoke_previous_webhook_secret()
        body = message(reference="r-3")
        with self.assertRaises(WebhookRefused):
            self.events._receive(self.connection, signed(body, "msg_3"), body)
        headers = signed(body, "msg_3", secret=OTHER_SECRET)
        self.assertTrue(self.events._receive(self.connection, headers, body))

    def test_entering_the_present_secret_again_starts_no_rotation(self):
        self.connection.webhook_secret = SECRET
        self.assertFalse(self.connection.webhook_previous_is_set)

    def test_the_secret_is_not_shown_again(self):
        self.connection.invalidate_recordset()
        self.assertFalse(self.connection.webhook_secret)
        self.assertTrue(self.connection.webhook_secret_is_set)

    def test_a_weak_secret_is_refused(self):
        for weak in ("short", "a" * 40, "whsec_" + "QQ" * 4):
            with self.subTest(secret=weak), self.assertRaises(ValidationError):
                self.connection.webhook_secret = weak
        self.assertEqual(webhook_secrets(open_secrets(self.connection)), (SECRET,))

    def test_r40_a_neutralized_copy_has_no_address_and_processes_nothing(self):
        event = self.receive_event(reference="r-1")
        token = self.connection.webhook_token
        self.env.flush_all()
        with open(
            file_path("finance_connector_base/data/neutralize.sql"), encoding="utf-8"
        ) as statements:
            self.cr.execute(statements.read())
        self.env.invalidate_all()
        self.assertFalse(self.by_token(token))
        self.assertEqual(event.state, "ignored")
        self.assertEqual(self.events._process_due(), 0)
