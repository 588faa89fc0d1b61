"""The loop of a dispatcher lane: what it keeps, when it stops, when it comes back at once."""

from types import SimpleNamespace
from unittest.mock import patch

import psycopg2
from odoo.tests import BaseCase, tagged
from odoo.tools import mute_logger

from ..core.delivery.claim import Claim
from ..core.delivery.outcomes import Accepted
from ..core.delivery.pipeline import Pipeline
from ..core.http.client import Report
from ..core.protocol import Call
from ..models.dispatcher_run import Run
from ..models.finance_dispatcher import _seconds_to_wake
from ..models.finance_dispatcher_claim import Claimed

LOGGER = "odoo.addons.finance_connector_base.models.dispatcher_run"


class ProviderClient:
    """Answers at once."""

    def perform(self, _step, call):
        return Report(Accepted(call.key))


class Dispatcher:
    """Stands for the transactions; ``trouble`` is raised by the first ones that store."""

    def __init__(self, claims=(), due_in=None, trouble=(), full_groups=0):
        self._claims = list(claims)
        self._due_in = due_in
        self._trouble = list(trouble)
        self.stored = []
        self.strays = []
        self.woken = []
        self.groups = []
        self._full_groups = full_groups

    def _wake_next_lane(self, lane):
        self.woken.append(lane)

    def _claim(self, **_values):
        claims, self._claims = self._claims, []
        return Claimed(claims, False)

    def _commit_outcomes(self, results, roster):
        if self._trouble:
            raise self._trouble.pop(0)
        self.stored += [claim.call.key for claim, _report in results]

    def _seconds_to_next(self, _worker):
        return self._due_in

    def _make_roster(self):
        return {}

    def _claim_probes(self, _roster):
        return []

    def _recover_lost(self, _worker, tokens):
        self.strays.append(tokens)

    def _process_webhook_events(self):
        """Nobody calls."""

    def _tell_owners(self):
        """One group; True where it was full."""
        self.groups.append(len(self.stored))
        return len(self.groups) < self._full_groups


def claim(key):
    return Claim(1, 1, 1, f"token-{key}", "send", Call("op", key, b""), ProviderClient())


@tagged("post_install", "-at_install")
class TestDispatcherRun(BaseCase):
    def work(self, dispatcher, seconds=0.3, on_progress=None, lane=1):
        with Pipeline(4) as pipeline:
            run = Run(dispatcher, SimpleNamespace(worker_id=1), pipeline, lane)
            run.work(seconds, on_progress or (lambda steps: None))
        return run

    def test_a_run_ends_when_nothing_is_due(self):
        dispatcher = Dispatcher([claim("a"), claim("b")])
        run = self.work(dispatcher, seconds=30)
        self.assertEqual(sorted(dispatcher.stored), ["a", "b"])
        self.assertFalse(run.is_out_of_time)

    def test_x5_another_lane_is_woken_to_watch_over_calls_on_their_way(self):
        dispatcher = Dispatcher([claim("a")])
        self.work(dispatcher, seconds=30)
        self.assertEqual(dispatcher.woken, [1])
        idle = Dispatcher()
        self.work(idle, seconds=30)
        self.assertEqual(idle.woken, [])

    def test_a_run_that_ends_by_the_clock_with_work_due_soon_says_so(self):
        self.assertTrue(self.work(Dispatcher(due_in=2.0)).is_out_of_time)

    def test_the_first_lane_waits_for_what_is_due_before_cron_workers_look_again(self):
        for due_in, lane, stays in ((74.0, 1, True), (76.0, 1, False), (20.0, 2, False)):
            with self.subTest(due_in=due_in, lane=lane):
                run = self.work(Dispatcher(due_in=due_in), lane=lane)
                self.assertEqual(run.is_out_of_time, stays)

    def test_the_first_lane_is_woken_early_enough_for_a_cron_worker_that_sleeps(self):
        self.assertEqual(
            [_seconds_to_wake(due_in) for due_in in (-3, 10, 75, 600)], [10, 10, 3, 528]
        )

    def test_documents_are_told_until_none_waits(self):
        dispatcher = Dispatcher([claim("a")], full_groups=5)
        run = self.work(dispatcher, seconds=30)
        self.assertGreaterEqual(len(dispatcher.groups), 5)
        self.assertFalse(run._owners_wait)

    def test_x5_answers_are_kept_while_the_database_restarts(self):
        trouble = [psycopg2.OperationalError("gone"), psycopg2.InterfaceError("closed")]
        dispatcher = Dispatcher([claim("a")], trouble=trouble)
        with mute_logger(LOGGER):
            self.work(dispatcher, seconds=30)
        self.assertEqual(dispatcher.stored, ["a"])

    def test_x4_an_answer_that_is_not_stored_yet_is_no_stray(self):
        dispatcher = Dispatcher([claim("a")], trouble=[psycopg2.OperationalError("gone")])
        run = Run(dispatcher, SimpleNamespace(worker_id=1), Pipeline(4), 1)
        run._fill(run._next_claim + 1)
        with self.assertRaises(psycopg2.OperationalError):
            run._store(5.0)
        run._care(run._next_care + 1)
        self.assertEqual(dispatcher.strays, [{"token-a"}])

    def test_the_schedulers_own_broken_transaction_does_not_stop_the_storing(self):
        told = []

        def on_progress(steps):
            told.append(steps)
            raise psycopg2.InterfaceError("cursor closed")

        dispatcher = Dispatcher([claim("a"), claim("b")])
        with mute_logger(LOGGER):
            self.work(dispatcher, seconds=30, on_progress=on_progress)
        self.assertEqual(sorted(dispatcher.stored), ["a", "b"])
        self.assertEqual(len(told), 1)

    def test_a_database_that_stays_away_ends_the_run_with_its_error(self):
        trouble = [psycopg2.OperationalError("gone")] * 2
        dispatcher = Dispatcher([claim("a")], trouble=trouble)
        with (
            mute_logger(LOGGER),
            self.patch_away(-1.0),
            self.assertRaises(psycopg2.OperationalError),
        ):
            self.work(dispatcher, seconds=30)
        self.assertEqual(dispatcher.stored, [])

    def patch_away(self, seconds):
        return patch(
            "odoo.addons.finance_connector_base.models.dispatcher_run._AWAY_SECONDS", seconds
        )
