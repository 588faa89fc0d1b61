"""What users read about an exchange: its status, its next step, its timeline; rendered in the
reader's language.

Stored are codes and arguments. The sentences of all status codes are in ``_messages``; an addon
with status codes of its own extends it.
"""

from odoo import api, fields, models
from odoo.addons.finance_audit.core.readable import TextLine
from odoo.tools import format_date, format_time

from ..core.delivery import states
from ..core.delivery.health import short
from ..core.delivery.outcomes import CALL_ERRORS, REFUSALS
from ..core.delivery.throttle import CLOSED, OPEN
from ..core.finding import Finding
from .former_names import names_of

#: More calls than this are read in the list of attempts.
_SHOWN_CALLS = 100
#: The call itself shows it, with its response.
_SHOWN_AS_CALL = ("exchange.sending",)
#: Sooner than this is shown as a duration, later as a time of day.
_SOON_SECONDS = 120


_NEXT_OF_STATE = {
    states.HELD: "next.held",
    states.REJECTED: "next.correct",
    states.FAILED: "next.retry",
}


class FinanceExchangePresentation(models.AbstractModel):
    _name = "finance.exchange.presentation"
    _description = "Texts of an exchange"
    _inherit = ["finance.audit.timeline.mixin"]

    status_text = fields.Char("Status details", compute="_compute_status_text")
    operation_label = fields.Char("Operation name", compute="_compute_operation_label")
    next_step_text = fields.Char("Next step", compute="_compute_next_step_text")
    notification_text = fields.Char("Document notification", compute="_compute_notification_text")

    # -- status ------------------------------------------------------------------------------------

    @api.depends("status_code", "status_args")
    @api.depends_context("lang")
    def _compute_status_text(self):
        findings = self.env["finance.finding"]
        for exchange in self:
            exchange.status_text = (
                findings._render(Finding(exchange.status_code, args=exchange.status_args or {}))[0]
                if exchange.status_code
                else False
            )

    @api.depends("operation", "connection_id.provider")
    @api.depends_context("lang")
    def _compute_operation_label(self):
        for exchange in self:
            adapter = exchange.connection_id.sudo()._adapter()
            exchange.operation_label = adapter._operation_label(exchange.operation)

    @api.depends("notification_pending", "notification_next_at", "owner_id")
    @api.depends_context("lang", "tz")
    def _compute_notification_text(self):
        render = self.env["finance.finding"]._render
        for exchange in self:
            exchange.notification_text = render(exchange._notification_status())[0]

    def _notification_status(self):
        """Return whether the document was notified of the last change, as a finding."""
        if not self.notification_pending:
            return Finding("notification.done")
        if not self.notification_next_at:
            return Finding("notification.queued")
        return Finding(
            "notification.failed", args={"time": self._time_of(self.notification_next_at)}
        )

    # -- next step ---------------------------------------------------------------------------------

    @api.depends("state", "next_step_at", "claim_token", "case_ids.state")
    @api.depends_context("lang", "tz")
    def _compute_next_step_text(self):
        render = self.env["finance.finding"]._render
        for exchange in self:
            # Connection and chain may be read with less than the reader's rights on them.
            finding = exchange.sudo()._next_step()
            exchange.next_step_text = finding and render(finding)[0]

    def _next_step(self):
        """Return what the exchange waits for, as a finding; None where nothing follows."""
        if self.claim_token:
            worker = self.env["finance.dispatcher.worker"].browse(self.worker_id or 0).exists()
            if worker.is_alive:
                return Finding("next.in_progress", args={"name": worker.name})
            return Finding("next.worker_lost")
        is_done = self.state == states.ACCEPTED and not self.next_step_at
        if is_done or self.state not in states.CLAIMABLE:
            code = _NEXT_OF_STATE.get(self.state)
            return Finding(code) if code else None
        if not self.next_step_at:
            return Finding("next.decide")
        return self._next_obstacle() or self._next_due()

    def _next_obstacle(self):
        """Return the first reason why the next step is not taken when it is due."""
        connection = self.connection_id
        throttle = connection.throttle_ids[:1]
        blocking = self._blocking_exchange()
        if connection.state != "active":
            return Finding("next.inactive")
        if connection.last_block:
            return Finding("next.blocked", args={"reason": connection.last_block})
        if blocking:
            about = {"name": blocking.display_name, "chain": self.chain}
            return Finding("next.chain", args=about)
        if throttle.breaker_state == OPEN:
            about = {"time": self._time_of(throttle.breaker_until)}
            return Finding("next.suspended", args=about)
        if throttle.breaker_state and throttle.breaker_state != CLOSED:
            return Finding("next.probe")
        if throttle.not_before and throttle.not_before > fields.Datetime.now():
            return Finding("next.paused", args={"time": self._time_of(throttle.not_before)})
        return None

    def _blocking_exchange(self):
        """Return the exchange of the same chain that must be settled first."""
        if not self.chain or self.state in states.CHAIN_FREE:
            return self.browse()
        return self.search(
            [
                ("connection_id", "=", self.connection_id.id),
                ("chain", "=", self.chain),
                ("state", "in", states.CHAIN_BLOCKING),
                ("id", "<", self.id),
            ],
            order="id",
            limit=1,
        )

    def _next_due(self):
        """Return when the next step is due: after a duration if soon, else at a time."""
        left = (self.next_step_at - fields.Datetime.now()).total_seconds()
        if left <= 0:
            return Finding("next.ready_again" if self.send_count else "next.ready")
        if self.state == states.WAITING:
            code = "next.poll"
        elif self.state == states.UNKNOWN and not self._is_resent_by_key():
            code = "next.status_check"
        else:
            code = "next.attempt" if self.send_count else "next.send"
        if left < _SOON_SECONDS:
            return Finding(f"{code}_in", args={"duration": short(left)})
        return Finding(f"{code}_at", args={"time": self._time_of(self.next_step_at)})

    def _is_resent_by_key(self):
        """Return whether sending the same bytes again is the status check: the provider recognises
        our key.
        """
        return self.connection_id._operation_of(self.operation).repeat == "key"

    def _time_of(self, moment):
        """Return a moment as a time in the reader's time zone, with the date unless it is today."""
        local = fields.Datetime.context_timestamp(self, moment)
        today = fields.Datetime.context_timestamp(self, fields.Datetime.now()).date()
        clock = format_time(self.env, local.time())
        return clock if local.date() == today else f"{format_date(self.env, local.date())} {clock}"

    # -- timeline: audit entries and calls, newest first -------------------------------------------

    def _audit_domain(self):
        """Select the evidence about the exchange itself, its cases and its webhook events."""
        mine = [("exchange_id", "in", self._origin.ids)]
        about = {
            "finance.exchange": self._origin.ids,
            "finance.case": self.env["finance.case"].sudo().search(mine).ids,
            "finance.webhook.event": self.env["finance.webhook.event"].sudo().search(mine).ids,
        }
        return fields.Domain.OR(
            fields.Domain("record_model", "in", names_of(model))
            & fields.Domain("record_id", "in", ids)
            for model, ids in about.items()
        )

    def _compute_audit_entry_count(self):
        readable = self._audit_readable()
        entries = self.env["finance.audit.entry"].sudo()
        for exchange in self:
            exchange.audit_entry_count = (
                entries.search_count(exchange._audit_domain())
                if exchange._origin in readable
                else 0
            )

    def _audit_days(self, entries):
        """Group entries and calls by day in the reader's time zone."""
        shown = entries.filtered(lambda entry: entry.action not in _SHOWN_AS_CALL)
        moments = [(entry.created_at, 1, entry.id, entry) for entry in shown]
        calls = self._audit_readable().sudo().attempt_ids[:_SHOWN_CALLS]
        moments += [(call.started_at, 0, call.id, call) for call in calls]
        days = {}
        for moment in sorted(moments, key=lambda moment: moment[:3], reverse=True):
            local = fields.Datetime.context_timestamp(self, moment[0])
            heading = format_date(self.env, local.date(), date_format="long")
            days.setdefault(heading, []).append(self._timeline_moment(moment[3], local))
        return days

    def _timeline_moment(self, record, local):
        if record._name == "finance.audit.entry":
            return self._audit_moment(record, local)
        return {
            "time": format_time(self.env, local.time()),
            "dot": _dot(record.outcome),
            "outcome": dict(record._fields["outcome"]._description_selection(self.env)).get(
                record.outcome, ""
            ),
            "sentence": self._call_text(record),
            "action": self.env._("Call to the provider"),
            "who": record.reason_text or record.connection_id.name,
            "correlation_id": "",
            "lines": self._call_lines(record),
        }

    def _call_text(self, attempt):
        """Return one call as a sentence: step, outcome, duration."""
        _ = self.env._
        labels = {
            name: dict(attempt._fields[name]._description_selection(self.env))
            for name in ("step", "outcome")
        }
        about = {
            "step": labels["step"][attempt.step],
            "outcome": labels["outcome"].get(attempt.outcome),
            "status": attempt.http_status,
            "ms": attempt.latency_ms,
        }
        if not attempt.outcome:
            return _("%(step)s: in progress", **about)
        if attempt.http_status and self.env["finance.audit.entry"]._sees_technical_details():
            if attempt.is_late:
                return _(
                    "%(step)s: %(outcome)s (HTTP %(status)s after %(ms)s ms; late response, ignored)",
                    **about,
                )
            return _("%(step)s: %(outcome)s (HTTP %(status)s after %(ms)s ms)", **about)
        if attempt.is_late:
            return _("%(step)s: %(outcome)s (late response, ignored)", **about)
        return _("%(step)s: %(outcome)s", **about)

    def _call_lines(self, attempt):
        """Return further details of a call; the response body is for those who may open the
        attempt.
        """
        names = (
            "request_line",
            "response_type",
            "request_id",
            "ended_at",
            "token",
            "api_version",
            "adapter_version",
        )
        return [
            TextLine(attempt._fields[name]._description_string(self.env), str(attempt[name]))
            for name in names
            if attempt[name]
        ]


