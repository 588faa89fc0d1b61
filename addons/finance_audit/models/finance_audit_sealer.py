"""Seals entries and signs checkpoints in short transactions of its own, separate from business operations."""

import logging
from datetime import datetime, timezone

from odoo import api, models
from psycopg2 import Binary, extensions

from ..core import keyring, sealing
from ..core.note import (
    Checkpoint,
    key_id,
    listed_logs,
    log_name,
    logs_line,
    sign,
    verifier_key,
)
from ..core.schema import QUERIES
from ..core.statement import Statement
from ..server_keys import audit_keys

_logger = logging.getLogger(__name__)


class FinanceAuditSealer(models.AbstractModel):
    _name = "finance.audit.sealer"
    _description = "Audit sealer"

    @api.model
    def _cron_seal(self):
        """Seal every log. Each step commits by itself, so that nothing is lost when the job is stopped."""
        self._seal_all()

    @api.model
    def _seal_all(self, log_ids=None):
        """Seal the committed entries of these logs, or of all; return how many entries were sealed."""
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
        """Seal once. READ COMMITTED: entries are selected after the lock is held."""
        with self.env.registry.cursor() as cr:
            if cr._cnx.info.transaction_status == extensions.TRANSACTION_STATUS_IDLE:
                cr.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
            return self.with_env(self.env(cr=cr))._seal_once(log_id)

    @api.model
    def _seal_once(self, log_id):
        """Seal in the current transaction and sign; return 0 while another sealer has the log."""
        if not sealing.lock(self.env.cr, log_id):
            return 0
        count = sealing.seal(self.env.cr, log_id)
        self._sign(log_id)
        return count

    # -- checkpoints ---------------------------------------------------------------------------

    @api.model
    def _sign(self, log_id):
        """Sign the head of a log unless this origin has signed it with these keys."""
        self.env.cr.execute(QUERIES["tree_head"], {"log_id": log_id})
        head = self.env.cr.fetchone()
        try:
            publics = audit_keys().public_keys() if head else None
        except keyring.KeyRingError as error:
            _logger.error("Audit checkpoints are not signed: %s", error)
            return
        if not publics:
            return
        size, root = head[0], bytes(head[1])
        origin, now = self._origin(log_id), datetime.now(timezone.utc)
        key_ids = ",".join(key_id(origin, public).hex() for public in publics)
        self.env.cr.execute(QUERIES["last_checkpoint"], {"log_id": log_id})
        before = self.env.cr.fetchone()
        sizes = self._sealed_sizes()
        if (
            before
            and before[:3] == (size, origin, key_ids)
            and set(sizes) <= set(listed_logs(before[4]))
        ):
            return
        stated = Checkpoint(origin, size, root, self._extensions(before, origin, now, sizes))
        try:
            # The provider of the keys is given the text and returns signatures.
            note = sign(stated.text(), origin, audit_keys().sign)
        except keyring.KeyRingError as error:
            _logger.error("Audit checkpoints are not signed: %s", error)
            return
        self.env.cr.execute(
            QUERIES["add_checkpoint"],
            {
                "log_id": log_id,
                "size": size,
                "root": Binary(root),
                "origin": origin,
                "key_ids": key_ids,
                "note": note,
                "signed_at": now,
            },
        )
        self._announce(log_id, origin, publics, before)

    @api.model
    def _sealed_sizes(self):
        """Return name → sealed size of every log of the database: each checkpoint states them.

        A log that is removed with its folder, its key and its anchors is then missed by the others.
        """
        self.env.cr.execute(QUERIES["sealed_sizes"], {"logs": sealing.logs(self.env.cr)})
        return {log_name(log_id): size for log_id, size in self.env.cr.fetchall()}

    def _extensions(self, before, origin, now, sizes):
        stated = [f"time {now.isoformat()}", logs_line(sizes)]
        if before and before[1] != origin:
            cited = Checkpoint(before[1], before[0], bytes(before[3])).text().split()
            stated.append(f"continues {' '.join(cited)}")
        return (*stated,)

    def _announce(self, log_id, origin, publics, before):
        """Record that a key signs for the first time, or that a copied database continues a log."""
        company = self.env["res.company"].browse(log_id)
        entries = self.env["finance.audit.entry"]
        for public in publics:
            key = verifier_key(origin, public)
            self.env.cr.execute(
                QUERIES["add_signing_key"],
                {"log_id": log_id, "origin": origin, "verifier_key": key},
            )
            if self.env.cr.fetchone():
                entries._record(
                    action="audit.key.added",
                    company=company,
                    statement=Statement("key.added"),
                    details={"verifier_key": key},
                )
        if before and before[1] != origin:
            entries._record(
                action="audit.log.copied",
                company=company,
                outcome="warning",
                statement=Statement("log.copied"),
                details={"from": before[1], "size": before[0], "root": bytes(before[3]).hex()},
            )

    @api.model
    def _origin(self, log_id):
        """Return the name of a log: database and company, in the form of C2SP."""
        uuid = self.env["ir.config_parameter"].sudo().get_param("database.uuid")
        return f"finance-connect/audit/{uuid}/{log_name(log_id)}"
