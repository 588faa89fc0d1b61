"""The embedded engine as a choice of a company, and where the company is registered."""

from odoo import fields, models


class ResCompany(models.Model):
    _inherit = "res.company"

    finance_tax_engine = fields.Selection(
        selection_add=[("embedded", "Embedded engine")],
        ondelete={"embedded": "set default"},
        groups="base.group_user",
    )
    finance_tax_registration_ids = fields.One2many(
        "finance.tax.registration",
        "company_id",
        "Tax registrations",
        groups="base.group_user",
    )
