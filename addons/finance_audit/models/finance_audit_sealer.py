"""Seals entries and signs checkpoints, in short transactions of its own, away from the business."""

import logging
from datetime import datetime, timezone
from pathlib import Path

from odoo import api, models
from odoo.tools import config
from psycopg2 import Binary, extensions

from .. import sealing
from ..core import signing
from ..core.note import Checkpoint, key_id, sign, verifier_key

_logger = logging.getLogger(__name__)

_HEAD = """
SELECT size, root FROM finance_audit.seal WHERE log_id = %s ORDER BY size DESC LIMIT 1
"""
_SIGNED = """
SELECT size, origin, key_ids, root FROM finance_audit.checkpoint
 WHERE log_id = %s ORDER BY id DESC LIMIT 1
"""
_ADD = """
INSERT INTO finance_audit.checkpoint (log_id, size, root, origin, key_ids, note, signed_at)
VALUES (%s, %s, %s, %s, %s, %s, %s)
"""
_ADD_KEY = """
INSERT INTO finance_audit.signing_key (log_id, origin, verifier_key) VALUES (%s, %s, %s)
ON CONFLICT DO NOTHING RETURNING id
"""


class FinanceAuditSealer(models.AbstractModel):
    _name = "finance.audit.sealer"
    _description = "Audit sealer"

    @api.model
    def _cron_seal(self):
        """Seal every log. Each step commits by itself, so nothing is lost when the job is stopped."""
        self._seal_all()

    @api.model
    def _seal_all(self, log_ids=None):
        """Seal what can be seen of these logs, or of all; return how many entries were sealed."""
        if log_ids is None:
            log_ids = sealing.logs(self.env.cr)
        return sum(self._seal_log(log_id) for log_id in log_ids)

    def _seal_log(self, log_id):
        total = 0
        while count := self._in_own_transaction(log_id):
            total += count
            if count < sealing.LIMIT:
                break
        return total

    def _in_own_transaction(self, log_id):
        """Seal once. READ COMMITTED: what is sealed is looked up after the lock is held."""
        with self.env.registry.cursor() as cr:
            if cr._cnx.info.transaction_status == extensions.TRANSACTION_STATUS_IDLE:
                cr.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
            return self.with_env(self.env(cr=cr))._seal_once(log_id)

    @api.model
    def _seal_once(self, log_id):
        """Seal in the current transaction and sign what was sealed; 0 while another one does."""
        if not sealing.lock(self.env.cr, log_id):
            return 0
        count = sealing.seal(self.env.cr, log_id)
        self._sign(log_id)
        return count

    # -- checkpoints ---------------------------------------------------------------------------

    @api.model
    def _sign(self, log_id):
        """Sign the head of a log, unless this origin has signed it with these keys."""
        self.env.cr.execute(_HEAD, [log_id])
        head = self.env.cr.fetchone()
        try:
            ring = self._ring() if head else None
        except signing.NoSigningKey as error:
            _logger.error("Audit checkpoints are not signed: %s", error)
            return
        if not ring:
            return
        size, root = head[0], bytes(head[1])
        origin, now = self._origin(log_id), datetime.now(timezone.utc)
        key_ids = ",".join(key_id(origin, public).hex() for public in ring.public_keys())
        self.env.cr.execute(_SIGNED, [log_id])
        before = self.env.cr.fetchone()
        if before and before[:3] == (size, origin, key_ids):
            return
        stated = Checkpoint(origin, size, root, self._extensions(before, origin, now))
        note = sign(stated.text(), origin, ring.signers())
        self.env.cr.execute(_ADD, [log_id, size, Binary(root), origin, key_ids, note, now])
        self._announce(log_id, origin, ring, before)

    def _extensions(self, before, origin, now):
        stated = [f"time {now.isoformat()}"]
        if before and before[1] != origin:
            cited = Checkpoint(before[1], before[0], bytes(before[3])).text().split()
            stated.append(f"continues {' '.join(cited)}")
        return (*stated,)

    def _announce(self, log_id, origin, ring, before):
        """Leave an entry when a key signs for the first time, or when a copy goes on by itself."""
        company = self.env["res.company"].browse(log_id)
        entries = self.env["finance.audit.entry"]
        for public in ring.public_keys():
            key = verifier_key(origin, public)
            self.env.cr.execute(_ADD_KEY, [log_id, origin, key])
            if self.env.cr.fetchone():
                entries._record(
                    action="audit.key.added",
                    company=company,
                    summary=self.env._("Checkpoints are signed with a key not used before."),
                    details={"verifier_key": key},
                )
        if before and before[1] != origin:
            entries._record(
                action="audit.log.copied",
                company=company,
                outcome="warning",
                summary=self.env._("The database is a copy: its log goes on under a new origin."),
                details={"from": before[1], "size": before[0], "root": bytes(before[3]).hex()},
            )

    @api.model
    def _origin(self, log_id):
        """Return the name of a log: of this database and this company, in the form of C2SP."""
        uuid = self.env["ir.config_parameter"].sudo().get_param("database.uuid")
        return f"finance-connect/audit/{uuid}/{log_id or 'shared'}"

    @api.model
    def _ring(self):
        """Return the keys of this server.

        :raises NoSigningKey: what is configured cannot be read.
        """
        generated = Path(config["data_dir"]) / "finance_audit" / "signing.keys"
        return signing.load(config.get(signing.OPTION_FILE), generated)
