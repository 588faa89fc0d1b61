"""UBL for France on top of Odoo's BIS Billing 3 builder (EN 16931 with AFNOR XP Z12-012, "CIUS").

Odoo computes lines, prices and totals; what differs for France is here, each with its rule. A
document is rendered in the language of its customer and depends on nothing but the database, so the
same document gives the same bytes for every user.
"""

import re

from odoo import models
from odoo.addons.account_edi_ubl_cii.models.account_edi_common import FloatFmt
from odoo.tools import html2plaintext

from .account_move import NOTE_SUBJECTS
from .res_partner import DOMESTIC, SIRET

CUSTOMIZATION = "urn:cen.eu:en16931:2017"
#: Codes of UNTDID 7143 for the classifications Odoo supports (BR-CL-13 refuses the names it writes).
CPV, UNSPSC = "STI", "TST"
#: UNTDID 2005 as restricted for UBL (BT-8): VAT is due with the invoice, or with its payment.
DUE_ON_INVOICE, DUE_ON_PAYMENT = "3", "432"
_SUBJECT = re.compile(r"#([A-Z]{3})#")
_QUANTITY_DECIMALS = 4
#: Reason of each category that needs one, unless the tax names its own (BR-AE-10, BR-O-10).
_REASONS = {
    "AE": ("VATEX-EU-AE", "Reverse charge"),
    "O": ("VATEX-EU-O", "Not subject to VAT"),
}
_DOMESTIC_REVERSE_CHARGE = ("VATEX-FR-AE", "Autoliquidation, article 283-2 du CGI")
_NO_REASON = ("S", "Z")


