"""R39: what each role may read; no role reads another company; users without a role read nothing."""

from odoo.addons.finance_audit.exceptions import EvidenceIsAppendOnly
from odoo.exceptions import AccessError
from odoo.tests import tagged

from .common import ConnectorCase

MODELS = ("finance.connection", "finance.exchange", "finance.exchange.attempt")


@tagged("post_install", "-at_install")
class TestSecurity(ConnectorCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.connection._set_secret("client_secret", "secret")
        cls.partner = cls.env["res.partner"].create({"name": "Document"})
        cls.exchange = cls.env["finance.exchange"]._enqueue(
            cls.connection,
            cls.operation,
            b"<xml/>",
            key="k",
            owner=cls.partner,
            document=cls.partner,
        )
        cls.attempt = cls.env["finance.exchange.attempt"].create(
            {
                "exchange_id": cls.exchange.id,
                "token": "t",
                "step": "send",
                "started_at": "2026-01-01 00:00:00",
                "response_body": b"eA==",
            }
        )

    def test_a_user_without_a_role_reads_nothing(self):
        for model in (*MODELS, "finance.credential"):
            with self.subTest(model=model), self.assertRaises(AccessError):
                self.env[model].with_user(self.users["employee"]).search([])

    def test_roles_read_their_own_company_only(self):
        for role in ("accountant", "operator", "admin", "auditor"):
            user = self.users[role]
            for model in MODELS:
                with self.subTest(role=role, model=model):
                    self.assertTrue(self.env[model].with_user(user).search([]))
                    self.assertEqual(
                        self.env[model].with_user(user).search([]).company_id, self.company
                    )
        for user in self.users.values():
            user.write(
                {
                    "company_ids": [(6, 0, self.other_company.ids)],
                    "company_id": self.other_company.id,
                }
            )
        for role in ("accountant", "operator", "admin", "auditor"):
            for model in MODELS:
                with self.subTest(role=role, model=model, company="other"):
                    self.assertFalse(self.env[model].with_user(self.users[role]).search([]))

    def test_payloads_and_answers_are_for_operators_and_auditors(self):
        for role in ("accountant", "admin"):
            with self.subTest(role=role):
                with self.assertRaises(AccessError):
                    self.exchange.with_user(self.users[role]).read(["payload"])
                with self.assertRaises(AccessError):
                    self.attempt.with_user(self.users[role]).read(["response_body"])
        for role in ("operator", "auditor"):
            with self.subTest(role=role):
                self.assertTrue(self.exchange.with_user(self.users[role]).payload)

    def test_no_role_writes_exchanges_through_rpc(self):
        for role, user in self.users.items():
            with self.subTest(role=role), self.assertRaises(AccessError):
                self.exchange.with_user(user).write({"state": "accepted"})
            with self.subTest(role=role), self.assertRaises(EvidenceIsAppendOnly):
                self.attempt.with_user(user).write({"outcome": "accepted"})

    def test_only_finance_admins_configure(self):
        for role in ("accountant", "operator", "auditor", "employee"):
            with self.subTest(role=role), self.assertRaises(AccessError):
                self.connection.with_user(self.users[role]).write({"name": "x"})
        self.connection.with_user(self.users["admin"]).write({"name": "x"})
