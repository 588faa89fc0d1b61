"""Lines of invoices carry the tax category and kind of supply of what they sell."""

from odoo import models

from .product import STANDARD


class AccountMoveLine(models.Model):
    _inherit = "account.move.line"

    def _finance_line_values(self):
        values = super()._finance_line_values()
        template = self.product_id.product_tmpl_id
        values["tax_category"] = template._finance_tax_category_code() if template else STANDARD
        if template.finance_tax_supply:
            values["supply"] = template.finance_tax_supply
        return values
