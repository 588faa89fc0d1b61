"""The dispatcher: claims due exchanges, lets threads carry them, commits what came back.

Each numbered step of the life of an effect is a transaction of its own, so that a kill at any moment leaves a state
from which the next run goes on: 2 claim and commit a fencing token, 3 send outside of any transaction, 4 commit the
outcome where the token is still ours, 6 tell the owner.
"""

import logging
import time
import uuid
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import contextmanager
from datetime import timedelta

from odoo import SUPERUSER_ID, api, fields, models
from odoo.tools import SQL, config
from psycopg2.extensions import TRANSACTION_STATUS_IDLE

from ..core.courier import Report
from ..core.masking import MaskingFilter
from ..core.outcomes import Unknown

_logger = logging.getLogger(__name__)
_logger.addFilter(MaskingFilter())

BATCH = 64
THREADS = 16
#: Longer than the longest call (connect and read time-outs of ``core.wire``), so that a live call keeps its claim.
LEASE = timedelta(seconds=75)
#: An owner that could not take the news is told again after this time; the others do not wait for it.
OWNER_RETRY = timedelta(seconds=30)
#: The scheduled action stays this long for work that becomes due soon, because Odoo wakes sleeping crons by the minute.
RUN_SECONDS = 40.0
LINGER_SECONDS = 12.0
_LOOK_SECONDS = 0.5


