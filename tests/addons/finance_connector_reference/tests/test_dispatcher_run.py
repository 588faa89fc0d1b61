"""One run of a dispatcher on the real provider: when it ends, what it keeps, what it leaves to the next cron."""

import psycopg2
from odoo import fields
from odoo.addons.finance_connector_base.core.delivery import boundaries, states
from odoo.addons.finance_connector_base.core.delivery.pipeline import Pipeline
from odoo.addons.finance_connector_base.core.delivery.run import Run
from odoo.addons.finance_connector_base.models.finance_dispatcher import _seconds_to_wake
from odoo.tests import tagged
from odoo.tools import mute_logger

from .engine_case import EngineCase

LOGGER = "odoo.addons.finance_connector_base.core.delivery.run"


class Worker:
    """A registered worker without a heartbeat thread."""

    def __init__(self, worker_id):
        self.worker_id = worker_id


@tagged("post_install", "-at_install")
class TestDispatcherRun(EngineCase):
    def work(self, seconds=0.3, on_progress=None, cron_number=1, **options):
        """Run the dispatcher with a worker of its own, and return the run."""
        self.env.flush_all()
        with self.dispatcher._transaction() as env:
            worker = Worker(env["finance.dispatcher.worker"]._enter(cron_number))
        with Pipeline(8) as pipeline:
            run = Run(self.dispatcher, worker, pipeline, cron_number, **options)
            try:
                run.work(seconds, on_progress or (lambda _steps: None))
            finally:
                self.env.invalidate_all()
        return run

    def failing_at(self, moment, *errors):
        """Raise these errors, one each time the moment is reached."""
        left = list(errors)

        def observer(name):
            if name == moment and left:
                raise left.pop(0)

        self.addCleanup(boundaries.observe(observer))
        return left

    def later(self, document, seconds):
        document.exchange_id.next_step_at = fields.Datetime.add(
            fields.Datetime.now(), seconds=seconds
        )

    def triggered(self, cron_number):
        cron = self.env.ref(f"finance_connector_base.ir_cron_dispatcher_{cron_number}")
        return self.env["ir.cron.trigger"].search_count([("cron_id", "=", cron.id)])

    # -- the end of a run ---------------------------------------------------------------------------------------

    def test_a_run_ends_when_nothing_is_due(self):
        documents = [self.document("document", f"D-{number}") for number in range(2)]
        run = self.work(seconds=30)
        self.assertEqual({document.state for document in documents}, {states.ACCEPTED})
        self.assertFalse(run.is_out_of_time)
        self.assertEqual(run.steps, 2)

    def test_a_run_that_ends_by_the_clock_with_work_due_soon_says_so(self):
        self.later(self.document("document"), 3)
        self.assertTrue(self.work().is_out_of_time)

    def test_the_first_cron_waits_for_what_is_due_before_cron_workers_look_again(self):
        document = self.document("document")
        for due_in, cron_number, stays in ((70, 1, True), (80, 1, False), (20, 2, False)):
            with self.subTest(due_in=due_in, cron_number=cron_number):
                self.later(document, due_in)
                self.assertEqual(self.work(cron_number=cron_number).is_out_of_time, stays)

    def test_the_first_cron_is_triggered_early_enough_for_a_cron_worker_that_sleeps(self):
        self.assertEqual(
            [_seconds_to_wake(due_in) for due_in in (-3, 10, 75, 600)], [10, 10, 3, 528]
        )

    def test_x5_another_cron_is_triggered_to_watch_over_calls_in_flight(self):
        before = self.triggered(2)
        self.work()
        self.assertEqual(self.triggered(2), before)
        self.document("document")
        self.work()
        self.assertGreater(self.triggered(2), before)

    # -- an outage of the database ------------------------------------------------------------------------------

    def test_x5_results_are_kept_while_the_database_restarts(self):
        document = self.document("document")
        left = self.failing_at(
            "before_outcomes", psycopg2.OperationalError("gone"), psycopg2.InterfaceError("closed")
        )
        with mute_logger(LOGGER):
            self.work(seconds=30)
        self.assertEqual((document.state, left), (states.ACCEPTED, []))
        self.assertEqual(self.calls("putDocument"), 1)

    def test_x4_a_result_that_is_not_stored_yet_is_not_taken_over(self):
        document = self.document("document")
        self.failing_at("outcome_written", *[psycopg2.OperationalError("gone")] * 6)
        with mute_logger(LOGGER):
            self.work(seconds=30)
        self.assertEqual(document.exchange_id.attempt_ids.mapped("outcome"), ["accepted"])

    def test_the_schedulers_own_broken_transaction_does_not_stop_the_storing(self):
        reported = []

        def on_progress(steps):
            reported.append(steps)
            raise psycopg2.InterfaceError("cursor closed")

        document = self.document("document")
        with mute_logger(LOGGER):
            self.work(seconds=30, on_progress=on_progress)
        self.assertEqual(document.state, states.ACCEPTED)
        self.assertEqual(len(reported), 1)

    def test_a_database_that_stays_away_ends_the_run_with_its_error(self):
        document = self.document("document")
        self.failing_at("before_outcomes", *[psycopg2.OperationalError("gone")] * 3)
        with mute_logger(LOGGER), self.assertRaises(psycopg2.OperationalError):
            self.work(seconds=30, outage_seconds=-1.0)
        self.assertNotEqual(document.state, states.ACCEPTED)

    # -- the order of the steps ---------------------------------------------------------------------------------

    def test_x4_a_claim_is_committed_before_anything_is_sent(self):
        seen = []
        self.addCleanup(boundaries.observe(seen.append))
        self.document("document")
        self.dispatch()
        wanted = [
            "claim_written",
            "claim_committed",
            "before_send",
            "after_send",
            "before_outcomes",
            "throttle_committed",
            "outcome_written",
            "outcomes_committed",
            "notification_written",
        ]
        places = [seen.index(name) for name in wanted]
        self.assertEqual(places, sorted(places))
        self.assertLessEqual(set(seen), set(boundaries.NAMES))

    def test_an_attempt_records_the_versions_and_the_request_id(self):
        document = self.document("document")
        self.dispatch()
        attempt = document.exchange_id.attempt_ids
        adapter = self.connection._adapter()
        self.assertEqual(attempt.api_version, adapter._api_version)
        self.assertRegex(attempt.adapter_version, r"^\d+(\.\d+)+$")
        self.assertIn("date", attempt.response_headers)