class FinanceFinding(models.AbstractModel):
    _inherit = "finance.finding"

    @api.model
    def _messages(self):
        """Add the status codes of exchanges. Codes are public: retired, never reused."""
        _ = self.env._
        return {
            **super()._messages(),
            "exchange.queued": (_("Queued for %(connection)s"), ""),
            "exchange.sending": (_("Sending, attempt %(attempt)s"), ""),
            "exchange.looking_up": (_("Checking the status with the provider"), ""),
            "exchange.polling": (_("Polling the provider for the verdict"), ""),
            "exchange.fetching_receipt": (_("Fetching the provider's receipt"), ""),
            "exchange.receipt": (_("Accepted; the receipt of the provider is kept"), ""),
            "exchange.receipt_pending": (
                _("Accepted; the receipt of the provider is not available yet"),
                "",
            ),
            "exchange.received": (
                _("Received by the provider; verdict pending"),
                "",
            ),
            "exchange.found": (
                _("Already received by the provider; verdict pending"),
                "",
            ),
            "exchange.undecided": (_("The provider has not given a verdict yet"), ""),
            "exchange.accepted": (_("Accepted by the provider"), ""),
            "exchange.rejected": (_("Rejected: %(findings)s"), ""),
            "exchange.permanent": (_("Request refused: %(findings)s"), ""),
            "exchange.duplicate": (
                _("Provider reports a duplicate; retrieving the existing record"),
                "",
            ),
            "exchange.not_found": (
                _("The provider has no record of the document; it can be sent again"),
                "",
            ),
            "exchange.auth_failed": (_("The provider refuses the credentials"), ""),
            "exchange.rate_limited": (_("The provider requests a pause"), ""),
            "exchange.no_response": (_("Sent, but no usable response was received"), ""),
            "exchange.unavailable": (_("The provider is unavailable"), ""),
            "exchange.worker_lost": (_("The process ended before the response arrived"), ""),
            "exchange.late_response": (_("A late response was received and ignored"), ""),
            "exchange.not_offered": (
                _("The provider no longer offers the operation “%(operation)s”"),
                "",
            ),
            "exchange.not_prepared": (
                _("The request could not be prepared; see the server log"),
                "",
            ),
            "exchange.damaged": (_("The stored payload does not match its checksum"), ""),
            "exchange.superseded": (_("Replaced by a corrected version"), ""),
            "exchange.neutralized": (
                _("Cancelled because the database was neutralized"),
                "",
            ),
            "exchange.held": (_("Put on hold by %(user)s"), ""),
            "exchange.released": (_("Released by %(user)s"), ""),
            "exchange.released_for": (_("Released by %(user)s: %(reason)s"), ""),
            "exchange.retried": (_("Retry requested by %(user)s"), ""),
            "exchange.retried_for": (_("Retry requested by %(user)s: %(reason)s"), ""),
            "exchange.resent": (_("Resend requested by %(user)s"), ""),
            "exchange.resent_for": (_("Resend requested by %(user)s: %(reason)s"), ""),
            "exchange.adopted": (_("Linked to %(reference)s by %(user)s"), ""),
            "exchange.adopted_for": (_("Linked to %(reference)s by %(user)s: %(reason)s"), ""),
            "exchange.cancelled": (_("Cancelled by %(user)s"), ""),
            "exchange.cancelled_for": (_("Cancelled by %(user)s: %(reason)s"), ""),
            "notification.done": (_("Notified"), ""),
            "notification.queued": (_("Notification queued"), ""),
            "notification.failed": (
                _("Notification failed; next attempt at %(time)s"),
                "",
            ),
            "next.in_progress": (_("In progress (dispatcher worker %(name)s)"), ""),
            "next.worker_lost": (_("Worker lost; status check scheduled"), ""),
            "next.decide": (_("Action required: see the open case"), ""),
            "next.held": (_("On hold until an operator releases it"), ""),
            "next.correct": (_("Action required: submit a corrected document"), ""),
            "next.retry": (_("Action required: retry or cancel"), ""),
            "next.inactive": (_("Waiting: the connection is paused or not activated"), ""),
            "next.blocked": (_("Waiting: %(reason)s"), ""),
            "next.chain": (_("Waiting for %(name)s, which precedes it in chain %(chain)s"), ""),
            "next.suspended": (_("Suspended by the circuit breaker until %(time)s"), ""),
            "next.probe": (_("Waiting for the circuit breaker's probe"), ""),
            "next.paused": (_("Paused at the provider's request until %(time)s"), ""),
            "next.ready": (_("Ready to send"), ""),
            "next.ready_again": (_("Ready for the next step"), ""),
            "next.poll_in": (_("Next poll in %(duration)s"), ""),
            "next.poll_at": (_("Next poll at %(time)s"), ""),
            "next.status_check_in": (_("Status check in %(duration)s"), ""),
            "next.status_check_at": (_("Status check at %(time)s"), ""),
            "next.attempt_in": (_("Next attempt in %(duration)s"), ""),
            "next.attempt_at": (_("Next attempt at %(time)s"), ""),
            "next.send_in": (_("Sending in %(duration)s"), ""),
            "next.send_at": (_("Sending at %(time)s"), ""),
        }


def _dot(outcome):
    if outcome in REFUSALS:
        return "danger"
    if outcome in CALL_ERRORS:
        return "warning"
    return "success" if outcome == "accepted" else "info"
