"""The French regime: which documents are submitted, how, and what must be right before (AFNOR XP Z12-012/013)."""

from lxml import etree
from odoo import models
from odoo.addons.finance_einvoice.core import xml_input
from odoo.addons.finance_einvoice.core.validation import (
    BR_FR_FLUX2_UBL,
    EN16931_UBL,
    UBL_SCHEMA,
)

from .finance_einvoice_fr_checks import found_problems
from .finance_einvoice_fr_targets import target

_MOVE_TYPES = ("out_invoice", "out_refund")
_UBL = "urn:oasis:names:specification:ubl:schema:xsd:"
_NAMESPACES = {
    "cac": f"{_UBL}CommonAggregateComponents-2",
    "cbc": f"{_UBL}CommonBasicComponents-2",
}
#: What may differ in a later rendering although the document is unchanged.
_CHANGING = (
    "cac:AccountingSupplierParty",
    "cac:AccountingCustomerParty",
    "cac:PayeeParty",
    "cac:Delivery/cac:DeliveryLocation",
    "cac:Delivery/cac:DeliveryParty",
    "cac:PaymentMeans/cac:PayeeFinancialAccount",
    "cac:PaymentTerms",
    "cac:LegalMonetaryTotal/cbc:PrepaidAmount",
    "cac:LegalMonetaryTotal/cbc:PayableAmount",
    ".//cac:Item/cbc:Name",
    ".//cac:Item/cac:SellersItemIdentification",
    ".//cac:Item/cac:StandardItemIdentification",
    ".//cac:Item/cac:OriginCountry",
    ".//cac:Item/cac:CommodityClassification",
    ".//cac:Item/cac:AdditionalItemProperty",
)


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

    def _comparable(self, content):
        """Leave out payments and master data: parties, bank accounts, products, the company's texts."""
        root = xml_input.read(content)
        for path in _CHANGING:
            for node in root.findall(path, _NAMESPACES):
                node.getparent().remove(node)
        for note in root.findall("cbc:Note", _NAMESPACES):
            if (note.text or "").startswith("#"):
                root.remove(note)
        return etree.tostring(root, method="c14n")

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
