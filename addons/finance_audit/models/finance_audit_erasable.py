"""Personal data of entries: encrypted, provable while it is stored, erasable without effect on proofs.

Property A7. The entry itself has a salted hash only.
"""

import base64

from odoo import api, models

from ..core import erasable, keyring
from ..core.canonical import iso_utc
from ..core.schema import QUERIES
from ..core.statement import Statement
from ..server_keys import audit_keys


class FinanceAuditErasable(models.AbstractModel):
    _name = "finance.audit.erasable"
    _description = "Erasable parts of audit entries"

    @api.model
    def _add(self, uid, log_id, part, written_at):
        """Store the part of an entry, encrypted under the newest key of this server."""
        self.env.cr.execute(
            QUERIES["add_erasable"],
            {
                "uid": str(uid),
                "log_id": log_id,
                "ciphertext": erasable.encrypt(part, audit_keys(), str(uid)),
                "written_at": iso_utc(written_at),
            },
        )

    @api.model
    def _erase(self, uids, reason):
        """Erase the parts of these entries permanently and record it in each log; return how many."""
        self.env.cr.execute(QUERIES["erase"], {"uids": list(uids)})
        return self._record_erasure(self.env.cr.fetchall(), reason)

    @api.model
    def _erase_older(self, company, days):
        """Erase what exceeds the retention of a company; return how many."""
        self.env.cr.execute(QUERIES["erase_older"], {"log_id": company.id, "days": days})
        reason = self.env._("Retention period of %(days)s days", days=days)
        return self._record_erasure(self.env.cr.fetchall(), reason)

    def _record_erasure(self, erased, reason):
        for log_id in sorted({log_id for _uid, log_id in erased}):
            uids = [uid for uid, log in erased if log == log_id]
            self.env["finance.audit.entry"]._record(
                action="audit.erased",
                company=self.env["res.company"].browse(log_id),
                statement=Statement("personal_data.erased", {"count": len(uids)}),
                details={"reason": reason, "entries": uids},
            )
        return len(erased)

    @api.model
    def _cron_erase(self):
        """Erase what exceeds the retention of each company."""
        for company in self.env["res.company"].search([("finance_audit_retention_days", ">", 0)]):
            self._erase_older(company, company.finance_audit_retention_days)
            self.env["ir.cron"]._commit_progress(1)

    @api.model
    def _parts(self, uids):
        """Return the parts that still exist and can be decrypted, by uid."""
        self.env.cr.execute(QUERIES["read_erasable"], {"uids": list(uids)})
        found = {}
        for uid, ciphertext in self.env.cr.fetchall():
            try:
                found[uid] = erasable.decrypt(ciphertext, audit_keys(), uid)
            except keyring.KeyRingError:
                continue
        return found

    @api.model
    def _disclosed(self, chosen):
        """Yield rows of erasable.ndjson for (position, canonical, uid)."""
        parts = self._parts([uid for _position, _canonical, uid in chosen])
        for position, _canonical, uid in chosen:
            if uid in parts:
                part = parts[uid]
                yield {
                    "position": position,
                    "salt": base64.b64encode(part.salt).decode(),
                    "part": part.text,
                }
