"""One exchange's story: what is recorded about it and each call made for it, in one timeline, newest first."""

from odoo import fields, models
from odoo.addons.finance_audit.core.wording import Line
from odoo.tools import format_date

from ..core.delivery.health import CALL_ERRORS
from .former_names import names_of

#: More calls than this are read in the list of attempts.
_SHOWN_CALLS = 100
#: The call itself tells it, with its answer.
_TOLD_BY_CALLS = ("exchange.sending",)
_TONES = {"accepted": "success", "rejected": "danger", "permanent": "danger"}


class FinanceExchange(models.Model):
    _name = "finance.exchange"
    _inherit = ["finance.exchange", "finance.audit.timeline.mixin"]

    audit_timeline = fields.Html("Story")

    def _audit_domain(self):
        """Evidence about the exchange itself, its cases and what its provider sent about it."""
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
            known = exchange._origin in readable
            exchange.audit_entry_count = (
                entries.search_count(exchange._audit_domain()) if known else 0
            )

    def _audit_days(self, entries):
        """Entries and calls together, by day in the reader's time zone."""
        told = entries.filtered(lambda entry: entry.action not in _TOLD_BY_CALLS)
        moments = [(entry.created_at, 1, entry.id, entry) for entry in told]
        calls = self._audit_readable().sudo().attempt_ids[:_SHOWN_CALLS]
        moments += [(call.started_at, 0, call.id, call) for call in calls]
        days = {}
        for moment in sorted(moments, key=lambda moment: moment[:3], reverse=True):
            local = fields.Datetime.context_timestamp(self, moment[0])
            heading = format_date(self.env, local.date(), date_format="long")
            days.setdefault(heading, []).append(self._story_moment(moment[3], local))
        return days

    def _story_moment(self, told, local):
        if told._name == "finance.audit.entry":
            return self._audit_moment(told, local)
        return {
            "time": local.strftime("%H:%M:%S"),
            "dot": _dot(told.outcome),
            "outcome": told.outcome or "",
            "sentence": told._sentence(),
            "action": self.env._("Call to the provider"),
            "who": told.reason or told.connection_id.name,
            "correlation_id": "",
            "lines": told._story_lines(),
        }


class FinanceExchangeAttempt(models.Model):
    _inherit = "finance.exchange.attempt"

    def _sentence(self):
        """This call in one line: what was asked, what came, how long it took."""
        self.ensure_one()
        _ = self.env._
        labels = {
            name: dict(self._fields[name]._description_selection(self.env))
            for name in ("step", "outcome")
        }
        about = {"step": labels["step"][self.step], "outcome": labels["outcome"].get(self.outcome)}
        if not self.outcome:
            return _("%s: on its way", about["step"])
        said = _("%(step)s: %(outcome)s", **about)
        if self.http_status:
            answer = {"status": self.http_status, "ms": self.latency_ms}
            said = _("%(said)s (HTTP %(status)s after %(ms)s ms)", said=said, **answer)
        if self.is_late:
            said = _("%s; too late, kept and not counted", said)
        return said

    def _story_lines(self):
        """What else is known of a call; the answer itself is for those who may open the attempt."""
        names = ("request_line", "response_type", "ended_at", "token")
        return [
            Line(self._fields[name]._description_string(self.env), str(self[name]))
            for name in names
            if self[name]
        ]


def _dot(outcome):
    if outcome in _TONES:
        return _TONES[outcome]
    return "warning" if outcome in CALL_ERRORS else "info"
