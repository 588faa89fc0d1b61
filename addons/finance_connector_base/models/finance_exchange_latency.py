"""How long providers take: calls, errors and percentiles per company, connection, kind of step and day (UTC)."""

from odoo import fields, models
from odoo.tools import SQL

from ..core.delivery.health import CALL_ERRORS

_HIGHEST = (
    "Computed per connection, step and day. Percentiles cannot be added or averaged: where several rows are "
    "put together, the highest of them is shown."
)


class FinanceExchangeAttempt(models.Model):
    _inherit = "finance.exchange.attempt"

    #: Attempts are added in the order of their days, so a day is found without an entry for each attempt.
    _day = models.Index("USING brin ((started_at::date))")


class FinanceExchangeLatency(models.Model):
    _name = "finance.exchange.latency"
    _description = "Latency of a provider"
    _auto = False
    _log_access = False
    _order = "day desc, connection_id, step"
    _rec_name = "day"
    _depends = {
        "finance.exchange.attempt": [
            "company_id",
            "connection_id",
            "step",
            "started_at",
            "outcome",
            "latency_ms",
            "http_status",
        ]
    }

    company_id = fields.Many2one("res.company", readonly=True)
    connection_id = fields.Many2one("finance.connection", readonly=True)
    step = fields.Selection(
        lambda self: self.env["finance.exchange.attempt"]._fields["step"].selection, readonly=True
    )
    day = fields.Date(readonly=True, help="By UTC.")
    calls = fields.Integer(readonly=True, help="Calls that have ended, with or without an answer.")
    answers = fields.Integer(
        readonly=True, help="Calls the provider answered; latency is that of these."
    )
    errors = fields.Integer(
        readonly=True,
        help="Calls that brought no usable answer. Rejections of documents and “too many calls” are answers.",
    )
    error_rate = fields.Float(
        "Error rate",
        readonly=True,
        aggregator="avg",
        help="Errors of all calls; where several rows are put together, of all their calls.",
    )
    p50 = fields.Float(
        "Median (ms)", digits=(16, 0), readonly=True, aggregator="max", help=_HIGHEST
    )
    p95 = fields.Float("95 % (ms)", digits=(16, 0), readonly=True, aggregator="max", help=_HIGHEST)
    p99 = fields.Float("99 % (ms)", digits=(16, 0), readonly=True, aggregator="max", help=_HIGHEST)
    longest = fields.Integer("Longest (ms)", readonly=True, aggregator="max")

    @property
    def _table_query(self):
        return SQL(
            """
            SELECT min(id) AS id, company_id, connection_id, step, started_at::date AS day,
                   count(*) AS calls,
                   count(*) FILTER (WHERE http_status > 0) AS answers,
                   count(*) FILTER (WHERE outcome IN %(errors)s) AS errors,
                   (count(*) FILTER (WHERE outcome IN %(errors)s))::float8 / count(*) AS error_rate,
                   %(p50)s AS p50, %(p95)s AS p95, %(p99)s AS p99,
                   max(latency_ms) FILTER (WHERE http_status > 0) AS longest
              FROM finance_exchange_attempt
             WHERE outcome IS NOT NULL
             GROUP BY company_id, connection_id, step, started_at::date
            """,
            errors=CALL_ERRORS,
            p50=self._percentile(0.5),
            p95=self._percentile(0.95),
            p99=self._percentile(0.99),
        )

    def _percentile(self, fraction):
        return SQL(
            "percentile_cont(%s) WITHIN GROUP (ORDER BY latency_ms) FILTER (WHERE http_status > 0)",
            fraction,
        )

    def _read_group_select(self, aggregate_spec, query):
        """The rate of rows put together is that of their calls, not the average of their rates."""
        if aggregate_spec != "error_rate:avg":
            return super()._read_group_select(aggregate_spec, query)
        return SQL(
            "SUM(%s)::float8 / NULLIF(SUM(%s), 0)",
            self._field_to_sql(self._table, "errors", query),
            self._field_to_sql(self._table, "calls", query),
        )
