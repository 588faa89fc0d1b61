"""One run of a dispatcher lane: keeps its slots filled, stores what comes back, looks after what others left."""

import logging
import time

from psycopg2.extensions import TransactionRollbackError

from ..core.delivery.claim import Probe
from ..database import DATABASE_AWAY

_logger = logging.getLogger(__name__)

#: Free slots worth a claim while calls are on their way; fewer are collected first, so that claims stay large.
_WORTH_A_CLAIM = 64
#: Look for new work this often when the last claim found less than there was room for.
_LOOK_SECONDS = 0.25
_CLAIM_PAUSE_SECONDS = 0.05
_CARE_SECONDS = 1.0
#: The scheduler hears of progress, and an idle lane looks for what comes next, no more often than this.
_PROGRESS_SECONDS = 1.0
_LOOK_AHEAD_SECONDS = 1.0
#: The next lane is woken no more often than this.
_WAKE_SECONDS = 3.0
#: Stay for work that becomes due within this time. The first lane stays for longer than Odoo's cron workers sleep, so
#: that what it was woken for early is taken when it is due and not up to a minute later.
_LINGER_SECONDS = 12.0
FIRST_LINGERS_SECONDS = 75.0
#: How long calls on their way are waited for when the time is up, and a database that went away.
_DRAIN_SECONDS = 65.0
_AWAY_SECONDS = 30.0
_IDLE_SECONDS = 3.0


class Patience:
    """How long a run puts up with a database that is away."""

    def __init__(self, end):
        self._end = end
        self._away_since = None

    def renew(self):
        """The database answered."""
        self._away_since = None

    def lose(self, error):
        """It did not: wait a little, or give up by raising ``error``."""
        now = time.monotonic()
        self._away_since = self._away_since or now
        if now - self._away_since > _AWAY_SECONDS or now > self._end:
            raise error
        _logger.warning("the database cannot be used (%s); trying again", type(error).__name__)
        time.sleep(_LOOK_SECONDS)


