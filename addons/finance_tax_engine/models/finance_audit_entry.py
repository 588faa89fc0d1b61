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
