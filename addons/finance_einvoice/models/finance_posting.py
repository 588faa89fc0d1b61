"""Posting steps of e-invoicing: local checks before Odoo posts, rendering and the outbox after it."""

from odoo import api, models
from odoo.addons.finance_connector_base.models.finance_posting import Step


class FinancePosting(models.AbstractModel):
    _inherit = "finance.posting"

    @api.model
    def _steps(self):
        return [
            *super()._steps(),
            Step("check_document", "einvoice.check", self._check_einvoices),
            Step("enqueue", "einvoice.submit", self._submit_einvoices),
        ]

    @api.model
    def _check_einvoices(self, batch):
        """Check what the format needs, before a number is used."""
        einvoice = self.env["finance.einvoice"]
        einvoice._check_before_posting(einvoice._for_moves(batch.moves))

    @api.model
    def _submit_einvoices(self, batch):
        """Render, validate and enqueue, in the transaction that posts (X2)."""
        einvoice = self.env["finance.einvoice"]
        einvoice._submit(einvoice._for_moves(batch.posted))
