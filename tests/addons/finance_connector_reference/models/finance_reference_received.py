"""What the handler of the reference provider made of inbound documents: one row each, if it ran once."""

from odoo import api, fields, models
from odoo.addons.finance_connector_base.core.inbound import Handler


class FinanceReferenceReceived(models.Model):
    _name = "finance.reference.received"
    _description = "Effect of an inbound document"

    # No constraint keeps a second row away: that is what is tested.
    inbound_id = fields.Many2one("finance.inbound", required=True, readonly=True, index=True)
    company_id = fields.Many2one(related="inbound_id.company_id", store=True)

    @api.model
    def _handle(self, inbound):
        self.create({"inbound_id": inbound.id})


class FinanceInbound(models.Model):
    _inherit = "finance.inbound"

    @api.model
    def _inbound_handlers(self):
        handler = Handler(
            "reference.received",
            lambda inbound: inbound.env["finance.reference.received"]._handle(inbound),
        )
        return {
            **super()._inbound_handlers(),
            ("reference", "status"): handler,
            ("reference", "report"): handler,
        }
