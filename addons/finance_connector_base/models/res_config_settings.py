from odoo import api, fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    finance_connection_ids = fields.Many2many(
        "finance.connection",
        compute="_compute_finance_connection_ids",
        string="Connections",
    )

    @api.depends("company_id")
    def _compute_finance_connection_ids(self):
        for settings in self:
            settings.finance_connection_ids = self.env["finance.connection"].search(
                [("company_id", "=", settings.company_id.id)]
            )

    def action_finance_new_connection(self):
        """An empty connection form for the company of the settings."""
        self.ensure_one()
        self.env["finance.connection"].check_access("create")
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("New connection"),
            "res_model": "finance.connection",
            "views": [(False, "form")],
            "context": {"default_company_id": self.company_id.id},
        }
