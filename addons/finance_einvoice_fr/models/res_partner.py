"""Identification of French parties: SIREN, SIRET and electronic address, from the fields Odoo already has.

SIRET (14 digits) or SIREN (9 digits) stand in Odoo's company registry number, the address in its
Peppol fields; nothing is stored twice. Identifier schemes: ISO 6523 ICD list as used by AFNOR
XP Z12-012 (0002 SIREN, 0009 SIRET, 0223 EU VAT number, 0225 French address, 0227 outside the EU,
0228 RIDET, 0229 TAHITI).
"""

from functools import lru_cache
from typing import NamedTuple

from odoo import api, fields, models
from stdnum.fr import siren as siren_number
from stdnum.fr import siret as siret_number

#: Where French VAT is due; the other overseas territories are abroad (CGI art. 294).
DOMESTIC = frozenset({"FR", "GP", "MQ", "RE"})
#: Territories whose companies are in the SIRENE register.
SIRENE = DOMESTIC | {"BL", "GF", "MF", "PM", "YT"}
SIREN, SIRET, FRENCH_ADDRESS, EMAIL = "0002", "0009", "0225", "EM"
EU_VAT, OUTSIDE_EU = "0223", "0227"
#: Registers of the Pacific territories: New Caledonia and French Polynesia.
_PACIFIC = {"NC": "0228", "PF": "0229"}
_OUTSIDE_NAME_LENGTH = 16
#: One invoice asks for the numbers of its two parties more than thirty times.
_is_siren, _is_siret = lru_cache(siren_number.is_valid), lru_cache(siret_number.is_valid)


class Identifier(NamedTuple):
    """A value with the code of its scheme."""

    scheme: str
    value: str


class ResPartner(models.Model):
    _inherit = "res.partner"

    finance_siren = fields.Char(
        "SIREN",
        compute="_compute_finance_siren",
        help="Nine digits that identify the company in France. Taken from the SIRET or SIREN in the "
        "company registry number, or from the French VAT number.",
        groups="base.group_user",
    )
    finance_fr_address = fields.Char(
        "Electronic address",
        compute="_compute_finance_fr_address",
        help="Where French e-invoices are delivered, as scheme:address. The SIREN, unless the Peppol "
        "address has the scheme 0225 and gives another one of the same company. Customers abroad: "
        "their Peppol address, or their e-mail address.",
        groups="base.group_user",
    )

    @api.depends("company_registry", "vat", "country_code")
    def _compute_finance_siren(self):
        for partner in self:
            partner.finance_siren = partner._finance_fr_siren()

    @api.depends(
        "company_registry", "vat", "country_code", "peppol_eas", "peppol_endpoint", "email"
    )
    def _compute_finance_fr_address(self):
        for partner in self:
            address = partner._finance_fr_electronic_address()
            partner.finance_fr_address = f"{address.scheme}:{address.value}" if address else False

    @api.depends(lambda self: self._peppol_eas_endpoint_depends())
    def _compute_peppol_eas(self):
        """Keep 0225 on a French partner: Odoo would fall back to 0009 with every change of the VAT number."""
        kept = self.filtered(
            lambda partner: (
                partner.peppol_eas == FRENCH_ADDRESS and partner._finance_fr_is_domestic()
            )
        )
        for partner in kept:
            partner.peppol_eas = FRENCH_ADDRESS
        return super(ResPartner, self - kept)._compute_peppol_eas()

    def _finance_fr_is_domestic(self):
        """Return whether the party is subject to French domestic e-invoicing."""
        return self.country_code in DOMESTIC

    def _finance_fr_registry(self):
        """Return the digits of the company registry number of a party in the SIRENE register."""
        return (
            siren_number.compact(self.company_registry or "") if self.country_code in SIRENE else ""
        )

    def _finance_fr_siret(self):
        """Return the SIRET, or False: only a number with the right check digit is one."""
        number = self._finance_fr_registry()
        return number if _is_siret(number) else False

    def _finance_fr_siren(self):
        """Return the SIREN, or False; a number with a wrong check digit is not replaced by the VAT number's."""
        number = self._finance_fr_registry()
        if not number and self.country_code in SIRENE and (self.vat or "").upper().startswith("FR"):
            number = siren_number.compact(self.vat)[4:]
        candidate = number[:9] if _is_siret(number) else number
        return candidate if _is_siren(candidate) else False

    def _finance_fr_electronic_address(self):
        """Return the address the invoice is delivered to (BT-34, BT-49), or None."""
        if self.peppol_endpoint and self.peppol_eas == FRENCH_ADDRESS:
            return Identifier(FRENCH_ADDRESS, self.peppol_endpoint)
        if self._finance_fr_is_domestic():
            number = self._finance_fr_siren()
            return Identifier(FRENCH_ADDRESS, number) if number else None
        if self.peppol_endpoint and self.peppol_eas:
            return Identifier(self.peppol_eas, self.peppol_endpoint)
        return Identifier(EMAIL, self.email) if self.email else None

    def _finance_fr_legal_id(self):
        """Return the registration number (BT-30, BT-47) in the scheme of the party's country, or None."""
        country = self.country_code
        if country in SIRENE:
            number = self._finance_fr_siren()
            return Identifier(SIREN, number) if number else None
        if country in _PACIFIC and self.company_registry:
            return Identifier(_PACIFIC[country], self.company_registry)
        if self.country_id in self.env.ref("base.europe").country_ids:
            return Identifier(EU_VAT, self.vat) if self.vat else None
        if country and self.name:
            return Identifier(OUTSIDE_EU, f"{country}{self.name[:_OUTSIDE_NAME_LENGTH]}".strip())
        return None
