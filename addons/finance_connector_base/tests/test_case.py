"""R30: cases are opened and closed in bulk, have an owner and a deadline, and are escalated."""

import json
from datetime import timedelta

from odoo import SUPERUSER_ID, fields
from odoo.addons.finance_audit.tests.common import unguarded
from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged
from odoo.tools import file_open, mute_logger
from psycopg2 import IntegrityError

from ..core import cases
from ..core.delivery import states
from .common_case import CaseCase


@tagged("post_install", "-at_install")
class TestCase(CaseCase):
    def test_a_case_says_whose_task_it_is_and_until_when(self):
        self.company.write(
            {"finance_case_user_id": self.users["operator"].id, "finance_case_hours": 6}
        )
        case = self.open_case(self.enqueue())
        self.assertEqual(case.user_id, self.users["operator"])
        self.assertEqual(case.deadline - case.opened_at, timedelta(hours=6))
        self.assertEqual((case.state, case.kind, case.name), ("open", "budget", "Document"))

    def test_without_an_owner_a_case_waits_in_the_list(self):
        case = self.open_case(self.enqueue())
        self.assertFalse(case.user_id)
        self.assertEqual(case.deadline - case.opened_at, timedelta(hours=24))
        self.env["finance.case"]._remind_owners()
        self.assertFalse(case.activity_ids)

    def test_an_owner_who_left_gets_no_new_cases(self):
        self.company.finance_case_user_id = self.users["operator"]
        self.users["operator"].active = False
        self.assertFalse(self.open_case(self.enqueue()).user_id)

    def test_a_second_reason_renews_the_open_case_instead_of_opening_another(self):
        exchange = self.enqueue()
        case = self.open_case(exchange)
        again = self.open_case(exchange, cases.CONTRACT, what_happened="Not JSON")
        self.assertEqual(again, case)
        self.assertEqual((case.kind, case.what_happened), (cases.CONTRACT, "Not JSON"))
        self.assertEqual(self.entries(case).mapped("action"), ["case.updated", "case.opened"])

    def test_the_same_reason_again_leaves_no_trace(self):
        exchange = self.enqueue()
        case = self.open_case(exchange)
        self.assertFalse(self.open_case(exchange))
        self.assertEqual(self.entries(case).mapped("action"), ["case.opened"])

    def test_the_database_refuses_a_second_open_case_of_an_exchange(self):
        case = self.open_case(self.enqueue())
        with mute_logger("odoo.sql_db"), self.assertRaises(IntegrityError), self.cr.savepoint():
            self.cr.execute(
                """INSERT INTO finance_case (name, exchange_id, connection_id, company_id, kind, state, opened_at, deadline)
                   SELECT name, exchange_id, connection_id, company_id, kind, state, opened_at, deadline
                     FROM finance_case WHERE id = %s""",
                [case.id],
            )

    def test_a_thousand_cases_are_a_handful_of_statements(self):
        exchange = self.enqueue()
        self.env.flush_all()
        unguarded(self.env, "finance_exchange")
        self.cr.execute(
            """INSERT INTO finance_exchange (connection_id, company_id, operation, idempotency_key, correlation_id,
                                             payload_sha256, state, document_model, document_id, document_name)
               SELECT connection_id, company_id, operation, 'many-' || i, correlation_id, payload_sha256, 'failed',
                      document_model, document_id, document_name
                 FROM finance_exchange, generate_series(1, 1000) i WHERE id = %s RETURNING id""",
            [exchange.id],
        )
        rows = [
            {**self.row(exchange), "exchange_id": exchange_id}
            for (exchange_id,) in self.cr.fetchall()
        ]
        ids = [row["exchange_id"] for row in rows]
        self.env.flush_all()
        before = self.cr.sql_log_count
        opened = self.env["finance.case"]._open_many(rows)
        closed = self.env["finance.case"]._close_many(ids)
        self.assertLess(self.cr.sql_log_count - before, 15)
        self.assertEqual((len(opened), sorted(closed)), (1000, sorted(opened)))

    def test_closing_where_nothing_is_open_is_one_statement_and_no_entry(self):
        exchange = self.enqueue()
        self.env.flush_all()
        before = self.cr.sql_log_count
        self.assertEqual(self.env["finance.case"]._close_many(exchange.ids), [])
        self.assertEqual(self.cr.sql_log_count - before, 1)

    def test_an_exchange_that_moves_on_by_itself_closes_its_case(self):
        case = self.open_case(self.enqueue())
        self.env["finance.case"]._close_many(case.exchange_id.ids)
        self.assertEqual((case.state, case.resolution), ("resolved", "settled"))
        self.assertFalse(case.resolved_by_id)
        self.assertTrue(case.resolved_at)
        self.assertEqual(self.entries(case)[0].action, "case.settled")

    def test_the_end_of_a_case_is_read_from_what_the_exchange_became(self):
        operator = self.users["operator"]
        for number, (uid, state, resolution) in enumerate(
            (
                (SUPERUSER_ID, states.PENDING, "settled"),
                (operator.id, states.PENDING, "retried"),
                (operator.id, states.CANCELLED, "cancelled"),
                (SUPERUSER_ID, states.SUPERSEDED, "superseded"),
            )
        ):
            with self.subTest(state=state, uid=uid):
                case = self.stuck(states.FAILED, f"end-{number}")
                case.exchange_id.with_user(uid).sudo()._transition(state, "moved on")
                case.invalidate_recordset()
                self.assertEqual((case.state, case.resolution), ("resolved", resolution))
                self.assertEqual(case.resolved_by_id.id, uid if uid != SUPERUSER_ID else False)

    def test_a_resolved_case_stays_and_a_new_one_may_follow(self):
        exchange = self.enqueue()
        first = self.open_case(exchange)
        self.env["finance.case"]._close_many(exchange.ids)
        second = self.open_case(exchange)
        self.assertNotEqual(first, second)
        self.assertEqual(exchange.case_ids, first + second)
        self.assertEqual(exchange.open_case_id, second)

    def test_each_case_is_evidence_on_the_document(self):
        case = self.open_case(self.enqueue())
        (entry,) = self.entries(case)
        self.assertEqual(
            (entry.document_model, entry.document_id, entry.company_id, entry.correlation_id),
            (case.document_model, case.document_id, self.company, case.correlation_id),
        )
        self.assertEqual(entry.action, "case.opened")
        self.assertEqual(json.loads(entry.canonical_text)["details"]["kind"], cases.BUDGET)

    def test_what_a_provider_says_is_stored_whatever_characters_it_has(self):
        case = self.open_case(self.enqueue(), what_happened="a\x00b \ud800 <b>'%s")
        self.assertEqual(case.what_happened, "a\ufffdb \ufffd <b>'%s")

    def test_a_neutralized_copy_has_no_open_case_of_what_it_cancelled(self):
        held, failed = self.enqueue(), self.stuck(states.FAILED, "key-2")
        held.with_user(self.users["operator"]).action_hold()
        case = held.open_case_id
        self.env.flush_all()
        with file_open("finance_connector_base/data/neutralize.sql") as statements:
            self.cr.execute(statements.read())
        self.env.invalidate_all()
        self.assertEqual((held.state, case.state), (states.CANCELLED, "resolved"))
        self.assertEqual(failed.state, "open")

    def test_cases_are_neither_deleted_nor_duplicated(self):
        case = self.open_case(self.enqueue())
        with self.assertRaises(UserError):
            case.unlink()
        with self.assertRaises(UserError):
            case.copy()


