"""One run of a dispatcher: keep the call slots filled, store results, notify documents, take over
lost claims.

A run only decides what happens when. What it does is in the transactions of the dispatcher it is
given: it holds no record and no cursor between them.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from typing import Any

import psycopg2
from psycopg2.extensions import TransactionRollbackError

from ..security.masking import MaskingFilter
from .outcomes import is_failure
from .pipeline import FeedRead, Pipeline, Preparation, Probe, Release, Result
from .throttle import SlowStart

_logger = logging.getLogger(__name__)
_logger.addFilter(MaskingFilter())

#: The database restarts, or two transactions were in each other's way: a repetition is safe, tokens
#: decide.
DATABASE_AWAY = (psycopg2.OperationalError, psycopg2.InterfaceError)

#: Free slots worth a claim while calls are in flight; fewer are collected first, so that claims
#: stay large.
_WORTH_A_CLAIM = 64
#: Look for new work this often when the last claim found less than there was room for.
_LOOK_SECONDS = 0.25
_CLAIM_PAUSE_SECONDS = 0.05
_HOUSEKEEPING_SECONDS = 1.0
_FEEDS_SECONDS = 1.0
#: Pages of feeds are stored for so long at a time, and for each second of it the exchanges in flight
#: have so many before the next page is read: a provider that always has more keeps nothing back.
_PAGES_SECONDS = 0.25
_REST_AFTER_PAGES = 3.0
#: A single pass ends also where a feed has always more.
_PAGES_OF_A_PASS = 1000
#: The scheduler hears of progress, and an idle run looks for what comes next, no more often than
#: this.
_PROGRESS_SECONDS = 1.0
_LOOK_AHEAD_SECONDS = 1.0
#: The next cron is triggered no more often than this.
_TRIGGER_SECONDS = 3.0
#: Stay for work that becomes due within this time. The first cron stays for longer than Odoo's cron
#: workers sleep, so that what it was triggered early for is taken when it is due and not up to a
#: minute later.
_IDLE_TIMEOUT_SECONDS = 12.0
FIRST_IDLE_TIMEOUT_SECONDS = 75.0
#: How long calls in flight are waited for when the time is up, and a database that went away.
_DRAIN_SECONDS = 65.0
_OUTAGE_SECONDS = 30.0
_BLOCKED_SECONDS = 3.0
#: Longest pause after a resource could not be obtained.
_PREPARATION_CEILING = 60.0


class OutageTolerance:
    """Decides how long a run tolerates a database outage: until ``end`` (monotonic), and
    ``seconds`` in a row.
    """

    def __init__(self, end: float, seconds: float = _OUTAGE_SECONDS):
        self._end = end
        self._seconds = seconds
        self._away_since: float | None = None

    def available(self) -> None:
        """Note that the database responded."""
        self._away_since = None

    def failed(self, error: Exception) -> None:
        """Wait a little after a failure, or end the tolerance by raising ``error``."""
        now = time.monotonic()
        self._away_since = self._away_since or now
        if now - self._away_since > self._seconds or now > self._end:
            raise error
        _logger.warning("the database is unavailable (%s); trying again", type(error).__name__)
        time.sleep(_LOOK_SECONDS)


class Run:
    """One run of the dispatcher of cron ``cron_number`` (0: a single pass without a cron)."""

    def __init__(
        self,
        dispatcher: Any,
        heartbeat: Any,
        pipeline: Pipeline,
        cron_number: int,
        outage_seconds: float = _OUTAGE_SECONDS,
    ):
        self.dispatcher = dispatcher
        self.heartbeat = heartbeat
        self.pipeline = pipeline
        self.cron_number = cron_number
        self.outage_seconds = outage_seconds
        self.steps = 0
        self.targets: dict[int, Any] | None = None
        self.start = SlowStart()
        self._steps_reported = 0
        self._idle_timeout = (
            FIRST_IDLE_TIMEOUT_SECONDS if cron_number == 1 else _IDLE_TIMEOUT_SECONDS
        )
        self._next_claim = 0.0
        self._next_housekeeping = 0.0
        self._next_feeds = 0.0
        self._next_trigger = 0.0
        self._next_progress = 0.0
        self._next_look_ahead = 0.0
        self._idle_since: float | None = None
        #: Results whose commit is not confirmed; storing one twice changes nothing (X4).
        self._unstored: list[Result] = []
        #: Pages of feeds that wait to be stored; one whose lease ends meanwhile is read again.
        self._pages: list[Result] = []
        #: Notifications may be due.
        self._notify = False
        #: Inbound documents may be due.
        self._inbound = False
        #: When the resources of a connection may be obtained (again), by connection and names.
        self._prepare_from: dict[tuple[int, tuple[str, ...]], float] = {}
        self._failed_preparations: dict[tuple[int, tuple[str, ...]], int] = {}
        self._reports_progress = True
        #: The run ended by the clock, with more to come.
        self.is_out_of_time = False

    def work(self, seconds: float, on_progress: Callable[[int], None]) -> None:
        """Run until nothing is due soon or ``seconds`` are over; then wait for the calls in flight.

        :param on_progress: called now and then with the number of steps since the last time
        :raises psycopg2.Error: the database stayed away; what is in flight counts as lost.
        """
        stop = time.monotonic() + seconds
        tolerance = OutageTolerance(stop + _DRAIN_SECONDS, self.outage_seconds)
        while True:
            now = time.monotonic()
            try:
                if self._iterate(now, stop, on_progress):
                    return
                tolerance.available()
            except DATABASE_AWAY as error:
                # Results already here are kept and stored when it is back; nothing more is claimed
                # in this run.
                tolerance.failed(error)
                if not isinstance(error, TransactionRollbackError):
                    stop = min(stop, now)

    def once(self) -> int:
        """Make one pass: take what is due now to its end, and return the number of steps."""
        self._housekeeping(time.monotonic())
        self._fill(time.monotonic())
        self._read_feeds(time.monotonic())
        if self._prepare_from:
            # Resources first; what waited for them follows.
            while self.pipeline.in_flight:
                self._store(1.0)
            self._fill(time.monotonic())
        pages = 0
        while self.pipeline.in_flight or self._pages:
            self._store(0.0 if self._pages else 1.0)
            pages += 1
            if pages < _PAGES_OF_A_PASS:
                self._read_feeds(time.monotonic())
        self._notify = self._inbound = True
        while self._notify:
            self._notify_documents()
        while self._inbound:
            self._process_inbound()
        return self.steps

    def _iterate(self, now: float, stop: float, on_progress: Callable[[int], None]) -> bool:
        """Make one iteration of the loop; True when the run is over."""
        self._housekeeping(now)
        if now < stop:
            self._fill(now)
            self._read_feeds(now)
        elif now > stop + _DRAIN_SECONDS or not self._has_open_ends:
            self.is_out_of_time = True
            return True
        self._store(self._wait_seconds(now))
        self._notify_documents()
        self._process_inbound()
        self._report_progress(now, on_progress)
        return self._is_over(now)

    @property
    def _has_open_ends(self) -> bool:
        return bool(
            self.pipeline.in_flight
            or self._unstored
            or self._pages
            or self._notify
            or self._inbound
        )

    def _report_progress(self, now: float, on_progress: Callable[[int], None]) -> None:
        """Report to the scheduler, whose own transaction does not survive a restart of the
        database; ours do.
        """
        if not self._reports_progress or now < self._next_progress:
            return
        self._next_progress = now + _PROGRESS_SECONDS
        try:
            on_progress(self.steps - self._steps_reported)
        except DATABASE_AWAY:
            self._reports_progress = False
            raise
        self._steps_reported = self.steps

    # -- filling the slots -------------------------------------------------------------------------

    def _fill(self, now: float) -> None:
        free = self.pipeline.free
        worth = free >= _WORTH_A_CLAIM or not self.pipeline.in_flight
        if now < self._next_claim or not worth:
            return
        claimed = self.dispatcher._claim(
            worker_id=self.heartbeat.worker_id,
            slots=free,
            held=self.pipeline.held,
            targets=self.targets,
            start=self.start,
        )
        self.pipeline.submit(claimed.claims)
        self._prepare(claimed.preparations, now)
        if claimed.claims and self.cron_number and now >= self._next_trigger:
            # To share the work, and so that another process notices if this one ends with calls in
            # flight.
            self._next_trigger = now + _TRIGGER_SECONDS
            if claimed.more or self.cron_number == 1:
                self.dispatcher._wake_next_cron(self.cron_number)
        pause = _CLAIM_PAUSE_SECONDS if claimed.claims else _LOOK_SECONDS
        self._next_claim = time.monotonic() + pause

    def _prepare(self, preparations: list[Preparation], now: float) -> None:
        """Obtain what claims wait for, each resource by one call of this worker, less often where
        it fails.
        """
        for task in preparations:
            if now >= self._prepare_from.get((task.connection_id, task.names), 0.0):
                self._prepare_from[task.connection_id, task.names] = math.inf
                self.pipeline.submit([task])

    def _prepared(self, key: tuple[int, tuple[str, ...]], failed: bool) -> None:
        failures = self._failed_preparations[key] = (
            self._failed_preparations.get(key, 0) + 1 if failed else 0
        )
        pause = min(_PREPARATION_CEILING, 2.0**failures) if failed else 0.0
        self._prepare_from[key] = time.monotonic() + pause
        if not failed:
            self._next_claim = 0.0

    def _read_feeds(self, now: float) -> None:
        """Start reading the feeds that are due, in slots that are free."""
        if now < self._next_feeds or self.pipeline.free <= 0 or self._pages:
            return
        self._next_feeds = now + _FEEDS_SECONDS
        self.pipeline.submit(self.dispatcher._claim_feeds(self.targets or {}, self.pipeline.free))

    def _wait_seconds(self, now: float) -> float:
        """Return how long to wait for the next result."""
        if self._notify or self._inbound or self._pages:
            return 0.0
        if self.pipeline.in_flight:
            return _LOOK_SECONDS if self.pipeline.free < _WORTH_A_CLAIM else _CLAIM_PAUSE_SECONDS
        return max(0.0, min(self._next_claim - now, _LOOK_SECONDS))

    # -- storing results ---------------------------------------------------------------------------

    def _store(self, seconds: float) -> None:
        self._unstored += self.pipeline.collect(0 if self._unstored else seconds)
        self._pages += [item for item in self._unstored if isinstance(item[0], FeedRead)]
        self._unstored = [item for item in self._unstored if not isinstance(item[0], FeedRead)]
        probes = [item for item in self._unstored if isinstance(item[0], Probe)]
        prepared = [
            (task, report) for task, report in self._unstored if isinstance(task, Preparation)
        ]
        released = [item for item in self._unstored if isinstance(item[0], Release)]
        others = (Preparation, Probe, Release)
        results = [item for item in self._unstored if not isinstance(item[0], others)]
        if probes:
            self.dispatcher._commit_probes(probes)
        if prepared:
            self.dispatcher._commit_preparations(prepared)
        if released:
            self.dispatcher._commit_releases(released)
        if results:
            self.dispatcher._commit_outcomes(results, targets=self.targets)
            self.steps += len(results)
            for claim, report in results:
                self.start.learned(claim.connection_id, is_failure(report.outcome))
        for task, report in prepared:
            self._prepared((task.connection_id, task.names), is_failure(report.outcome))
        self._unstored = []
        self._notify = self._notify or bool(results)
        self._store_pages()

    def _store_pages(self) -> None:
        """Store pages of feeds for a moment; where more is waiting, the next ones are read at once,
        or as soon as the exchanges in flight have had their share of the time.
        """
        started = time.monotonic()
        spent = 0.0
        while self._pages and spent < _PAGES_SECONDS:
            if self.dispatcher._commit_pages(self._pages[:1]):
                self._next_feeds = 0.0
            del self._pages[0]
            self.steps += 1
            self._inbound = True
            spent = time.monotonic() - started
        if spent and self.cron_number and self.pipeline.in_flight:
            rest = time.monotonic() + _REST_AFTER_PAGES * spent
            self._next_feeds = max(self._next_feeds, rest)

    def _process_inbound(self) -> None:
        """Handle a few inbound documents per iteration, as with notifications."""
        if self._inbound:
            self._inbound = self.dispatcher._process_inbound()

    def _notify_documents(self) -> None:
        """Notify one batch per iteration, so that many pending notifications do not keep the slots
        empty.
        """
        if self._notify:
            self._notify = self.dispatcher._notify_documents()

    # -- housekeeping ------------------------------------------------------------------------------

    def _housekeeping(self, now: float) -> None:
        if now < self._next_housekeeping:
            return
        self._next_housekeeping = now + _HOUSEKEEPING_SECONDS
        mine = self.pipeline.tokens | {
            token for task, _report in self._unstored for token in task.tokens
        }
        self.dispatcher._recover_lost(self.heartbeat.worker_id, mine)
        self.targets = self.dispatcher._sendable_connections()
        self.pipeline.submit(self.dispatcher._claim_probes(self.targets))
        self.pipeline.submit(self.dispatcher._claim_releases())
        self.dispatcher._process_webhook_events()
        self._notify = self._inbound = True

    def _is_over(self, now: float) -> bool:
        """Return whether nothing is in flight and nothing will be due soon."""
        if (
            self.pipeline.in_flight
            or self._pages
            or self._notify
            or self._inbound
            or time.monotonic() < self._next_claim - _LOOK_SECONDS
        ):
            self._idle_since = None
            return False
        self._idle_since = self._idle_since or now
        if now < self._next_look_ahead:
            return False
        self._next_look_ahead = now + _LOOK_AHEAD_SECONDS
        due_in = self.dispatcher._seconds_to_next(self.heartbeat.worker_id, with_feeds=False)
        if due_in is None or due_in > self._idle_timeout:
            return True
        # Due but blocked (by a chain or a limit): do not occupy the scheduler's worker.
        return due_in <= 0 and now - self._idle_since > _BLOCKED_SECONDS
