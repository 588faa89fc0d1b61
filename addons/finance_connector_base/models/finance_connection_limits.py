"""What a connection may ask of its provider: rate, parallel calls, when to stop calling."""

from odoo import api, fields, models

from .roles import ADMIN, OPERATOR, require_role


class FinanceConnection(models.Model):
    _inherit = "finance.connection"

    rate_per_second = fields.Float(
        "Calls per second",
        help="The provider's rate limit, kept by all workers together. 0: no limit.",
    )
    rate_burst = fields.Integer(
        "Calls at once",
        default=1,
        help="How many calls may be made at once after a pause, within the rate limit.",
    )
    max_parallel = fields.Integer(
        "Parallel calls",
        help="How many calls may be on their way at the same time, over all workers. 0: as many as they have room for.",
    )
    breaker_threshold = fields.Integer(
        "Failures in a row",
        default=5,
        required=True,
        help="After so many calls in a row without a usable answer, calling stops until the provider answers a probe.",
    )
    breaker_seconds = fields.Float(
        "First pause (seconds)",
        default=10.0,
        required=True,
        help="How long to wait before the first probe; each further one waits twice as long, at most five minutes.",
    )
    gate_ids = fields.One2many("finance.connection.gate", "connection_id", readonly=True)
    breaker_state = fields.Selection(related="gate_ids.breaker_state", string="Breaker")
    breaker_until = fields.Datetime(related="gate_ids.breaker_until", string="Next probe")
    not_before = fields.Datetime(
        related="gate_ids.not_before", string="Paused by the provider until"
    )
    retry_policy_ids = fields.One2many(
        "finance.retry.policy",
        "connection_id",
        "Retry policies",
        groups="finance_connector_base.group_operator,finance_connector_base.group_admin,"
        "finance_audit.group_auditor",
    )

    _rate = models.Constraint("CHECK(rate_per_second >= 0)", "Calls per second cannot be negative.")
    _burst = models.Constraint("CHECK(rate_burst >= 1)", "At least one call at once is needed.")
    _parallel = models.Constraint("CHECK(max_parallel >= 0)", "Parallel calls cannot be negative.")
    _threshold = models.Constraint(
        "CHECK(breaker_threshold >= 1)", "At least one failure is needed to stop calling."
    )
    _pause = models.Constraint("CHECK(breaker_seconds > 0)", "The pause must be longer than 0.")

    @api.model_create_multi
    def create(self, vals_list):
        connections = super().create(vals_list)
        connections._make_gates()
        return connections

    def _make_gates(self):
        self.env["finance.connection.gate"].sudo().create(
            [{"connection_id": connection.id} for connection in self]
        )

    def action_reset_breaker(self):
        """Call the provider again at once, without waiting for the next probe. For operators and finance admins."""
        require_role(self, OPERATOR, ADMIN)
        for connection in self:
            self.env["finance.connection.gate"].sudo()._reset(connection.ids)
            self.env["finance.audit.entry"]._record(
                action="connection.breaker_reset",
                record=connection,
                company=connection.company_id,
                summary=self.env._("%s asked to call the provider again", self.env.user.name),
            )
        self.env["finance.connection.gate"].invalidate_model()
        self.env["finance.exchange"]._wake_dispatcher()
        return True
