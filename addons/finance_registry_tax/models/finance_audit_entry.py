"""Labels of the addon's audit actions."""

from odoo import api, models


class FinanceAuditEntry(models.Model):
    _inherit = "finance.audit.entry"

    @api.model
    def _action_labels(self):
        return {
            **super()._action_labels(),
            "registry.not_verified": self.env._("VAT number not verified"),
        }
