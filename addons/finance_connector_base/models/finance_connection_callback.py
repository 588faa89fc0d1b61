"""Where and with which secrets a connection is called back by its provider."""

import hashlib
import secrets

from odoo import api, fields, models
from odoo.exceptions import AccessError, ValidationError

from ..core.security.webhook import is_standard_secret

SECRET = "callback"  # noqa: S105 (the name of a secret)
PREVIOUS_SECRET = "callback_previous"  # noqa: S105 (the name of a secret)
#: Characters of a bearer; a Standard Webhooks secret of the least size has more.
MIN_BEARER = 24
ROUTE = "/finance/callback"


class FinanceAdapter(models.AbstractModel):
    _inherit = "finance.adapter"

    #: How the provider's callbacks are verified: ``standard`` (Standard Webhooks), ``bearer``, or empty for none.
    _callback_scheme = ""
    #: What a taken callback is answered with; the provider's document may ask for another 2xx.
    _callback_status = 202


class FinanceConnection(models.Model):
    _inherit = "finance.connection"

    callback_scheme = fields.Selection(
        [("standard", "Signed (Standard Webhooks)"), ("bearer", "Bearer token")],
        compute="_compute_callback_scheme",
        string="Verified by",
    )
    callback_token = fields.Char(
        readonly=True, copy=False, groups="finance_connector_base.group_admin"
    )
    callback_token_sha256 = fields.Char(
        compute="_compute_callback_token_sha256", store=True, copy=False, groups=fields.NO_ACCESS
    )
    callback_url = fields.Char(
        "Callback address",
        compute="_compute_callback_url",
        groups="finance_connector_base.group_admin",
        help="Give this address to the provider. Who knows it can knock, but not speak: each message is verified.",
    )
    callback_secret = fields.Char(
        "Callback secret",
        compute="_compute_callback_secret",
        inverse="_inverse_callback_secret",
        groups="finance_connector_base.group_admin",
        help="Stored encrypted and never shown again. A new one is accepted beside the present one until that is "
        "dropped.",
    )
    callback_secret_is_set = fields.Boolean(
        compute="_compute_callback_secret", groups="finance_connector_base.group_admin"
    )
    callback_previous_is_set = fields.Boolean(
        compute="_compute_callback_secret", groups="finance_connector_base.group_admin"
    )
    callback_ids = fields.One2many("finance.callback", "connection_id", readonly=True)

    _callback_token_unique = models.UniqueIndex("(callback_token_sha256)")

    @api.depends("provider")
    def _compute_callback_scheme(self):
        for connection in self:
            adapter = connection._adapter() if connection.provider else None
            connection.callback_scheme = adapter is not None and adapter._callback_scheme

    @api.depends("callback_token")
    def _compute_callback_token_sha256(self):
        for connection in self:
            connection.callback_token_sha256 = _digest(connection.callback_token)

    @api.depends("callback_token")
    def _compute_callback_url(self):
        for connection in self:
            token = connection.callback_token
            connection.callback_url = token and f"{connection.get_base_url()}{ROUTE}/{token}"

    @api.depends("credential_ids")
    def _compute_callback_secret(self):
        for connection in self:
            connection.callback_secret = False
            connection.callback_secret_is_set = connection._has_secret(SECRET)
            connection.callback_previous_is_set = connection._has_secret(PREVIOUS_SECRET)

    def _inverse_callback_secret(self):
        for connection in self.filtered("callback_secret"):
            secret = connection.callback_secret.strip()
            connection._check_callback_secret(secret)
            present = connection._secret(SECRET)
            if present and present != secret:
                connection._set_secret(PREVIOUS_SECRET, present)
            connection._set_secret(SECRET, secret)

    def _check_callback_secret(self, secret):
        if self.callback_scheme == "standard" and not is_standard_secret(secret):
            raise ValidationError(
                self.env._(
                    "This is no secret of the Standard Webhooks form: “whsec_” and 24 to 64 bytes in base64."
                )
            )
        if len(secret) < MIN_BEARER:
            raise ValidationError(
                self.env._("A callback secret has at least %s characters.", MIN_BEARER)
            )

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._refuse_given_token(vals)
        return super().create(vals_list)

    def write(self, vals):
        self._refuse_given_token(vals)
        return super().write(vals)

    def _refuse_given_token(self, vals):
        """A token is made here, never chosen: a weak one could be guessed."""
        if not self.env.su and {"callback_token", "callback_token_sha256"} & set(vals):
            raise AccessError(self.env._("A callback address is made, not chosen."))

    def action_renew_callback_token(self):
        """Make a new callback address; the old one is closed at once. Callable by finance admins."""
        self._check_admin()
        for connection in self:
            connection.sudo().callback_token = secrets.token_urlsafe(32)
            connection._audit_callback(
                "callback_address.renewed", self.env._("A new callback address was made")
            )
        return True

    def action_close_callback(self):
        """Have no callback address any more. Callable by finance admins."""
        self._check_admin()
        for connection in self:
            connection.sudo().callback_token = False
            connection._audit_callback(
                "callback_address.closed", self.env._("The callback address was closed")
            )
        return True

    def action_drop_previous_callback_secret(self):
        """End a rotation: only the newest secret is accepted. Callable by finance admins."""
        self._check_admin()
        for connection in self:
            connection._set_secret(PREVIOUS_SECRET, "")
        return True

    def action_view_callbacks(self):
        """What the provider of this connection told."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "finance_connector_base.finance_callback_action"
        )
        return {**action, "domain": [("connection_id", "=", self.id)]}

    def _audit_callback(self, action, summary):
        self.env["finance.audit.entry"]._record(
            action=action, record=self, company=self.company_id, summary=summary
        )

    def _callback_secrets(self):
        """The secrets a callback may carry, newest first. Private: no RPC reaches it."""
        self.ensure_one()
        found = [self._secret(purpose) for purpose in (SECRET, PREVIOUS_SECRET)]
        return tuple(secret for secret in found if secret)

    @api.model
    def _by_callback_token(self, token):
        """The connection with this address, or none; by hash, so that no index tells how near a guess was."""
        if not token:
            return self.sudo().browse()
        return self.sudo().search([("callback_token_sha256", "=", _digest(token))], limit=1)


def _digest(token):
    return token and hashlib.sha256(token.encode()).hexdigest()
