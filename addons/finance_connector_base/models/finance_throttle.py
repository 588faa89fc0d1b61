"""The throttle of a provider connection, shared by all workers: circuit breaker, rate limit, pauses
(X9).

One row per connection, written by SQL in short transactions of their own, so that a rolled-back
outcome does not revert what was learned about the provider. The arithmetic is in
``core.delivery.throttle``.
"""

import json
from dataclasses import replace

from odoo import api, fields, models
from odoo.addons.finance_audit.core.restricted import is_written_by_suite
from odoo.exceptions import AccessError

from ..core.delivery.boundaries import reached
from ..core.delivery.outcomes import RateLimited, is_failure
from ..core.delivery.queries import QUERIES
from ..core.delivery.throttle import (
    CLOSED,
    DEFAULT_PAUSE_SECONDS,
    HALF_OPEN,
    OPEN,
    PROBE_LEASE_SECONDS,
    Throttle,
    after_calls,
)
from ..core.delivery.windows import Windows, WindowState
from ..core.finding import Finding
from ..core.protocol import Window
from .roles import ADMIN, OPERATOR, require_role


class FinanceThrottle(models.Model):
    _name = "finance.throttle"
    _description = "Connection throttle"
    _log_access = False
    _rec_name = "connection_id"

    connection_id = fields.Many2one(
        "finance.connection", required=True, readonly=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="connection_id.company_id")
    breaker_state = fields.Selection(
        [(CLOSED, "Closed"), (HALF_OPEN, "Half open"), (OPEN, "Open")],
        "Circuit breaker",
        required=True,
        readonly=True,
        default=CLOSED,
    )
    breaker_failures = fields.Integer(
        "Consecutive failures", readonly=True, required=True, default=0
    )
    breaker_openings = fields.Integer(
        "Consecutive openings", readonly=True, required=True, default=0
    )
    breaker_until = fields.Datetime("Open until", readonly=True)
    probe_until = fields.Datetime("Probe reserved until", readonly=True)
    bucket_tokens = fields.Float("Available calls", readonly=True, required=True, default=0.0)
    bucket_at = fields.Datetime("Available calls as of", readonly=True)
    not_before = fields.Datetime(
        "Paused until", readonly=True, help="End of the pause the provider requested (Retry-After)."
    )

    _connection = models.UniqueIndex("(connection_id)")

    def init(self):
        """Create the throttles of connections that have none."""
        self.env.cr.execute(QUERIES["throttles_missing"])

    @api.model_create_multi
    def create(self, vals_list):
        self._refuse_foreign_write()
        return super().create(vals_list)

    def write(self, vals):
        self._refuse_foreign_write()
        return super().write(vals)

    def _refuse_foreign_write(self):
        """Refuse what does not come from the code of the suite, whatever the rights (F9)."""
        if not is_written_by_suite():
            raise AccessError(self.env._("Throttles are set by the system and cannot be edited."))

    @api.model
    def _lock(self, connection_ids):
        """Return the throttles of active connections by connection id, locked until the commit, and
        the database's time.
        """
        return self._read_throttles(connection_ids, "\n   FOR UPDATE OF h")

    @api.model
    def _lock_limited(self, connection_ids):
        """Return the same as ``_lock``, but lock only those that limit how many calls may start.

        An unlimited throttle admits whatever it is asked for, so claims through it need not follow
        each other; a pause or an opening of the breaker that is noted at the same moment counts as
        noted just after.
        """
        throttles, now = self._read_throttles(connection_ids)
        limited = [key for key, throttle in throttles.items() if throttle.is_limited]
        if limited:
            locked, now = self._lock(limited)
            throttles |= locked
        return throttles, now

    def _read_throttles(self, connection_ids, lock=""):
        self.env.cr.execute(QUERIES["throttles"] + lock, {"connections": connection_ids})
        throttles = {row[0]: Throttle.from_row(row) for row in self.env.cr.fetchall()}
        self.env.cr.execute("SELECT EXTRACT(EPOCH FROM clock_timestamp())::float8")
        return throttles, self.env.cr.fetchone()[0]

    @api.model
    def _save(self, throttles):
        """Store changed throttles, whose rows are locked."""
        if throttles:
            values = json.dumps([throttle.as_json() for throttle in throttles])
            self.env.cr.execute(QUERIES["throttles_save"], {"throttles": values})

    @api.model
    def _note_calls(self, outcomes):
        """Learn from the outcomes of calls, given as (connection id, outcome, group of rate windows)
        in order, in the caller's transaction.
        """
        outcomes = self._pause_windows(outcomes)
        connections = sorted({connection_id for connection_id, _outcome in outcomes})
        known, now = self._read_throttles(connections)
        if after_calls(known, outcomes, now) == known:
            # Nothing is learned from the responses of a provider that responds: no lock, no write.
            return
        known, now = self._lock(connections)
        learned = after_calls(known, outcomes, now)
        self._save([throttle for key, throttle in learned.items() if throttle != known[key]])
        for key, throttle in learned.items():
            self._audit_breaker(known[key], throttle)
        reached("throttle_written")

    @api.model
    def _due_probes(self, connection_ids):
        """Return the connections whose open breaker may be probed now, each to one worker only."""
        self.env.cr.execute(QUERIES["probes_due"], {"connections": connection_ids})
        due = [row[0] for row in self.env.cr.fetchall()]
        if due:
            self.env.cr.execute(
                QUERIES["probes_begin"], {"connections": due, "lease": PROBE_LEASE_SECONDS}
            )
        return due

    @api.model
    def _note_probe(self, connection_id, outcome):
        """Learn from the probe of an open breaker."""
        throttles, now = self._lock([connection_id])
        for throttle in throttles.values():
            probed = throttle.probed(not is_failure(outcome), now)
            self._save([probed])
            self._audit_breaker(throttle, probed)
        self.env.cr.execute(QUERIES["probe_end"], {"connection": connection_id})
        reached("probe_written")

    @api.model
    def _reset(self, connection_ids):
        """Close the breakers and forget the pauses of connections that were seen to work."""
        throttles, _now = self._lock(sorted(connection_ids))
        self._save([throttle.reset() for throttle in throttles.values()])

    def _audit_breaker(self, old, new):
        """Record that a breaker opened or closed; half open is neither."""
        if (old.breaker.state == CLOSED) == (new.breaker.state == CLOSED):
            return
        opened = new.breaker.state != CLOSED
        connection = self.env["finance.connection"].browse(new.connection_id)
        self.env["finance.audit.entry"]._record(
            action="connection.breaker_opened" if opened else "connection.breaker_closed",
            record=connection,
            company=connection.company_id,
            outcome="warning" if opened else "info",
            statement=Finding(
                "connection.breaker_opened" if opened else "connection.breaker_closed",
                args={"connection": connection.name},
            ),
        )

    # -- rate windows ------------------------------------------------------------------------------

    @api.model
    def _lock_windows(self, connection_id, declared):
        """Return the rate windows of a connection, locked until the commit; None where it has none."""
        if not declared:
            return None
        self.env.cr.execute(QUERIES["windows"], {"connection": connection_id})
        known = {
            (row[0], row[2]): WindowState(Window(row[0], row[1], row[2]), *row[3:])
            for row in self.env.cr.fetchall()
        }
        self.env.cr.execute("SELECT EXTRACT(EPOCH FROM clock_timestamp())::float8")
        now = self.env.cr.fetchone()[0]
        return Windows(
            [
                replace(known[item.group, item.seconds], window=item)
                if (item.group, item.seconds) in known
                else WindowState.full(item, now)
                for item in declared
            ],
            now,
        )

    @api.model
    def _save_windows(self, connection_id, windows):
        """Store rate windows, whose rows are locked."""
        if windows is None:
            return
        rows = [
            {
                "group_name": item.window.group,
                "calls": item.window.calls,
                "seconds": item.window.seconds,
                "tokens": item.tokens,
                "at": item.at,
                "not_before": item.not_before,
            }
            for item in windows.states
        ]
        self.env.cr.execute(
            QUERIES["windows_save"], {"connection": connection_id, "windows": json.dumps(rows)}
        )

    def _pause_windows(self, calls):
        """Pause the groups of calls the provider refused as too many; return what concerns the whole
        connection, as (connection id, outcome).
        """
        rest = []
        for connection_id, outcome, group in calls:
            if group and isinstance(outcome, RateLimited):
                seconds = outcome.retry_after
                self.env.cr.execute(
                    QUERIES["window_pause"],
                    {
                        "connection": connection_id,
                        "group": group,
                        "seconds": DEFAULT_PAUSE_SECONDS if seconds is None else seconds,
                    },
                )
                if self.env.cr.rowcount:
                    continue
            rest.append((connection_id, outcome))
        return rest