class FinanceDispatcher(models.AbstractModel):
    _name = "finance.dispatcher"
    _description = "Dispatcher of exchanges"

    @api.model
    def _cron_dispatch(self):
        """Work until nothing is due soon or the time is up; then leave a trigger for what is due later."""
        deadline = time.monotonic() + self._run_seconds()
        pause = _Pause()
        while True:
            self.env["ir.cron"]._commit_progress(self._round())
            due_in = self._seconds_to_next()
            if time.monotonic() >= deadline or due_in is None or due_in > LINGER_SECONDS:
                break
            pause.until_due(due_in)
        if due_in is not None:
            at = fields.Datetime.now() + timedelta(seconds=max(due_in, 0))
            self.env["finance.exchange"]._wake_dispatcher(at=at)

    def _run_seconds(self):
        limit = config["limit_time_real_cron"]
        if limit is None or limit <= 0:
            limit = config["limit_time_real"]
        return min(RUN_SECONDS, 0.4 * limit) if limit else RUN_SECONDS

    @api.model
    def _round(self):
        """One batch from claim to outcome; the number of steps taken."""
        self._recover_lost()
        claims = self._claim()
        if claims:
            self._carry(claims)
        self._tell_owners()
        return len(claims)

    # -- transactions -------------------------------------------------------------------------------------------

    @contextmanager
    def _transaction(self):
        """A short transaction of its own, READ COMMITTED: SKIP LOCKED under Odoo's REPEATABLE READ still fails with
        serialization errors. The level can be chosen only before the first statement of a connection's transaction.
        """
        with self.env.registry.cursor() as cr:
            if cr.connection.info.transaction_status == TRANSACTION_STATUS_IDLE:
                cr.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
            yield api.Environment(cr, SUPERUSER_ID, {})

    def _seconds_to_next(self):
        """Seconds until the next step of any exchange of an active connection (negative: overdue), None: nothing."""
        with self._transaction() as env:
            env.cr.execute(
                SQL(
                    """
                    SELECT EXTRACT(EPOCH FROM MIN(CASE
                               WHEN e.lease_until IS NULL THEN e.next_step_at ELSE e.lease_until END
                           ) - (clock_timestamp() AT TIME ZONE 'UTC'))
                      FROM finance_exchange e
                      JOIN finance_connection c ON c.id = e.connection_id AND c.state = 'active'
                     WHERE e.state IN ('pending', 'sending', 'unknown', 'waiting')
                       AND c.last_block IS NULL
                    """
                )
            )
            seconds = env.cr.fetchone()[0]
            return None if seconds is None else float(seconds)

    # -- step 5: what a dead worker held ------------------------------------------------------------------------

    def _recover_lost(self):
        """A claim whose lease ran out belongs to a worker that is gone: whether it sent is not known (X5)."""
        with self._transaction() as env:
            env.cr.execute(
                SQL(
                    """
                    SELECT id FROM finance_exchange
                     WHERE state IN ('sending', 'unknown', 'waiting')
                       AND lease_until < (clock_timestamp() AT TIME ZONE 'UTC')
                     ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED
                    """,
                    BATCH,
                )
            )
            lost = env["finance.exchange"].browse([row[0] for row in env.cr.fetchall()])
            if lost:
                lost._release_lost()

    # -- step 2: claim ------------------------------------------------------------------------------------------

    def _claim(self):
        """Claim due exchanges, each with a new token on a committed attempt (X4)."""
        with self._transaction() as env:
            usable = env["finance.connection"]._usable_for_sending()
            if not usable:
                return []
            env.cr.execute(
                SQL(
                    """
                    SELECT id FROM finance_exchange
                     WHERE state IN ('pending', 'unknown', 'waiting')
                       AND connection_id IN %s
                       AND lease_until IS NULL
                       AND next_step_at <= (clock_timestamp() AT TIME ZONE 'UTC')
                     ORDER BY next_step_at, id LIMIT %s FOR UPDATE SKIP LOCKED
                    """,
                    tuple(usable.ids),
                    BATCH,
                )
            )
            due = env["finance.exchange"].browse([row[0] for row in env.cr.fetchall()])
            return [
                exchange._begin_step(str(uuid.uuid4()), LEASE)
                for exchange in due
                if not exchange._fail_if_damaged()
            ]

    # -- step 3: send -------------------------------------------------------------------------------------------

    def _carry(self, claims):
        """Let threads carry the claims; commit outcomes in groups as they come in."""
        with ThreadPoolExecutor(THREADS, thread_name_prefix="finance") as pool:
            running = {pool.submit(_perform, claim): claim for claim in claims}
            while running:
                finished, _open = wait(running, return_when=FIRST_COMPLETED)
                self._commit_outcomes(
                    [(running.pop(future), future.result()) for future in finished]
                )

    # -- step 4: outcome ----------------------------------------------------------------------------------------

    def _commit_outcomes(self, results):
        """Commit a group; if the group fails, one by one, so that one bad record costs only itself (X10)."""
        try:
            with self._transaction() as env:
                self._write_outcomes(env, results)
        except Exception:
            if len(results) == 1:
                # The claim's lease will run out and the exchange be looked up; the answer stays in the log.
                _logger.exception(
                    "outcome of exchange %s could not be stored",
                    results[0][0].exchange_id,
                )
                return
            for result in results:
                self._commit_outcomes([result])

    def _write_outcomes(self, env, results):
        ids = tuple(claim.exchange_id for claim, _report in results)
        env.cr.execute(
            SQL(
                "SELECT id, claim_token FROM finance_exchange WHERE id IN %s ORDER BY id FOR UPDATE",
                ids,
            )
        )
        tokens = dict(env.cr.fetchall())
        for claim, report in results:
            exchange = env["finance.exchange"].browse(claim.exchange_id)
            exchange._finish_step(claim, report, is_late=tokens[claim.exchange_id] != claim.token)

    # -- step 6: tell the document ------------------------------------------------------------------------------

    def _tell_owners(self):
        """Tell owners of changes, each in its own transaction; one that fails is told again later."""
        with self._transaction() as env:
            env.cr.execute(
                SQL(
                    """
                    SELECT id FROM finance_exchange
                     WHERE owner_pending AND (owner_next_at IS NULL OR owner_next_at <= (clock_timestamp() AT TIME ZONE 'UTC'))
                     ORDER BY id LIMIT %s
                    """,
                    4 * BATCH,
                )
            )
            ids = [row[0] for row in env.cr.fetchall()]
        for exchange_id in ids:
            self._tell_owner(exchange_id)

    def _tell_owner(self, exchange_id):
        try:
            with self._transaction() as env:
                exchange = env["finance.exchange"].browse(exchange_id)
                if exchange.try_lock_for_update() and exchange.owner_pending:
                    exchange._tell_owner()
        except Exception:
            _logger.exception("the owner of exchange %s could not be told", exchange_id)
            with self._transaction() as env:
                env["finance.exchange"].browse(exchange_id).owner_next_at = (
                    fields.Datetime.now() + OWNER_RETRY
                )


class _Pause:
    """Waits for the next due step, at most as long as new work may wait."""

    def until_due(self, due_in):
        """Return when the step is due or it is time to look for new work."""
        if due_in > 0:
            time.sleep(min(due_in, _LOOK_SECONDS))


def _perform(claim):
    """Run in a thread: no ORM. What an adapter did not foresee counts as not knowing."""
    try:
        return claim.courier.perform(claim.step, claim.call)
    except Exception as error:
        _logger.exception("step %s of exchange %s broke", claim.step, claim.exchange_id)
        return Report(Unknown(f"{type(error).__name__} in the adapter"))
