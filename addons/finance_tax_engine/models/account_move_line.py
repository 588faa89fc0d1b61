"""Lines tell what they sell, and notice when an engine's amounts change."""

from odoo import api, models

from .product import STANDARD


class AccountMoveLine(models.Model):
    _inherit = "account.move.line"

    @api.depends("extra_tax_data")
    def _compute_totals(self):
        return super()._compute_totals()

    def _finance_line_values(self):
        values = super()._finance_line_values()
        template = self.product_id.product_tmpl_id
        values["tax_category"] = template._finance_tax_category_code() if template else STANDARD
        if template.finance_tax_supply:
            values["supply"] = template.finance_tax_supply
        return values
