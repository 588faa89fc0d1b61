"""The French regime: which documents are submitted, in which format, and what must be right before (XP Z12-012/013)."""

from lxml import etree
from odoo import models
from odoo.addons.finance_einvoice.core import lifecycle
from odoo.addons.finance_einvoice_en16931.core import xml_input
from odoo.addons.finance_einvoice_en16931.core.rule_sets import EN16931_UBL, UBL_SCHEMA

from ..core.rule_sets import BR_FR_FLUX2_UBL
from .finance_einvoice_fr_checks import findings_of
from .finance_einvoice_fr_targets import located

_MOVE_TYPES = ("out_invoice", "out_refund")
FORMAT = "ubl_fr"
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


class FinanceEinvoiceFormatUblFr(models.AbstractModel):
    _name = "finance.einvoice.format.ubl.fr"
    _inherit = "finance.einvoice.format"
    _description = "UBL France"
    _code = FORMAT

    def _title(self):
        return self.env._("UBL (EN 16931, CIUS France)")

    def _render(self, move):
        return self.env["account.edi.xml.ubl_fr"]._render(move)

    def _rule_sets(self, move):
        """Return all three, also for customers abroad.

        BR-FR-Flux2 is for every invoice that a French taxable person issues: its BAR note has the value B2BINT, and its
        publisher (FNFE-MPE) confirms it. What holds only within France depends on that note.
        """
        return UBL_SCHEMA.code, EN16931_UBL.code, BR_FR_FLUX2_UBL.code


class FinanceEinvoiceRegimeFr(models.AbstractModel):
    _name = "finance.einvoice.regime.fr"
    _inherit = "finance.einvoice.regime"
    _description = "E-invoicing regime of France"
    _code = "fr"
    # The platform takes the file and checks it; acceptance is the buyer's (status 205 of XP Z12-012).
    _on_acceptance = lifecycle.FILED

    def _title(self):
        return self.env._("France (approved platform)")

    def _is_business(self, partner):
        """Return whether the party is a company or has a VAT number, or belongs to one that does."""
        company = partner.commercial_partner_id
        return company.is_company or bool(company.vat)

    def _applies(self, move):
        """Return whether it is an invoice or credit note of a French company to a business, in France or abroad.

        Sales to private persons are reported in sums, not submitted one by one.
        """
        seller = move.company_id.partner_id.commercial_partner_id
        return (
            move.move_type in _MOVE_TYPES
            and seller._finance_fr_is_domestic()
            and bool(move.commercial_partner_id)
            and self._is_business(move.commercial_partner_id)
        )

    def _check(self, move):
        return findings_of(self.env, move)

    def _format(self, move):
        return FORMAT

    def _formats(self):
        return (FORMAT,)

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

    def _locate(self, move, finding):
        return located(move, finding)

    def _submission_parameters(self, move):
        """Return syntax, profile and kind of sale, as every French platform needs them beside the file."""
        domestic = move.commercial_partner_id._finance_fr_is_domestic()
        return {
            "flowSyntax": "UBL",
            "flowProfile": "CIUS",
            "processingRule": "B2B" if domestic else "B2BInt",
            "name": self.env["account.edi.xml.ubl_fr"]._export_invoice_filename(move),
        }
