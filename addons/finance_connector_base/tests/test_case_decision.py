"""R30: what operators decide, each checked, carried out once, audited with before and after."""

import json
from unittest.mock import patch

from odoo import fields
from odoo.addons.finance_audit.tests.common import unguarded
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from ..core import cases
from ..core.delivery import states
from ..models.finance_case import UNDER_WAY
from .common_case import CaseCase


@tagged("post_install", "-at_install")
class TestCaseDecision(CaseCase):
    def decide(self, case, decision, **values):
        """Through the dialog, as an operator."""
        operator = case.with_user(self.users["operator"])
        action = operator.with_context(default_decision=decision).action_decide()
        wizard = (
            self.env["finance.case.decision"]
            .with_user(self.users["operator"])
            .with_context(**action["context"])
            .create(values)
        )
        wizard.action_confirm()
        return wizard

    def test_trying_again_what_never_left_sends_it_with_a_fresh_budget(self):
        case = self.stuck(states.FAILED, step_count=7)
        case.with_user(self.users["operator"]).action_retry()
        exchange = case.exchange_id
        self.assertEqual((exchange.state, exchange.step_count), (states.PENDING, 0))
        self.assertTrue(exchange.next_step_at)
        self.assertEqual((case.state, case.resolution), ("resolved", "retried"))
        self.assertEqual(case.resolved_by_id, self.users["operator"])

    def test_x5_trying_again_what_may_have_arrived_asks_first(self):
        case = self.stuck(states.FAILED, maybe_sent=True)
        case.with_user(self.users["operator"]).action_retry()
        self.assertEqual(case.exchange_id.state, states.UNKNOWN)

    def test_asking_again_leaves_the_state_and_is_evidence(self):
        case = self.stuck(states.UNKNOWN, kind=cases.UNRESOLVED, maybe_sent=True)
        case.with_user(self.users["operator"]).action_retry()
        self.assertEqual(case.exchange_id.state, states.UNKNOWN)
        self.assertTrue(case.exchange_id.next_step_at)
        self.assertEqual(self.entries(case.exchange_id)[0].action, "exchange.asked_again")
        self.assertEqual(case.resolution, "retried")

    def test_x7_without_a_way_to_ask_sending_again_needs_a_reason(self):
        self.provider(repeat="nothing")
        case = self.stuck(states.UNKNOWN, kind=cases.UNRESOLVED, maybe_sent=True)
        with self.assertRaises(UserError):
            case.with_user(self.users["operator"]).action_retry()
        with self.assertRaisesRegex(UserError, "reason"):
            self.decide(case, cases.SEND_AGAIN, reason="  ")
        self.assertEqual(case.exchange_id.state, states.UNKNOWN)
        self.decide(case, cases.SEND_AGAIN, reason="Not there, says their hotline")
        self.assertEqual(case.exchange_id.state, states.PENDING)
        self.assertFalse(case.exchange_id.maybe_sent)
        self.assertEqual((case.resolution, case.decision), ("overridden", "send_again"))
        self.assertEqual(case.reason, "Not there, says their hotline")

    def test_x7_nothing_is_sent_again_while_a_lost_call_may_be_under_way(self):
        self.provider(repeat="nothing")
        case = self.stuck(states.UNKNOWN, kind=cases.UNRESOLVED, maybe_sent=True)
        attempt = self.env["finance.exchange.attempt"].create(
            {
                "exchange_id": case.exchange_id.id,
                "token": "t",
                "step": "send",
                "started_at": fields.Datetime.now(),
                "outcome": "lost",
            }
        )
        with self.assertRaises(UserError):
            self.decide(case, cases.SEND_AGAIN, reason="Not there")
        self.env.flush_all()
        # Attempts are evidence: only the database itself can age one.
        unguarded(self.env, "finance_exchange_attempt")
        self.env.cr.execute(
            "UPDATE finance_exchange_attempt SET started_at = started_at - %s WHERE id = %s",
            (UNDER_WAY, attempt.id),
        )
        attempt.invalidate_recordset()
        self.decide(case, cases.SEND_AGAIN, reason="Not there")
        self.assertEqual(case.exchange_id.state, states.PENDING)

    def test_adopting_a_reference_lets_the_provider_decide_where_it_can_be_asked(self):
        self.provider(verdict="poll")
        case = self.stuck(states.UNKNOWN, maybe_sent=True)
        self.decide(case, cases.ADOPT, reference=" R-1 ")
        exchange = case.exchange_id
        self.assertEqual((exchange.state, exchange.reference), (states.WAITING, "R-1"))
        self.assertTrue(exchange.next_step_at)
        self.assertEqual(case.resolution, "adopted")

    def test_adopting_a_reference_where_nothing_can_be_asked_is_an_override(self):
        self.provider(verdict="immediate", repeat="nothing")
        case = self.stuck(states.UNKNOWN, maybe_sent=True)
        with self.assertRaisesRegex(UserError, "reason"):
            self.decide(case, cases.ADOPT, reference="R-1")
        self.decide(case, cases.ADOPT, reference="R-1", reason="Seen in their portal")
        exchange = case.exchange_id
        self.assertEqual((exchange.state, exchange.reference), (states.ACCEPTED, "R-1"))
        self.assertTrue(exchange.answered_at)
        self.assertFalse(exchange.next_step_at)
        self.assertEqual((case.resolution, case.decision), ("overridden", "adopt"))

    def test_a_reference_is_needed_and_belongs_to_one_exchange(self):
        other = self.enqueue(key="other")
        other.write({"reference": "R-1"})
        case = self.stuck(states.UNKNOWN, maybe_sent=True)
        for reference in ("", "R-1"):
            with self.subTest(reference=reference), self.assertRaises(UserError):
                self.decide(case, cases.ADOPT, reference=reference, reason="x")
        self.assertEqual(case.exchange_id.state, states.UNKNOWN)

    def test_cancelling_what_may_have_arrived_needs_a_reason(self):
        case = self.stuck(states.FAILED, maybe_sent=True)
        with self.assertRaisesRegex(UserError, "reason"):
            self.decide(case, cases.CANCEL)
        self.decide(case, cases.CANCEL, reason="They do not have it")
        self.assertEqual(case.exchange_id.state, states.CANCELLED)
        self.assertEqual((case.resolution, case.decision), ("overridden", "cancel"))

    def test_cancelling_what_never_left_needs_none(self):
        case = self.stuck(states.FAILED)
        self.decide(case, cases.CANCEL)
        self.assertEqual(case.exchange_id.state, states.CANCELLED)
        self.assertEqual(case.resolution, "cancelled")

    def test_x8_a_rejected_document_is_corrected_not_sent_again(self):
        case = self.stuck(states.REJECTED, kind=cases.REJECTED)
        with self.assertRaises(UserError):
            case.with_user(self.users["operator"]).action_retry()
        action = case.with_user(self.users["operator"]).action_open_document()
        self.assertEqual((action["res_model"], action["res_id"]), ("res.partner", case.document_id))

    def test_a_rejected_document_settled_otherwise_is_set_aside_with_a_reason(self):
        case = self.stuck(states.REJECTED, kind=cases.REJECTED)
        self.decide(case, cases.DISMISS, reason="Sent on paper")
        self.assertEqual(case.exchange_id.state, states.REJECTED)
        self.assertEqual((case.state, case.resolution), ("resolved", "overridden"))

    def test_nothing_is_decided_while_a_step_is_being_taken(self):
        case = self.stuck(states.UNKNOWN, maybe_sent=True, claim_token="t")
        with self.assertRaises(UserError):
            case.with_user(self.users["operator"]).action_retry()
        self.assertEqual(case.state, "open")

    def test_two_people_do_not_decide_about_the_same_exchange(self):
        case = self.stuck(states.FAILED)
        model = type(case.exchange_id)
        with (
            patch.object(model, "try_lock_for_update", lambda self, **_limits: self.browse()),
            self.assertRaises(UserError),
        ):
            case.with_user(self.users["operator"]).action_retry()
        self.assertEqual(case.exchange_id.state, states.FAILED)

    def test_a_resolved_case_is_not_decided_again(self):
        case = self.stuck(states.FAILED)
        case.with_user(self.users["operator"]).action_retry()
        with self.assertRaisesRegex(UserError, "already resolved"):
            case.with_user(self.users["operator"]).action_retry()

    def test_a_decision_is_evidence_with_person_before_and_after(self):
        case = self.stuck(states.UNKNOWN, maybe_sent=True)
        self.decide(case, cases.CANCEL, reason="They do not have it")
        entry = self.entries(case)[0]
        self.assertEqual((entry.action, entry.outcome), ("case.overridden", "warning"))
        self.assertEqual(entry.user_id, self.users["operator"])
        details = json.loads(entry.canonical_text)["details"]
        self.assertEqual(
            (details["decision"], details["reason"]), ("cancel", "They do not have it")
        )
        self.assertEqual(details["before"], {"state": "unknown", "reference": ""})
        self.assertEqual(details["after"], {"state": "cancelled", "reference": ""})

    def test_a_decision_is_all_or_nothing(self):
        good, bad = self.stuck(states.FAILED), self.stuck(states.REJECTED, "key-2", cases.REJECTED)
        with self.assertRaises(UserError):
            (good + bad).with_user(self.users["operator"])._resolve(cases.CANCEL)
        self.assertEqual((good.state, good.exchange_id.state), ("open", states.FAILED))

    def test_many_are_tried_again_at_once_and_the_others_are_named(self):
        good, bad = self.stuck(states.FAILED), self.stuck(states.REJECTED, "key-2", cases.REJECTED)
        also = self.stuck(states.FAILED, "key-3", maybe_sent=True)
        action = (good + bad + also).with_user(self.users["operator"]).action_retry()
        self.assertEqual((good.state, bad.state, also.state), ("resolved", "open", "resolved"))
        self.assertEqual(good.exchange_id.state, states.PENDING)
        self.assertEqual(also.exchange_id.state, states.UNKNOWN)
        self.assertIn("2 of 3", action["params"]["message"])

    def test_the_to_do_goes_with_the_decision(self):
        self.company.finance_case_user_id = self.users["operator"]
        case = self.stuck(states.FAILED)
        self.env["finance.case"]._remind_owners()
        self.assertTrue(case.activity_ids)
        case.with_user(self.users["operator"]).action_retry()
        self.assertFalse(case.activity_ids)

    def test_the_advice_fits_what_is_allowed(self):
        self.provider(repeat="nothing")
        case = self.stuck(states.UNKNOWN, maybe_sent=True)
        self.assertEqual(case.allowed_decisions, "send_again adopt cancel")
        self.assertTrue(case.advice)
        advice = case.advice
        case.exchange_id.claim_token = "t"
        self.assertFalse(case.allowed_decisions)
        self.assertNotEqual(case.advice, advice)

    def test_the_dialog_asks_for_what_is_needed(self):
        self.provider(verdict="immediate")
        case = self.stuck(states.UNKNOWN, maybe_sent=True)
        wizard = self.env["finance.case.decision"].create(
            {"case_ids": case.ids, "decision": cases.ADOPT}
        )
        self.assertTrue(wizard.needs_reference)
        self.assertTrue(wizard.needs_reason)
        immediate = wizard.consequence
        self.assertTrue(immediate)
        self.provider(verdict="poll")
        wizard.invalidate_recordset()
        self.assertFalse(wizard.needs_reason)
        self.assertNotEqual(wizard.consequence, immediate)


