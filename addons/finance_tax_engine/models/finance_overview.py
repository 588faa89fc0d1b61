"""The overview card of taxes: documents without a tax, and fallbacks that await the engine."""

from odoo import models
from odoo.addons.finance_connector_base.models.finance_overview import Card


class FinanceOverview(models.Model):
    _inherit = "finance.overview"

    def _cards(self):
        return {**super()._cards(), "taxes": self._taxes_card}

    def _taxes_card(self):
        _ = self.env._
        current = ("state", "!=", "cancel")
        figures = [
            self._moves_figure(
                _("Documents without determined tax"),
                [current, ("finance_tax_state", "=", "failed")],
                "danger",
            ),
            self._moves_figure(
                _("Fallbacks to be checked"),
                [current, ("finance_tax_remediation", "=", "pending")],
                "warning",
            ),
            self._moves_figure(
                _("Documents with differing posted tax"),
                [current, ("finance_tax_remediation", "=", "different")],
                "danger",
            ),
        ]
        days = self._by_day("finance.tax.determination", "determined_at", self._company_domain())
        return Card(figures, days, _("Determinations per day"))
