from odoo import api, models

from ..core.rule_sets import BR_FR_FLUX2_UBL


class FinanceEinvoiceRulesUbl(models.AbstractModel):
    _inherit = "finance.einvoice.rules.ubl"

    @api.model
    def _known(self):
        """Add the French rules for flux 2."""
        return {**super()._known(), BR_FR_FLUX2_UBL.code: BR_FR_FLUX2_UBL}
