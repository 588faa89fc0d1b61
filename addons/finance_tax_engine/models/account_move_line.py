"""Lines whose totals depend on an engine's amounts."""

from odoo import api, models


class AccountMoveLine(models.Model):
    _inherit = "account.move.line"

    @api.depends("extra_tax_data")
    def _compute_totals(self):
        return super()._compute_totals()
