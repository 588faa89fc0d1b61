"""X9 to X12: breaker, rates, order, fairness."""

from contextlib import contextmanager
from unittest.mock import patch

from odoo.addons.finance_connector_base.core.delivery import boundaries, states
from odoo.addons.finance_connector_base.core.delivery.pipeline import perform
from odoo.addons.finance_connector_base.core.delivery.throttle import CLOSED, HALF_OPEN, OPEN
from odoo.tests import tagged
from odoo.tools import mute_logger

from .engine_case import EngineCase

_MANY = """
INSERT INTO finance_exchange (
    connection_id, company_id, operation, idempotency_key, correlation_id, payload, payload_sha256,
    state, next_step_at, create_date, document_name)
SELECT %(connection)s, %(company)s, 'document', 'many-' || n, 'many-' || n, 'e30=',
       encode(sha256('{}'), 'hex'), 'pending', now() - interval '1 day', now(), 'many-' || n
  FROM generate_series(1, %(number)s) AS n
"""


@tagged("post_install", "-at_install")
class TestEngineLimits(EngineCase):
    def many(self, number, connection=None):
        connection = connection or self.connection
        self.env.flush_all()
        self.env.cr.execute(
            _MANY,
            {
                "connection": connection.id,
                "company": connection.company_id.id,
                "number": number,
            },
        )

    def break_the_provider(self, count=5):
        self.fault("status", "*", status=500, times=None)
        documents = [self.document("filing_now", f"D-{n}") for n in range(count)]
        self.dispatch()
        return documents

    # -- X9 -----------------------------------------------------------------------------------------------------

    def test_x9_an_open_breaker_makes_no_call_but_the_probe_and_costs_no_attempt(self):
        self.break_the_provider()
        self.assertEqual(self.throttle().breaker_state, OPEN)
        late = self.document("document", "L-1")
        self.control.clear_requests()
        self.dispatch()
        self.assertEqual(self.control.counts("reference"), {})
        self.make_due(late.exchange_id, throttles=True)
        self.dispatch()
        self.assertEqual(self.control.counts("reference"), {"ping": 1})
        self.assertEqual(self.throttle().breaker_state, OPEN)
        self.assertFalse(late.exchange_id.attempt_ids)
        self.assertEqual(late.exchange_id.state, states.PENDING)

    def test_x9_claims_through_a_limited_throttle_follow_each_other_whatever_worker_makes_them(
        self,
    ):
        for max_parallel, locked in ((0, False), (2, True)):
            self.connection.max_parallel = max_parallel
            self.document("document", f"D-{max_parallel}")
            self.assertEqual(self.locks_the_throttle(self.claim), locked)

    def locks_the_throttle(self, work):
        """Return whether a transaction locks rows of throttles, by the statements that it sends."""
        statements = []
        cursor = type(self.env.cr)
        execute = cursor.execute

        def noting(this, query, *args, **kwargs):
            statements.append(str(query))
            return execute(this, query, *args, **kwargs)

        with patch.object(cursor, "execute", noting):
            work()
        return any("FOR UPDATE OF h" in text for text in statements)

    def test_x9_half_open_lets_one_call_through_and_its_success_closes(self):
        broken = self.break_the_provider()
        for name in ("L-1", "L-2", "L-3"):
            self.document("document", name)
        self.control.clear_faults()
        self.make_due(self.env["finance.exchange"], throttles=True)
        self.dispatcher._commit_probes(
            [item for probe in self.probes_that_are_due() for item in perform(probe)]
        )
        self.env.invalidate_all()
        self.assertEqual(self.throttle().breaker_state, HALF_OPEN)
        (claim,) = self.claim().claims
        self.assertFalse(self.claim().claims)
        self.dispatcher._commit_outcomes(perform(claim))
        self.env.invalidate_all()
        self.assertEqual(self.throttle().breaker_state, CLOSED)
        self.make_due(self.env["finance.exchange"].union(*[item.exchange_id for item in broken]))
        self.assertEqual(len(self.claim().claims), 7)

    def test_x9_a_failed_trial_opens_the_breaker_for_longer(self):
        self.break_the_provider()
        self.env.cr.execute("UPDATE finance_throttle SET breaker_state = 'half_open'")
        self.env.invalidate_all()
        self.document("document", "L-1")
        self.dispatch()
        self.assertEqual(
            (self.throttle().breaker_state, self.throttle().breaker_openings), (OPEN, 2)
        )

    def probes_that_are_due(self):
        return self.dispatcher._claim_probes(self.dispatcher._sendable_connections())

    def test_x9_a_probe_is_given_to_one_worker_only(self):
        self.break_the_provider()
        self.make_due(self.env["finance.exchange"], throttles=True)
        self.assertEqual(len(self.probes_that_are_due()), 1)
        self.assertEqual(len(self.probes_that_are_due()), 0)

    def test_x9_what_was_learned_survives_an_outcome_that_could_not_be_stored(self):
        self.fault("status", "putDocument", status=503)
        self.document("document")
        (claim,) = self.claim().claims
        with self.failing("outcome_written"):
            self.dispatcher._commit_outcomes(perform(claim))
        self.env.invalidate_all()
        self.assertEqual(self.throttle().breaker_failures, 1)

    def test_x10_a_result_that_cannot_be_noted_does_not_stop_those_of_other_connections(self):
        other = self.another_connection()
        self.fault("status", "putDocument", status=401, text="bad")
        bad = self.document("document", "bad")
        good = self.env["finance.reference.document"]._send(other, "document", "good")
        results = [item for claim in self.claim().claims for item in perform(claim)]
        connections = type(self.env["finance.connection"])
        original = connections._note_test

        def note_test(connection, message):
            if connection == self.connection:
                raise ValueError("this connection cannot be written")
            return original(connection, message)

        with (
            patch.object(connections, "_note_test", note_test),
            mute_logger("odoo.addons.finance_connector_base.models.finance_dispatcher"),
        ):
            self.dispatcher._commit_outcomes(results)
        self.env.invalidate_all()
        self.assertEqual(good.exchange_id.state, states.ACCEPTED)
        self.assertEqual(bad.exchange_id.state, states.PENDING)
        self.assertEqual(self.throttle().breaker_failures, 1)
        self.assertEqual(self.throttle(other).breaker_failures, 0)

    def test_x10_a_probe_that_cannot_be_noted_does_not_stop_the_others(self):
        self.break_the_provider()
        self.make_due(self.env["finance.exchange"], throttles=True)
        (probe,) = self.probes_that_are_due()
        with self.failing("probe_written"):
            self.dispatcher._commit_probes(perform(probe))
        self.env.invalidate_all()
        self.assertEqual(self.throttle().breaker_state, OPEN)

    def test_f1_no_retry_after_of_a_provider_breaks_the_storing(self):
        for number, value in enumerate((9999999999999999, int("9" * 400), 300000000000)):
            self.fault("status", "putDocument", status=429, retry_after=value)
            document = self.document("document", f"D-{number}")
            self.dispatch()
            self.assertEqual(document.exchange_id.state, states.PENDING)
            self.assertEqual(document.exchange_id.attempt_ids.outcome, "rate_limited")
            self.assertTrue(document.exchange_id.next_step_text)
            self.connection.action_reset_breaker()

    @contextmanager
    def failing(self, moment):
        """Let the transaction in which a moment is reached fail."""

        def observer(name):
            if name == moment:
                raise ValueError(moment)

        end = boundaries.observe(observer)
        try:
            with mute_logger("odoo.addons.finance_connector_base.models.finance_dispatcher"):
                yield
        finally:
            end()

    def test_x9_a_pause_asked_of_one_call_holds_for_the_whole_connection(self):
        self.fault("status", "putDocument", status=429, retry_after=30)
        self.document("document", "D-1")
        self.dispatch()
        self.document("document", "D-2")
        other = self.another_connection()
        elsewhere = self.env["finance.reference.document"]._send(other, "document", "E-1")
        self.dispatch()
        self.assertEqual(self.calls("putDocument"), 2)
        self.assertEqual(elsewhere.state, states.ACCEPTED)
        self.make_due(self.env["finance.exchange"], throttles=True)
        self.dispatch()
        self.assertEqual(self.calls("putDocument"), 3)

    def test_x9_the_rate_is_shared_by_all_workers(self):
        self.connection.write({"rate_per_second": 0.01, "rate_burst": 3})
        self.env.cr.execute(
            "UPDATE finance_throttle SET bucket_tokens = 3, bucket_at = now() AT TIME ZONE 'UTC'"
        )
        for number in range(8):
            self.document("document", f"D-{number}")
        self.assertEqual(len(self.claim(slots=3).claims), 2)
        self.assertEqual(len(self.claim().claims), 1)
        self.assertEqual(len(self.claim().claims), 0)

    def test_parallel_calls_are_counted_over_all_workers(self):
        self.connection.max_parallel = 3
        for number in range(8):
            self.document("document", f"D-{number}")
        self.assertEqual(len(self.claim(slots=3).claims), 2)
        (claim,) = self.claim().claims
        self.assertEqual(len(self.claim().claims), 0)
        self.dispatcher._commit_outcomes(perform(claim))
        self.assertEqual(len(self.claim().claims), 1)

    def test_a_batch_is_one_of_the_parallel_calls(self):
        self.connection.max_parallel = 2
        for number in range(5):
            self.document("batch_item", f"B-{number}")
        (batch,) = self.claim().claims
        self.assertEqual(len(batch.claims), 5)
        self.assertEqual(self.connection.in_flight, 1)
        for number in range(8):
            self.document("document", f"D-{number}")
        self.assertEqual(len(self.claim().claims), 1)
        self.assertEqual(self.connection.in_flight, 2)
        self.assertEqual(len(self.claim().claims), 0)

    def test_a_person_may_call_again_at_once(self):
        self.break_the_provider()
        self.connection.action_reset_breaker()
        self.assertEqual(self.throttle().breaker_state, CLOSED)

    # -- X10 ----------------------------------------------------------------------------------------------------

    def test_x10_a_chain_is_delivered_in_order_and_a_stopped_one_stops_no_other(self):
        chain = self.env["finance.reference.chain"].create(
            {"name": "B", "connection_id": self.connection.id}
        )
        send = self.env["finance.reference.document"]._send
        first, second, third = (
            send(self.connection, "chain", f"A-{n}", chain=self.chain) for n in (1, 2, 3)
        )
        other = send(self.connection, "chain", "B-1", chain=chain)
        alone = self.document("document", "D-1")
        self.fault("drop_after", "appendRecord", text="A-1")
        self.dispatch()
        self.assertEqual(first.exchange_id.state, states.UNKNOWN)
        self.assertEqual((other.state, alone.state), (states.ACCEPTED, states.ACCEPTED))
        self.assertFalse((second + third).exchange_id.attempt_ids)
        for _round in range(4):
            self.make_due((first + second + third).exchange_id)
            self.dispatch()
        self.assertEqual({first.state, second.state, third.state}, {states.ACCEPTED})
        held = [item["tracking_id"] for item in self.control.oracle("reference")]
        self.assertEqual([name for name in held if name.startswith("A-")], ["A-1", "A-2", "A-3"])

    def test_x10_only_the_head_of_a_chain_is_claimed(self):
        for number in range(4):
            self.document("chain", f"A-{number}")
        self.assertEqual([item.call.key for item in self.claim().claims], ["A-0"])
        self.assertEqual(self.claim().claims, [])

    def test_x10_an_operation_with_an_order_needs_a_chain(self):
        with self.assertRaisesRegex(ValueError, "chain"):
            self.env["finance.exchange"]._enqueue(
                self.connection,
                "chain",
                b"{}",
                key="k",
                owner=self.env.user.partner_id,
                document=self.env.user.partner_id,
            )

    # -- X11 ----------------------------------------------------------------------------------------------------

    def test_x11_fifty_thousand_of_one_company_do_not_hold_back_one_of_another(self):
        other = self.another_connection()
        self.many(50_000)
        single = self.env["finance.reference.document"]._send(other, "document", "single")
        claimed = self.claim(slots=10)
        self.assertIn("single", [item.call.key for item in claimed.claims])
        self.assertEqual(len(claimed.claims), 6 + 1)
        self.assertTrue(claimed.more)
        self.assertEqual(single.exchange_id.state, states.SENDING)

    def test_x11_connections_of_one_company_share_its_part(self):
        same = self.another_connection("Same", company=self.connection.company_id)
        other = self.another_connection("Other")
        for connection in (self.connection, same, other):
            self.many(40, connection)
        taken = [item.connection_id for item in self.claim(slots=12).claims]
        numbers = [taken.count(item.id) for item in (self.connection, same, other)]
        self.assertEqual(numbers, [3, 3, 6])

    def test_x11_slow_calls_of_one_connection_leave_slots_for_others(self):
        self.many(40)
        claimed = self.claim(slots=4, held={self.connection.id: 8})
        self.assertEqual(claimed.claims, [])

    def test_memory_stays_flat_because_no_more_is_read_than_there_are_slots(self):
        self.many(5_000)
        self.assertLessEqual(len(self.claim(slots=24).claims), 24)

    # -- X12 ----------------------------------------------------------------------------------------------------

    def test_x12_putting_into_the_outbox_makes_no_call(self):
        self.control.clear_requests()
        self.document("document")
        self.env.flush_all()
        self.assertEqual(self.control.counts("reference"), {})
