from odoo import api, fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    finance_tax_engine = fields.Selection(
        related="company_id.finance_tax_engine", readonly=False, required=True
    )
    finance_tax_fallback = fields.Selection(
        related="company_id.finance_tax_fallback", readonly=False, required=True
    )
    finance_tax_registration_count = fields.Integer(compute="_compute_finance_tax_rulebook")
    finance_tax_problem = fields.Text(compute="_compute_finance_tax_rulebook")

    @api.depends("company_id")
    def _compute_finance_tax_rulebook(self):
        """Rules no determination could choose between are shown here, before they hurt."""
        for settings in self:
            company = settings.company_id
            rules = self.env["finance.tax.rule"].search([("company_id", "in", (False, company.id))])
            pairs = rules._overlaps()
            settings.finance_tax_registration_count = len(company.finance_tax_registration_ids)
            settings.finance_tax_problem = "\n".join(f"{a.name} / {b.name}" for a, b in pairs)
