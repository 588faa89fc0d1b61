"""Tax categories of what is sold: standard, books, food, accommodation…"""

from odoo import fields, models


class FinanceTaxCategory(models.Model):
    _name = "finance.tax.category"
    _inherit = "finance.tax.rulebook.mixin"
    _description = "Tax category"
    _order = "sequence, code"
    _rec_names_search = ["name", "code"]
    _audit_tracked = ("code", "name", "active")

    sequence = fields.Integer(default=100)
    name = fields.Char(required=True, translate=True)
    code = fields.Char(
        required=True,
        help="Does not change: rules, providers and determinations refer to it.",
    )
    description = fields.Char(translate=True)
    active = fields.Boolean(default=True)

    _code_uniq = models.Constraint("UNIQUE(code)", "A tax category with this code already exists.")
