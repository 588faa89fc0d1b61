"""How long a company keeps the erasable parts of its entries."""

from odoo import fields, models


class ResCompany(models.Model):
    _name = "res.company"
    _inherit = ["res.company", "finance.audit.tracked.mixin"]
    _audit_tracked = ("finance_audit_retention_days",)

    finance_audit_retention_days = fields.Integer(
        "Keep personal data in the audit log (days)",
        help="Older personal data beside audit entries is erased every night; the entries and their "
        "proofs stay. 0 keeps it without limit.",
    )
