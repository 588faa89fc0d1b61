"""Texts of the addon, in the reader's language."""

from odoo import api, models


class FinanceFinding(models.AbstractModel):
    _inherit = "finance.finding"

    @api.model
    def _messages(self):
        _ = self.env._
        return {
            **super()._messages(),
            "registry.not_verified": (
                _("The VAT number %(number)s of %(partner)s is not verified."),
                _("Check the number on the customer, or correct it."),
            ),
        }
