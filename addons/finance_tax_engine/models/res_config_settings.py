"""Settings of the tax engine, per company."""

from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    finance_tax_engine = fields.Selection(
        related="company_id.finance_tax_engine",
        readonly=False,
        required=True,
        groups="base.group_user",
    )
    finance_tax_fallback = fields.Selection(
        related="company_id.finance_tax_fallback",
        readonly=False,
        required=True,
        groups="base.group_user",
    )
