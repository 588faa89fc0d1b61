from odoo import fields, models


class ResCompany(models.Model):
    _name = "res.company"
    _inherit = ["res.company", "finance.audit.tracked.mixin"]
    _audit_tracked = (
        "finance_einvoice_regime",
        "finance_einvoice_connection_id",
        "finance_einvoice_validation",
    )

    finance_einvoice_regime = fields.Selection(
        selection=[],
        string="E-invoicing regime",
        help="The law under which customer invoices are submitted. Each regime is an addon.",
    )
    finance_einvoice_connection_id = fields.Many2one(
        "finance.connection",
        string="E-invoicing connection",
        domain="[('company_id', '=', id)]",
        help="The platform or authority that receives the invoices.",
    )
    finance_einvoice_validation = fields.Selection(
        [("block", "Do not post"), ("warn", "Post, and show the findings")],
        default="block",
        required=True,
        string="When the official rules are not met",
    )
