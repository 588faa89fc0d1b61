"""The dispatcher: claims due exchanges, lets threads carry them, commits what came back.

Each numbered step of the life of an effect is a transaction of its own, so that a kill at any moment leaves a state
from which the next run goes on: 2 claim and commit a fencing token, 3 send outside of any transaction, 4 commit the
outcome where the token is still ours, 5 ask about what a dead worker held, 6 tell the owner.

Several scheduled actions ("lanes") run it at the same time; a lane that cannot keep up wakes the next one.
"""

import logging
from contextlib import contextmanager
from datetime import timedelta

import psycopg2
from odoo import SUPERUSER_ID, api, models
from odoo.tools import config
from psycopg2.extensions import TRANSACTION_STATUS_IDLE

from ..core.delivery.pipeline import Pipeline
from ..core.security.masking import MaskingFilter
from ..statements import statement
from .dispatcher_run import FIRST_LINGERS_SECONDS, Run
from .finance_dispatcher_worker import Heartbeat

_logger = logging.getLogger(__name__)
_logger.addFilter(MaskingFilter())

#: Calls on their way at the same time per process. Threads wait for the network most of the time and are cheap.
SLOTS = 192
#: The scheduled action stays this long for work that becomes due soon, because Odoo wakes sleeping crons by the minute.
RUN_SECONDS = 40.0
#: Odoo's cron workers look for triggers of the future every 60 to 69 seconds; being there early costs nothing.
_EARLY_SECONDS = 72.0
#: What is due at once but may not start (a chain held back, say) is looked at again after this time.
BLOCKED_SECONDS = 10.0
LANES = 4
#: What is committed here must survive a crash of the database, also where somebody has traded that for speed.
_OWN_TRANSACTION = """
SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
SET LOCAL synchronous_commit = on
"""


class FinanceDispatcher(models.AbstractModel):
    _name = "finance.dispatcher"
    _description = "Dispatcher of exchanges"

    @api.model
    def _cron_dispatch(self, lane=1):
        """Work until nothing is due soon or the time is up; then leave a trigger for what is due later.

        It stops claiming long before Odoo's time limit, so that every call on its way can still end in good order.
        """
        try:
            with (
                Heartbeat(self._transaction, lane).beating() as heartbeat,
                Pipeline(SLOTS, heartbeat.holds) as pipeline,
            ):
                run = Run(self, heartbeat, pipeline, lane)
                run.work(self._run_seconds(), on_progress=self._note_progress)
                due_in = self._seconds_to_next(heartbeat.worker_id)
        except psycopg2.OperationalError:
            # The database went away; what this worker held is asked about by whoever comes next.
            _logger.warning("lane %s lost the database", lane, exc_info=True)
            raise
        if run.is_out_of_time:
            # Odoo looks at future triggers by the minute only; one for now brings this lane back after the others' jobs.
            self._wake_in(0, lane)
        elif due_in is not None and lane == 1:
            self._wake_in(_seconds_to_wake(due_in))

    def _note_progress(self, steps):
        """Tell Odoo's scheduler that the job lives."""
        self.env["ir.cron"]._commit_progress(steps)

    def _run_seconds(self):
        limit = config["limit_time_real_cron"]
        if limit is None or limit <= 0:
            limit = config["limit_time_real"]
        return min(RUN_SECONDS, 0.3 * limit) if limit else RUN_SECONDS

    @api.model
    def _round(self):
        """One pass from claim to told owner; the number of steps taken. For callers that need no pipeline running."""
        with self._transaction() as env:
            worker_id = env["finance.dispatcher.worker"]._enter(0)
        try:
            with Pipeline(SLOTS) as pipeline:
                return Run(self, _Registered(worker_id), pipeline, 0).once()
        finally:
            with self._transaction() as env:
                env["finance.dispatcher.worker"]._leave(worker_id)

    # -- transactions and waking --------------------------------------------------------------------------------

    @contextmanager
    def _transaction(self):
        """A short transaction of its own, READ COMMITTED: SKIP LOCKED under Odoo's REPEATABLE READ still fails with
        serialization errors. The level can be chosen only before the first statement of a connection's transaction.
        """
        with self.env.registry.cursor() as cr:
            if cr.connection.info.transaction_status == TRANSACTION_STATUS_IDLE:
                cr.execute(_OWN_TRANSACTION)
            yield api.Environment(cr, SUPERUSER_ID, {})

    @api.model
    def _seconds_to_next(self, worker_id=0):
        """Seconds until the next step of any exchange of an active connection (negative: overdue), None: nothing."""
        with self._transaction() as env:
            env.cr.execute(statement("next_step"), {"worker": worker_id or 0})
            due = [env.cr.fetchone()[0], env["finance.webhook.event"]._seconds_to_next()]
        return min((seconds for seconds in due if seconds is not None), default=None)

    @api.model
    def _wake(self, at=None, lane=1):
        """Let a lane run as soon as this transaction is committed, or at ``at`` (UTC, naive)."""
        name = "ir_cron_dispatcher" if lane == 1 else f"ir_cron_dispatcher_{lane}"
        cron = self.env.ref(f"finance_connector_base.{name}", raise_if_not_found=False)
        if cron:
            cron.sudo()._trigger(at=at)

    def _wake_in(self, seconds, lane=1):
        """Let a lane run in ``seconds`` by the database's clock; 0: at once."""
        with self._transaction() as env:
            at = None
            if seconds:
                env.cr.execute("SELECT clock_timestamp() AT TIME ZONE 'UTC'")
                at = env.cr.fetchone()[0].replace(microsecond=0) + timedelta(
                    seconds=max(1, round(seconds))
                )
            env["finance.dispatcher"]._wake(at=at, lane=lane)

    @api.model
    def _wake_next_lane(self, lane):
        """There is more to do than this lane has room for."""
        if 0 < lane < LANES:
            with self._transaction() as env:
                env["finance.dispatcher"]._wake(lane=lane + 1)


def _seconds_to_wake(due_in):
    """When the first lane is to look again for what is due in so many seconds (negative: overdue)."""
    if due_in <= 0:
        return BLOCKED_SECONDS
    return due_in if due_in < FIRST_LINGERS_SECONDS else due_in - _EARLY_SECONDS


class _Registered:
    """Stands for the heartbeat where one pass is made."""

    def __init__(self, worker_id):
        self.worker_id = worker_id
