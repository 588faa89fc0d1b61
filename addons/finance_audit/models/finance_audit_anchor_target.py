"""Where checkpoints are copied to, so that a rewritten or shortened log is found out."""

import base64
import logging
import os
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

from cryptography import x509
from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import config
from psycopg2 import Binary

from .. import sealing
from ..core import timestamp_request, verify_audit
from ..core.timestamp_client import NoTimestamp, ask, check_address

_logger = logging.getLogger(__name__)

# Only whoever configures the server may say where on its disks files are written.
FOLDER_OPTION, FOLDER_VARIABLE = "finance_audit_anchor_folder", "FINANCE_AUDIT_ANCHOR_FOLDER"

_DUE = """
SELECT c.id, c.log_id, c.size, c.origin, c.note, c.signed_at FROM finance_audit.checkpoint c
 WHERE c.log_id = %(log)s
   AND NOT EXISTS (SELECT FROM finance_audit.anchor a WHERE a.checkpoint_id = c.id AND a.target_id = %(target)s)
 ORDER BY c.id DESC LIMIT 1
"""
_LATEST = "SELECT max(id) FROM finance_audit.checkpoint WHERE log_id = %s"
_ADD = """
INSERT INTO finance_audit.anchor
    (checkpoint_id, log_id, size, kind, target_id, target, token, stated_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
"""


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
            ("mail", "Copy by mail"),
            ("folder", "Copy to a folder"),
        ],
        required=True,
        default="rfc3161",
    )
    url = fields.Char("Address")
    certificate = fields.Text(
        "Authority's certificate (PEM)",
        help="With it the timestamps are checked; auditors need the same for the offline verifier.",
    )
    emails = fields.Char("Recipients", help="Addresses, separated by commas.")
    folder = fields.Char(compute="_compute_folder")
    interval_minutes = fields.Integer("Every (minutes)", default=60, required=True)
    last_anchor = fields.Datetime(readonly=True, copy=False)
    last_error = fields.Char(readonly=True, copy=False)

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
                raise ValidationError(target._missing_words())
            if target.interval_minutes < 1:
                raise ValidationError(
                    self.env._("An anchor target needs an interval of a minute or more.")
                )
            target._check_authority()

    def _missing_words(self):
        return {
            "rfc3161": self.env._("Give the https address of the time-stamping authority."),
            "mail": self.env._("Give at least one mail address."),
            "folder": self.env._(
                "Set %(option)s in the server's configuration (or the variable %(variable)s) to a "
                "folder outside of the database, best one that can only be added to.",
                option=FOLDER_OPTION,
                variable=FOLDER_VARIABLE,
            ),
        }[self.kind]

    def _check_authority(self):
        try:
            if self.kind == "rfc3161":
                check_address(self.url)
            self._certificates()
        except NoTimestamp as error:
            raise ValidationError(str(error)) from error
        except ValueError as error:
            raise ValidationError(self.env._("This is no PEM certificate: %s", error)) from error

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
        """Anchor what is due at each target; one that fails does not keep the others."""
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
        self.ensure_one()
        try:
            for log_id in sealing.logs(self.env.cr):
                self._anchor_log(log_id)
            self.sudo().write({"last_anchor": fields.Datetime.now(), "last_error": False})
        except (NoTimestamp, verify_audit.Damage, OSError) as error:
            _logger.warning("Audit checkpoints were not anchored at %s: %s", self.name, error)
            self.sudo().last_error = str(error)

    def _anchor_log(self, log_id):
        self.env.cr.execute(_LATEST, [log_id])
        latest = self.env.cr.fetchone()[0]
        self.env.cr.execute(_DUE, {"log": log_id, "target": self.id})
        row = self.env.cr.fetchone()
        if not row or row[0] != latest:
            return
        checkpoint_id, _log, size, origin, note, _signed_at = row
        token, stated_at, words = getattr(self, f"_anchor_{self.kind}")(origin, size, note)
        token = Binary(token) if token else None
        values = [checkpoint_id, log_id, size, self.kind, self.id, words, token, stated_at]
        self.env.cr.execute(_ADD, values)

    def _anchor_rfc3161(self, _origin, _size, note):
        nonce = timestamp_request.new_nonce()
        answer = ask(self.url, timestamp_request.request(note, nonce))
        stamp = timestamp_request.accept(answer, note, nonce)
        authorities = self._certificates()
        if authorities and not stamp.trusted(authorities):
            raise verify_audit.Damage(
                "timestamp.foreign", "the signer is not of the configured authority"
            )
        return answer, stamp.time, self.url

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
                        "Keep this mail. With the attached checkpoint the audit log can be verified later: "
                        "nobody can rewrite or shorten it unnoticed."
                    ),
                    "attachment_ids": [(0, 0, attachment)],
                }
            )
        )
        return None, fields.Datetime.now(), mail.email_to

    def _anchor_folder(self, origin, size, note):
        folder = self._configured_folder()
        if not folder:
            raise OSError(self._missing_words())
        path = folder / self._file_name(origin, size, note)
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o440)
        except FileExistsError:  # of an anchor whose transaction was rolled back
            if path.read_text(encoding="utf-8") != note:
                raise OSError(f"{path} holds something else") from None
        else:
            with os.fdopen(descriptor, "w", encoding="utf-8") as out:
                out.write(note)
        return None, fields.Datetime.now(), str(path)

    def _file_name(self, origin, size, note):
        # Another key or time makes another note of the same size.
        return (
            f"{origin.replace('/', '_')}-{size:012d}-{sha256(note.encode()).hexdigest()[:8]}.note"
        )

    # -- what verification needs ---------------------------------------------------------------

    @api.model
    def _kept_outside(self, log_id):
        """Return the notes of this log that are in the folder, of this origin."""
        folder = self._configured_folder()
        if not folder or not folder.is_dir():
            return []
        prefix = self.env["finance.audit.sealer"]._origin(log_id).replace("/", "_")
        return [
            path.read_text(encoding="utf-8") for path in sorted(folder.glob(f"{prefix}-*.note"))
        ]

    @api.model
    def _authorities(self):
        targets = self.with_context(active_test=False).search([("kind", "=", "rfc3161")])
        return [certificate for target in targets for certificate in target._certificates()]
