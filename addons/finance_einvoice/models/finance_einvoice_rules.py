"""Official rule sets: which engine checks a rendered document against which, and with which sheets (E2, E16)."""

from odoo import api, models
from odoo.addons.finance_connector_base.core.finding import SEVERITIES


class FinanceEinvoiceRules(models.AbstractModel):
    """Ancestor of the engines; one engine offers all rule sets it can check in one reading of a document."""

    _name = "finance.einvoice.rules"
    _inherit = "finance.einvoice.registered"
    _description = "Official rule sets"

    # -- for callers ---------------------------------------------------------------------------------------------

    @api.model
    def _check(self, content, names):
        """Return the findings of these rule sets on a rendered document, errors first.

        :raises LookupError: no installed addon offers one of the rule sets; nothing is taken for checked.
        """
        findings = [
            finding
            for engine, offered in self._engines(names).items()
            for finding in engine._validate(content, offered)
        ]
        return sorted(findings, key=lambda item: SEVERITIES.index(item.severity))

    @api.model
    def _sheets(self, names):
        """Return what these rule sets consist of: a list of dicts with rule_set, name, version and sha256."""
        return [
            sheet
            for engine, offered in self._engines(names).items()
            for sheet in engine._sheet_values(offered)
        ]

    @api.model
    def _engines(self, names):
        """Return engine → the names it offers, in the order requested."""
        engines = {}
        for name in names:
            engine = next(
                (model for model in self._registered().values() if name in model._rule_sets()), None
            )
            if engine is None:
                raise LookupError(f"no engine offers the rule set {name!r}")
            engines.setdefault(engine, []).append(name)
        return engines

    # -- what an engine implements -------------------------------------------------------------------------------

    @api.model
    def _rule_sets(self):
        """Return the names of the rule sets that this engine offers. Addons extend it."""
        return ()

    @api.model
    def _validate(self, content, names):
        """Return the findings of these rule sets; never raise because of the document."""
        raise NotImplementedError

    @api.model
    def _sheet_values(self, names):
        """Return the sheets of these rule sets: a list of dicts with rule_set, name, version and sha256."""
        raise NotImplementedError
