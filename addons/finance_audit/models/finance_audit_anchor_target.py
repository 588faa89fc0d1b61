"""Targets that checkpoints are copied to, so that a rewritten or shortened log is detected."""

import base64
import logging
import os
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

from cryptography import x509
from odoo import api, fields, models
from odoo.exceptions import AccessError, ValidationError
from odoo.tools import config
from psycopg2 import Binary

from ..core import sealing, timestamp_client, verify_audit
from ..core.address import ForbiddenAddress, check_address
from ..core.entry import storable
from ..core.restricted import is_written_by_suite
from ..core.schema import QUERIES
from ..core.timestamp_client import NoTimestamp
from ..network import network_policy

_logger = logging.getLogger(__name__)
_MAX_REASON = 2000
MAX_INTERVAL_MINUTES = 31 * 24 * 60
_RESULTS = frozenset({"last_anchor", "last_error"})

# Only the configuration of the server may determine where files are written.
FOLDER_OPTION, FOLDER_VARIABLE = "finance_audit_anchor_folder", "FINANCE_AUDIT_ANCHOR_FOLDER"


class FinanceAuditAnchorTarget(models.Model):
    _name = "finance.audit.anchor.target"
    _description = "Audit anchor target"
    _inherit = ["finance.audit.tracked.mixin"]
    _audit_topic = "audit.anchor.target"
    _audit_tracked = ("name", "kind", "url", "certificate", "emails", "interval_minutes", "active")

    name = fields.Char(required=True)
    active = fields.Boolean(default=True)
    kind = fields.Selection(
        [
            ("rfc3161", "Time-stamping authority (RFC 3161)"),
            ("mail", "Copy by email"),
            ("folder", "Copy to a folder"),
        ],
        "Type",
        required=True,
        default="rfc3161",
    )
    url = fields.Char("Address")
    certificate = fields.Text(
        "Authority certificate (PEM)",
        help="The certificate that timestamps are checked with. Auditors need it for the offline verifier, too.",
    )
    emails = fields.Char("Recipients", help="Email addresses, separated by commas.")
    folder = fields.Char(compute="_compute_folder")
    interval_minutes = fields.Integer("Interval (minutes)", default=60, required=True)
    last_anchor = fields.Datetime("Last anchored", readonly=True, copy=False)
    last_error = fields.Char("Last error", readonly=True, copy=False)

    @api.model_create_multi
    def create(self, vals_list):
        if not is_written_by_suite():
            for vals in vals_list:
                self._refuse_results(vals)
            # Also no default of a user or of the context.
            vals_list = [{**vals, **dict.fromkeys(_RESULTS, False)} for vals in vals_list]
        return super().create(vals_list)

    def write(self, vals):
        if not is_written_by_suite():
            self._refuse_results(vals)
        return super().write(vals)

    def _refuse_results(self, vals):
        """Refuse what would make a target look anchored, or not due."""
        if any(vals.get(name) for name in _RESULTS) or (self and _RESULTS & vals.keys()):
            raise AccessError(self.env._("The result of anchoring is set by anchoring itself."))

    @api.depends("kind")
    def _compute_folder(self):
        for target in self:
            target.folder = str(self._configured_folder() or "") if target.kind == "folder" else ""

    @api.constrains("kind", "url", "certificate", "emails", "interval_minutes")
    def _check_target(self):
        for target in self:
            missing = {
                "rfc3161": not target.url,
                "mail": not target.emails,
                "folder": not self._configured_folder(),
            }[target.kind]
            if missing:
                raise ValidationError(target._missing_message())
            if not 1 <= target.interval_minutes <= MAX_INTERVAL_MINUTES:
                raise ValidationError(
                    self.env._(
                        "The interval of an anchor target must be at least one minute and at most %(days)s days.",
                        days=MAX_INTERVAL_MINUTES // (24 * 60),
                    )
                )
            target._check_authority()

    def _missing_message(self):
        return {
            "rfc3161": self.env._("Enter the https address of the time-stamping authority."),
            "mail": self.env._("Enter at least one email address."),
            "folder": self.env._(
                "Set %(option)s in the configuration of the server, or the environment variable %(variable)s, "
                "to a folder outside of the database, preferably on append-only (WORM) storage.",
                option=FOLDER_OPTION,
                variable=FOLDER_VARIABLE,
            ),
        }[self.kind]

    def _check_authority(self):
        try:
            if self.kind == "rfc3161":
                check_address(self.url, network_policy(), loopback=True)
            self._certificates()
        except ForbiddenAddress as error:
            raise ValidationError(
                self.env._("The address cannot be used: %(reason)s", reason=error)
            ) from error
        except ValueError as error:
            raise ValidationError(
                self.env._("Not a valid PEM certificate: %(error)s", error=error)
            ) from error

    def _certificates(self):
        if not self.certificate:
            return []
        return x509.load_pem_x509_certificates(self.certificate.encode())

    @api.model
    def _configured_folder(self):
        path = os.environ.get(FOLDER_VARIABLE) or config.get(FOLDER_OPTION)
        return Path(path) if path else None

    # -- anchoring -----------------------------------------------------------------------------

    @api.model
    def _cron_anchor(self):
        """Anchor at each target that is due. A failure at one target does not affect the others."""
        for target in self.search([("active", "=", True)]):
            due = target.last_anchor or fields.Datetime.to_datetime("1970-01-01")
            if due + timedelta(minutes=target.interval_minutes) <= fields.Datetime.now():
                target._anchor_all()
            self.env["ir.cron"]._commit_progress(1)

    def action_anchor_now(self):
        """Anchor the newest checkpoint of every log at these targets now."""
        self.check_access("write")
        self.env["finance.audit.sealer"]._seal_all()
        for target in self:
            target._anchor_all()

    def _anchor_all(self):
        """Anchor every log; one that fails stops neither the other logs nor the other targets."""
        self.ensure_one()
        failures = [self._failure_of(log_id) for log_id in sealing.logs(self.env.cr)]
        found = next(filter(None, failures), False)
        if found:
            self.sudo().last_error = found
        else:
            self.sudo().write({"last_anchor": fields.Datetime.now(), "last_error": False})

    def _failure_of(self, log_id):
        """Anchor one log; return why it could not be done, or nothing."""
        try:
            with self.env.cr.savepoint():
                self._anchor_log(log_id)
        except (NoTimestamp, verify_audit.Damage, OSError, *verify_audit.UNREADABLE) as error:
            reason = storable(str(error))[:_MAX_REASON] or type(error).__name__
            _logger.warning("Audit checkpoints could not be anchored at %s: %s", self.name, reason)
            return reason
        return ""

    def _anchor_log(self, log_id):
        where = {"log_id": log_id, "target_id": self.id}
        self.env.cr.execute(QUERIES["checkpoint_to_anchor"], where)
        row = self.env.cr.fetchone()
        if not row:
            return
        checkpoint_id, origin, size, note = row
        token, stated_at, place = getattr(self, f"_anchor_{self.kind}")(origin, size, note)
        self.env.cr.execute(
            QUERIES["add_anchor"],
            {
                **where,
                "checkpoint_id": checkpoint_id,
                "size": size,
                "kind": self.kind,
                "target": place,
                "token": Binary(token) if token else None,
                "stated_at": stated_at,
            },
        )

    def _anchor_rfc3161(self, _origin, _size, note):
        answer, timestamp = timestamp_client.stamp(self.url, note, network_policy())
        authorities = self._certificates()
        if authorities and not timestamp.trusted(authorities):
            raise verify_audit.Damage(
                "timestamp.foreign", "the configured authority did not issue the certificate"
            )
        return answer, timestamp.time, self.url

    def _anchor_mail(self, origin, size, note):
        attachment = {
            "name": self._file_name(origin, size, note),
            "datas": base64.b64encode(note.encode()),
            "mimetype": "text/plain",
        }
        mail = (
            self.env["mail.mail"]
            .sudo()
            .create(
                {
                    "subject": self.env._(
                        "Audit checkpoint %(size)s of %(origin)s", size=size, origin=origin
                    ),
                    "email_to": self.emails,
                    "body_html": self.env._(
                        "Please keep this email. The attached checkpoint makes it possible to detect later "
                        "whether the audit log was rewritten or shortened."
                    ),
                    "attachment_ids": [(0, 0, attachment)],
                }
            )
        )
        return None, fields.Datetime.now(), mail.email_to

    def _anchor_folder(self, origin, size, note):
        folder = self._configured_folder()
        if not folder:
            raise OSError(self._missing_message())
        path = folder / self._file_name(origin, size, note)
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o440)
        except FileExistsError:  # from an anchor whose transaction was rolled back
            if path.read_text(encoding="utf-8") != note:
                raise OSError(f"{path} exists with different content") from None
        else:
            with os.fdopen(descriptor, "w", encoding="utf-8") as out:
                out.write(note)
        return None, fields.Datetime.now(), str(path)

    def _file_name(self, origin, size, note):
        # Another key or time results in another note of the same size.
        return (
            f"{origin.replace('/', '_')}-{size:012d}-{sha256(note.encode()).hexdigest()[:8]}.note"
        )

    # -- for verification ----------------------------------------------------------------------

    @api.model
    def _kept_outside(self, log_id):
        """Return the notes in the folder that are of this log and of its present origin."""
        folder = self._configured_folder()
        if not folder or not folder.is_dir():
            return []
        prefix = self.env["finance.audit.sealer"]._origin(log_id).replace("/", "_")
        return [
            path.read_text(encoding="utf-8") for path in sorted(folder.glob(f"{prefix}-*.note"))
        ]

    @api.model
    def _authorities(self):
        """Return the certificates of all configured authorities, archived ones included."""
        targets = self.with_context(active_test=False).search([("kind", "=", "rfc3161")])
        return [certificate for target in targets for certificate in target._certificates()]
