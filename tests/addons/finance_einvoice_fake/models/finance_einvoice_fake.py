"""Everything a regime needs, in plain text: format, rules and regime. Nothing below is changed for it."""

import hashlib

from odoo import models
from odoo.addons.finance_connector_base.core.finding import Finding
from odoo.addons.finance_einvoice.core import lifecycle


class FinanceEinvoiceFormatFake(models.AbstractModel):
    _name = "finance.einvoice.format.fake"
    _inherit = "finance.einvoice.format"
    _description = "Fake format"
    _code = "fake_text"

    def _render(self, move):
        return f"{move.id}.txt", f"{move.name}|{move.amount_total}|{move.ref or ''}".encode()

    def _rule_sets(self, move):
        return ("fake-rules",)


class FinanceEinvoiceRulesFake(models.AbstractModel):
    _name = "finance.einvoice.rules.fake"
    _inherit = "finance.einvoice.rules"
    _description = "Fake rules"
    _code = "fake"

    def _rule_sets(self):
        return ("fake-rules",)

    def _validate(self, content, names):
        broken = content.endswith(b"|")
        return [Finding("FAKE-1", args={"text": "No reference."})] if broken else []

    def _sheet_values(self, names):
        digest = hashlib.sha256(b"no reference is an error").hexdigest()
        return [{"rule_set": "fake-rules", "name": "1.txt", "version": "1", "sha256": digest}]


class FinanceEinvoiceRegimeFake(models.AbstractModel):
    _name = "finance.einvoice.regime.fake"
    _inherit = "finance.einvoice.regime"
    _description = "Fake regime"
    _code = "fake"
    _on_acceptance = lifecycle.FILED

    def _applies(self, move):
        return self._is_business(move.commercial_partner_id)

    def _check(self, move):
        partner = move.partner_id
        missing = Finding("FAKE-2", "error", {"text": "No street."}, "res.partner", partner.id)
        return [] if partner.street else [missing]

    def _format(self, move):
        return "fake_text"

    def _formats(self):
        return ("fake_text",)
