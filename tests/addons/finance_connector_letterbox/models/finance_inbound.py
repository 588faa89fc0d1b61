"""What is done with a status that the Letterbox reports."""

import json

from odoo import api, models
from odoo.addons.finance_connector_base.core.inbound import Handler


class FinanceInbound(models.Model):
    _inherit = "finance.inbound"

    @api.model
    def _inbound_handlers(self):
        handler = Handler("letterbox.status", self._take_letter_status)
        return {**super()._inbound_handlers(), ("letterbox", "status"): handler}

    @api.model
    def _take_letter_status(self, inbound):
        status = json.loads(inbound._content_bytes())
        exchange = self.env["finance.exchange"].search(
            [
                ("connection_id", "=", inbound.connection_id.id),
                ("reference", "=", status["letter"]),
                ("owner_model", "=", "res.partner"),
            ]
        )
        # Not known yet, or not ours: the document waits for the next attempt, at last for an operator.
        exchange.ensure_one()
        self.env["res.partner"].browse(exchange.owner_id).letter_report = status["state"]
