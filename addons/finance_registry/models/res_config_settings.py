"""Settings of the registry addon, per company."""

from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    finance_registry_days = fields.Integer(
        related="company_id.finance_registry_days", readonly=False, required=True
    )