class FinanceThrottleWindow(models.Model):
    _name = "finance.throttle.window"
    _description = "Rate window"
    _order = "connection_id, group_name, seconds"
    _rec_name = "group_name"
    _log_access = False

    connection_id = fields.Many2one(
        "finance.connection", required=True, readonly=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="connection_id.company_id")
    group_name = fields.Char("Group of calls", required=True, readonly=True)
    calls = fields.Integer("Calls allowed", required=True, readonly=True)
    seconds = fields.Float("Window (seconds)", required=True, readonly=True)
    tokens = fields.Float("Available calls", required=True, readonly=True)
    at = fields.Datetime("Available calls as of", readonly=True)
    not_before = fields.Datetime("Paused until", readonly=True)

    _window = models.UniqueIndex("(connection_id, group_name, seconds)")


class FinanceConnection(models.Model):
    _inherit = "finance.connection"

    rate_per_second = fields.Float(
        "Calls per second",
        help="The provider's rate limit, shared by all workers. 0: no limit.",
    )
    rate_burst = fields.Integer(
        "Burst size",
        default=1,
        help="Number of calls that may be made at once after a pause, within the rate limit.",
    )
    max_parallel = fields.Integer(
        "Parallel calls",
        help="Maximum number of calls in flight at the same time, over all workers. 0: no limit.",
    )
    breaker_threshold = fields.Integer(
        "Failures before suspension",
        default=5,
        required=True,
        help="After this number of consecutive calls without a usable response, calls are suspended until the provider "
        "answers a probe.",
    )
    breaker_seconds = fields.Float(
        "Initial suspension (seconds)",
        default=10.0,
        required=True,
        help="Time before the first probe. It doubles with each failed probe, up to five minutes.",
    )
    throttle_ids = fields.One2many("finance.throttle", "connection_id", "Throttles", readonly=True)
    breaker_state = fields.Selection(related="throttle_ids.breaker_state", string="Circuit breaker")
    breaker_until = fields.Datetime(related="throttle_ids.breaker_until", string="Next probe")
    not_before = fields.Datetime(
        related="throttle_ids.not_before", string="Paused by the provider until"
    )
    window_ids = fields.One2many(
        "finance.throttle.window",
        "connection_id",
        "Rate limits of the provider",
        readonly=True,
        groups="finance_connector_base.group_operator,finance_connector_base.group_admin,"
        "finance_audit.group_auditor",
    )
    retry_policy_ids = fields.One2many(
        "finance.retry.policy",
        "connection_id",
        "Retry policies",
        groups="finance_connector_base.group_operator,finance_connector_base.group_admin,"
        "finance_audit.group_auditor",
    )

    _rate = models.Constraint(
        "CHECK(rate_per_second >= 0)", "The number of calls per second cannot be negative."
    )
    _burst = models.Constraint("CHECK(rate_burst >= 1)", "The burst size must be at least 1.")
    _parallel = models.Constraint(
        "CHECK(max_parallel >= 0)", "The number of parallel calls cannot be negative."
    )
    _threshold = models.Constraint(
        "CHECK(breaker_threshold >= 1)",
        "The number of failures before suspension must be at least 1.",
    )
    _pause = models.Constraint(
        "CHECK(breaker_seconds > 0)", "The initial suspension must be longer than 0 seconds."
    )

    @api.model_create_multi
    def create(self, vals_list):
        connections = super().create(vals_list)
        connections._add_throttles()
        return connections

    def _add_throttles(self):
        """Give new connections their throttle, whatever addon creates them."""
        self.env["finance.throttle"].sudo().create(
            [{"connection_id": connection.id} for connection in self]
        )

    def action_reset_breaker(self):
        """Resume calls at once, without waiting for the next probe. For operators and finance
        admins.
        """
        require_role(self, OPERATOR, ADMIN)
        for connection in self:
            self.env["finance.throttle"].sudo()._reset(connection.ids)
            self.env["finance.audit.entry"]._record(
                action="connection.breaker_reset",
                record=connection,
                company=connection.company_id,
                statement=Finding("connection.breaker_reset", args={"user": self.env.user.name}),
            )
        self.env["finance.throttle"].invalidate_model()
        self.env["finance.exchange"]._wake_dispatcher()
        return True
