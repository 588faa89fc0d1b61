"""Local checks of a French invoice, before it has a number or a rendering.

Each problem names the one field to change. Codes are stable: retired, never reused.
"""

from odoo.addons.finance_einvoice.core.problems import Problem

from .account_move import NOTE_SUBJECTS

_ADDRESS_FIELDS = ("street", "city", "zip", "country_id")
#: Not every country has postal codes.
_ADDRESS_FIELDS_ABROAD = ("street", "city", "country_id")
#: Categories that need the customer's VAT number (BR-AE-02, BR-IC-02).
_NEED_BUYER_VAT = ("AE", "K")


def found_problems(env, move):
    """Return every `Problem` of the document."""
    return [
        *_seller(env, move),
        *_buyer(env, move),
        *_texts(env, move),
        *_origin(env, move),
        *_lines(env, move),
    ]


def _problem(code, record, field, message, hint):
    return Problem(
        code=code,
        message=message,
        hint=hint,
        model=record._name,
        record_id=record.id,
        field=field,
    )


def _seller(env, move):
    _ = env._
    company, partner = move.company_id, move.company_id.partner_id.commercial_partner_id
    yield from _number(
        env,
        partner,
        company,
        code="FR-SELLER-SIREN",
        name=company.display_name,
    )
    if not partner.vat:
        yield _problem(
            "FR-SELLER-VAT",
            company,
            "vat",
            _("%s has no VAT number.", company.display_name),
            _("Fill in the VAT number of your company."),
        )
    yield from _postal_address(env, partner, company, "FR-SELLER-ADDRESS", company.display_name)
    yield from _own_address(env, partner, "FR-SELLER-ELECTRONIC-ADDRESS")
    if company.currency_id.name != "EUR":
        yield _problem(
            "FR-CURRENCY",
            company,
            "currency_id",
            _("%s does not keep its books in euros.", company.display_name),
            _("VAT must be given in euros: choose EUR as the currency of the company."),
        )


def _buyer(env, move):
    _ = env._
    partner = move.commercial_partner_id
    name = partner.display_name
    if partner._finance_is_domestic():
        yield from _number(env, partner, partner, code="FR-BUYER-SIREN", name=name)
        yield from _own_address(env, partner, "FR-BUYER-ELECTRONIC-ADDRESS")
    elif not partner._finance_fr_electronic_address():
        yield _problem(
            "FR-BUYER-ELECTRONIC-ADDRESS",
            partner,
            "email",
            _("%s has no electronic address.", name),
            _("Fill in the e-mail address or the Peppol address of the customer."),
        )
    # The invoice shows the invoiced contact's address, which may differ from the company's.
    yield from _postal_address(env, move.partner_id, move.partner_id, "FR-BUYER-ADDRESS", name)
    if not partner.vat and _needs_buyer_vat(env, move):
        yield _problem(
            "FR-BUYER-VAT",
            partner,
            "vat",
            _("%s has no VAT number, but the invoice charges no VAT because of it.", name),
            _("Fill in the VAT number of the customer, or charge VAT."),
        )


def _number(env, partner, record, code, name):
    """SIREN and SIRET share one field; missing and wrong are two codes."""
    _ = env._
    if partner._finance_fr_siren():
        return
    if partner._finance_fr_registry():
        yield _problem(
            f"{code}-INVALID",
            record,
            "company_registry",
            _("The “Siret” of %s is neither a SIRET nor a SIREN.", name),
            _("Check the digits: a SIRET has 14, a SIREN 9; the last one is a check digit."),
        )
    else:
        yield _problem(
            code,
            record,
            "company_registry",
            _("%s has no SIREN.", name),
            _("Fill in the SIRET (14 digits) or SIREN (9 digits) in the field “Siret”."),
        )


def _own_address(env, partner, code):
    """An address of the French directory belongs to the company whose SIREN it begins with (BR-FR-21)."""
    _ = env._
    address, siren = partner._finance_fr_electronic_address(), partner._finance_fr_siren()
    if not address or not siren:
        return  # the missing SIREN is told already
    if not address.value.startswith(siren):
        yield _problem(
            code,
            partner,
            "peppol_endpoint",
            _("The electronic address of %s does not begin with its SIREN.", partner.display_name),
            _(
                "Write %(siren)s, or %(siren)s_ and the suffix given by the platform; or choose another scheme to "
                "use the SIREN alone.",
                siren=siren,
            ),
        )


def _postal_address(env, partner, record, code, name):
    _ = env._
    needed = _ADDRESS_FIELDS if partner._finance_is_domestic() else _ADDRESS_FIELDS_ABROAD
    missing = [field for field in needed if not partner[field]]
    if missing:
        labels = [partner._fields[field]._description_string(env) for field in missing]
        yield _problem(
            code,
            record,
            missing[0],
            _(
                "The address of %(name)s is incomplete: %(fields)s.",
                name=name,
                fields=", ".join(labels),
            ),
            _("An invoice must show the full address. Complete it."),
        )


def _needs_buyer_vat(env, move):
    builder = env["account.edi.xml.ubl_fr"]
    seller = move.company_id.partner_id.commercial_partner_id
    return any(
        builder._get_tax_category_code(move.commercial_partner_id, seller, tax) in _NEED_BUYER_VAT
        for tax in move._finance_fr_product_lines().tax_ids.flatten_taxes_hierarchy()
        if tax.amount_type == "percent"
    )


def _texts(env, move):
    _ = env._
    for subject in NOTE_SUBJECTS:
        if not move._finance_fr_note(subject):
            field = f"finance_fr_note_{subject.lower()}"
            label = move._fields[field]._description_string(env)
            yield _problem(
                f"FR-NOTE-{subject}",
                move.company_id,
                field,
                _("The mandatory text is empty: %s.", label),
                _("Write it in the settings of the company, or on this invoice."),
            )
    if not move._finance_fr_effective_process():
        yield _problem(
            "FR-PROCESS",
            move,
            "finance_fr_process",
            _("Neither the products nor the taxes tell whether goods or services are invoiced."),
            _(
                "Choose the business process on the invoice, or a default in the settings of the company."
            ),
        )


def _origin(env, move):
    _ = env._
    if move.move_type == "out_refund" and not move._finance_fr_origins():
        yield _problem(
            "FR-ORIGIN",
            move,
            "finance_fr_origin_number",
            _("The credit note does not say which invoice it corrects."),
            _("Create it from the invoice, or fill in number and date of the corrected invoice."),
        )


def _lines(env, move):
    _ = env._
    for number, line in enumerate(move._finance_fr_product_lines(), 1):
        taxes = line.tax_ids.flatten_taxes_hierarchy().filtered(
            lambda tax: tax.amount_type == "percent" and tax.amount >= 0
        )
        if len(taxes) != 1:
            yield _problem(
                "FR-LINE-TAX",
                move,
                "invoice_line_ids",
                _("Line %s has not exactly one VAT tax.", number),
                _("Choose one tax on the line; one of 0 % with a reason if no VAT is charged."),
            )
        if not line.product_id and not (line.name or "").strip():
            yield _problem(
                "FR-LINE-NAME",
                move,
                "invoice_line_ids",
                _("Line %s has neither a product nor a description.", number),
                _("Choose a product, or write a description."),
            )
