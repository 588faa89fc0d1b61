"""Labels of this addon's actions in the audit log."""

import json

from odoo import api, models
from odoo.tools import formatLang

#: Amounts in the currency of the document.
_AMOUNTS = {"total_tax", "difference"}


class FinanceAuditEntry(models.Model):
    _inherit = "finance.audit.entry"

    @api.model
    def _action_labels(self):
        _ = self.env._
        return {
            **super()._action_labels(),
            "tax.determined": _("Taxes determined"),
            "tax.fallback": _("Taxes determined by the fallback"),
            "tax.failed": _("Taxes not determined"),
            "tax.difference": _("Tax difference found later"),
            "tax.rulebook.created": _("Tax rule data created"),
            "tax.rulebook.changed": _("Tax rule data changed"),
            "tax.rulebook.deleted": _("Tax rule data deleted"),
        }

    @api.model
    def _detail_labels(self):
        """Label what this addon records; the code and the explanation are what the summary was made of."""
        _ = self.env._
        return {
            **super()._detail_labels(),
            "policy": _("Fallback"),
            "engine": _("Tax engine"),
            "version": _("Version of the determination"),
            "fingerprint": _("Fingerprint of the request"),
            "total_tax": _("Total tax"),
            "currency": _("Currency"),
            "difference": _("Difference"),
            "explanation": None,
        }

    @api.model
    def _detail_selections(self):
        return {
            **super()._detail_selections(),
            "policy": ("res.company", "finance_tax_fallback"),
            "engine": ("res.company", "finance_tax_engine"),
        }

    def _detail_text(self, key, value):
        """Show an amount as the reader's language writes it, with its currency where it is recorded."""
        if key not in _AMOUNTS:
            return super()._detail_text(key, value)
        code = json.loads(self.canonical_text or "{}").get("details", {}).get("currency")
        currencies = self.env["res.currency"].sudo().with_context(active_test=False)
        currency = currencies.search([("name", "=", code)], limit=1) if code else currencies
        return formatLang(self.env, float(value), currency_obj=currency)

    @api.model
    def _technical_details(self):
        return super()._technical_details() | {"fingerprint"}
