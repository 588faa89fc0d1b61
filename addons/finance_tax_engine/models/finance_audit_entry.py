"""Labels of this addon's actions in the audit log."""

from odoo import api, models


class FinanceAuditEntry(models.Model):
    _inherit = "finance.audit.entry"

    @api.model
    def _action_labels(self):
        _ = self.env._
        return {
            **super()._action_labels(),
            "tax.determined": _("Taxes determined"),
            "tax.fallback": _("Taxes determined by the fallback"),
            "tax.failed": _("Taxes not determined"),
            "tax.difference": _("Tax difference found later"),
            "tax.rulebook.created": _("Tax rule data created"),
            "tax.rulebook.changed": _("Tax rule data changed"),
            "tax.rulebook.deleted": _("Tax rule data deleted"),
        }

    @api.model
    def _detail_labels(self):
        """Label what this addon records; the code and the explanation are what the summary was made of."""
        _ = self.env._
        return {
            **super()._detail_labels(),
            "policy": _("Fallback"),
            "engine": _("Tax engine"),
            "version": _("Version of the determination"),
            "fingerprint": _("Fingerprint of the request"),
            "total_tax": _("Total tax"),
            "currency": _("Currency"),
            "difference": _("Difference"),
            "explanation": None,
        }

    @api.model
    def _detail_selections(self):
        return {
            **super()._detail_selections(),
            "policy": ("res.company", "finance_tax_fallback"),
            "engine": ("res.company", "finance_tax_engine"),
        }

    @api.model
    def _technical_details(self):
        return super()._technical_details() | {"fingerprint"}
