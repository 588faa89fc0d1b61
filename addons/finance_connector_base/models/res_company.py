from odoo import fields, models


class ResCompany(models.Model):
    _inherit = "res.company"

    finance_connection_ids = fields.One2many("finance.connection", "company_id")
