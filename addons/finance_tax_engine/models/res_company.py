"""The engine that determines a company's taxes, and the policy if it gives no answer."""

from odoo import fields, models


class ResCompany(models.Model):
    _name = "res.company"
    _inherit = ["res.company", "finance.audit.tracked.mixin"]
    _audit_tracked = ("finance_tax_engine", "finance_tax_fallback")

    finance_tax_engine = fields.Selection(
        [("none", "Odoo's own taxes")],
        "Tax engine",
        required=True,
        default="none",
        groups="base.group_user",
    )
    finance_tax_fallback = fields.Selection(
        [
            ("block", "Block: nothing is posted"),
            ("native", "Use Odoo's own taxes and check later"),
            ("last_known", "Use the last known rates and check later"),
        ],
        "If the tax cannot be determined",
        required=True,
        default="block",
        groups="base.group_user",
    )

    def _finance_has_tax_engine(self):
        """Return whether an engine determines this company's taxes."""
        return self.finance_tax_engine not in {False, "none"}

    def _finance_evidence_kinds(self):
        kinds = super()._finance_evidence_kinds()
        return kinds | {"tax"} if self._finance_has_tax_engine() else kinds
