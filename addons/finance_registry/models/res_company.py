"""How long a confirmed number may be relied upon, per company."""

from odoo import fields, models


class ResCompany(models.Model):
    _inherit = "res.company"

    finance_registry_days = fields.Integer(
        "Validity of a number check (days)",
        default=30,
        required=True,
        help="A checked VAT number is checked again before this time is over.",
        groups="base.group_user",
    )

    _registry_days = models.Constraint(
        "CHECK(finance_registry_days BETWEEN 1 AND 3650)",
        "A number check must be valid for at least one day and at most 3,650 days.",
    )
