"""The engine for UBL documents: OASIS schema and Schematron rule sets, in one reading of the document."""

from odoo import api, models

from ..core.rule_sets import EN16931_UBL, UBL_SCHEMA
from ..core.validation import validate


class FinanceEinvoiceRulesUbl(models.AbstractModel):
    _name = "finance.einvoice.rules.ubl"
    _inherit = "finance.einvoice.rules"
    _description = "Rule sets for UBL documents"
    _code = "ubl"

    @api.model
    def _known(self):
        """Return code → ``core.rule_sets.RuleSet``. Country addons add theirs."""
        return {item.code: item for item in (UBL_SCHEMA, EN16931_UBL)}

    @api.model
    def _rule_sets(self):
        return tuple(self._known())

    @api.model
    def _validate(self, content, names):
        known = self._known()
        return validate(content, [known[name] for name in names])

    @api.model
    def _sheet_values(self, names):
        known = self._known()
        return [sheet._asdict() for name in names for sheet in known[name].sheets()]
