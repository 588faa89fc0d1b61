"""Settings of verified VAT numbers, per company."""

from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    finance_vat_policy = fields.Selection(
        related="company_id.finance_vat_policy", readonly=False, required=True
    )
