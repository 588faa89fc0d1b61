"""From the field key of an official rule to the record and field to open in Odoo."""

from dataclasses import replace

from odoo.addons.finance_einvoice_en16931.core.rule_sets import line_number

_INVOICE = {
    "charge": "invoice_line_ids",
    "currency": "currency_id",
    "date": "invoice_date",
    "delivery_date": "delivery_date",
    "discount": "invoice_line_ids",
    "due_date": "invoice_date_due",
    "lines": "invoice_line_ids",
    "notes": "narration",
    "notes.AAB": "finance_fr_note_aab",
    "notes.PMD": "finance_fr_note_pmd",
    "notes.PMT": "finance_fr_note_pmt",
    "number": "name",
    "origin": "finance_fr_origin_number",
    "payment": "invoice_payment_term_id",
    "payment.bank_account": "partner_bank_id",
    "process": "finance_fr_process",
    "taxes": "invoice_line_ids",
    "totals": "invoice_line_ids",
}
_PARTY = {
    "address": "street",
    "country": "country_id",
    "electronic_address": "peppol_endpoint",
    "identifier": "company_registry",
    "name": "name",
    "siren": "company_registry",
    "siret": "company_registry",
    "vat": "vat",
}
_TAX = {
    "category": "ubl_cii_tax_category_code",
    "exemption_reason": "ubl_cii_tax_exemption_reason_code",
    "rate": "amount",
}
#: Facts of a line that are kept on its product.
_PRODUCT = ("line.classification", "line.product")


def located(move, finding):
    """Return the finding with record and field; the invoice itself where nothing nearer can be named."""
    record, field = _find(move, finding)
    return replace(finding, model=record._name, record_id=record.id, field_name=field)


def _find(move, finding):
    topic, _, detail = finding.field_name.partition(".")
    if topic == "parties":
        topic = _party_at(finding.item)
    if topic in ("seller", "buyer", "delivery"):
        return _party(move, topic, detail)
    if topic == "tax":
        return _tax(move, finding, detail)
    if finding.field_name in _PRODUCT and _line(move, finding).product_id:
        return _line(move, finding).product_id, "name"
    if topic == "line":
        return move, "invoice_line_ids"
    if topic == "payee":
        return move, "partner_bank_id"
    return move, _INVOICE.get(detail, "narration")


def _party_at(location):
    if "AccountingSupplierParty" in location:
        return "seller"
    return "delivery" if "cac:Delivery" in location else "buyer"


def _party(move, topic, detail):
    field = _PARTY.get(detail, "name")
    if topic == "buyer":
        return move.commercial_partner_id, field
    if topic == "delivery":
        return move.partner_shipping_id or move.partner_id, field
    company = move.company_id
    # The company form has all but the electronic address.
    return (company, field) if field in company._fields else (company.partner_id, field)


def _line(move, finding):
    """Return the line by its position: extra lines of deposits come after those of the invoice."""
    lines = move._finance_fr_product_lines()
    number = line_number(finding.item)
    return lines[number - 1 : number] if number else lines.browse()


def _tax(move, finding, detail):
    lines = _line(move, finding) or move._finance_fr_product_lines()
    taxes = lines.tax_ids.flatten_taxes_hierarchy()
    # Reasons and categories are required where no VAT is charged.
    tax = taxes.filtered(lambda item: not item.amount)[:1] or taxes[:1]
    return (tax, _TAX[detail]) if tax else (move, "invoice_line_ids")
