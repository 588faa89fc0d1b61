"""Screens on which the reasons of the embedded engine are corrected."""

from odoo import api, models


class FinanceTaxService(models.AbstractModel):
    _inherit = "finance.tax.service"

    @api.model
    def _correction_actions(self):
        return {
            **super()._correction_actions(),
            "rules": "finance_tax_embedded.finance_tax_rule_action",
            "registrations": "finance_tax_embedded.finance_tax_registration_action",
        }
