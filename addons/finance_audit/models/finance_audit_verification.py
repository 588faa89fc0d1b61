"""Is the log intact? Asked by a button and every night, answered in one sentence, kept for good."""

import logging
import time

from odoo import api, fields, models
from odoo.tools import format_date

from .. import reading, sealing
from ..core import signing, verify_audit
from ..core.note import verifier_key
from ..exceptions import EvidenceIsAppendOnly

_logger = logging.getLogger(__name__)

# What a person reads in lists is in columns; the proof is over the bytes. Here both are compared.
_COLUMNS = """
SELECT entry.uid::text
  FROM finance_audit.entry
 CROSS JOIN LATERAL jsonb_populate_record(
     entry, convert_from(entry.canonical, 'UTF8')::jsonb) AS told
 WHERE COALESCE(entry.company_id, 0) = %s
   AND (told IS DISTINCT FROM entry OR entry.leaf_hash <> sha256('\\x00'::bytea || entry.canonical))
 ORDER BY entry.id LIMIT 1
"""
# In no seal although entries that were written later are: only removing seals does that.
_SKIPPED = """
SELECT entry.uid::text
  FROM finance_audit.entry
 WHERE COALESCE(entry.company_id, 0) = %(log)s
   AND entry.created_at < (SELECT max(sealed_at) FROM finance_audit.seal
                            WHERE log_id = %(log)s) - interval '1 day'
   AND NOT EXISTS (SELECT FROM finance_audit.seal, unnest(seal.entry_ids) AS placed(id)
                    WHERE seal.log_id = %(log)s AND placed.id = entry.id)
 ORDER BY entry.id LIMIT 1
"""
_SINCE = """
SELECT min(created_at AT TIME ZONE 'UTC') FROM finance_audit.entry WHERE COALESCE(company_id, 0) = %s
"""
_ANCHORED = """
SELECT max(created_at AT TIME ZONE 'UTC') FROM finance_audit.anchor WHERE log_id = %s
"""


_TWO_HOURS = 120


