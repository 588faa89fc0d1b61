"""The French regime: which documents are submitted, how, and what must be right before (AFNOR XP Z12-012/013)."""

from odoo import models
from odoo.addons.finance_einvoice.core.validation import (
    BR_FR_FLUX2_UBL,
    EN16931_UBL,
    UBL_SCHEMA,
)

from .finance_einvoice_fr_checks import found_problems
from .finance_einvoice_fr_targets import target

_MOVE_TYPES = ("out_invoice", "out_refund")


class FinanceEinvoiceRegimeFr(models.AbstractModel):
    _name = "finance.einvoice.regime.fr"
    _inherit = "finance.einvoice.regime"
    _description = "E-invoicing regime of France"

    def _applies(self, move):
        """Invoices and credit notes of French companies to businesses, in France or abroad.

        Sales to private persons are reported in sums, not submitted one by one.
        """
        seller = move.company_id.partner_id.commercial_partner_id
        return (
            move.company_id.finance_einvoice_regime == "fr"
            and move.move_type in _MOVE_TYPES
            and seller._finance_is_domestic()
            and bool(move.commercial_partner_id)
            and move.commercial_partner_id._finance_is_business()
        )

    def _problems(self, move):
        return found_problems(self.env, move)

    def _render(self, move):
        return self.env["account.edi.xml.ubl_fr"]._render(move)

    def _rule_sets(self, move):
        """All three also for customers abroad.

        BR-FR-Flux2 is for every invoice a French taxable person issues: its BAR note knows B2BINT, and its
        publisher (FNFE-MPE) confirms it. What holds only within France depends on that note.
        """
        return UBL_SCHEMA, EN16931_UBL, BR_FR_FLUX2_UBL

    def _violation_target(self, move, violation):
        return target(move, violation)

    def _submission_parameters(self, move):
        """`FlowInfo` of the AFNOR Flow service, without what the adapter adds (tracking id, sha256)."""
        domestic = move.commercial_partner_id._finance_is_domestic()
        return {
            "flowSyntax": "UBL",
            "flowProfile": "CIUS",
            "processingRule": "B2B" if domestic else "B2BInt",
            "name": self.env["account.edi.xml.ubl_fr"]._export_invoice_filename(move),
        }
