"""Local checks of a French invoice, before it has a number or a rendering.

Each finding names the one field to change. Codes are public: retired, never reused. Their texts are in
``finance_finding.py``.
"""

from odoo.addons.finance_connector_base.core.finding import Finding

from .account_move import NOTE_SUBJECTS

_ADDRESS_FIELDS = ("street", "city", "zip", "country_id")
#: Not every country has postal codes.
_ADDRESS_FIELDS_ABROAD = ("street", "city", "country_id")
#: Categories that need the customer's VAT number (BR-AE-02, BR-IC-02).
_NEED_BUYER_VAT = ("AE", "K")


def findings_of(env, move):
    """Return every `Finding` about the document."""
    return [
        *_seller(move),
        *_buyer(env, move),
        *_texts(move),
        *_origin(move),
        *_lines(move),
        *_units(env, move),
    ]


def _finding(code, record, field, **args):
    return Finding(code, args=args, model=record._name, record_id=record.id, field_name=field)


def _seller(move):
    company, partner = move.company_id, move.company_id.partner_id.commercial_partner_id
    name = company.display_name
    yield from _number(partner, company, "FR-SELLER-SIREN", name)
    if not partner.vat:
        yield _finding("FR-SELLER-VAT", company, "vat", name=name)
    yield from _postal_address(partner, company, "FR-SELLER-ADDRESS", name)
    yield from _own_address(partner, "FR-SELLER-ELECTRONIC-ADDRESS")
    if company.currency_id.name != "EUR":
        yield _finding("FR-CURRENCY", company, "currency_id", name=name)


def _buyer(env, move):
    partner = move.commercial_partner_id
    name = partner.display_name
    if partner._finance_fr_is_domestic():
        yield from _number(partner, partner, "FR-BUYER-SIREN", name)
        yield from _own_address(partner, "FR-BUYER-ELECTRONIC-ADDRESS")
    elif not partner._finance_fr_electronic_address():
        yield _finding("FR-BUYER-ELECTRONIC-ADDRESS-MISSING", partner, "email", name=name)
    # The invoice shows the invoiced contact's address, which may differ from the company's.
    yield from _postal_address(move.partner_id, move.partner_id, "FR-BUYER-ADDRESS", name)
    if not partner.vat and _needs_buyer_vat(env, move):
        yield _finding("FR-BUYER-VAT", partner, "vat", name=name)


def _number(partner, record, code, name):
    """Check the SIREN. SIREN and SIRET share one field; missing and wrong are two codes."""
    if partner._finance_fr_siren():
        return
    suffix = "-INVALID" if partner._finance_fr_registry() else ""
    yield _finding(f"{code}{suffix}", record, "company_registry", name=name)


def _own_address(partner, code):
    """Check that the address is the company's own: one of the French directory begins with its SIREN (BR-FR-21)."""
    address, siren = partner._finance_fr_electronic_address(), partner._finance_fr_siren()
    if not address or not siren:
        return  # the missing SIREN is reported already
    if not address.value.startswith(siren):
        name = partner.display_name
        yield _finding(code, partner, "peppol_endpoint", name=name, siren=siren)


def _postal_address(partner, record, code, name):
    domestic = partner._finance_fr_is_domestic()
    needed = _ADDRESS_FIELDS if domestic else _ADDRESS_FIELDS_ABROAD
    missing = [field for field in needed if not partner[field]]
    if missing:
        yield _finding(code, record, missing[0], name=name, fields=",".join(missing))


def _needs_buyer_vat(env, move):
    builder = env["account.edi.xml.ubl_fr"]
    seller = move.company_id.partner_id.commercial_partner_id
    return any(
        builder._get_tax_category_code(move.commercial_partner_id, seller, tax) in _NEED_BUYER_VAT
        for tax in move._finance_fr_product_lines().tax_ids.flatten_taxes_hierarchy()
        if tax.amount_type == "percent"
    )


def _texts(move):
    for subject in NOTE_SUBJECTS:
        if not move._finance_fr_note(subject):
            field = f"finance_fr_note_{subject.lower()}"
            yield _finding(f"FR-NOTE-{subject}", move.company_id, field)
    if not move._finance_fr_effective_process():
        yield _finding("FR-PROCESS", move, "finance_fr_process")


def _origin(move):
    if move.move_type == "out_refund" and not move._finance_fr_origins():
        yield _finding("FR-ORIGIN", move, "finance_fr_origin_number")


def _lines(move):
    for number, line in enumerate(move._finance_fr_product_lines(), 1):
        taxes = line.tax_ids.flatten_taxes_hierarchy().filtered(
            lambda tax: tax.amount_type == "percent" and tax.amount >= 0
        )
        if len(taxes) != 1:
            yield _finding("FR-LINE-TAX", move, "invoice_line_ids", line=str(number))
        if not line.product_id and not (line.name or "").strip():
            yield _finding("FR-LINE-NAME", move, "invoice_line_ids", line=str(number))


def _units(env, move):
    for mapped in env["finance.mapping"]._unit_codes(move).values():
        if mapped.finding:
            yield mapped.finding
