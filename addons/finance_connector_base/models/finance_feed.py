"""Feeds: what a provider offers for pulling, and how far each connection has read it (P5).

One row per connection and feed. A worker claims a page with a token and a lease, reads it outside
of any transaction, and commits the items together with the position behind them only while the feed
still carries its token: what a killed worker read is read again, what a late one brings is
discarded.

Public surface: ``_claim_due``, ``_store_page``, ``_note_failure`` and ``_seconds_to_next``
(dispatcher), ``_request`` (webhook events).
"""

import json
import uuid
from dataclasses import replace

from odoo import api, fields, models
from odoo.addons.finance_audit.core.entry import storable
from odoo.addons.finance_audit.core.restricted import is_written_by_suite
from odoo.exceptions import AccessError

from ..core import cases
from ..core.delivery import outcomes
from ..core.delivery.outcomes import RateLimited, Unknown
from ..core.delivery.pipeline import FeedRead
from ..core.delivery.queries import QUERIES, parameters
from ..core.delivery.retry import backoff
from ..core.finding import INFO, WARNING, Finding
from ..core.http.client import Report
from ..core.inbound import next_read
from .finance_retry_policy import policy_of

#: Longer than a conversation may take (``core.http.client.MAX_SECONDS``) and its storing.
LEASE_SECONDS = 90.0
#: Failed attempts in a row after which an operator has to look.
CASE_AFTER = 5


