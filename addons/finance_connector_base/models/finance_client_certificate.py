"""The client certificate of a connection (mutual TLS): chosen from Odoo's certificates, kept as a
secret of the connection.

Odoo's key can be read by administrators and by expressions of server actions. The connection
therefore keeps a copy of its own, encrypted and bound like every other secret (``secret_store``);
Odoo's record may be deleted afterwards. A renewed certificate is chosen again.
"""

from odoo import api, fields, models
from odoo.addons.finance_audit.core.client_certificate import InvalidCertificate
from odoo.exceptions import ValidationError

from ..core.finding import Finding
from ..secret_store import CLIENT_CERTIFICATE, read_certificate
from .roles import ADMIN

#: What is written from the certificate, and by nothing else.
CERTIFICATE_FACTS = (
    "client_certificate_subject",
    "client_certificate_sha256",
    "client_certificate_until",
)


class FinanceClientCertificateMixin(models.AbstractModel):
    _name = "finance.client.certificate.mixin"
    _description = "Client certificate of a connection"

    client_certificate_use = fields.Selection(
        [("optional", "Optional"), ("required", "Required")],
        "Use of a client certificate",
        compute="_compute_client_certificate_use",
    )
    client_certificate_id = fields.Many2one(
        "certificate.certificate",
        "Client certificate",
        inverse="_inverse_client_certificate_id",
        domain="[('company_id', '=', company_id)]",
        check_company=True,
        copy=False,
        ondelete="set null",
        groups=ADMIN,
        help="Presented to the provider's servers when a connection is opened (mutual TLS). Certificate and private "
        "key are copied and stored encrypted. Select the certificate again after it was renewed.",
    )
    client_certificate_subject = fields.Char("Certificate subject", readonly=True, copy=False)
    client_certificate_sha256 = fields.Char(
        "Certificate fingerprint", readonly=True, copy=False, help="SHA-256, hexadecimal."
    )
    client_certificate_until = fields.Datetime("Certificate valid until", readonly=True, copy=False)

    @api.depends("provider")
    def _compute_client_certificate_use(self):
        for connection in self:
            connection.client_certificate_use = connection._adapter()._client_certificate or False

    def _inverse_client_certificate_id(self):
        for connection in self:
            certificate = connection.client_certificate_id
            if certificate:
                connection._take_certificate(certificate)
            elif connection._has_secret(CLIENT_CERTIFICATE):
                connection._set_secret(CLIENT_CERTIFICATE, "")
                connection._forget_certificate_facts()

    def _take_certificate(self, certificate):
        """Keep a copy of a certificate with its key as a secret of this connection."""
        if certificate.sudo().company_id != self.company_id:
            raise ValidationError(
                self.env._("Select a certificate of the company %s.", self.company_id.name)
            )
        try:
            bundle = read_certificate(certificate)
        except InvalidCertificate as error:
            raise ValidationError(
                self.env._(
                    "The certificate “%(name)s” cannot be used: %(reason)s.",
                    name=certificate.display_name,
                    reason=error,
                )
            ) from error
        self._set_secret(CLIENT_CERTIFICATE, bundle.pem)
        self.sudo().write(
            {
                "client_certificate_subject": bundle.subject,
                "client_certificate_sha256": bundle.sha256,
                "client_certificate_until": bundle.valid_until,
            }
        )

    def _forget_certificate_facts(self):
        self.sudo().write(dict.fromkeys(CERTIFICATE_FACTS, False))

    def _certificate_finding(self):
        """Return why the client certificate cannot be presented, or None."""
        use = self._adapter()._client_certificate
        if use and self.client_certificate_until:
            if self.client_certificate_until <= fields.Datetime.now():
                return Finding(
                    "connection.certificate_expired",
                    args={"date": str(self.client_certificate_until.date())},
                )
        elif use == "required" and not self._has_secret(CLIENT_CERTIFICATE):
            return Finding("connection.certificate_missing")
        return None


class Certificate(models.Model):
    """Odoo's certificates: finance admins select them, but read neither file nor password."""

    _inherit = "certificate.certificate"

    content = fields.Binary(groups="base.group_system")
    pkcs12_password = fields.Char(groups="base.group_system")
