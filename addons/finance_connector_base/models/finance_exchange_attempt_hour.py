"""Attempts by the hour: a bucket of its own, because labels of Odoo's hours leave out morning and afternoon."""

from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL

_FORMAT = "%Y-%m-%d %H:00"
_SQL_FORMAT = "YYYY-MM-DD HH24:00"


class FinanceExchangeAttempt(models.Model):
    _inherit = "finance.exchange.attempt"

    started_hour = fields.Char(
        "Hour", compute="_compute_started_hour", search="_search_started_hour", exportable=False
    )

    #: For the numbers of the last hour and the lists by connection and time.
    _recent = models.Index("(connection_id, started_at)")

    @api.depends("started_at")
    @api.depends_context("tz")
    def _compute_started_hour(self):
        for attempt in self:
            local = fields.Datetime.context_timestamp(attempt, attempt.started_at)
            attempt.started_hour = local.strftime(_FORMAT)

    def _search_started_hour(self, operator, value):
        if operator != "in":
            return NotImplemented
        return Domain.OR(self._hour_domain(label) for label in value if label)

    def _hour_domain(self, label):
        try:
            local = datetime.strptime(label, _FORMAT).replace(tzinfo=self._hour_zone())
        except ValueError as error:
            raise UserError(self.env._("“%s” is not an hour.", label)) from error
        start = local.astimezone(timezone.utc).replace(tzinfo=None)
        return Domain("started_at", ">=", start) & Domain(
            "started_at", "<", start + timedelta(hours=1)
        )

    def _hour_zone(self):
        return ZoneInfo(self.env.tz.zone)

    def _field_to_sql(self, alias, field_expr, query=None):
        if field_expr != "started_hour":
            return super()._field_to_sql(alias, field_expr, query)
        return SQL(
            "to_char(timezone(%s, timezone('UTC', %s)), %s)",
            self._hour_zone().key,
            super()._field_to_sql(alias, "started_at", query),
            _SQL_FORMAT,
        )
