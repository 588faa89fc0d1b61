"""Parts of the embedded engine's rule book: a change is evidence and invalidates the cache."""

from odoo import api, models


class FinanceTaxRulebookMixin(models.AbstractModel):
    _name = "finance.tax.rulebook.mixin"
    _inherit = ["finance.shared.mixin", "finance.audit.tracked.mixin"]
    _description = "Part of the rule book"
    _audit_topic = "tax.rulebook"

    @api.model_create_multi
    def create(self, vals_list):
        self.env.registry.clear_cache()
        return super().create(vals_list)

    def write(self, vals):
        self.env.registry.clear_cache()
        return super().write(vals)

    def unlink(self):
        self.env.registry.clear_cache()
        return super().unlink()
