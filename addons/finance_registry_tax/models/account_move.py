"""The customer's VAT number as the registry confirmed it, in the document an engine sees."""

from odoo import models
from odoo.addons.finance_connector_base.core.contract import Identifier

#: Scheme of the identifier that holds the proof number of a confirmed VAT number; one of
#: ``contract.PROOF_SCHEMES``, which no comparison of parties counts.
PROOF = "vat-proof"


class AccountMove(models.Model):
    _inherit = "account.move"

    def _finance_document(self):
        """Leave out a number that is not verified, where the policy says so; add the proof.

        The proof is part of what a determination keeps as its request.
        """
        document = super()._finance_document()
        if self.company_id.finance_vat_policy == "none" or not document.buyer.identifier("vat"):
            return document
        check = self._finance_vat_check()
        identifiers = document.buyer.identifiers
        if check.state == "valid":
            proof = check.proof or str(check.result_id.id)
            identifiers = (*identifiers, Identifier(scheme=PROOF, value=proof))
        elif self.company_id.finance_vat_policy == "charge" and self._finance_vat_is_foreign():
            identifiers = tuple(item for item in identifiers if item.scheme != "vat")
        else:
            return document
        buyer = document.buyer.model_copy(update={"identifiers": identifiers})
        return document.model_copy(update={"buyer": buyer})

    def _finance_vat_check(self):
        return self.env["finance.registry.check"]._of(self.commercial_partner_id, self.company_id)

    def _finance_vat_is_foreign(self):
        """Return whether the customer's number was issued by another state than the company's."""
        number = self.commercial_partner_id._finance_vat_number()
        own = self.company_id.partner_id._finance_vat_number()
        return number[:2] != own[:2]

    def _finance_vat_not_verified(self):
        """Return whether tax is left out because of a VAT number that is not verified."""
        determination = self.finance_tax_determination_id.sudo()
        if not determination or self._finance_vat_check().state == "valid":
            return False
        return any(detail.category in ("K", "AE") for detail in determination._answer().details)