@tagged("post_install", "-at_install")
class TestHold(CaseCase):
    def test_an_operator_holds_what_is_pending_and_releases_it(self):
        exchange = self.enqueue()
        mine = exchange.with_user(self.users["operator"])
        mine.action_hold()
        self.assertEqual((exchange.state, exchange.next_step_at), (states.HELD, False))
        case = exchange.open_case_id
        self.assertEqual((case.kind, case.user_id), (cases.HELD, self.users["operator"]))
        mine.action_release()
        self.assertEqual(exchange.state, states.PENDING)
        self.assertTrue(exchange.next_step_at)
        self.assertEqual((case.state, case.resolution), ("resolved", "released"))

    def test_what_was_held_without_a_case_can_be_released_too(self):
        exchange = self.enqueue()
        exchange._transition(states.HELD, "held")
        exchange.with_user(self.users["operator"]).action_release()
        self.assertEqual(exchange.state, states.PENDING)
        self.assertEqual(exchange.case_ids.resolution, "released")

    def test_a_held_exchange_can_be_cancelled_from_its_case(self):
        exchange = self.enqueue()
        exchange.with_user(self.users["operator"]).action_hold()
        case = exchange.open_case_id
        case.with_user(self.users["operator"])._resolve(cases.CANCEL)
        self.assertEqual((exchange.state, case.resolution), (states.CANCELLED, "cancelled"))

    def test_only_what_is_pending_is_held_and_only_by_operators(self):
        exchange = self.enqueue()
        for role in ("accountant", "admin", "auditor", "employee"):
            for action in ("action_hold", "action_release"):
                with self.subTest(role=role, action=action), self.assertRaises(AccessError):
                    getattr(exchange.with_user(self.users[role]), action)()
        exchange._transition(states.SENDING, "sending")
        with self.assertRaises(UserError):
            exchange.with_user(self.users["operator"]).action_hold()
        self.assertFalse(exchange.case_ids)
