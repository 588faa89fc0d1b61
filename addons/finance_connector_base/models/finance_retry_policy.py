"""Retry policies as records that finance admins tune, per connection and operation."""

from odoo import api, fields, models
from odoo.exceptions import ValidationError

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
    )

    name = fields.Char(compute="_compute_name")
    connection_id = fields.Many2one(
        "finance.connection", required=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="connection_id.company_id", store=True, index=True)
    operation = fields.Char(
        help="Name of one operation of the provider. Empty: every operation without a policy of its own."
    )
    base_seconds = fields.Float(
        "First pause (seconds)",
        default=BASE_SECONDS,
        required=True,
        help="Upper end of the pause after the first failure; it doubles with each further one. "
        "The pause itself is drawn at random up to that (full jitter). The provider's Retry-After goes before it.",
    )
    ceiling_seconds = fields.Float(
        "Longest pause (seconds)", default=CEILING_SECONDS, required=True
    )
    max_attempts = fields.Integer(
        "Tries",
        help="Sends that may fail before a person decides. 0: as the operation declares.",
    )
    max_asks = fields.Integer(
        "Questions",
        help="How often to ask for an unknown outcome before a person decides. 0: as many as tries.",
    )
    poll_ceiling_seconds = fields.Float(
        "Longest pause between looks (seconds)", default=POLL_CEILING_SECONDS, required=True
    )

    _one = models.UniqueIndex("(connection_id, COALESCE(operation, ''))")
    _positive = models.Constraint(
        "CHECK(base_seconds > 0 AND ceiling_seconds >= base_seconds AND poll_ceiling_seconds > 0)",
        "Pauses must be longer than 0, and the longest not shorter than the first.",
    )
    _budget = models.Constraint(
        "CHECK(max_attempts >= 0 AND max_asks >= 0)", "Numbers of tries cannot be negative."
    )

    @api.depends("connection_id", "operation")
    def _compute_name(self):
        for policy in self:
            policy.name = policy.operation or self.env._("All operations")

    @api.constrains("operation", "connection_id")
    def _check_operation(self):
        for policy in self.filtered("operation"):
            known = [item.name for item in policy.connection_id._adapter()._operations]
            if policy.operation not in known:
                raise ValidationError(
                    self.env._(
                        "%(provider)s has no operation “%(operation)s”. It has: %(known)s.",
                        provider=policy.connection_id.name,
                        operation=policy.operation,
                        known=", ".join(known),
                    )
                )

    def _value(self):
        """This policy for the core."""
        self.ensure_one()
        return RetryPolicy(
            base_seconds=self.base_seconds,
            ceiling_seconds=self.ceiling_seconds,
            max_attempts=self.max_attempts,
            max_asks=self.max_asks,
            poll_ceiling_seconds=self.poll_ceiling_seconds,
        )

    @api.model
    def _book(self, connections):
        """Policies by (connection id, operation name or '')."""
        return {
            (policy.connection_id.id, policy.operation or ""): policy._value()
            for policy in self.sudo().search([("connection_id", "in", connections.ids)])
        }


def policy_of(book, connection_id, operation):
    """The most specific policy of a book, else the default."""
    return book.get((connection_id, operation)) or book.get((connection_id, "")) or DEFAULT_POLICY
