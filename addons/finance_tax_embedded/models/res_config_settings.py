"""Settings of the embedded engine: registrations and conflicts in the rule book."""

from odoo import api, fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    finance_tax_registration_count = fields.Integer(
        "Number of tax registrations",
        compute="_compute_finance_tax_rulebook",
        groups="base.group_user",
    )
    finance_tax_problem = fields.Text(
        "Conflicting tax rules",
        compute="_compute_finance_tax_rulebook",
        groups="base.group_user",
    )

    @api.depends("company_id")
    def _compute_finance_tax_rulebook(self):
        """Show the rules between which no determination can choose, before a document needs them."""
        for settings in self:
            company = settings.company_id
            rules = self.env["finance.tax.rule"].search([("company_id", "in", (False, company.id))])
            pairs = rules._overlaps()
            settings.finance_tax_registration_count = len(company.finance_tax_registration_ids)
            settings.finance_tax_problem = "\n".join(f"{a.name} / {b.name}" for a, b in pairs)
