"""How each connection fares right now, for the cards of operators: two grouped statements for all cards together."""

from odoo import api, fields, models

from ..core.delivery.health import share, short
from ..core.delivery.outcomes import CALL_ERRORS
from ..core.delivery.queries import QUERIES, parameters


class FinanceConnection(models.Model):
    _inherit = "finance.connection"

    depth = fields.Integer(
        "Open",
        compute="_compute_depth",
        help="Exchanges that are not settled yet: pending, on their way, waiting for a verdict, unknown or held.",
    )
    in_flight = fields.Integer(
        compute="_compute_depth", help="Steps that a dispatcher carries at this moment."
    )
    oldest_wait = fields.Char(
        "Oldest waits",
        compute="_compute_depth",
        help="How long ago the oldest exchange was queued that the provider has not confirmed to have received.",
    )
    hour_calls = fields.Integer("Calls in the last hour", compute="_compute_hour")
    hour_errors = fields.Integer("Errors in the last hour", compute="_compute_hour")
    hour_error_rate = fields.Float(
        "Error rate",
        compute="_compute_hour",
        help="Share of the last hour's calls that brought no usable answer. Rejections of documents and “too many "
        "calls” are answers and do not count.",
    )
    hour_p95 = fields.Integer(
        "95 % answered within (ms)",
        compute="_compute_hour",
        help="95 of 100 answers of the last hour came within this time.",
    )

    is_paused_by_provider = fields.Boolean(compute="_compute_is_paused_by_provider")

    def _compute_depth(self):
        self.env["finance.exchange"].flush_model()
        rows = self._health_rows("health_depth")
        for connection in self:
            depth, in_flight, age = rows.get(connection._origin.id, (0, 0, None))
            connection.depth = depth
            connection.in_flight = in_flight
            connection.oldest_wait = short(age) if age is not None else False

    def _compute_hour(self):
        self.env["finance.exchange.attempt"].flush_model()
        rows = self._health_rows("health_calls", errors=list(CALL_ERRORS))
        for connection in self:
            calls, errors, p95 = rows.get(connection._origin.id, (0, 0, None))
            connection.hour_calls = calls
            connection.hour_errors = errors
            connection.hour_error_rate = share(errors, calls)
            connection.hour_p95 = round(p95 or 0)

    @api.depends("not_before")
    def _compute_is_paused_by_provider(self):
        now = fields.Datetime.now()
        for connection in self:
            connection.is_paused_by_provider = bool(
                connection.not_before and connection.not_before > now
            )

    def _health_rows(self, name, **values):
        """Rows of a statement by connection id; for connections the reader may read, as computed fields are."""
        self.env.cr.execute(
            QUERIES[name], parameters(connections=self._origin.ids, **values)
        )
        return {row[0]: row[1:] for row in self.env.cr.fetchall()}

    def action_view_open(self):
        """What this connection has open."""
        return {**self.action_view_exchanges(), "context": {"search_default_open": 1}}

    def action_view_hour(self):
        """The calls of the last hour, one by one."""
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "finance_connector_base.finance_exchange_attempt_action"
        )
        domain = [("connection_id", "=", self.id)]
        return {**action, "domain": domain, "context": {"search_default_last_hour": 1}}