class Run:
    """Uses the dispatcher's transactions; holds no record and no cursor between them."""

    def __init__(self, dispatcher, heartbeat, pipeline, lane):
        self.dispatcher = dispatcher
        self.heartbeat = heartbeat
        self.pipeline = pipeline
        self.lane = lane
        self.steps = 0
        self._steps_told = 0
        self.roster = None
        self._lingers = FIRST_LINGERS_SECONDS if lane == 1 else _LINGER_SECONDS
        self._next_claim = 0.0
        self._next_care = 0.0
        self._next_wake = 0.0
        self._next_progress = 0.0
        self._next_look_ahead = 0.0
        self._idle_since = None
        #: Answers whose storing is not known to have been committed; storing one twice changes nothing (X4).
        self._unstored = []
        #: Documents may be waiting for the news.
        self._owners_wait = False
        self._scheduler_listens = True
        #: The run ended by the clock, with more to come.
        self.is_out_of_time = False

    def work(self, seconds, on_progress):
        """Run until nothing is due soon or ``seconds`` are over; then wait for the calls on their way.

        :param on_progress: called now and then with the number of steps since the last time
        :raises psycopg2.Error: the database stayed away; what is on its way counts as lost.
        """
        stop = time.monotonic() + seconds
        patience = Patience(stop + _DRAIN_SECONDS)
        while True:
            now = time.monotonic()
            try:
                if self._turn(now, stop, on_progress):
                    return
                patience.renew()
            except DATABASE_AWAY as error:
                # Answers already here are kept and stored when it is back; nothing more is claimed in this run.
                patience.lose(error)
                if not isinstance(error, TransactionRollbackError):
                    stop = min(stop, now)

    def _turn(self, now, stop, on_progress):
        """One turn of the loop; True when the run is over."""
        self._care(now)
        if now < stop:
            self._fill(now)
        elif now > stop + _DRAIN_SECONDS or not self._has_open_ends:
            self.is_out_of_time = True
            return True
        self._store(self._patience(now))
        self._tell_owners()
        self._tell_scheduler(now, on_progress)
        return self._is_over(now)

    @property
    def _has_open_ends(self):
        return bool(self.pipeline.in_flight or self._unstored or self._owners_wait)

    def _tell_scheduler(self, now, on_progress):
        """The scheduler's own transaction does not survive a restart of the database; ours begin anew."""
        if not self._scheduler_listens or now < self._next_progress:
            return
        self._next_progress = now + _PROGRESS_SECONDS
        try:
            on_progress(self.steps - self._steps_told)
        except DATABASE_AWAY:
            self._scheduler_listens = False
            raise
        self._steps_told = self.steps

    def once(self):
        """One pass: what is due now, to the end."""
        self._care(time.monotonic())
        self._fill(time.monotonic())
        while self.pipeline.in_flight:
            self._store(1.0)
        self._owners_wait = True
        while self._owners_wait:
            self._tell_owners()
        return self.steps

    # -- filling the slots --------------------------------------------------------------------------------------

    def _fill(self, now):
        free = self.pipeline.free
        worth = free >= _WORTH_A_CLAIM or not self.pipeline.in_flight
        if now < self._next_claim or not worth:
            return
        claimed = self.dispatcher._claim(
            worker_id=self.heartbeat.worker_id,
            slots=free,
            held=self.pipeline.held,
            roster=self.roster,
        )
        self.pipeline.submit(claimed.claims)
        if claimed.claims and self.lane and now >= self._next_wake:
            # To share the work; and somebody has to be awake to notice if this process dies with calls on their way.
            self._next_wake = now + _WAKE_SECONDS
            if claimed.more or self.lane == 1:
                self.dispatcher._wake_next_lane(self.lane)
        pause = _CLAIM_PAUSE_SECONDS if claimed.claims else _LOOK_SECONDS
        self._next_claim = time.monotonic() + pause

    def _patience(self, now):
        """How long to wait for the next answer."""
        if self._owners_wait:
            return 0.0
        if self.pipeline.in_flight:
            return _LOOK_SECONDS if self.pipeline.free < _WORTH_A_CLAIM else _CLAIM_PAUSE_SECONDS
        return max(0.0, min(self._next_claim - now, _LOOK_SECONDS))

    # -- storing what came back ---------------------------------------------------------------------------------

    def _store(self, seconds):
        self._unstored += self.pipeline.collect(0 if self._unstored else seconds)
        probes = [item for item in self._unstored if isinstance(item[0], Probe)]
        answers = [item for item in self._unstored if not isinstance(item[0], Probe)]
        if probes:
            self.dispatcher._commit_probes(probes)
        if answers:
            self.dispatcher._commit_outcomes(answers, roster=self.roster)
            self.steps += len(answers)
        self._unstored = []
        self._owners_wait = self._owners_wait or bool(answers)

    def _tell_owners(self):
        """One group per turn, so that a crowd of documents to tell does not keep the slots empty."""
        if self._owners_wait:
            self._owners_wait = self.dispatcher._tell_owners()

    # -- looking after what others left -------------------------------------------------------------------------

    def _care(self, now):
        if now < self._next_care:
            return
        self._next_care = now + _CARE_SECONDS
        mine = self.pipeline.tokens | {task.token for task, _report in self._unstored}
        self.dispatcher._recover_lost(self.heartbeat.worker_id, mine)
        self.roster = self.dispatcher._make_roster()
        self.pipeline.submit(self.dispatcher._claim_probes(self.roster))
        self.dispatcher._process_webhook_events()
        self._owners_wait = True

    def _is_over(self, now):
        """Nothing is on its way and nothing will be due soon."""
        if (
            self.pipeline.in_flight
            or self._owners_wait
            or time.monotonic() < self._next_claim - _LOOK_SECONDS
        ):
            self._idle_since = None
            return False
        self._idle_since = self._idle_since or now
        if now < self._next_look_ahead:
            return False
        self._next_look_ahead = now + _LOOK_AHEAD_SECONDS
        due_in = self.dispatcher._seconds_to_next(self.heartbeat.worker_id)
        if due_in is None or due_in > self._lingers:
            return True
        # Due but not to be started (a chain held back, a limit): do not sit on the scheduler's worker.
        return due_in <= 0 and now - self._idle_since > _IDLE_SECONDS
