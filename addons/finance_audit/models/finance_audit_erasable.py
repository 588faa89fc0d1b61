"""Personal data beside the evidence: encrypted, provable while it is there, erasable without a trace
in the proof (property A7). The entry keeps a salted hash."""

import base64

from cryptography.exceptions import InvalidTag
from odoo import api, models

from ..core import erasable
from ..core.canonical import iso_utc
from ..core.signing import NoSigningKey

_ADD = """
INSERT INTO finance_audit.erasable (uid, log_id, ciphertext, written_at) VALUES (%s, %s, %s, %s)
"""
_ERASE = """
DELETE FROM finance_audit.erasable WHERE uid = ANY (%s::uuid[]) RETURNING uid::text, log_id
"""
_ERASE_OLDER = """
DELETE FROM finance_audit.erasable
 WHERE log_id = %s AND written_at < now() - make_interval(days => %s) RETURNING uid::text, log_id
"""
_READ = "SELECT uid::text, ciphertext FROM finance_audit.erasable WHERE uid = ANY (%s::uuid[])"


class FinanceAuditErasable(models.AbstractModel):
    _name = "finance.audit.erasable"
    _description = "Erasable parts of audit entries"

    @api.model
    def _add(self, uid, log_id, part, written_at):
        """Store the part of an entry, encrypted under this server's newest key."""
        ciphertext = erasable.encrypt(part, self._seeds(), str(uid))
        self.env.cr.execute(_ADD, [str(uid), log_id, ciphertext, iso_utc(written_at)])

    def _seeds(self):
        return self.env["finance.audit.sealer"]._ring().seeds

    @api.model
    def _erase(self, uids, reason):
        """Erase the parts of these entries for good, and leave an entry in each log; return how many."""
        self.env.cr.execute(_ERASE, [list(uids)])
        return self._record_erasure(self.env.cr.fetchall(), reason)

    @api.model
    def _erase_older(self, company, days):
        """Erase what is older than the retention of a company; return how many."""
        self.env.cr.execute(_ERASE_OLDER, [company.id, days])
        reason = self.env._("Kept for %s days, as configured", days)
        return self._record_erasure(self.env.cr.fetchall(), reason)

    def _record_erasure(self, erased, reason):
        for log_id in sorted({log_id for _uid, log_id in erased}):
            uids = [uid for uid, log in erased if log == log_id]
            self.env["finance.audit.entry"]._record(
                action="audit.erased",
                company=self.env["res.company"].browse(log_id),
                summary=self.env._("Personal data of %s entries was erased.", len(uids)),
                details={"reason": reason, "entries": uids},
            )
        return len(erased)

    @api.model
    def _cron_erase(self):
        """Erase what every company's retention says."""
        for company in self.env["res.company"].search([("finance_audit_retention_days", ">", 0)]):
            self._erase_older(company, company.finance_audit_retention_days)
            self.env["ir.cron"]._commit_progress(1)

    @api.model
    def _parts(self, uids):
        """Return the parts that still exist and can be decrypted, by uid."""
        self.env.cr.execute(_READ, [list(uids)])
        found = {}
        for uid, ciphertext in self.env.cr.fetchall():
            try:
                found[uid] = erasable.decrypt(ciphertext, self._seeds(), uid)
            except (InvalidTag, KeyError, NoSigningKey):
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
