"""X1 to X8 against a real sandbox: what each fault leads to, and that the platform holds each document once."""

from odoo import fields
from odoo.addons.finance_audit.tests.common import unguarded
from odoo.addons.finance_connector_base.core.delivery import states
from odoo.addons.finance_connector_base.core.delivery.pipeline import perform
from odoo.tests import tagged

from .sandbox_case import SandboxCase


@tagged("post_install", "-at_install")
class TestExactlyOnce(SandboxCase):
    def sent(self, move):
        """How many submissions reached the platform with an effect."""
        return sum(item["times_received"] for item in self.control.oracle("afnor"))

    def fault(self, kind, **rule):
        self.control.fault(
            kind, provider="afnor", **{"operation": "createFlow", "times": 1, **rule}
        )

    def test_x5_an_answer_lost_after_the_effect_is_adopted_and_not_sent_again(self):
        self.fault("drop_after")
        move = self.submit()
        self.dispatch()
        exchange = self.exchanges(move)
        self.assertEqual(exchange.state, states.UNKNOWN)
        self.assertEqual(move.einvoice_state, "unknown")
        self.make_due(exchange)
        self.deliver(move)
        self.assertEqual(move.einvoice_state, "filed")
        self.assertEqual(exchange.reference, self.held()[move.name]["reference"])
        self.assertEqual(exchange.send_count, 1)
        self.assertEqual(self.sent(move), 1)
        self.assertEqual(exchange.attempt_ids.sorted("id")[:2].mapped("step"), ["send", "lookup"])

    def test_x5_what_never_arrived_is_sent_again_after_the_platform_denied_having_it(self):
        self.fault("drop_before")
        move = self.submit()
        self.dispatch()
        self.assertEqual(self.exchanges(move).state, states.UNKNOWN)
        self.make_due(self.exchanges(move))
        self.deliver(move)
        self.assertEqual(move.einvoice_state, "filed")
        self.assertEqual(self.exchanges(move).send_count, 2)
        self.assertEqual(self.sent(move), 1)

    def test_x5_a_denial_is_not_believed_while_the_call_may_still_arrive(self):
        self.fault("drop_before")
        move = self.submit()
        self.dispatch()
        exchange = self.exchanges(move)
        exchange.next_step_at = "2020-01-01 00:00:00"
        self.dispatch()
        self.assertEqual(exchange.attempt_ids.sorted("id")[-1].outcome, "not_found")
        self.assertEqual(exchange.state, states.UNKNOWN)
        self.assertEqual(exchange.send_count, 1)

    def test_x5_unreadable_answers_after_the_effect_are_unknown(self):
        for kind in ("malformed_body", "wrong_content_type"):
            with self.subTest(kind=kind):
                self.control.reset()
                self.fault(kind)
                move = self.submit()
                self.dispatch()
                self.assertEqual(self.exchanges(move).state, states.UNKNOWN)
                self.make_due(self.exchanges(move))
                self.deliver(move)
                self.assertEqual(move.einvoice_state, "filed")
                self.assertEqual(self.sent(move), 1)

    def test_x8_refusals_that_promise_no_effect_are_sent_again(self):
        for status in (429, 503):
            with self.subTest(status=status):
                self.control.reset()
                self.fault("status", status=status, retry_after=30)
                move = self.submit()
                self.dispatch()
                exchange = self.exchanges(move)
                self.assertEqual(exchange.state, states.PENDING)
                wait = (exchange.next_step_at - exchange.sent_at).total_seconds()
                self.assertAlmostEqual(wait, 30, delta=5)
                self.make_due(exchange)
                self.deliver(move)
                self.assertEqual(move.einvoice_state, "filed")
                self.assertEqual(self.sent(move), 1)

    def test_x8_a_poll_waits_as_long_as_the_provider_asks(self):
        self.control.fault(
            "status", provider="afnor", operation="getFlow", status=429, retry_after=77
        )
        move = self.submit()
        self.dispatch()
        exchange = self.exchanges(move)
        self.make_due(exchange)
        before = fields.Datetime.now()
        self.dispatch()
        self.assertEqual(exchange.state, states.WAITING)
        self.assertAlmostEqual((exchange.next_step_at - before).total_seconds(), 77, delta=5)

    def test_x5_a_500_says_nothing_about_the_effect(self):
        self.fault("status", status=500)
        move = self.submit()
        self.dispatch()
        self.assertEqual(self.exchanges(move).state, states.UNKNOWN)

    def test_x8_a_rejection_is_never_retried(self):
        self.control.default_verdict("reject")
        move = self.submit()
        self.deliver(move)
        self.make_due(self.exchanges(move))
        self.dispatch()
        self.assertEqual(self.exchanges(move).state, states.REJECTED)
        self.assertEqual(self.exchanges(move).send_count, 1)

    def test_x8_wrong_credentials_are_shown_on_the_connection(self):
        self.control.set_client("afnor", "sandbox-client", "rotated")
        self.control.expire_tokens("afnor")
        move = self.submit()
        self.dispatch()
        self.assertEqual(self.exchanges(move).state, states.PENDING)
        self.assertEqual(self.exchanges(move).attempt_ids.outcome, "auth_failed")
        self.assertEqual(self.connection.last_test_result, "failed")
        self.connection.afnor_client_secret = "rotated"
        self.make_due(self.exchanges(move))
        self.deliver(move)
        self.assertEqual(move.einvoice_state, "filed")

    def test_x1_every_try_sends_the_stored_bytes(self):
        self.fault("status", status=503, times=3)
        move = self.submit()
        before = self.exchanges(move)._payload_bytes()
        self.deliver(move)
        (document,) = self.control.oracle("afnor")
        self.assertEqual(self.exchanges(move).send_count, 4)
        self.assertEqual(self.control.oracle_bytes("afnor", document["reference"]), before)

    def test_x4_the_attempt_with_its_token_exists_before_anything_is_sent(self):
        move = self.submit()
        self.env.flush_all()
        (claim,) = self.env["finance.dispatcher"]._claim().claims
        self.env.invalidate_all()
        exchange = self.exchanges(move)
        self.assertEqual(exchange.state, states.SENDING)
        self.assertEqual(exchange.attempt_ids.token, claim.token)
        self.assertFalse(exchange.attempt_ids.outcome)
        self.assertEqual(self.control.counts("afnor").get("createFlow", 0), 0)

    def test_x4_a_late_answer_is_kept_and_changes_nothing(self):
        move = self.submit()
        self.env.flush_all()
        dispatcher = self.env["finance.dispatcher"]
        (claim,) = dispatcher._claim().claims
        ((_claim, report),) = perform(claim)
        self.env.invalidate_all()
        self.make_due(self.exchanges(move))
        dispatcher._recover_lost()
        dispatcher._commit_outcomes([(claim, report)])
        self.env.invalidate_all()
        exchange = self.exchanges(move)
        self.assertEqual(exchange.state, states.UNKNOWN)
        self.assertTrue(exchange.attempt_ids.is_late)
        self.assertEqual(exchange.attempt_ids.outcome, "waiting")
        self.assertIn("exchange.late_answer", self.actions(move))
        self.make_due(exchange)
        self.deliver(move)
        self.assertEqual(move.einvoice_state, "filed")
        self.assertEqual(self.sent(move), 1)

    def test_x5_what_a_dead_worker_was_sending_is_unknown(self):
        move = self.submit()
        self.env.flush_all()
        self.env["finance.dispatcher"]._claim()
        self.env.invalidate_all()
        self.make_due(self.exchanges(move))
        self.env["finance.dispatcher"]._recover_lost()
        self.env.invalidate_all()
        self.assertEqual(self.exchanges(move).state, states.UNKNOWN)
        self.assertEqual(self.exchanges(move).attempt_ids.outcome, "lost")

    def test_x6_a_repetition_adopts_what_the_platform_has_already(self):
        """The platform took a first sending that we never heard of, and refuses the second as already there."""
        move = self.submit()
        self.env.flush_all()
        dispatcher = self.env["finance.dispatcher"]
        (claim,) = dispatcher._claim().claims
        perform(claim)
        self.env.invalidate_all()
        exchange = self.exchanges(move)
        unguarded(self.env, "finance_exchange")
        self.env.cr.execute(
            "UPDATE finance_exchange SET state = 'pending', claim_token = NULL, next_step_at = now() "
            "WHERE id = %s",
            (exchange.id,),
        )
        self.env.invalidate_all()
        self.deliver(move)
        self.assertEqual(move.einvoice_state, "filed")
        self.assertEqual(exchange.reference, self.held()[move.name]["reference"])
        self.assertEqual(len(self.held()), 1)

    def test_x10_one_poisoned_document_does_not_stop_the_others(self):
        bad, good = self.submit(), self.submit()
        self.env.flush_all()
        unguarded(self.env, "finance_exchange")
        self.env.cr.execute(
            "UPDATE finance_exchange SET payload = 'eA==' WHERE id = %s", (self.exchanges(bad).id,)
        )
        self.env.invalidate_all()
        self.deliver(good)
        self.assertEqual(good.einvoice_state, "filed")
        self.assertEqual(bad.einvoice_state, "failed")

    def test_a_connection_that_cannot_send_costs_no_attempt(self):
        self.connection.sudo().sealed_database = "another"
        move = self.submit()
        self.dispatch()
        self.assertEqual(self.exchanges(move).state, states.PENDING)
        self.assertFalse(self.exchanges(move).attempt_ids)
        self.assertTrue(self.connection.last_block)
        self.connection.action_activate()
        self.deliver(move)
        self.assertEqual(move.einvoice_state, "filed")

    def test_a_paused_connection_keeps_what_waits(self):
        self.connection.action_pause()
        move = self.submit()
        self.dispatch()
        self.assertEqual(self.exchanges(move).state, states.PENDING)
        self.connection.action_activate()
        self.deliver(move)
        self.assertEqual(move.einvoice_state, "filed")
