"""The French rules for invoices between businesses, BR-FR (FNFE-MPE, AFNOR XP Z12-012)."""

from __future__ import annotations

from pathlib import Path

from odoo.addons.finance_einvoice_en16931.core.fields import FIELDS as EN16931_FIELDS
from odoo.addons.finance_einvoice_en16931.core.rule_sets import stylesheet

BR_FR_FLUX2_UBL = stylesheet(
    "br-fr-flux2-ubl",
    "ubl-2.1/BR-FR-Flux2-Schematron-UBL.xslt",
    Path(__file__).parent / "catalogue",
)
#: What a finding of a French invoice can be about: the keys of EN 16931 and those of French law.
FIELDS = EN16931_FIELDS | {
    "invoice.notes.AAB",
    "invoice.notes.PMD",
    "invoice.notes.PMT",
    "invoice.notes.TXD",
    "invoice.process",
    "seller.identifier",
    "seller.siren",
    "seller.siret",
    "buyer.siren",
    "buyer.siret",
    "parties.siren",
    "delivery.siret",
}
