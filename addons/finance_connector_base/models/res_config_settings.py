"""Settings screen of Finance Connect: connections and cases of the company."""

from odoo import api, fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    finance_connection_ids = fields.Many2many(
        "finance.connection",
        compute="_compute_finance_connection_ids",
        string="Connections",
        groups="base.group_user",
    )

    finance_case_user_id = fields.Many2one(
        related="company_id.finance_case_user_id",
        readonly=False,
        domain=lambda self: self.env["finance.case"]._owner_domain("company_id"),
        groups="base.group_user",
    )
    finance_case_hours = fields.Integer(
        related="company_id.finance_case_hours", readonly=False, groups="base.group_user"
    )
    finance_case_escalation_user_id = fields.Many2one(
        related="company_id.finance_case_escalation_user_id",
        readonly=False,
        domain=lambda self: self.env["finance.case"]._owner_domain("company_id"),
        groups="base.group_user",
    )

    finance_retention_years = fields.Integer(
        related="company_id.finance_retention_years", readonly=False
    )
    finance_legal_hold = fields.Boolean(related="company_id.finance_legal_hold", readonly=False)
    finance_storage_limit_mb = fields.Integer(
        related="company_id.finance_storage_limit_mb", readonly=False
    )

    @api.depends("company_id")
    def _compute_finance_connection_ids(self):
        for settings in self:
            settings.finance_connection_ids = self.env["finance.connection"].search(
                [("company_id", "=", settings.company_id.id)]
            )

    def action_finance_new_connection(self):
        """Open an empty connection form for the company of the settings."""
        self.check_access("write")
        self.ensure_one()
        self.env["finance.connection"].check_access("create")
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("New connection"),
            "res_model": "finance.connection",
            "views": [(False, "form")],
            "context": {"default_company_id": self.company_id.id},
        }
