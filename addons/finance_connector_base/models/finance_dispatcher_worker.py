"""Dispatcher workers: each renews its lease while it lives; another takes over what a lost one held
(X5).
"""

import logging
import os
import socket
import threading
import time
from contextlib import contextmanager

import psycopg2
from odoo import api, fields, models

from ..core.delivery.boundaries import reached
from ..core.delivery.queries import QUERIES
from ..core.security.masking import MaskingFilter

_logger = logging.getLogger(__name__)
_logger.addFilter(MaskingFilter())

#: A worker that has not renewed its lease for so long is lost. Renewed four times as often, so that
#: one missed renewal means nothing.
LEASE_SECONDS = 8.0
RENEWAL_SECONDS = 2.0
#: No call is started when so little of the lease is left: by the time it arrives its status may
#: have been checked.
MARGIN_SECONDS = 2.0


class FinanceDispatcherWorker(models.Model):
    _name = "finance.dispatcher.worker"
    _description = "Dispatcher worker"
    _log_access = False
    _order = "cron_number, id"

    name = fields.Char("Process", required=True, readonly=True)
    cron_number = fields.Integer("Cron number", required=True, readonly=True, aggregator=None)
    started_at = fields.Datetime("Started at", required=True, readonly=True)
    alive_until = fields.Datetime(
        "Lease until",
        required=True,
        readonly=True,
        help="Renewed while the process lives. When it ends, another worker checks the status of its calls.",
    )
    is_alive = fields.Boolean("Alive", compute="_compute_is_alive")
    call_count = fields.Integer(
        "In-flight calls",
        compute="_compute_call_count",
        help="Claimed steps without a result.",
    )

    def _compute_is_alive(self):
        now = fields.Datetime.now()
        for worker in self:
            worker.is_alive = bool(worker.alive_until and worker.alive_until > now)

    def _compute_call_count(self):
        # Workers serve every company; the number of calls in flight reveals nothing about any of
        # them.
        counts = dict(
            self.env["finance.exchange"]
            .sudo()
            ._read_group(
                [("worker_id", "in", self.ids), ("claim_token", "!=", False)],
                ["worker_id"],
                ["__count"],
            )
        )
        for worker in self:
            worker.call_count = counts.get(worker.id, 0)

    @api.model
    def _enter(self, cron_number):
        """Register a worker and return its id; the caller commits before it claims anything."""
        self.env.cr.execute(
            QUERIES["worker_enter"],
            {
                "name": f"{socket.gethostname()}/{os.getpid()}",
                "cron_number": cron_number,
                "lease": LEASE_SECONDS,
            },
        )
        return self.env.cr.fetchone()[0]

    @api.model
    def _leave(self, worker_id):
        """Remove a worker that ended in good order, and those whose lease ended long ago."""
        self.env.cr.execute(QUERIES["worker_leave"], {"id": worker_id})
        self.env.cr.execute(QUERIES["workers_remove_ended"])


class Heartbeat:
    """Renews a worker's lease from a thread of its own, in transactions of its own.

    ``open_transaction`` yields an environment. A process that was suspended for longer than its
    lease may have lost what it held: it registers anew, starts none of the old calls (``holds``),
    and responses to those already made are late, which the fencing token takes care of.
    """

    def __init__(self, open_transaction, cron_number):
        self._open = open_transaction
        self._cron_number = cron_number
        self._end = threading.Event()
        self._thread = threading.Thread(
            target=self._keep_renewing, name="finance-heartbeat", daemon=True
        )
        self.worker_id = None
        self._safe_until = 0.0

    def holds(self, worker_id):
        """Return whether claims made under this id are ours for long enough to start a call. For
        sending threads.
        """
        return worker_id == self.worker_id and _now() < self._safe_until

    @contextmanager
    def beating(self):
        """Keep the worker registered and its lease renewed while the block runs; remove it
        afterwards.
        """
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
            worker_id = env["finance.dispatcher.worker"]._enter(self._cron_number)
        self.worker_id = worker_id
        self._safe_until = began + LEASE_SECONDS - MARGIN_SECONDS
        reached("worker_entered")

    def _keep_renewing(self):
        while not self._end.wait(RENEWAL_SECONDS):
            try:
                self._renew()
            except psycopg2.Error as error:
                _logger.warning("a dispatcher worker could not renew its lease: %s", error)

    def _renew(self):
        reached("before_lease_renewal")
        began = _now()
        with self._open() as env:
            env.cr.execute(QUERIES["worker_renew"], {"id": self.worker_id, "lease": LEASE_SECONDS})
            renewed = env.cr.fetchone()
        if renewed:
            self._safe_until = began + LEASE_SECONDS - MARGIN_SECONDS
        else:
            # Too late: another worker has taken over what was claimed under the old id.
            self._enter()
        reached("lease_renewed")


def _now():
    """Return seconds that also pass while the machine sleeps, where the system can tell."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
