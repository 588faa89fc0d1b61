"""Dispatchers that are alive: each renews its lease; what a dead one held is taken over by another (X5)."""

import logging
import os
import socket
import threading
import time
from contextlib import contextmanager

import psycopg2
from odoo import api, fields, models

_logger = logging.getLogger(__name__)

#: A worker not heard of for so long is gone. Renewed four times as often, so that one missed beat means nothing.
LEASE_SECONDS = 8.0
BEAT_SECONDS = 2.0
#: A call is not begun when so little of the lease is left: by the time it arrives somebody else may have asked for it.
MARGIN_SECONDS = 2.0

_ENTER = """
INSERT INTO finance_dispatcher_worker (name, lane, started_at, alive_until)
SELECT %(name)s, %(lane)s, t.now, t.now + %(lease)s * interval '1 second'
  FROM (SELECT clock_timestamp() AT TIME ZONE 'UTC' AS now) AS t
RETURNING id
"""
_BEAT = """
UPDATE finance_dispatcher_worker
   SET alive_until = clock_timestamp() AT TIME ZONE 'UTC' + %(lease)s * interval '1 second'
 WHERE id = %(id)s
   AND alive_until > clock_timestamp() AT TIME ZONE 'UTC'
RETURNING id
"""
_LEAVE = "DELETE FROM finance_dispatcher_worker WHERE id = %(id)s"
_FORGET = """
DELETE FROM finance_dispatcher_worker w
 WHERE w.alive_until < (clock_timestamp() AT TIME ZONE 'UTC') - interval '1 minute'
   AND NOT EXISTS (SELECT 1 FROM finance_exchange e WHERE e.worker_id = w.id AND e.claim_token IS NOT NULL)
"""


class FinanceDispatcherWorker(models.Model):
    _name = "finance.dispatcher.worker"
    _description = "Dispatcher at work"
    _log_access = False
    _order = "lane, id"

    name = fields.Char("Process", required=True, readonly=True)
    lane = fields.Integer(required=True, readonly=True, aggregator=None)
    started_at = fields.Datetime(required=True, readonly=True)
    alive_until = fields.Datetime(
        required=True,
        readonly=True,
        help="Lease, renewed while the process lives. When it runs out, others ask what became of its calls.",
    )

    @api.model
    def _enter(self, lane):
        """Enter a dispatcher; committed by the caller before it claims anything. The id of the row."""
        self.env.cr.execute(
            _ENTER,
            {"name": f"{socket.gethostname()}/{os.getpid()}", "lane": lane, "lease": LEASE_SECONDS},
        )
        return self.env.cr.fetchone()[0]

    @api.model
    def _leave(self, worker_id):
        """Remove a dispatcher that ended in good order, and rows of those long gone."""
        self.env.cr.execute(_LEAVE, {"id": worker_id})
        self.env.cr.execute(_FORGET)


class Heartbeat:
    """Renews a worker's lease from a thread of its own, in transactions of its own.

    ``open_transaction`` yields an environment. A process that stood still for longer than its lease may have lost what
    it held: it comes back under a new name, begins none of the old calls (``holds``), and answers to those already
    made are late, which the fencing token takes care of.
    """

    def __init__(self, open_transaction, lane):
        self._open = open_transaction
        self._lane = lane
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="finance-heartbeat", daemon=True)
        self.worker_id = None
        self._safe_until = 0.0

    def holds(self, worker_id):
        """Whether claims made under this id are still ours for long enough to begin a call. For sending threads."""
        return worker_id == self.worker_id and _now() < self._safe_until

    @contextmanager
    def beating(self):
        """Registered and renewed while the block runs; removed afterwards."""
        self._enter()
        self._thread.start()
        try:
            yield self
        finally:
            self._end.set()
            self._thread.join()
            with self._open() as env:
                env["finance.dispatcher.worker"]._leave(self.worker_id)

    def _enter(self):
        began = _now()
        with self._open() as env:
            worker_id = env["finance.dispatcher.worker"]._enter(self._lane)
        self.worker_id = worker_id
        self._safe_until = began + LEASE_SECONDS - MARGIN_SECONDS

    def _beat(self):
        while not self._end.wait(BEAT_SECONDS):
            try:
                self._renew()
            except psycopg2.Error as error:
                _logger.warning("a dispatcher could not renew its lease: %s", error)

    def _renew(self):
        began = _now()
        with self._open() as env:
            env.cr.execute(_BEAT, {"id": self.worker_id, "lease": LEASE_SECONDS})
            renewed = env.cr.fetchone()
        if renewed:
            self._safe_until = began + LEASE_SECONDS - MARGIN_SECONDS
        else:
            # Too late: what was claimed under the old name is somebody else's now.
            self._enter()


def _now():
    """Seconds that also pass while the machine sleeps, where the system can tell."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
