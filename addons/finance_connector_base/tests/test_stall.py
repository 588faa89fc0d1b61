"""Stalls: each opens one case with owner and deadline, which closes when the stall has ended."""

from datetime import timedelta

from odoo import fields
from odoo.addons.finance_audit.tests.common import unguarded
from odoo.exceptions import UserError
from odoo.tests import tagged

from ..core import cases
from ..core.delivery import states
from ..core.delivery.outcomes import Accepted, AuthFailed
from .common_operations import OperationsCase


@tagged("post_install", "-at_install")
class TestStall(OperationsCase):
    def setUp(self):
        super().setUp()
        self.company.finance_case_user_id = self.users["operator"]

    def review(self):
        self.env["finance.stall"]._review()
        self.env.invalidate_all()

    def about_connection(self, kind, state="open"):
        return self.env["finance.case"].search(
            [
                ("connection_id", "=", self.connection.id),
                ("exchange_id", "=", False),
                ("kind", "=", kind),
                ("state", "=", state),
            ]
        )

    def waiting(self, state=states.WAITING, hours=25, key="key-1"):
        exchange = self.enqueue(key=key)
        exchange._transition(states.SENDING, "sending")
        exchange._transition(state, "sent", next_step_at=fields.Datetime.now())
        exchange.sent_at = fields.Datetime.now() - timedelta(hours=hours)
        return exchange

    # -- verdicts ----------------------------------------------------------------------------------
    # -------------

    def test_a_missing_verdict_opens_one_case_with_owner_and_deadline(self):
        for state in (states.WAITING, states.UNKNOWN):
            with self.subTest(state=state):
                exchange = self.waiting(state, key=state)
                self.review()
                self.review()
                case = exchange.case_ids
                self.assertEqual((case.kind, case.state), (cases.OVERDUE, "open"))
                self.assertEqual(case.user_id, self.users["operator"])
                self.assertGreater(case.deadline, fields.Datetime.now())
                self.assertIn(cases.RETRY, case.allowed_decisions)

    def test_a_verdict_within_its_deadline_is_no_stall(self):
        exchange = self.waiting(hours=23)
        self.review()
        self.assertFalse(exchange.case_ids)

    def test_the_policy_decides_the_deadline(self):
        exchange = self.waiting(hours=3)
        policy = self.env["finance.retry.policy"].create(
            {"connection_id": self.connection.id, "verdict_hours": 4}
        )
        self.review()
        self.assertFalse(exchange.case_ids)
        policy.verdict_hours = 2
        self.review()
        self.assertEqual(exchange.case_ids.finding["args"], {"hours": "2"})

    def test_the_operation_declares_the_deadline(self):
        exchange = self.waiting(hours=3)
        self.provider(verdict_hours=2.0)
        self.review()
        self.assertEqual(exchange.open_case_id.kind, cases.OVERDUE)

    def test_the_verdict_closes_the_case(self):
        exchange = self.waiting()
        self.review()
        exchange._transition(states.ACCEPTED, "accepted", answered_at=fields.Datetime.now())
        self.assertEqual(exchange.case_ids.resolution, cases.SETTLED)

    def test_a_dismissed_case_is_raised_again_after_one_period_only(self):
        exchange = self.waiting()
        self.review()
        exchange.open_case_id.with_user(self.users["operator"])._resolve(
            cases.DISMISS, reason="Announced for tomorrow"
        )
        self.review()
        self.assertFalse(exchange.open_case_id)
        self.env.flush_all()
        # A resolved case is evidence: only the database itself can age one.
        unguarded(self.env, "finance_case")
        exchange.case_ids.resolved_at -= timedelta(hours=25)
        self.review()
        self.assertTrue(exchange.open_case_id)

    # -- credentials
    # --------------------------------------------------------------------------------------------

    def refuse(self):
        self.seal("active")
        self.connection._note_test(self.connection._finding_of(AuthFailed("HTTP 401")))

    def test_refused_credentials_open_one_case_at_once(self):
        self.refuse()
        self.refuse()
        self.review()
        case = self.about_connection(cases.CREDENTIALS)
        self.assertEqual(len(case), 1)
        self.assertEqual(case.finding["args"], {"reason": "HTTP 401"})
        self.assertEqual(case.allowed_decisions, cases.DISMISS)
        self.assertTrue(case.advice)

    def test_a_passed_test_closes_it(self):
        self.refuse()
        self.connection._note_test(self.connection._finding_of(Accepted("r")))
        self.assertFalse(self.about_connection(cases.CREDENTIALS))
        self.assertEqual(
            self.about_connection(cases.CREDENTIALS, "resolved").resolution, cases.ENDED
        )

    def test_an_authorised_call_closes_it(self):
        self.refuse()
        self.connection.last_test_at -= timedelta(minutes=5)
        self.call(self.enqueue(), "transient", minutes_ago=1)
        self.review()
        self.assertTrue(self.about_connection(cases.CREDENTIALS))
        self.call(self.enqueue(key="key-2"), "rejected", minutes_ago=1)
        self.review()
        self.assertFalse(self.about_connection(cases.CREDENTIALS))
        self.assertEqual(self.connection.last_test_result, "ok")

    def test_a_draft_connection_under_setup_is_no_case(self):
        self.connection._note_test(self.connection._finding_of(AuthFailed("HTTP 401")))
        self.review()
        self.assertFalse(self.about_connection(cases.CREDENTIALS))

    # -- connections
    # --------------------------------------------------------------------------------------------

    def test_a_paused_connection_with_queued_exchanges_opens_one_case(self):
        self.seal("paused")
        self.review()
        self.assertFalse(self.about_connection(cases.STOPPED))
        self.enqueue()
        self.review()
        self.review()
        case = self.about_connection(cases.STOPPED)
        self.assertEqual(len(case), 1)
        self.assertEqual(case.user_id, self.users["operator"])
        self.assertEqual(case.name, self.connection.name)
        self.connection.state = "active"
        self.review()
        self.assertEqual((case.state, case.resolution), ("resolved", cases.ENDED))
        self.assertTrue(case.closing_text)

    def test_a_blocked_connection_says_why(self):
        self.seal("active")
        self.enqueue()
        self.env["ir.config_parameter"].sudo().set_param("database.uuid", "a-copy")
        self.env["finance.connection"]._usable_for_sending()
        self.review()
        case = self.about_connection(cases.STOPPED)
        self.assertEqual(case.finding["code"], "connection.database_copy")
        self.assertEqual(case.what_happened, self.connection.last_block)

    def test_cancelling_what_is_queued_ends_it(self):
        self.seal("paused")
        exchange = self.enqueue()
        self.review()
        case = self.about_connection(cases.STOPPED)
        exchange.with_user(self.users["operator"]).action_cancel()
        self.review()
        self.assertEqual(case.state, "resolved")

    def test_only_a_dismissal_is_possible_and_needs_a_reason(self):
        self.seal("paused")
        self.enqueue()
        self.review()
        case = self.about_connection(cases.STOPPED).with_user(self.users["operator"])
        for decision, reason in ((cases.RETRY, "x"), (cases.CANCEL, "x"), (cases.DISMISS, "")):
            with self.subTest(decision=decision), self.assertRaises(UserError):
                case._resolve(decision, reason=reason)
        case._resolve(cases.DISMISS, reason="Maintenance until Friday")
        self.assertEqual((case.resolution, case.reason), ("overridden", "Maintenance until Friday"))
        self.review()
        self.assertFalse(self.about_connection(cases.STOPPED))

    def test_a_stall_is_escalated_as_any_case(self):
        self.seal("paused")
        self.enqueue()
        self.review()
        case = self.about_connection(cases.STOPPED)
        case.deadline -= timedelta(days=2)
        self.env["finance.case"]._escalate_overdue()
        self.assertTrue(case.escalated_at)

    # -- a provider without its addon
    # ---------------------------------------------------------------------------

    def orphan(self):
        """The connection as it is after its provider's addon was uninstalled."""
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE finance_connection SET provider = 'gone' WHERE id = %s", (self.connection.id,)
        )
        self.env.invalidate_all()

    def test_without_its_addon_a_connection_is_paused_once(self):
        exchange = self.enqueue()
        self.seal("active")
        self.orphan()
        self.assertFalse(self.env["finance.connection"]._usable_for_sending())
        self.assertEqual(self.connection.state, "paused")
        self.assertEqual(self.connection.blocking_finding["code"], "connection.provider_missing")
        before = len(self.entries(self.connection))
        self.env["finance.connection"]._usable_for_sending()
        self.review()
        self.assertEqual(len(self.entries(self.connection)), before)
        self.assertTrue(self.about_connection(cases.STOPPED))
        with self.assertRaises(UserError):
            self.connection.with_user(self.users["operator"]).action_resume()
        exchange.with_user(self.users["operator"]).action_cancel()
        self.assertEqual(exchange.state, states.CANCELLED)


