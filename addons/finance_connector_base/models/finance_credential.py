"""Secrets of connections: encrypted before they reach the database.

Encryption and decryption are functions of ``secret_store``, which no expression of a server action reaches.
"""

import uuid

from odoo import api, fields, models
from odoo.addons.finance_audit.core.restricted import is_written_by_suite
from odoo.exceptions import AccessError

# Former place of the exception.
from ..exceptions import CredentialError  # noqa: F401


class FinanceCredential(models.Model):
    _name = "finance.credential"
    _description = "Connection credential"
    _order = "connection_id, purpose"

    connection_id = fields.Many2one(
        "finance.connection", required=True, ondelete="cascade", index=True
    )
    company_id = fields.Many2one(
        "res.company", related="connection_id.company_id", store=True, index=True
    )
    purpose = fields.Char(
        "Purpose ID", required=True, help="Use of the secret, for example client_secret."
    )
    label = fields.Char("Credential", compute="_compute_label", exportable=False)
    uuid = fields.Char("UUID", required=True, copy=False, default=lambda self: str(uuid.uuid4()))
    ciphertext = fields.Char(
        copy=False,
        groups=fields.NO_ACCESS,
        help="AES-256-GCM under the server's key; bound to this database, environment, connection, company and the "
        "origins of the connection's addresses.",
    )
    set_at = fields.Datetime("Stored on", readonly=True, copy=False)
    set_by_id = fields.Many2one("res.users", "Stored by", readonly=True, copy=False)

    _unique_purpose = models.Constraint(
        "UNIQUE(connection_id, purpose)", "A connection has one secret per purpose."
    )

    @api.depends("purpose", "connection_id.provider")
    @api.depends_context("lang")
    def _compute_label(self):
        for credential in self:
            adapter = credential.connection_id._adapter()
            credential.label = adapter._credential_label(credential.purpose)

    @api.model_create_multi
    def create(self, vals_list):
        self._refuse_foreign_write()
        return super().create(vals_list)

    def write(self, vals):
        self._refuse_foreign_write()
        return super().write(vals)

    def _refuse_foreign_write(self):
        """Refuse what does not come from the code of the suite, whatever the rights."""
        if not is_written_by_suite():
            raise AccessError(
                self.env._("Secrets are entered on the connection and cannot be edited here.")
            )
