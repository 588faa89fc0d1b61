"""Forms open for every role, with the fields the role may read; also when the provider's addon is
gone.
"""

from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, new_test_user, tagged

from ..core.delivery import states
from .common_case import CaseCase

ROLES = ("accountant", "operator", "admin", "auditor")


@tagged("post_install", "-at_install")
class TestForms(CaseCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.connection._set_secret("client_secret", "secret")
        cls.env["finance.retry.policy"].create({"connection_id": cls.connection.id})

    def setUp(self):
        super().setUp()
        self.case = self.stuck(states.FAILED)
        self.records = (
            self.connection,
            self.case.exchange_id,
            self.case,
            self.env["finance.exchange.attempt"].create(
                {
                    "exchange_id": self.case.exchange_id.id,
                    "token": "t",
                    "step": "send",
                    "started_at": "2026-01-01 00:00:00",
                }
            ),
        )

    def open_all(self):
        self.env.flush_all()
        for role in ROLES:
            for record in self.records:
                self.env.invalidate_all()
                with self.subTest(role=role, model=record._name):
                    self.assertTrue(Form(record.with_user(self.users[role])))

    def test_every_role_opens_every_form(self):
        self.open_all()

    def test_also_when_the_provider_s_addon_is_gone(self):
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE finance_connection SET provider = 'gone' WHERE id = %s", (self.connection.id,)
        )
        self.open_all()

    def test_what_a_test_or_an_activation_stores_is_not_written_by_hand(self):
        admin = self.connection.with_user(self.users["admin"])
        for values in (
            {"state": "active"},
            {"last_test_result": "ok"},
            {"sealed_database": self.connection._database_uuid()},
            {"blocking_finding": False},
        ):
            with self.subTest(values=values), self.assertRaises(AccessError):
                admin.write(values)
            with self.subTest(values=values, method="create"), self.assertRaises(AccessError):
                admin.create(
                    {
                        "name": "x",
                        "company_id": self.company.id,
                        "provider": self.connection.provider,
                        **values,
                    }
                )

    def test_a_connection_with_exchanges_stays_in_its_company(self):
        with self.assertRaises(UserError):
            self.connection.company_id = self.other_company
        self.assertEqual(self.connection.company_id, self.company)

    def test_another_host_needs_the_secret_and_a_test_again(self):
        self.connection.write({"state": "active", "last_test_result": "ok"})
        self.connection.base_url = f"{self.connection.base_url}/v2"
        self.assertEqual(
            (self.connection.state, self.connection.last_test_result), ("active", "ok")
        )
        self.assertTrue(self.connection.credential_ids)
        self.connection.base_url = "http://127.0.0.2:9"
        self.assertEqual(
            (self.connection.state, self.connection.last_test_result), ("paused", "never")
        )
        self.assertFalse(self.connection.credential_ids)

    def test_a_portal_user_sees_none_of_our_fields_on_an_invoice(self):
        portal = new_test_user(self.env, "finance-portal", groups="base.group_portal")
        for model in ("account.move", "account.move.line"):
            ours = {
                name
                for name, field in self.env[model]._fields.items()
                if (field._module or "").startswith("finance_")
            }
            seen = self.env[model].with_user(portal).fields_get()
            with self.subTest(model=model):
                self.assertFalse(ours & set(seen))
        self.assertTrue(
            {"audit_timeline", "audit_entry_count"} <= set(self.env["account.move"].fields_get())
        )