class AccountEdiXmlUblFr(models.AbstractModel):
    _name = "account.edi.xml.ubl_fr"
    _inherit = "account.edi.xml.ubl_bis3"
    _description = "UBL France (EN 16931, XP Z12-012)"

    def _render(self, move):
        """Return (file name, bytes) of an invoice or credit note, posted or not."""
        language = move.partner_id.lang or move.company_id.partner_id.lang or "en_US"
        builder = self.with_context(lang=language)
        content, _errors = builder._export_invoice(move)
        return builder._export_invoice_filename(move), content

    def _export_invoice_filename(self, invoice):
        return f"{re.sub(r'[^0-9A-Za-z_-]', '_', self._fr_number(invoice))}.xml"

    def _fr_number(self, invoice):
        """Return the number; before there is one, a placeholder so that the rest can be checked."""
        return invoice.name if invoice.name and invoice.name != "/" else f"DRAFT-{invoice.id}"

    def _export_invoice_constraints(self, invoice, vals):
        """Return no constraints: the official rules are run on the result, and Odoo's are those of Peppol."""
        return {}

    # -- header ----------------------------------------------------------------------------------

    def _add_invoice_config_vals(self, vals):
        super()._add_invoice_config_vals(vals)
        if vals["document_type"] == "debit_note":
            # EN 16931 has no such document: it is an invoice that refers to another one.
            vals["document_type"] = "invoice"
        codes = self.env["finance.mapping"]._unit_codes(vals["invoice"])
        vals["finance_unit_codes"] = {unit: mapped.code for unit, mapped in codes.items()}

    def _add_invoice_header_nodes(self, document_node, vals):
        super()._add_invoice_header_nodes(document_node, vals)
        invoice = vals["invoice"]
        process = invoice._finance_fr_effective_process()
        document_node.update(
            {
                "cbc:CustomizationID": {"_text": CUSTOMIZATION},
                "cbc:ProfileID": {"_text": process or None},
                "cbc:ID": {"_text": self._fr_number(invoice)},
                "cbc:IssueDate": {"_text": invoice.invoice_date or invoice.date},
                "cbc:Note": [{"_text": text} for text in self._fr_notes(invoice)],
                "cac:InvoicePeriod": self._fr_tax_due(invoice, process),
                "cac:OrderReference": self._fr_order_reference(document_node, invoice),
                "cac:BillingReference": self._fr_billing_references(invoice),
            }
        )

    def _fr_notes(self, invoice):
        """Yield the notes, each with its subject code (BT-21, BT-22); BAR states how the platform processes it."""
        yield f"#BAR#{'B2B' if self._fr_is_domestic(invoice) else 'B2BINT'}"
        for subject in NOTE_SUBJECTS:
            if text := invoice._finance_fr_note(subject):
                yield f"#{subject}#{text}"
        if terms := html2plaintext(invoice.narration or "").strip():
            # A subject code typed into the terms would count as a second note of that subject.
            yield _SUBJECT.sub(r"[\1] ", terms)

    def _fr_is_domestic(self, invoice):
        return invoice.commercial_partner_id._finance_fr_is_domestic()

    def _fr_tax_due(self, invoice, process):
        """Return when the VAT is due (BT-8): with the payment, or with the invoice for services "sur les débits"."""
        taxes = invoice._finance_fr_product_lines().tax_ids.flatten_taxes_hierarchy()
        charged = taxes.filtered(lambda tax: tax.amount_type == "percent" and tax.amount)
        exigibilities = set(charged.mapped("tax_exigibility"))
        if exigibilities == {"on_payment"}:
            return {"cbc:DescriptionCode": {"_text": DUE_ON_PAYMENT}}
        if exigibilities == {"on_invoice"} and (process or "").startswith("S"):
            return {"cbc:DescriptionCode": {"_text": DUE_ON_INVOICE}}
        return None

    def _fr_order_reference(self, document_node, invoice):
        """Return the customer's order number only; Odoo would put the invoice's own number in its place."""
        sales_order = document_node["cac:OrderReference"]["cbc:SalesOrderID"]
        # Odoo writes "Reversal of …" into the reference of a credit note.
        reference = (invoice.reversed_entry_id or invoice).ref
        if reference:
            return {"cbc:ID": {"_text": reference}, "cbc:SalesOrderID": sales_order}
        if sales_order and sales_order["_text"]:
            # UBL wants an ID; "NA" is what EN 16931's syntax binding writes for none.
            return {"cbc:ID": {"_text": "NA"}, "cbc:SalesOrderID": sales_order}
        return None

    def _fr_billing_references(self, invoice):
        """Return the invoices that are corrected (BR-FR-CO-05), which Odoo leaves out."""
        return [
            {
                "cac:InvoiceDocumentReference": {
                    "cbc:ID": {"_text": number},
                    "cbc:IssueDate": {"_text": date},
                }
            }
            for number, date in invoice._finance_fr_origins()
        ]

    def _add_invoice_payment_means_nodes(self, document_node, vals):
        super()._add_invoice_payment_means_nodes(document_node, vals)
        invoice = vals["invoice"]
        reference = invoice.payment_reference or self._fr_number(invoice)
        document_node["cac:PaymentMeans"]["cbc:PaymentID"] = {"_text": reference}

    def _add_invoice_delivery_nodes(self, document_node, vals):
        super()._add_invoice_delivery_nodes(document_node, vals)
        if delivered := vals["invoice"].delivery_date:
            # Within the EU Odoo writes the date of the invoice even where the delivery date is known.
            document_node["cac:Delivery"]["cbc:ActualDeliveryDate"] = {"_text": delivered}

    # -- parties ---------------------------------------------------------------------------------

    def _get_party_node(self, vals):
        node = super()._get_party_node(vals)
        company = vals["partner"].commercial_partner_id
        siret = company._finance_fr_siret()
        node["cbc:EndpointID"] = self._fr_identifier(company._finance_fr_electronic_address())
        # An identifier without scheme is refused (BR-FR-CO-10); Odoo's is our own customer number.
        node["cac:PartyIdentification"] = (
            {"cbc:ID": {"_text": siret, "schemeID": SIRET}} if siret else None
        )
        legal_id = self._fr_identifier(company._finance_fr_legal_id())
        node["cac:PartyLegalEntity"]["cbc:CompanyID"] = legal_id
        if not company.vat or company.vat == "/":
            # Odoo would write the electronic address as if it were a tax number.
            node["cac:PartyTaxScheme"] = None
        return node

    def _fr_identifier(self, identifier):
        if identifier is None:
            return None
        return {"_text": identifier.value, "schemeID": identifier.scheme}

    # -- lines -----------------------------------------------------------------------------------

    def _ubl_add_line_invoiced_quantity_node(self, vals):
        super()._ubl_add_line_invoiced_quantity_node(vals)
        self._fr_quantity(vals, vals["line_node"]["cbc:InvoicedQuantity"])

    def _ubl_add_line_credited_quantity_node(self, vals):
        super()._ubl_add_line_credited_quantity_node(vals)
        self._fr_quantity(vals, vals["line_node"]["cbc:CreditedQuantity"])

    def _get_uom_unece_code(self, uom):
        """Leave the code of a unit to ``_fr_quantity``, which has those of the whole document; Odoo reads one per line."""
        return None if uom else super()._get_uom_unece_code(uom)

    def _fr_quantity(self, vals, node):
        """Round to four decimals (BR-FR-DEC-02), and give the unit its code (BT-130); Odoo writes all of a float's.

        A unit without a code gets none: the rules report it where the company's policy let the document pass. A line
        without a unit counts pieces, as Odoo writes it.
        """
        node["_text"] = FloatFmt(node["_text"], min_dp=0, max_dp=_QUANTITY_DECIMALS)
        if unit := vals["line_vals"]["base_line"]["product_uom_id"]:
            node["unitCode"] = vals["finance_unit_codes"].get(unit.id) or None

    def _ubl_get_line_item_commodity_classification_node_from_cpv_code(self, vals, cpv_code):
        return self._fr_with_list(
            super()._ubl_get_line_item_commodity_classification_node_from_cpv_code(vals, cpv_code),
            CPV,
        )

    def _ubl_get_line_item_commodity_classification_node_from_unspsc_code(self, vals, unspsc_code):
        return self._fr_with_list(
            super()._ubl_get_line_item_commodity_classification_node_from_unspsc_code(
                vals, unspsc_code
            ),
            UNSPSC,
        )

    def _fr_with_list(self, node, list_id):
        node["cbc:ItemClassificationCode"]["listID"] = list_id
        return node

    # -- taxes -----------------------------------------------------------------------------------

    def _get_tax_category_code(self, customer, supplier, tax):
        """Make services to a business in the EU reverse charge (Directive 2006/112/EC, art. 44 and 196).

        Odoo takes every untaxed sale within the EU for a supply of goods (K). A category named by the tax itself is
        returned as Odoo does, but before it reads the countries of the EU, which it does eight times per line.
        """
        if tax and tax.ubl_cii_tax_category_code:
            return tax.ubl_cii_tax_category_code
        code = super()._get_tax_category_code(customer, supplier, tax)
        return "AE" if code == "K" and tax and tax.tax_scope == "service" else code

    def _get_tax_exemption_reason(self, customer, supplier, tax):
        category = self._get_tax_category_code(customer, supplier, tax)
        if category in _NO_REASON:
            return self._fr_reason(None, None)
        reason = super()._get_tax_exemption_reason(customer, supplier, tax)
        if category not in _REASONS or reason["tax_exemption_reason_code"]:
            return reason
        if category == "AE" and customer.country_code in DOMESTIC:
            return self._fr_reason(*_DOMESTIC_REVERSE_CHARGE)
        return self._fr_reason(*_REASONS[category])

    def _fr_reason(self, code, text):
        return {"tax_exemption_reason_code": code, "tax_exemption_reason": text}

    def _add_invoice_tax_total_nodes(self, document_node, vals):
        super()._add_invoice_tax_total_nodes(document_node, vals)
        for total in document_node["cac:TaxTotal"]:
            total["cac:TaxSubtotal"] = self._fr_merged(total["cac:TaxSubtotal"])

    def _fr_merged(self, subtotals):
        """Return one line per category in the VAT summary (BR-E-01 and similar rules).

        Odoo writes one per reason; of several reasons the texts are kept and the code is dropped.
        """
        merged = {}
        for subtotal in subtotals:
            category = subtotal["cac:TaxCategory"][0]
            key = category["cbc:ID"]["_text"], category["cbc:Percent"]["_text"]
            if key in merged:
                self._fr_add(merged[key], subtotal)
            else:
                merged[key] = subtotal
        return list(merged.values())

    def _fr_add(self, target, subtotal):
        for name in ("cbc:TaxableAmount", "cbc:TaxAmount"):
            total = target[name]["_text"] + subtotal[name]["_text"]
            decimals = target["_currency"].decimal_places
            target[name] = {**target[name], "_text": FloatFmt(total, min_dp=decimals)}
        ours, theirs = target["cac:TaxCategory"][0], subtotal["cac:TaxCategory"][0]
        texts = [ours["cbc:TaxExemptionReason"]["_text"], theirs["cbc:TaxExemptionReason"]["_text"]]
        reason = " / ".join(dict.fromkeys(text for text in texts if text))
        ours["cbc:TaxExemptionReason"] = {"_text": reason or None}
        if ours["cbc:TaxExemptionReasonCode"] != theirs["cbc:TaxExemptionReasonCode"]:
            ours["cbc:TaxExemptionReasonCode"] = {"_text": None}
