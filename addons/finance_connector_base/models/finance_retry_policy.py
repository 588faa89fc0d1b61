"""Retry policies per connection and operation, maintained by finance admins."""

from odoo import api, fields, models
from odoo.exceptions import AccessError, ValidationError

from ..core.delivery.retry import (
    BASE_SECONDS,
    CEILING_SECONDS,
    DEFAULT_POLICY,
    POLL_CEILING_SECONDS,
    RetryPolicy,
)


class FinanceRetryPolicy(models.Model):
    _name = "finance.retry.policy"
    _description = "Retry policy"
    _inherit = ["finance.audit.tracked.mixin"]
    _order = "connection_id, operation"
    _audit_tracked = (
        "connection_id",
        "operation",
        "base_seconds",
        "ceiling_seconds",
        "max_attempts",
        "max_asks",
        "poll_ceiling_seconds",
        "verdict_hours",
    )

    name = fields.Char(compute="_compute_name")
    connection_id = fields.Many2one(
        "finance.connection", required=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(
        "res.company", related="connection_id.company_id", store=True, index=True
    )
    operation = fields.Char(
        help="One operation of the provider. If empty, the policy applies to every operation without its own policy.",
    )
    base_seconds = fields.Float(
        "Initial delay (seconds)",
        default=BASE_SECONDS,
        required=True,
        help="Upper limit of the delay after the first failure, doubled after each further failure. The actual delay is "
        "random up to this limit (full jitter). A Retry-After header takes precedence.",
    )
    ceiling_seconds = fields.Float(
        "Maximum delay (seconds)", default=CEILING_SECONDS, required=True
    )
    max_attempts = fields.Integer(
        "Max. attempts",
        help="Failed attempts before manual intervention. 0 = provider default.",
    )
    max_asks = fields.Integer(
        "Max. status checks",
        help="Status checks of an unknown outcome before manual intervention. 0 = same as the maximum of attempts.",
    )
    poll_ceiling_seconds = fields.Float(
        "Max. polling interval (seconds)", default=POLL_CEILING_SECONDS, required=True
    )
    verdict_hours = fields.Float(
        "Verdict deadline (hours)",
        help="Time after which a missing verdict opens a case. 0 = provider default.",
    )

    _one = models.UniqueIndex("(connection_id, COALESCE(operation, ''))")
    _positive = models.Constraint(
        "CHECK(base_seconds > 0 AND ceiling_seconds >= base_seconds AND poll_ceiling_seconds > 0)",
        "Delays must be greater than 0, and the maximum delay not less than the initial delay.",
    )
    _budget = models.Constraint(
        "CHECK(max_attempts >= 0 AND max_asks >= 0 AND verdict_hours >= 0)",
        "Limits of a retry policy cannot be negative.",
    )

    @api.model_create_multi
    def create(self, vals_list):
        # Always that of the connection, whatever a caller gives.
        vals_list = [
            {name: value for name, value in vals.items() if name != "company_id"}
            for vals in vals_list
        ]
        return super().create(vals_list)

    def write(self, vals):
        if {"company_id", "connection_id"} & vals.keys() and not self.env.su:
            raise AccessError(self.env._("A retry policy stays with its connection."))
        return super().write(vals)

    @api.depends("connection_id", "operation")
    @api.depends_context("lang")
    def _compute_name(self):
        for policy in self:
            adapter = policy.connection_id._adapter()
            policy.name = (
                adapter._operation_label(policy.operation)
                if policy.operation
                else self.env._("All operations")
            )

    @api.constrains("operation", "connection_id")
    def _check_operation(self):
        for policy in self.filtered("operation"):
            known = [item.name for item in policy.connection_id._adapter()._operations]
            if policy.operation not in known:
                raise ValidationError(
                    self.env._(
                        "%(provider)s does not offer the operation “%(operation)s”. Available: %(known)s.",
                        provider=policy.connection_id.name,
                        operation=policy.operation,
                        known=", ".join(known),
                    )
                )

    def _value(self):
        """Return this policy as a value of the core."""
        self.ensure_one()
        return RetryPolicy(
            base_seconds=self.base_seconds,
            ceiling_seconds=self.ceiling_seconds,
            max_attempts=self.max_attempts,
            max_asks=self.max_asks,
            poll_ceiling_seconds=self.poll_ceiling_seconds,
            verdict_hours=self.verdict_hours,
        )

    @api.model
    def _book(self, connections):
        """Return policies by (connection id, operation name or '')."""
        return {
            (policy.connection_id.id, policy.operation or ""): policy._value()
            for policy in self.sudo().search([("connection_id", "in", connections.ids)])
        }


def policy_of(book, connection_id, operation):
    """Return the most specific policy of a book, else the default."""
    return book.get((connection_id, operation)) or book.get((connection_id, "")) or DEFAULT_POLICY
