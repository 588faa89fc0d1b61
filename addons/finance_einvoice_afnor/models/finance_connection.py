"""Settings of an account at a French approved platform."""

from odoo import api, fields, models

SECRET = "client_secret"  # noqa: S105 (the name of the secret, not the secret)


class FinanceConnection(models.Model):
    _inherit = "finance.connection"

    provider = fields.Selection(
        selection_add=[("afnor", "Approved platform, France (AFNOR Flow service)")],
        # Exchanges are evidence: their connection stays, paused by the uninstall hook.
        ondelete={"afnor": lambda connections: None},
    )
    afnor_token_url = fields.Char(
        "Token URL",
        help="Where the platform issues OAuth 2.0 access tokens; given in its documentation.",
    )
    afnor_client_id = fields.Char("Client ID", help="Issued by the platform for this company.")
    afnor_client_secret = fields.Char(
        "Client secret",
        compute="_compute_afnor_client_secret",
        inverse="_inverse_afnor_client_secret",
        help="Stored encrypted and never shown again. Leave empty to keep the stored one.",
    )
    afnor_secret_is_set = fields.Boolean(
        "Client secret is stored", compute="_compute_afnor_client_secret"
    )
    afnor_scope = fields.Char("Scope", help="Only if the platform requires one.")

    _audit_tracked = ("afnor_token_url", "afnor_client_id", "afnor_scope")

    @api.depends("credential_ids")
    def _compute_afnor_client_secret(self):
        for connection in self:
            connection.afnor_client_secret = False
            connection.afnor_secret_is_set = connection._has_secret(SECRET)

    def _inverse_afnor_client_secret(self):
        for connection in self.filtered("afnor_client_secret"):
            connection._set_secret(SECRET, connection.afnor_client_secret)

    @api.model
    def _address_fields(self):
        return [*super()._address_fields(), "afnor_token_url"]

    @api.constrains("afnor_token_url", "environment", "provider")
    def _check_afnor_token_url(self):
        self._check_addresses("afnor_token_url")
