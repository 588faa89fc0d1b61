"""Where a chain of records ends: the next record needs the number and the hash of the one before it."""

import hashlib

from odoo import fields, models


class FinanceReferenceChain(models.Model):
    _name = "finance.reference.chain"
    _description = "Chain at the reference provider"

    name = fields.Char(required=True, readonly=True)
    connection_id = fields.Many2one(
        "finance.connection", required=True, readonly=True, index=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="connection_id.company_id", store=True, index=True)
    last_sequence = fields.Integer(readonly=True)
    last_sha256 = fields.Char(readonly=True)

    _unique_name = models.Constraint(
        "UNIQUE(connection_id, name)", "The connection has a chain of this name."
    )

    def _next(self):
        """Sequence number and predecessor of the record that comes next; the chain is locked until the commit."""
        self.ensure_one()
        self.lock_for_update()
        return self.last_sequence + 1, self.last_sha256 or ""

    def _append(self, content):
        """Store the position of the record that was made with the values of ``_next``."""
        self.write(
            {
                "last_sequence": self.last_sequence + 1,
                "last_sha256": hashlib.sha256(content).hexdigest(),
            }
        )
