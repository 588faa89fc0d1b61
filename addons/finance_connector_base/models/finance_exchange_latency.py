"""Latency of providers: calls, errors and percentiles per company, connection, kind of step and day
(UTC).
"""

from odoo import api, fields, models
from odoo.tools import SQL

from ..core.delivery.outcomes import CALL_ERRORS

_HIGHEST = (
    "Computed per connection, step and day. Percentiles cannot be added or averaged: for several rows the highest of "
    "them is shown."
)


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
    step = fields.Selection(selection=lambda self: self._steps_of_attempts(), readonly=True)
    day = fields.Date("Day (UTC)", readonly=True)
    calls = fields.Integer(readonly=True, help="Calls that have ended, with or without a response.")
    answers = fields.Integer(
        "Responses",
        readonly=True,
        help="Calls with a response of the provider; latency refers to these.",
    )
    errors = fields.Integer(
        readonly=True,
        help="Calls without a usable response. Rejected documents and rate limiting are not errors.",
    )
    error_rate = fields.Float(
        "Error rate",
        readonly=True,
        aggregator="avg",
        help="Share of errors among all calls of the rows.",
    )
    p50 = fields.Float(
        "Median (ms)", digits=(16, 0), readonly=True, aggregator="max", help=_HIGHEST
    )
    p95 = fields.Float("p95 (ms)", digits=(16, 0), readonly=True, aggregator="max", help=_HIGHEST)
    p99 = fields.Float("p99 (ms)", digits=(16, 0), readonly=True, aggregator="max", help=_HIGHEST)
    longest = fields.Integer("Maximum (ms)", readonly=True, aggregator="max")

    @api.model
    def _steps_of_attempts(self):
        """Return the steps with their names in the reader's language."""
        step = self.env["finance.exchange.attempt"]._fields["step"]
        return step._description_selection(self.env)

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
        """Compute the rate of several rows from their calls, not as the average of their rates."""
        if aggregate_spec != "error_rate:avg":
            return super()._read_group_select(aggregate_spec, query)
        return SQL(
            "SUM(%s)::float8 / NULLIF(SUM(%s), 0)",
            self._field_to_sql(self._table, "errors", query),
            self._field_to_sql(self._table, "calls", query),
        )