@tagged("post_install", "-at_install")
class TestCaseReminder(CaseCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.operator = cls.users["operator"]
        cls.company.finance_case_user_id = cls.operator

    def test_the_owner_of_a_new_case_gets_one_to_do(self):
        case = self.open_case(self.enqueue(), what_happened="<script>1</script>")
        self.assertEqual(self.env["finance.case"]._remind_owners(), 1)
        self.assertEqual(self.env["finance.case"]._remind_owners(), 0)
        (to_do,) = case.activity_ids
        self.assertEqual((to_do.user_id, to_do.summary), (self.operator, "Decide: Document"))
        self.assertNotIn("<script>", to_do.note)

    def test_an_owner_without_the_role_gets_no_to_do_and_blocks_no_other_case(self):
        case = self.open_case(self.enqueue())
        self.operator.group_ids -= self.env.ref("finance_connector_base.group_operator")
        self.assertEqual(self.env["finance.case"]._remind_owners(), 1)
        self.assertFalse(case.activity_ids)

    def test_a_case_past_its_deadline_is_escalated_once(self):
        self.company.finance_case_escalation_user_id = self.second_operator()
        late, early = self.open_case(self.enqueue()), self.open_case(self.enqueue(key="key-2"))
        late.deadline = fields.Datetime.now() - timedelta(minutes=1)
        self.assertTrue(late.is_overdue)
        self.assertEqual(self.env["finance.case"]._escalate_overdue(), 1)
        self.assertEqual(self.env["finance.case"]._escalate_overdue(), 0)
        self.assertTrue(late.escalated_at)
        self.assertFalse(early.escalated_at)
        (to_do,) = late.activity_ids
        self.assertEqual(to_do.user_id, self.company.finance_case_escalation_user_id)
        self.assertEqual(to_do.summary, "Overdue: Document")
        self.assertEqual(self.entries(late)[0].action, "case.escalated")

    def test_without_a_person_to_escalate_to_all_operators_of_the_company_get_it(self):
        second = self.second_operator()
        foreign = self.second_operator("finance-foreign", self.other_company)
        case = self.open_case(self.enqueue())
        case.deadline = fields.Datetime.now() - timedelta(minutes=1)
        self.env["finance.case"]._escalate_overdue()
        everybody = self.operator + second + foreign
        self.assertEqual(
            case.activity_ids.user_id & everybody, second, "the owner has the to-do already"
        )

    def test_more_time_takes_the_escalation_back(self):
        case = self.open_case(self.enqueue())
        case.deadline = fields.Datetime.now() - timedelta(minutes=1)
        self.env["finance.case"]._escalate_overdue()
        case.deadline = fields.Datetime.now() + timedelta(hours=1)
        self.assertFalse(case.escalated_at)

    def test_the_to_do_goes_when_the_case_is_settled_without_a_person(self):
        case = self.open_case(self.enqueue())
        self.env["finance.case"]._remind_owners()
        own = case.activity_schedule("mail.mail_activity_data_todo", user_id=self.operator.id)
        own.automated = False
        self.env["finance.case"]._close_many(case.exchange_id.ids)
        self.assertEqual(self.env["finance.case"]._drop_stale_reminders(), 1)
        self.assertEqual(case.activity_ids, own)

    def test_a_new_owner_gets_the_to_do_of_the_old_one(self):
        case = self.open_case(self.enqueue())
        self.env["finance.case"]._remind_owners()
        second = self.second_operator()
        case.with_user(self.operator).user_id = second
        self.assertFalse(case.activity_ids)
        self.env["finance.case"]._remind_owners()
        self.assertEqual(case.activity_ids.user_id, second)
        self.assertEqual(self.entries(case)[0].action, "case.changed")

    def test_only_an_operator_of_the_company_can_own_a_case(self):
        case = self.open_case(self.enqueue())
        foreign = self.second_operator("finance-foreign", self.other_company)
        for user in (self.users["accountant"], self.users["admin"], foreign):
            with self.subTest(user=user.login):
                with self.assertRaises(ValidationError), self.cr.savepoint():
                    case.user_id = user
                with self.assertRaises(ValidationError), self.cr.savepoint():
                    self.company.finance_case_user_id = user

    def test_the_scheduled_action_reminds_and_escalates(self):
        case = self.open_case(self.enqueue())
        case.deadline = fields.Datetime.now() - timedelta(minutes=1)
        self.company.finance_case_escalation_user_id = self.second_operator()
        cron = self.env.ref("finance_connector_base.ir_cron_cases")
        with self.enter_registry_test_mode():
            cron.method_direct_trigger()
        self.assertEqual(
            set(case.activity_ids.mapped("summary")), {"Decide: Document", "Overdue: Document"}
        )
        self.assertTrue(case.escalated_at)

    def test_escalation_does_not_touch_what_is_resolved(self):
        case = self.stuck(states.FAILED)
        case.deadline = fields.Datetime.now() - timedelta(minutes=1)
        self.env["finance.case"]._close_many(case.exchange_id.ids)
        self.assertEqual(self.env["finance.case"]._escalate_overdue(), 0)

    def second_operator(self, login="finance-second", company=None):
        company = company or self.company
        return self.operator.with_context(no_reset_password=True).copy(
            {
                "login": login,
                "name": login,
                "company_id": company.id,
                "company_ids": [(6, 0, company.ids)],
            }
        )
