"""The overview card of e-invoices: what is on its way, and what needs an accountant."""

from odoo import models
from odoo.addons.finance_connector_base.core import cases
from odoo.addons.finance_connector_base.models.finance_overview import Card, Figure

from ..core import lifecycle

_ACTION = "finance_einvoice.finance_einvoice_action"


class FinanceOverview(models.Model):
    _inherit = "finance.overview"

    def _cards(self):
        return {**super()._cards(), "einvoices": self._einvoices_card}

    def _einvoices_card(self):
        """Return the card of the e-invoices; overdue ones are those with an open case about it."""
        _ = self.env._
        mine = self._company_domain()
        overdue = [("kind", "=", cases.OVERDUE), ("state", "=", "open")]
        rows = [
            (_("E-invoices awaiting an answer"), self._in_state(lifecycle.SUBMITTED), ""),
            (_("E-invoices with unknown outcome"), self._in_state(lifecycle.UNKNOWN), "warning"),
            (
                _("E-invoices with an overdue answer"),
                [("exchange_id.case_ids", "any", overdue)],
                "danger",
            ),
            (_("Rejected e-invoices"), self._in_state(lifecycle.REJECTED), "danger"),
            (_("E-invoices being corrected"), self._in_state(lifecycle.REMEDIATION), "warning"),
            (_("Undelivered e-invoices"), self._in_state(lifecycle.FAILED), "danger"),
        ]
        einvoices = self.env["finance.einvoice"]
        figures = [
            Figure(label, einvoices.search_count([*mine, *domain]), _ACTION, [*mine, *domain], tone)
            for label, domain, tone in rows
        ]
        held = [("state", "in", sorted(lifecycle.HELD))]
        days = self._by_day("finance.einvoice", "state_since", [*mine, *held])
        return Card(figures, days, _("Filed or accepted per day"))

    @staticmethod
    def _in_state(state):
        return [("state", "=", state)]
