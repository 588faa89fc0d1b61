"""R39: who sees and who decides cases; no other company; nothing private by remote call."""

from datetime import timedelta

from odoo import Command, fields
from odoo.exceptions import AccessError, ValidationError
from odoo.service.model import get_public_method
from odoo.tests import tagged

from ..core import cases
from ..core.delivery import states
from .common_case import CaseCase


@tagged("post_install", "-at_install")
class TestCaseSecurity(CaseCase):
    def setUp(self):
        super().setUp()
        self.case = self.stuck(states.FAILED)

    def test_roles_read_the_cases_of_their_own_company_and_other_users_none(self):
        for role in ("accountant", "operator", "admin", "auditor"):
            model = self.env["finance.case"].with_user(self.users[role])
            with self.subTest(role=role):
                self.assertIn(self.case, model.search([]))
                self.move(self.users[role])
                self.assertFalse(model.search([]))
        with self.assertRaises(AccessError):
            self.env["finance.case"].with_user(self.users["employee"]).search([])

    def test_only_operators_decide(self):
        for role in ("accountant", "admin", "auditor", "employee"):
            mine = self.case.with_user(self.users[role])
            for action in ("action_retry", "action_release", "action_decide", "action_take"):
                with self.subTest(role=role, action=action), self.assertRaises(AccessError):
                    getattr(mine, action)()
            with self.subTest(role=role), self.assertRaises(AccessError):
                self.env["finance.case.decision"].with_user(self.users[role]).create(
                    {"case_ids": [Command.set(self.case.ids)], "decision": cases.CANCEL}
                ).action_confirm()
        self.assertEqual(self.case.exchange_id.state, states.FAILED)

    def test_an_operator_of_another_company_decides_nothing_here(self):
        operator = self.users["operator"]
        self.move(operator)
        mine = self.case.with_user(operator)
        for action in ("action_retry", "action_take", "action_decide", "action_open_exchange"):
            with self.subTest(action=action), self.assertRaises(AccessError):
                getattr(mine, action)()
        with self.assertRaises(AccessError):
            self.env["finance.case.decision"].with_user(operator).create(
                {"case_ids": [Command.set(self.case.ids)], "decision": cases.CANCEL}
            ).action_confirm()
        self.assertEqual(self.case.exchange_id.state, states.FAILED)

    def test_a_hidden_button_is_not_the_guard(self):
        """The dialog called directly with a decision that the form does not offer."""
        rejected = self.stuck(states.REJECTED, "key-2", cases.REJECTED)
        wizard = self.env["finance.case.decision"].with_user(self.users["operator"])
        for decision in (cases.SEND_AGAIN, cases.ADOPT, cases.CANCEL, cases.RETRY):
            with self.subTest(decision=decision), self.assertRaisesRegex(Exception, "rejected"):
                wizard.create(
                    {
                        "case_ids": [Command.set(rejected.ids)],
                        "decision": decision,
                        "reference": "R",
                        "reason": "x",
                    }
                ).action_confirm()
        self.assertEqual(rejected.exchange_id.state, states.REJECTED)

    def test_remote_calls_change_only_the_owner_and_deadline_of_a_case(self):
        operator = self.users["operator"]
        self.case.with_user(operator).write({"user_id": operator.id})
        for values in (
            {"state": "resolved"},
            {"resolution": "cancelled"},
            {"reason": "x"},
            {"exchange_id": self.enqueue(key="key-2").id},
            {"company_id": self.other_company.id},
            {"user_id": operator.id, "what_happened": "nothing"},
        ):
            with self.subTest(values=values), self.assertRaises(AccessError):
                self.case.with_user(operator).write(values)
        for role in ("accountant", "admin", "auditor", "employee"):
            with self.subTest(role=role), self.assertRaises(AccessError):
                self.case.with_user(self.users[role]).write({"user_id": False})

    def test_no_role_creates_or_deletes_cases_by_remote_call(self):
        for role in ("accountant", "operator", "admin", "auditor", "employee"):
            model = self.env["finance.case"].with_user(self.users[role])
            with self.subTest(role=role), self.assertRaises(AccessError):
                model.create({"name": "x", "kind": cases.BUDGET})
            with self.subTest(role=role), self.assertRaises(AccessError):
                self.case.with_user(self.users[role]).unlink()

    def test_the_dispatchers_methods_are_out_of_reach(self):
        for name in ("_open_many", "_close_many", "_decide", "_cron_attend", "_remind_owners"):
            with self.subTest(method=name), self.assertRaises(AccessError):
                get_public_method(self.env["finance.case"], name)

    def test_operators_payload_rights_are_not_widened_by_a_case(self):
        accountant = self.case.with_user(self.users["accountant"])
        self.assertEqual(accountant.exchange_state, states.FAILED)
        with self.assertRaises(AccessError):
            accountant.exchange_id.read(["payload"])

    def move(self, user):
        user.write(
            {
                "company_ids": [Command.set(self.other_company.ids)],
                "company_id": self.other_company.id,
            }
        )

    def test_f21_a_deadline_lies_within_a_year(self):
        mine = self.case.with_user(self.users["operator"])
        before = mine.deadline
        for deadline in ("9999-12-31 00:00:00", "2200-01-01 00:00:00", False):
            with self.subTest(deadline=deadline), self.assertRaises(ValidationError):
                mine.write({"deadline": deadline})
        self.assertEqual(mine.deadline, before)
        mine.write({"deadline": fields.Datetime.now() + timedelta(days=7)})
        with self.assertRaises(ValidationError):
            self.company.finance_case_hours = 10**6
