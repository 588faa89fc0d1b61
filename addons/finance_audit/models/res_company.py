"""The retention of personal data in the audit log of a company."""

from odoo import fields, models


class ResCompany(models.Model):
    _name = "res.company"
    _inherit = ["res.company", "finance.audit.tracked.mixin"]
    _audit_tracked = ("finance_audit_retention_days",)

    finance_audit_retention_days = fields.Integer(
        "Retention of personal data in the audit log (days)",
        help="Personal data stored with audit entries is erased after this number of days. The entries and their "
        "proofs remain. With 0, the data is kept without limit.",
        groups="base.group_user",
    )

    _finance_audit_retention_bounded = models.Constraint(
        "CHECK (finance_audit_retention_days <= 36500)",
        "The retention period of personal data cannot be longer than 36,500 days.",
    )

    def _audit_kind(self):
        """Name one company: the model is named in the plural."""
        return self.env._("Company")