class FinanceAuditVerification(models.Model):
    _name = "finance.audit.verification"
    _description = "Audit verification"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _order = "id desc"
    _rec_name = "answer"

    company_id = fields.Many2one("res.company", readonly=True, ondelete="set null")
    log_id = fields.Integer("Log number", readonly=True)
    log_name = fields.Char("Log of", compute="_compute_log_name")
    trigger = fields.Selection(
        [("manual", "By a person"), ("scheduled", "Scheduled")], "Asked", readonly=True
    )
    state = fields.Selection(
        [("intact", "Intact"), ("damaged", "Damaged")], "Result", readonly=True
    )
    answer = fields.Char(readonly=True)
    entry_count = fields.Integer("Entries", readonly=True)
    seconds = fields.Float("Duration (s)", digits=(12, 2), readonly=True)
    proven = fields.Text(readonly=True)
    unproven = fields.Text("Not proven", readonly=True)
    damage = fields.Text(readonly=True)

    @api.depends("company_id", "log_id")
    def _compute_log_name(self):
        for verification in self:
            verification.log_name = verification._log_label(verification.log_id)

    @api.model
    def _log_label(self, log_id):
        if not log_id:
            return self.env._("No company")
        company = self.env["res.company"].sudo().browse(log_id).exists()
        return company.name or self.env._("Deleted company %s", log_id)

    def write(self, vals):
        # The history stays as it is; conversation and activities of an alarm are no part of it.
        if not self.env.su or vals.keys() & {"state", "answer", "damage", "log_id", "entry_count"}:
            self._refuse()
        return super().write(vals)

    def unlink(self):  # Refused for everybody. # pylint: disable=method-required-super
        self._refuse()

    def _refuse(self):
        raise EvidenceIsAppendOnly(
            self.env._("A verification cannot be changed or deleted afterwards, by nobody.")
        )

    # -- asking --------------------------------------------------------------------------------

    @api.model
    def action_verify(self):
        """Verify the logs the auditor may read, and answer in one sentence."""
        self.env["finance.audit.entry"].check_access("read")
        log_ids = self._readable_logs()
        found = self.sudo()._verify_logs(log_ids, "manual")
        damaged = found.filtered(lambda verification: verification.state == "damaged")
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "danger" if damaged else "success",
                "sticky": True,
                "title": self.env._("Damage found") if damaged else self.env._("Intact"),
                "message": "\n".join((damaged or found).mapped("answer"))
                or self.env._("There are no entries yet."),
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }

    @api.model
    def _readable_logs(self):
        allowed = {0, *self.env.companies.ids}
        return [log_id for log_id in sealing.logs(self.env.cr) if log_id in allowed]

    @api.model
    def _cron_verify(self):
        """Verify every log, and raise an alarm for what is damaged."""
        for log_id in sealing.logs(self.env.cr):
            self._verify_logs([log_id], "scheduled")._raise_alarm()
            self.env["ir.cron"]._commit_progress(1)

    @api.model
    def _verify_logs(self, log_ids, trigger):
        found = self.browse()
        for log_id in log_ids:
            started = time.monotonic()
            report, size = self._examine(log_id)
            found += self.create(
                {
                    "company_id": self.env["res.company"].browse(log_id).exists().id,
                    "log_id": log_id,
                    "trigger": trigger,
                    "state": "damaged" if report.damage else "intact",
                    "answer": self._answer(log_id, report, size),
                    "entry_count": size,
                    "seconds": time.monotonic() - started,
                    "proven": "\n".join(report.proven),
                    "unproven": "\n".join(report.unproven),
                    "damage": "\n".join(report.damage),
                }
            )
        found._record_result()
        return found

    @api.model
    def _examine(self, log_id):
        """Run the offline verifier on the log as it is in the database; then compare the columns."""
        reader = reading.LogReader(self.env.cr, log_id)
        # Nothing that is kept outside can be younger than what is looked at now.
        reader.manifest = {"created_at": "9999-12-31T00:00:00+00:00"}
        report = verify_audit.Report()
        if not reader.size:
            report.unproven.append(self.env._("Nothing was sealed and signed yet."))
            return report, 0
        settings = self._trust(log_id, reader.origin, report)
        verify_audit.LogCheck(reader, reader.describe(), settings, report).run()
        for code, query in (("columns.changed", _COLUMNS), ("entry.unsealed", _SKIPPED)):
            self.env.cr.execute(query, [log_id] if "%s" in query else {"log": log_id})
            bad = self.env.cr.fetchone()
            if bad:
                report.damage.append(f"{reading.folder(log_id)}: [{code}] entry (id {bad[0]})")
        return report, reader.size

    def _trust(self, log_id, origin, report):
        """Trust the keys of this server's key file and what was anchored outside, not the database."""
        settings = verify_audit.Settings()
        try:
            publics = self.env["finance.audit.sealer"]._ring().public_keys()
            settings.keys = verify_audit.read_keys([verifier_key(origin, key) for key in publics])
        except signing.NoSigningKey as error:
            report.unproven.append(str(error))
        anchors = self.env["finance.audit.anchor.target"].sudo()._kept_outside(log_id)
        settings.anchors = [verify_audit.Head(note) for note in anchors]
        settings.authorities = self.env["finance.audit.anchor.target"].sudo()._authorities()
        return settings

    # -- answering -----------------------------------------------------------------------------

    def _answer(self, log_id, report, size):
        name = self._log_label(log_id)
        if report.damage:
            return self.env._("%(log)s: DAMAGED. %(what)s", log=name, what=report.damage[0])
        self.env.cr.execute(_SINCE, [log_id])
        since = self.env.cr.fetchone()[0]
        waiting, _oldest = sealing.unsealed(self.env.cr, log_id)
        sentence = self.env._(
            "%(log)s: %(count)s entries intact since %(since)s, %(anchor)s.",
            log=name,
            count=f"{size:,}",
            since=format_date(self.env, since.date()) if since else "–",
            anchor=self._anchor_words(log_id),
        )
        if waiting:
            sentence += " " + self.env._("%s not sealed yet.", waiting)
        return sentence

    def _anchor_words(self, log_id):
        self.env.cr.execute(_ANCHORED, [log_id])
        last = self.env.cr.fetchone()[0]
        if not last:
            return self.env._("never anchored outside")
        minutes = int((fields.Datetime.now() - last).total_seconds() // 60)
        if minutes < _TWO_HOURS:
            return self.env._("last anchor %s min ago", minutes)
        return self.env._("last anchor %s h ago", minutes // 60)

    def _record_result(self):
        self.env["finance.audit.entry"]._record_many(
            [
                {
                    "action": f"audit.verification.{verification.state}",
                    "company": self.env["res.company"].browse(verification.log_id),
                    "outcome": "success" if verification.state == "intact" else "failure",
                    "summary": verification.answer,
                    "details": {
                        "trigger": verification.trigger,
                        "damage": (verification.damage or "").splitlines(),
                    },
                }
                for verification in self
            ]
        )

    # -- alarm ---------------------------------------------------------------------------------

    def _raise_alarm(self):
        """Give each auditor of the log an activity and a mail."""
        for verification in self.filtered(lambda v: v.state == "damaged"):
            _logger.error("Audit log is damaged: %s", verification.damage)
            auditors = verification._auditors()
            for user in auditors:
                verification.activity_schedule(
                    "mail.mail_activity_data_warning",
                    user_id=user.id,
                    summary=self.env._("Audit log damaged"),
                    note=verification.answer,
                )
            verification.message_post(
                body=verification.answer,
                subject=self.env._("Audit log damaged"),
                partner_ids=auditors.partner_id.ids,
                message_type="comment",
                subtype_xmlid="mail.mt_comment",
            )

    def _auditors(self):
        users = self.env.ref("finance_audit.group_auditor").all_user_ids
        users = users.filtered(lambda user: user.active and not user._is_superuser())
        return users.filtered(lambda u: not self.company_id or self.company_id in u.company_ids)
