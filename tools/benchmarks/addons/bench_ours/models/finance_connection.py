from odoo import fields, models


class FinanceConnection(models.Model):
    _inherit = "finance.connection"

    provider = fields.Selection(
        selection_add=[("bench", "Benchmark")], ondelete={"bench": "cascade"}
    )