@tagged("post_install", "-at_install")
class TestCloseFor(OperationsCase):
    def test_what_is_withdrawn_closes_its_cases_and_to_dos(self):
        self.company.finance_case_user_id = self.users["operator"]
        case = self.stuck(states.FAILED)
        self.env["finance.case"]._remind_owners()
        self.assertTrue(case.activity_ids)
        document = self.env["res.partner"].browse(case.document_id)
        self.env["finance.case"]._close_for(document, "Withdrawn")
        self.assertEqual((case.state, case.reason), ("resolved", "Withdrawn"))
        self.assertFalse(case.activity_ids)

    def test_of_an_exchange_only_its_own(self):
        one, other = self.stuck(states.FAILED), self.stuck(states.FAILED, "key-2")
        self.env["finance.case"]._close_for(one.exchange_id)
        self.assertEqual((one.state, other.state), ("resolved", "open"))

    def test_a_document_without_exchange_has_a_case_of_its_own(self):
        document = self.env["res.partner"].create(
            {"name": "Incomplete", "company_id": self.company.id}
        )
        case_model = self.env["finance.case"]
        finding = self.connection._finding_of(AuthFailed("x"))
        for _round in range(2):
            opened = case_model._open_for(document, cases.IMPOSSIBLE, finding)
        self.assertFalse(opened)
        case = case_model.search(
            [("document_model", "=", "res.partner"), ("document_id", "=", document.id)]
        )
        self.assertEqual((case.name, case.allowed_decisions), (document.name, cases.DISMISS))
        case_model._close_for(document)
        self.assertEqual(case.resolution, cases.ENDED)

    def test_a_decision_without_a_case_is_recorded_as_one(self):
        exchange = self.enqueue()
        exchange.with_user(self.users["operator"]).action_cancel()
        case = exchange.case_ids
        self.assertEqual(
            (case.kind, case.decision, case.resolution), (cases.MANUAL, "cancel", "cancelled")
        )
        self.assertEqual(case.resolved_by_id, self.users["operator"])
        self.assertEqual(exchange.state, states.CANCELLED)

    def test_what_is_shown_is_in_the_language_of_the_reader(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        case = self.stuck(states.FAILED)
        case.sudo().finding = {"code": "stall.connection_paused", "severity": "warning"}
        self.patch(
            self.registry["finance.finding"],
            "_messages",
            lambda model: {
                "stall.connection_paused": (
                    "La connexion est en pause" if model.env.lang == "fr_FR" else "Paused",
                    "",
                )
            },
        )
        self.assertEqual(case.with_context(lang="fr_FR").what_happened, "La connexion est en pause")
        self.assertEqual(case.with_context(lang="en_US").what_happened, "Paused")
