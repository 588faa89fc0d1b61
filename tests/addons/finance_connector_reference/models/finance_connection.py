"""What an account at the reference provider consists of: an address and an API key."""

from odoo import api, fields, models

SECRET = "api_key"


class FinanceConnection(models.Model):
    _inherit = "finance.connection"

    provider = fields.Selection(
        selection_add=[("reference", "Reference provider (sandbox only)")],
        ondelete={"reference": "cascade"},
    )
    reference_api_key = fields.Char(
        "API key",
        compute="_compute_reference_api_key",
        inverse="_inverse_reference_api_key",
        help="Stored encrypted and never shown again. Leave empty to keep the stored one.",
    )

    reference_account = fields.Char(
        "Account", help="With an account it signs in by challenge; without, the API key is sent."
    )

    @api.depends("credential_ids")
    def _compute_reference_api_key(self):
        for connection in self:
            connection.reference_api_key = False

    def _inverse_reference_api_key(self):
        for connection in self.filtered("reference_api_key"):
            connection._set_secret(SECRET, connection.reference_api_key)
