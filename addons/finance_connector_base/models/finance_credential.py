"""Secrets of connections: encrypted before they reach the database, decrypted by the dispatcher
only.
"""

import uuid

from odoo import api, fields, models
from odoo.addons.finance_audit.core.keyring import KeyRingError
from odoo.exceptions import UserError
from odoo.tools import config

from ..core.security import vault


class CredentialError(UserError):
    """A secret cannot be stored or read; the message says what to do and never contains the secret."""

    #: The web client maps exceptions by class name; this displays ours like Odoo's own.
    context = {"exception_class": "odoo.exceptions.UserError"}


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
    purpose = fields.Char(required=True, help="Use of the secret, for example client_secret.")
    uuid = fields.Char("UUID", required=True, copy=False, default=lambda self: str(uuid.uuid4()))
    ciphertext = fields.Char(
        copy=False,
        groups=fields.NO_ACCESS,
        help="AES-256-GCM under the server's key; bound to this database, environment and record.",
    )
    set_at = fields.Datetime("Stored on", readonly=True, copy=False)
    set_by_id = fields.Many2one("res.users", "Stored by", readonly=True, copy=False)

    _unique_purpose = models.Constraint(
        "UNIQUE(connection_id, purpose)", "A connection has one secret per purpose."
    )

    def _seal(self, secret):
        """Encrypt ``secret`` into this record."""
        self.ensure_one()
        try:
            ciphertext = vault.encrypt(self._key_ring(), secret, self._associated())
        except KeyRingError as error:
            raise self._error(error) from error
        self.sudo().write(
            {
                "ciphertext": ciphertext,
                "set_at": fields.Datetime.now(),
                "set_by_id": self.env.uid,
            }
        )

    def _open(self):
        """Return the secret in clear. Private: not reachable by RPC.

        :raises CredentialError: the key is missing, or the row belongs to another database or
            environment.
        """
        self.ensure_one()
        ciphertext = self.sudo().ciphertext
        if not ciphertext:
            raise CredentialError(
                self.env._("The secret “%s” is not set on this connection.", self.purpose)
            )
        try:
            return vault.decrypt(self._key_ring(), ciphertext, self._associated())
        except KeyRingError as error:
            raise self._error(error) from error

    def _associated(self):
        database_uuid = self.env["ir.config_parameter"].sudo().get_param("database.uuid")
        return vault.associated_data(
            database_uuid,
            self.connection_id.environment,
            self._name,
            self.uuid,
            self.purpose,
        )

    @api.model
    def _key_ring(self):
        return vault.SOURCE.load(config.get(vault.OPTION_FILE))

    def _error(self, error):
        return CredentialError(
            self.env._(
                "The secret “%(purpose)s” cannot be used: %(reason)s. Ask the system administrator to check the "
                "key ring, then enter the secret again.",
                purpose=self.purpose,
                reason=str(error),
            )
        )
