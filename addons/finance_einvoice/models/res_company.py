"""Settings of e-invoicing: regime, connection, and what a broken rule leads to."""

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
        selection=lambda self: self.env["finance.einvoice.regime"]._selection(),
        string="E-invoicing regime",
        help="The mandate under which customer invoices are submitted. Each regime is an addon.",
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

    def _finance_einvoice_company(self):
        """Return the company whose e-invoicing settings apply to this one.

        A branch without a regime uses the settings of the nearest company above it. If there are none, this company
        is returned, which has no regime.
        """
        self.ensure_one()
        ancestors = reversed(self.sudo().parent_ids)
        return next((one for one in ancestors if one.finance_einvoice_regime), self.sudo())

    def _finance_evidence_kinds(self):
        kinds = super()._finance_evidence_kinds()
        return (
            kinds | {"einvoice"}
            if self._finance_einvoice_company().finance_einvoice_regime
            else kinds
        )
