"""X4, X5, X7, X8: what may be sent again, when, and who decides."""

from odoo.addons.finance_audit.tests.common import unguarded
from odoo.addons.finance_connector_base.core.delivery import boundaries, states
from odoo.addons.finance_connector_base.core.delivery.pipeline import perform
from odoo.addons.finance_connector_base.models.finance_dispatcher_worker import (
    LEASE_SECONDS,
    Heartbeat,
)
from odoo.tests import tagged
from odoo.tools import mute_logger

from .engine_case import EngineCase


@tagged("post_install", "-at_install")
class TestEngineRepeats(EngineCase):
    def test_x5_with_a_key_the_same_bytes_are_the_question(self):
        self.fault("drop_after", "putDocument")
        document = self.document("document")
        self.dispatch()
        self.assertEqual(document.state, states.UNKNOWN)
        self.make_due(document.exchange_id)
        self.dispatch()
        self.assertEqual(document.state, states.ACCEPTED)
        self.assertEqual(document.exchange_id.send_count, 2)
        self.assertEqual(self.effects("D-1"), 1)

    def test_x5_a_repetition_that_fails_leaves_the_first_sending_in_doubt(self):
        self.fault("drop_after", "putDocument")
        document = self.document("document")
        self.dispatch()
        self.fault("status", "putDocument", status=503)
        self.make_due(document.exchange_id)
        self.dispatch()
        self.assertEqual(document.exchange_id.state, states.UNKNOWN)
        self.assertTrue(document.exchange_id.maybe_sent)

    def test_x7_without_key_and_lookup_nothing_is_sent_again_and_a_person_is_asked(self):
        self.fault("drop_after", "postNotice")
        document = self.document("notice")
        self.dispatch()
        exchange = document.exchange_id
        self.assertEqual(exchange.state, states.UNKNOWN)
        self.assertFalse(exchange.next_step_at)
        self.assertEqual(self.case_of(document).kind, "unresolved")
        self.make_due(exchange)
        self.dispatch()
        self.assertEqual(self.calls("postNotice"), 1)

    def test_x7_what_a_dead_worker_sent_without_key_and_lookup_waits_for_a_person(self):
        document = self.document("notice")
        self.claim()
        self.dispatch()
        self.assertEqual(document.exchange_id.state, states.UNKNOWN)
        self.assertEqual(document.exchange_id.attempt_ids.outcome, "lost")
        self.assertEqual(self.case_of(document).kind, "unresolved")
        self.assertEqual(self.calls("postNotice"), 0)

    def test_x4_a_claim_of_a_living_worker_is_left_alone_and_a_dead_ones_taken_over(self):
        document = self.document("document")
        worker = self.env["finance.dispatcher.worker"]._enter(1)
        (claim,) = self.claim(worker_id=worker).claims
        self.dispatch()
        self.assertEqual(document.exchange_id.state, states.SENDING)
        self.assertEqual(document.exchange_id.claim_token, claim.token)
        self.env.cr.execute(
            "UPDATE finance_dispatcher_worker SET alive_until = alive_until - interval '1 minute'"
        )
        self.env.invalidate_all()
        self.dispatch()
        self.assertEqual(document.exchange_id.state, states.ACCEPTED)

    def test_x4_an_answer_that_comes_after_the_take_over_is_kept_and_changes_nothing(self):
        document = self.document("filing_now")
        (claim,) = self.claim().claims
        self.dispatcher._recover_lost()
        self.dispatcher._commit_outcomes(perform(claim))
        self.env.invalidate_all()
        exchange = document.exchange_id
        self.assertEqual(exchange.state, states.UNKNOWN)
        self.assertTrue(exchange.attempt_ids.is_late)
        self.assertEqual(exchange.attempt_ids.outcome, "accepted")
        self.make_due(exchange)
        self.dispatch()
        self.assertEqual(exchange.state, states.ACCEPTED)
        self.assertEqual(exchange.send_count, 1)
        self.assertEqual(self.effects("D-1"), 1)

    def test_x4_an_outcome_that_cannot_be_stored_leads_to_a_status_check(self):
        document = self.document("filing_now")
        worker = self.env["finance.dispatcher.worker"]._enter(1)
        (claim,) = self.claim(worker_id=worker).claims

        def fail(moment):
            if moment == "outcome_written":
                raise ValueError(moment)

        end = boundaries.observe(fail)
        with mute_logger("odoo.addons.finance_connector_base.models.finance_dispatcher"):
            self.dispatcher._commit_outcomes(perform(claim))
        end()
        self.env.invalidate_all()
        self.dispatch()
        self.assertEqual(document.exchange_id.attempt_ids.sorted("id")[0].outcome, "lost")
        self.make_due(document.exchange_id)
        self.dispatch()
        self.assertEqual(document.exchange_id.state, states.ACCEPTED)
        self.assertEqual(self.effects("D-1"), 1)

    def test_x4_a_worker_whose_lease_ran_out_comes_back_under_another_name(self):
        heartbeat = Heartbeat(self.dispatcher._transaction, 1)
        heartbeat._enter()
        before = heartbeat.worker_id
        heartbeat._renew()
        self.assertEqual(heartbeat.worker_id, before)
        self.assertTrue(heartbeat.holds(before))
        self.env.cr.execute(
            "UPDATE finance_dispatcher_worker SET alive_until = alive_until - interval '1 minute'"
        )
        heartbeat._renew()
        self.assertNotEqual(heartbeat.worker_id, before)
        self.assertFalse(heartbeat.holds(before))
        self.assertTrue(heartbeat.holds(heartbeat.worker_id))

    def test_x4_no_call_is_begun_by_a_process_that_stood_still(self):
        heartbeat = Heartbeat(self.dispatcher._transaction, 1)
        heartbeat._enter()
        heartbeat._safe_until -= LEASE_SECONDS
        self.assertFalse(heartbeat.holds(heartbeat.worker_id))

    def test_x4_an_outcome_stored_twice_is_stored_once(self):
        document = self.document("document")
        worker = self.env["finance.dispatcher.worker"]._enter(1)
        (claim,) = self.claim(worker_id=worker).claims
        (result,) = perform(claim)
        self.dispatcher._commit_outcomes([result])
        self.dispatcher._commit_outcomes([result])
        self.env.invalidate_all()
        self.assertEqual(document.exchange_id.state, states.ACCEPTED)
        self.assertFalse(document.exchange_id.attempt_ids.is_late)

    def test_x4_a_claim_without_a_call_is_released_by_its_living_worker(self):
        stray, carried = self.document("filing_now", "D-1"), self.document("filing_now", "D-2")
        worker = self.env["finance.dispatcher.worker"]._enter(1)
        claims = {item.call.key: item for item in self.claim(worker_id=worker).claims}
        self.dispatcher._recover_lost(worker, {claims["D-2"].token})
        self.env.invalidate_all()
        self.assertEqual(stray.exchange_id.state, states.UNKNOWN)
        self.assertEqual(carried.exchange_id.state, states.SENDING)

    def test_x10_a_record_that_cannot_be_prepared_holds_no_other_back(self):
        bad, good = self.document("document", "D-1"), self.document("document", "D-2")
        self.env.flush_all()
        unguarded(self.env, "finance_exchange")
        self.env.cr.execute(
            "UPDATE finance_exchange SET payload = 'A' WHERE id = %s", (bad.exchange_id.id,)
        )
        unguarded(self.env, "finance_exchange")
        self.env.cr.execute(
            "UPDATE finance_exchange SET operation = 'gone' WHERE id = %s",
            (self.document("document", "D-3").exchange_id.id,),
        )
        self.dispatch()
        self.assertEqual(bad.exchange_id.state, states.FAILED)
        self.assertEqual(good.exchange_id.state, states.ACCEPTED)

    def test_x10_a_lost_one_of_an_operation_no_longer_declared_waits_for_a_decision(self):
        document, other = self.document("document", "D-1"), self.document("document", "D-2")
        self.claim()
        unguarded(self.env, "finance_exchange")
        self.env.cr.execute(
            "UPDATE finance_exchange SET operation = 'gone' WHERE id = %s",
            (document.exchange_id.id,),
        )
        self.dispatch()
        self.assertEqual(document.exchange_id.state, states.UNKNOWN)
        self.assertEqual(self.case_of(document).kind, "unresolved")
        self.assertNotEqual(other.exchange_id.state, states.SENDING)

    def test_x8_the_budget_of_the_policy_ends_in_a_case(self):
        self.env["finance.retry.policy"].create(
            {"connection_id": self.connection.id, "operation": "document", "max_attempts": 2}
        )
        self.fault("status", "putDocument", status=503, times=9)
        document = self.document("document")
        for _try in range(4):
            self.dispatch()
            self.make_due(document.exchange_id, throttles=True)
        exchange = document.exchange_id
        self.assertEqual((exchange.state, exchange.send_count), (states.FAILED, 2))
        self.assertEqual(self.case_of(document).kind, "budget")

    def test_x8_pauses_are_those_of_the_policy_and_retry_after_goes_before_them(self):
        self.env["finance.retry.policy"].create(
            {"connection_id": self.connection.id, "base_seconds": 500, "ceiling_seconds": 500}
        )
        waits = {}
        for name, retry_after in (("D-1", None), ("D-2", 9)):
            asked = {} if retry_after is None else {"retry_after": retry_after}
            self.fault("status", "putDocument", status=503, **asked)
            exchange = self.document("document", name).exchange_id
            self.dispatch()
            waits[name] = (exchange.next_step_at - exchange.state_since).total_seconds()
            self.connection.action_reset_breaker()
        self.assertGreaterEqual(waits["D-1"], 49)
        self.assertLessEqual(waits["D-1"], 501)
        self.assertAlmostEqual(waits["D-2"], 9, delta=1)

    def test_x8_a_rejection_is_never_sent_again_and_opens_a_case(self):
        self.control.default_verdict("reject")
        document = self.document("document")
        self.dispatch()
        self.make_due(document.exchange_id)
        self.dispatch()
        self.assertEqual(document.exchange_id.state, states.REJECTED)
        self.assertEqual(self.calls("putDocument"), 1)
        self.assertEqual(self.case_of(document).kind, "rejected")

    def test_a_case_is_closed_when_the_provider_settles_it(self):
        self.env["finance.retry.policy"].create(
            {"connection_id": self.connection.id, "max_attempts": 1}
        )
        self.fault("status", "putDocument", status=503)
        document = self.document("document")
        self.dispatch()
        case = self.case_of(document)
        self.assertEqual(case.kind, "budget")
        document.exchange_id.action_retry()
        self.make_due(document.exchange_id, throttles=True)
        self.dispatch()
        self.assertEqual(document.exchange_id.state, states.ACCEPTED)
        self.assertEqual(case.state, "resolved")

    def test_x1_bytes_changed_behind_the_orm_are_never_sent(self):
        bad, good = self.document("document", "D-1"), self.document("document", "D-2")
        self.env.flush_all()
        unguarded(self.env, "finance_exchange")
        self.env.cr.execute(
            "UPDATE finance_exchange SET payload = 'eA==' WHERE id = %s", (bad.exchange_id.id,)
        )
        self.dispatch()
        self.assertEqual(bad.exchange_id.state, states.FAILED)
        self.assertEqual(self.case_of(bad).kind, "damaged")
        self.assertEqual(good.exchange_id.state, states.ACCEPTED)
        self.assertEqual(self.calls("putDocument"), 1)
