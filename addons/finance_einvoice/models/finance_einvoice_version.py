"""One rendering of an e-invoice: the bytes that were sent, shown and archived (E3, E5)."""

import base64
import hashlib
import uuid

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..core import lifecycle


class FinanceEinvoiceVersion(models.Model):
    _name = "finance.einvoice.version"
    _description = "E-invoice version"
    _rec_name = "filename"
    _order = "einvoice_id, number desc"

    einvoice_id = fields.Many2one(
        "finance.einvoice", required=True, readonly=True, index=True, ondelete="restrict"
    )
    company_id = fields.Many2one(related="einvoice_id.company_id", store=True, index=True)
    number = fields.Integer("Version", required=True, readonly=True, aggregator=None)
    uuid = fields.Char(
        required=True,
        readonly=True,
        default=lambda self: str(uuid.uuid4()),
        help="Idempotency key of this version's submission.",
    )
    filename = fields.Char(required=True, readonly=True)
    content = fields.Binary("File", attachment=True, readonly=True, required=True)
    sha256 = fields.Char("SHA-256", required=True, readonly=True)
    rule_sets = fields.Char("Checked against", readonly=True)
    exchange_id = fields.Many2one("finance.exchange", readonly=True)
    outcome = fields.Selection(list(lifecycle.LABELS), readonly=True)
    reasons = fields.Json("Reasons (data)", readonly=True)
    reasons_text = fields.Char(compute="_compute_reasons_text", string="Reasons")

    _unique_number = models.Constraint(
        "UNIQUE(einvoice_id, number)", "Versions of an e-invoice are numbered without repetition."
    )

    @api.depends("reasons")
    def _compute_reasons_text(self):
        for version in self:
            version.reasons_text = "; ".join(
                f"{reason['code']}: {reason['message']}" for reason in version.reasons or []
            )

    @api.model
    def _add(self, einvoice, filename, content, rule_sets):
        """Store one rendering as the next version."""
        return self.sudo().create(
            {
                "einvoice_id": einvoice.id,
                "number": max(einvoice.version_ids.mapped("number"), default=0) + 1,
                "filename": filename,
                "content": base64.b64encode(content),
                "sha256": hashlib.sha256(content).hexdigest(),
                "rule_sets": ", ".join(rule_sets),
            }
        )

    def write(self, vals):
        if {"content", "sha256", "uuid", "number", "einvoice_id"} & set(vals):
            raise UserError(self.env._("A rendered version is kept as it is."))
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_evidence(self):
        raise UserError(self.env._("Rendered versions are evidence and cannot be deleted."))
