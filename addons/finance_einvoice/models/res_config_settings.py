from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    finance_einvoice_regime = fields.Selection(
        related="company_id.finance_einvoice_regime",
        readonly=False,
        groups="base.group_user",
    )
    finance_einvoice_custom_routes = fields.Boolean(
        related="company_id.finance_einvoice_custom_routes",
        groups="base.group_user",
    )
    finance_einvoice_connection_id = fields.Many2one(
        related="company_id.finance_einvoice_connection_id",
        readonly=False,
        groups="base.group_user",
    )
    finance_einvoice_validation = fields.Selection(
        related="company_id.finance_einvoice_validation",
        readonly=False,
        groups="base.group_user",
    )
