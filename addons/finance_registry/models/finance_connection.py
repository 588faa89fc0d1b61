"""Settings of a connection to a registry of tax numbers."""

from odoo import api, fields, models

SECRET = "client_secret"  # noqa: S105 (the name of the secret, not the secret)


class FinanceConnection(models.Model):
    _inherit = "finance.connection"

    provider = fields.Selection(
        selection_add=[
            ("vies", "VIES (VAT numbers, European Union)"),
            ("hmrc", "HMRC (VAT numbers, United Kingdom)"),
        ],
        # Results are evidence: their connection stays, paused by the uninstall hook.
        ondelete={"vies": lambda connections: None, "hmrc": lambda connections: None},
    )
    hmrc_client_id = fields.Char("HMRC client ID", help="Issued by HMRC for the application.")
    hmrc_client_secret = fields.Char(
        "HMRC client secret",
        compute="_compute_hmrc_client_secret",
        inverse="_inverse_hmrc_client_secret",
        help="Stored encrypted and never shown again. Leave empty to keep the stored one.",
    )
    hmrc_secret_is_set = fields.Boolean(
        "HMRC client secret stored", compute="_compute_hmrc_client_secret"
    )

    _audit_tracked = ("hmrc_client_id",)

    @api.depends("credential_ids")
    def _compute_hmrc_client_secret(self):
        for connection in self:
            connection.hmrc_client_secret = False
            connection.hmrc_secret_is_set = connection._has_secret(SECRET)

    def _inverse_hmrc_client_secret(self):
        for connection in self.filtered("hmrc_client_secret"):
            connection._set_secret(SECRET, connection.hmrc_client_secret)