class FinanceFeed(models.Model):
    _name = "finance.feed"
    _description = "Feed of a connection"
    _order = "connection_id, name"
    _log_access = False

    connection_id = fields.Many2one(
        "finance.connection", required=True, readonly=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="connection_id.company_id")
    name = fields.Char("Feed (code)", required=True, readonly=True)
    label = fields.Char("Feed", compute="_compute_label", exportable=False)
    cursor = fields.Text(
        "Position",
        required=True,
        readonly=True,
        default="",
        help="Position behind the last stored page, in the provider's own form.",
    )
    token = fields.Char(
        "Fencing token",
        readonly=True,
        help="A page counts only while the feed still carries this token.",
    )
    lease_until = fields.Datetime("Claimed until", readonly=True)
    next_at = fields.Datetime(
        "Next read on", required=True, readonly=True, default=fields.Datetime.now
    )
    is_requested = fields.Boolean(
        "Requested by a webhook",
        readonly=True,
        required=True,
        default=False,
        help="The provider announced something new while a page was being read.",
    )
    failed_attempts = fields.Integer(readonly=True, required=True, default=0, aggregator=None)
    read_at = fields.Datetime("Last read on", readonly=True)
    received_at = fields.Datetime("Last received on", readonly=True)
    result = fields.Json("Last result (code)", readonly=True)
    result_text = fields.Char("Last result", compute="_compute_result_text", exportable=False)

    _feed = models.UniqueIndex("(connection_id, name)")

    @api.depends("name", "connection_id")
    @api.depends_context("lang")
    def _compute_label(self):
        for feed in self:
            feed.label = feed.connection_id._adapter()._feed_label(feed.name)

    @api.depends("label")
    def _compute_display_name(self):
        for feed in self:
            feed.display_name = f"{feed.connection_id.display_name}: {feed.label}"

    @api.depends("result", "read_at")
    @api.depends_context("lang")
    def _compute_result_text(self):
        findings = self.env["finance.finding"]
        for feed in self:
            good = Finding("feed.read", INFO) if feed.read_at else Finding("feed.not_read", INFO)
            feed.result_text = findings._render(feed.result or good)[0]

    @api.model_create_multi
    def create(self, vals_list):
        self._refuse_foreign_write()
        return super().create(vals_list)

    def write(self, vals):
        self._refuse_foreign_write()
        return super().write(vals)

    def _refuse_foreign_write(self):
        """Refuse what does not come from the code of the suite: a changed position loses items."""
        if not is_written_by_suite():
            raise AccessError(self.env._("Feeds are read by the system and cannot be edited."))

    # -- claiming ----------------------------------------------------------------------------------

    @api.model
    def _claim_due(self, targets, slots):
        """Claim pages of the feeds that are due, as far as throttles, rate windows and free slots
        allow, in the caller's READ COMMITTED transaction.

        :param targets: see ``finance.dispatcher._sendable_connections``
        :return: what to read, as ``FeedRead``
        """
        declared = [
            {"connection_id": connection_id, "name": name}
            for connection_id, target in targets.items()
            for name in target.feeds
        ]
        asked = {"feeds": json.dumps(declared), "limit": slots}
        self.env.cr.execute(QUERIES["feeds_missing"], asked)
        self.env.cr.execute(QUERIES["feeds_due"], asked)
        due = {}
        for feed_id, connection_id, name in self.env.cr.fetchall():
            due.setdefault(connection_id, []).append((feed_id, name))
        admitted, throttles = self._admitted(due, slots)
        claimed = []
        for connection_id in sorted(admitted):
            chosen = due[connection_id][: admitted[connection_id]]
            taken = self._claim_of(connection_id, chosen, targets[connection_id])
            throttles[connection_id] = throttles[connection_id].taken(len(taken))
            claimed += taken
        self.env["finance.throttle"]._save(
            [item for item in throttles.values() if not item.bucket.unlimited]
        )
        return claimed

    def _admitted(self, due, slots):
        """Return how many pages each connection may start to read, and the locked throttles."""
        if not due:
            return {}, {}
        throttles, now = self.env["finance.throttle"]._lock_limited(sorted(due))
        self.env.cr.execute(QUERIES["demand"], parameters(connections=list(throttles), limit=slots))
        admitted = {}
        for connection_id, _company, _due, in_flight in self.env.cr.fetchall():
            number, throttles[connection_id] = throttles[connection_id].admits(
                len(due[connection_id]), in_flight, now
            )
            if number:
                admitted[connection_id] = number
        return admitted, throttles

    def _claim_of(self, connection_id, chosen, target):
        """Claim feeds of one connection; one whose adapter breaks keeps no other back (X10)."""
        declared = self.env["finance.dispatcher"]._declared_windows(connection_id, target)
        if declared is None:
            return []
        windows = self.env["finance.throttle"]._lock_windows(connection_id, declared)
        claimed = []
        for feed_id, name in chosen:
            feed, token = target.feeds[name], str(uuid.uuid4())
            if windows is not None and windows.room(feed.limit) == 0:
                continue
            self.env.cr.execute(
                QUERIES["feed_claim"], {"feed": feed_id, "token": token, "lease": LEASE_SECONDS}
            )
            row = self.env.cr.fetchone()
            if not row:
                continue
            if windows is not None:
                windows.take(feed.limit)
            cursor, lost = row
            self._close_lost(lost)
            attempt_id = self._begin_attempt(connection_id, token, target)
            claimed.append(
                FeedRead(connection_id, target.client, feed_id, feed, cursor, token, attempt_id)
            )
        self.env["finance.throttle"]._save_windows(connection_id, windows)
        return claimed

    def _close_lost(self, token):
        """Close the attempt of a worker that did not come back within its lease."""
        if token:
            self.env.cr.execute(
                QUERIES["attempts_lost"], {"tokens": [token], "lost": outcomes.LOST}
            )

    def _begin_attempt(self, connection_id, token, target):
        connection = self.env["finance.connection"].browse(connection_id)
        attempt = {
            "connection_id": connection_id,
            "company_id": connection.company_id.id,
            "token": token,
            "step": "feed",
            "api_version": target.api_version or None,
            "adapter_version": target.adapter_version or None,
        }
        self.env.cr.execute(
            QUERIES["attempts_begin"], {"attempts": json.dumps([attempt]), "uid": self.env.uid}
        )
        return self.env.cr.fetchone()[0]

    # -- storing -----------------------------------------------------------------------------------

    @api.model
    def _store_page(self, task, report):
        """Store a page and the position behind it, if the feed still carries the token; return
        whether more can be read at once. In the caller's transaction.
        """
        is_late = not self._lock(task)
        self._end_attempt(task, report, is_late)
        if is_late:
            return False
        page = report.value
        if page is None:
            self._fail(task, report.outcome)
            return False
        connection = self.env["finance.connection"].browse(task.connection_id)
        if page.items and (seconds := self._inbound_pause(connection, page)):
            self._suspend(task, seconds)
            return False
        new = self.env["finance.inbound"]._keep(connection, page.items, feed_name=task.feed.name)
        seconds = next_read(page, task.cursor, len(new), task.feed.every_seconds)
        self.env.cr.execute(
            QUERIES["feed_read"],
            {
                "feed": task.feed_id,
                "token": task.token,
                "cursor": page.cursor,
                "new": len(new),
                "seconds": seconds,
            },
        )
        self._close_case(task.feed_id)
        return not seconds

    def _inbound_pause(self, connection, page):
        return self.env["finance.inbound"]._seconds_to_receive(connection, page.items)

    def _suspend(self, task, seconds):
        """Let a feed wait that has brought as much as it may within a day; the position stays."""
        finding = Finding("feed.day_limit", WARNING)
        self._fail(task, RateLimited("", seconds), finding)
        feed = self.browse(task.feed_id)
        self._open_case(feed, Finding("feed.suspended", WARNING, {"feed": feed.label}))

    @api.model
    def _note_failure(self, task, error):
        """Note that a page could not be stored, so that it costs no other feed anything."""
        if self._lock(task):
            outcome = Unknown(error)
            self._end_attempt(task, Report(outcome), is_late=False)
            self._fail(task, outcome, Finding("feed.not_stored", WARNING))

    def _lock(self, task):
        self.env.cr.execute(QUERIES["feed_lock"], {"feed": task.feed_id, "token": task.token})
        return bool(self.env.cr.fetchone())

    def _end_attempt(self, task, report, is_late):
        """Complete the attempt; what a page brought is kept with its items, not twice."""
        kept = report if report.value is None else replace(report, body=b"")
        self.env["finance.dispatcher"]._end_attempts(
            [(task, kept)], {task.token} if is_late else set()
        )

    def _fail(self, task, outcome, finding=None):
        """Let the feed wait; an operator has to look where it fails again and again.

        A provider that asks for a pause is working: this counts as no failure.
        """
        reason = {"reason": getattr(outcome, "reason", "") or outcome.code}
        finding = finding or Finding("feed.failed", WARNING, reason)
        counts = 0 if isinstance(outcome, RateLimited) else 1
        row = self.browse(task.feed_id)
        book = self.env["finance.retry.policy"]._book(row.connection_id)
        policy = policy_of(book, task.connection_id, task.feed.name)
        asked = getattr(outcome, "retry_after", None) or 0.0
        self.env.cr.execute(
            QUERIES["feed_failed"],
            {
                "feed": task.feed_id,
                "token": task.token,
                "counts": counts,
                "result": json.dumps(storable(finding.to_json())),
                "seconds": max(asked, backoff(row.failed_attempts + 1, policy=policy)),
            },
        )
        failed_attempts = self.env.cr.fetchone()[0]
        row.invalidate_recordset()
        if failed_attempts >= CASE_AFTER:
            args = {**finding.args, "feed": row.label}
            self._open_case(row, Finding("feed.stopped", WARNING, args))

    def _open_case(self, feed, finding):
        self.env["finance.case"].sudo()._store_opened(
            [
                {
                    "subject_key": feed._case_key(),
                    "connection_id": feed.connection_id.id,
                    "company_id": feed.connection_id.company_id.id,
                    "name": feed.display_name,
                    "kind": cases.FEED,
                    "finding": finding,
                    "user_id": None,
                    "document_model": None,
                    "document_id": None,
                    "document_name": None,
                }
            ]
        )

    def _case_key(self):
        return f"finance.feed,{self.id},{cases.FEED}"

    def _close_case(self, feed_id):
        case = self.env["finance.case"].sudo()
        key = self.browse(feed_id)._case_key()
        found = case.search([("subject_key", "=", key), ("state", "=", "open")])
        if found:
            case._close_many([], cases.ENDED, Finding("stall.ended", INFO), case_ids=found.ids)

    # -- requests and time -------------------------------------------------------------------------

    @api.model
    def _request(self, connection, name):
        """Let a feed be read at once, because a webhook announced something new."""
        self.env.cr.execute(QUERIES["feed_request"], {"connection": connection.id, "name": name})

    @api.model
    def _seconds_to_next(self):
        """Return the seconds until the next page may be read (negative: overdue), or None."""
        self.env.cr.execute(QUERIES["feeds_next"])
        return self.env.cr.fetchone()[0]
