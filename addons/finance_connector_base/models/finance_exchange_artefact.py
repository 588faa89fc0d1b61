"""What a provider gave back for an exchange and is kept as evidence: receipts, signed documents."""

import base64
import hashlib

from odoo import api, fields, models

from ..core.finding import storable_text

#: A receipt is some kilobytes; a larger one is not kept but noted.
MAX_BYTES = 5 * 1024 * 1024
MAX_NUMBER = 20
_MAX_NAME = 200
_READERS = (
    "finance_connector_base.group_operator,finance_connector_base.group_accountant,"
    "finance_audit.group_auditor"
)


class FinanceExchangeArtefact(models.Model):
    _name = "finance.exchange.artefact"
    _description = "Artefact of an exchange"
    _inherit = ["finance.evidence.mixin"]
    _order = "id desc"
    _evidence_open = frozenset()

    exchange_id = fields.Many2one(
        "finance.exchange", required=True, readonly=True, index=True, ondelete="restrict"
    )
    attempt_id = fields.Many2one("finance.exchange.attempt", readonly=True, ondelete="restrict")
    connection_id = fields.Many2one("finance.connection", readonly=True, ondelete="restrict")
    company_id = fields.Many2one("res.company", required=True, readonly=True, index=True)
    name = fields.Char(required=True, readonly=True)
    media_type = fields.Char("Media type", readonly=True)
    content = fields.Binary(attachment=False, readonly=True, groups=_READERS)
    size = fields.Integer("Size (bytes)", readonly=True)
    sha256 = fields.Char("SHA-256", required=True, readonly=True)
    received_at = fields.Datetime(
        "Received at", required=True, readonly=True, default=fields.Datetime.now
    )

    file_name = fields.Char("File name", compute="_compute_file_name", exportable=False)

    #: The same bytes for the same exchange are kept once, however often they are fetched.
    _content = models.UniqueIndex("(exchange_id, sha256, name)")

    @api.depends("name")
    def _compute_file_name(self):
        for artefact in self:
            artefact.file_name = artefact.name.replace("/", "_")

    @api.model
    def _keep(self, results):
        """Store the artefacts of (claim, report) pairs, in this transaction."""
        rows = [
            (claim, artefact)
            for claim, report in results
            for artefact in report.outcome.artefacts[:MAX_NUMBER]
        ]
        if not rows:
            return self.browse()
        exchanges = {claim.exchange_id for claim, _artefact in rows}
        companies = {
            item.id: item.company_id.id for item in self.env["finance.exchange"].browse(exchanges)
        }
        known = {
            (item.exchange_id.id, item.sha256, item.name)
            for item in self.sudo().search([("exchange_id", "in", list(exchanges))])
        }
        values = []
        for claim, artefact in rows:
            entry = self._values(claim, artefact, companies[claim.exchange_id])
            key = (claim.exchange_id, entry["sha256"], entry["name"])
            if key not in known:
                known.add(key)
                values.append(entry)
        return self.sudo().create(values)

    def _values(self, claim, artefact, company_id):
        content = bytes(artefact.content)
        return {
            "exchange_id": claim.exchange_id,
            "attempt_id": claim.attempt_id,
            "connection_id": claim.connection_id,
            "company_id": company_id,
            "name": storable_text(artefact.name, _MAX_NAME) or "artefact",
            "media_type": storable_text(artefact.media_type, _MAX_NAME),
            "content": base64.b64encode(content) if len(content) <= MAX_BYTES else False,
            "size": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
        }
