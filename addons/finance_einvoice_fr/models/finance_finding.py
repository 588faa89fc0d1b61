"""Texts of the French checks, in the reader's language."""

from odoo import api, models
from odoo.addons.finance_connector_base.core.finding import Finding

#: Codes whose argument ``fields`` lists fields of a partner.
_ADDRESSES = ("FR-SELLER-ADDRESS", "FR-BUYER-ADDRESS")


class FinanceFinding(models.AbstractModel):
    _inherit = "finance.finding"

    @api.model
    def _render(self, finding):
        """Show the labels of the missing fields of an address, where their names are stored."""
        if isinstance(finding, Finding) and finding.code in _ADDRESSES:
            known = self.env["res.partner"]._fields
            labels = [
                known[name]._description_string(self.env)
                for name in finding.args.get("fields", "").split(",")
                if name in known
            ]
            finding = Finding(finding.code, args={**finding.args, "fields": ", ".join(labels)})
        return super()._render(finding)

    @api.model
    def _rule_set_labels(self):
        return {**super()._rule_set_labels(), "br-fr-flux2-ubl": self.env._("French rules")}

    @api.model
    def _messages(self):
        """Add the codes of French checks. Codes are public: retired, never reused."""
        _ = self.env._
        siren = (
            _("%(name)s has no SIREN."),
            _("Fill in the SIRET (14 digits) or SIREN (9 digits) in the field “Siret”."),
        )
        invalid = (
            _("The “Siret” of %(name)s is neither a SIRET nor a SIREN."),
            _("Check the digits: a SIRET has 14, a SIREN 9; the last one is a check digit."),
        )
        address = (
            _("The address of %(name)s is incomplete. Missing: %(fields)s."),
            _("An invoice must show the full address. Complete it."),
        )
        own_address = (
            _("The electronic address of %(name)s does not begin with its SIREN."),
            _(
                "Enter %(siren)s, or %(siren)s_ followed by the suffix given by the platform; or choose another "
                "scheme to use the SIREN alone."
            ),
        )
        where_texts = _("Enter it in the settings of the company, or on this invoice.")
        return {
            **super()._messages(),
            "FR-SELLER-SIREN": siren,
            "FR-BUYER-SIREN": siren,
            "FR-SELLER-SIREN-INVALID": invalid,
            "FR-BUYER-SIREN-INVALID": invalid,
            "FR-SELLER-ADDRESS": address,
            "FR-BUYER-ADDRESS": address,
            "FR-SELLER-ELECTRONIC-ADDRESS": own_address,
            "FR-SELLER-VAT": (
                _("%(name)s has no VAT number."),
                _("Fill in the VAT number of your company."),
            ),
            "FR-CURRENCY": (
                _("The company currency of %(name)s is not EUR."),
                _("VAT must be given in euros: choose EUR as the currency of the company."),
            ),
            "FR-BUYER-VAT": (
                _("%(name)s has no VAT number, but the invoice charges no VAT because of it."),
                _("Fill in the VAT number of the customer, or charge VAT."),
            ),
            "FR-NOTE-PMD": (_("The text about late payment penalties is empty."), where_texts),
            "FR-NOTE-PMT": (_("The text about the recovery fee is empty."), where_texts),
            "FR-NOTE-AAB": (_("The text about early payment discounts is empty."), where_texts),
            "FR-PROCESS": (
                _(
                    "Neither the products nor the taxes determine whether goods or services are invoiced."
                ),
                _(
                    "Choose the business process on the invoice, or a default in the settings of the company."
                ),
            ),
            "FR-ORIGIN": (
                _("The credit note does not name the invoice it corrects."),
                _("Create it from the invoice, or enter number and date of the corrected invoice."),
            ),
            "FR-LINE-TAX": (
                _("Line %(line)s does not have exactly one VAT tax."),
                _("Choose one tax on the line; one of 0%% with a reason if no VAT is charged."),
            ),
            "FR-LINE-NAME": (
                _("Line %(line)s has neither a product nor a description."),
                _("Choose a product, or enter a description."),
            ),
            "FR-BUYER-ELECTRONIC-ADDRESS": own_address,
            "FR-BUYER-ELECTRONIC-ADDRESS-MISSING": (
                _("%(name)s has no electronic address."),
                _("Fill in the e-mail address or the Peppol address of the customer."),
            ),
        }
