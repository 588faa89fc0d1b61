"""Verification of the audit log: by a button and every night, with an alarm for damage and for omissions.

A result is recorded permanently. A scheduled verification that is interrupted leaves no result; a second
scheduled job raises an alarm for every log whose last result is older than the period.
"""

import logging
import time
from datetime import timedelta

import psycopg2
from odoo import api, fields, models
from odoo.tools import format_date

from ..core import keyring, sealing, verify_audit
from ..core.log_reader import LogReader, folder
from ..core.note import verifier_key
from ..core.schema import QUERIES
from ..server_keys import audit_keys, lies_in_data_dir

_logger = logging.getLogger(__name__)

INTACT, DAMAGED, INCOMPLETE = "intact", "damaged", "incomplete"
_OUTCOMES = {INTACT: "success", DAMAGED: "failure", INCOMPLETE: "failure"}
# How late a result may be; and the longest period that a changed schedule may lead to.
TOLERANCE, LONGEST = timedelta(hours=2), timedelta(days=7)
_TWO_HOURS = 120


class FinanceAuditVerification(models.Model):
    _name = "finance.audit.verification"
    _description = "Audit verification"
    _inherit = ["finance.evidence.mixin", "mail.thread", "mail.activity.mixin"]
    _order = "id desc"
    _rec_name = "answer"
    # Messages and activities of an alarm are not part of the evidence.
    _evidence_fixed = frozenset(
        {
            "company_id",
            "log_id",
            "trigger",
            "state",
            "answer",
            "entry_count",
            "seconds",
            "proven",
            "unproven",
            "damage",
        }
    )

    company_id = fields.Many2one("res.company", readonly=True, ondelete="set null")
    log_id = fields.Integer("Log ID", readonly=True)
    log_name = fields.Char("Log", compute="_compute_log_name")
    trigger = fields.Selection([("manual", "Manual"), ("scheduled", "Scheduled")], readonly=True)
    state = fields.Selection(
        [(INTACT, "Intact"), (DAMAGED, "Damaged"), (INCOMPLETE, "Not completed")],
        readonly=True,
    )
    answer = fields.Char("Finding", readonly=True)
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
        return company.name or self.env._("Deleted company %(number)s", number=log_id)

    # -- entry points --------------------------------------------------------------------------

    @api.model
    def action_verify(self):
        """Verify the logs that the auditor may read, and show the findings."""
        self.env["finance.audit.entry"].check_access("read")
        log_ids = self._readable_logs()
        found = self.sudo()._verify_logs(log_ids, "manual")
        bad = found.filtered(lambda verification: verification.state != INTACT)
        if DAMAGED in bad.mapped("state"):
            title = self.env._("Damage found")
        elif bad:
            title = self.env._("Verification not completed")
        else:
            title = self.env._("Intact")
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "danger" if bad else "success",
                "sticky": True,
                "title": title,
                "message": "\n".join((bad or found).mapped("answer"))
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
        """Verify every log, and raise an alarm for each that is damaged or could not be verified."""
        for log_id in sealing.logs(self.env.cr):
            self._verify_logs([log_id], "scheduled")._raise_alarm()
            self.env["ir.cron"]._commit_progress(1)

    @api.model
    def _cron_watch(self):
        """Raise an alarm for each log without a result within the period of the scheduled verification.

        This is a job of its own, because an interrupted job cannot report that it was interrupted.
        """
        for log_id in sealing.logs(self.env.cr):
            if since := self._overdue_since(log_id):
                answer = self.env._(
                    "%(log)s: NO SCHEDULED VERIFICATION since %(since)s. The job did not run or was "
                    "interrupted.",
                    log=self._log_label(log_id),
                    since=format_date(self.env, since.date()),
                )
                self._store(log_id, "scheduled", INCOMPLETE, answer)._raise_alarm()
            self.env["ir.cron"]._commit_progress(1)

    # -- verifying -----------------------------------------------------------------------------

    @api.model
    def _verify_logs(self, log_ids, trigger):
        """Verify logs and store the results. A failure with one log is its result."""
        found = self.browse()
        for log_id in log_ids:
            started = time.monotonic()
            try:
                with self.env.cr.savepoint():
                    report, size = self._examine(log_id)
            except (
                psycopg2.Error,
                MemoryError,
                verify_audit.Damage,
                *verify_audit.UNREADABLE,
            ) as error:
                _logger.exception("The audit log %s could not be verified", log_id)
                answer = self.env._(
                    "%(log)s: NOT VERIFIED. The verification was aborted (%(error)s).",
                    log=self._log_label(log_id),
                    error=type(error).__name__,
                )
                found += self._store(log_id, trigger, INCOMPLETE, answer)
                continue
            found += self._store(
                log_id,
                trigger,
                DAMAGED if report.damage else INTACT,
                self._answer(log_id, report, size),
                entry_count=size,
                seconds=time.monotonic() - started,
                proven="\n".join(report.proven),
                unproven="\n".join(report.unproven),
                damage="\n".join(report.damage),
            )
        return found

    @api.model
    def _store(self, log_id, trigger, state, answer, **values):
        """Create a result and record it in the log it is about."""
        found = self.create(
            {
                "company_id": self.env["res.company"].browse(log_id).exists().id,
                "log_id": log_id,
                "trigger": trigger,
                "state": state,
                "answer": answer,
                **values,
            }
        )
        self.env["finance.audit.entry"]._record(
            action=f"audit.verification.{state}",
            company=self.env["res.company"].browse(log_id),
            outcome=_OUTCOMES[state],
            summary=answer,
            details={"trigger": trigger, "damage": (found.damage or "").splitlines()},
        )
        return found

    @api.model
    def _examine(self, log_id):
        """Run the offline verifier on the log in the database; then compare the columns with the bytes."""
        reader = LogReader(self.env.cr, log_id)
        # Nothing that is kept outside can be younger than the present state of the database.
        reader.manifest = {"created_at": "9999-12-31T00:00:00+00:00"}
        report = verify_audit.Report()
        if not reader.size:
            report.unproven.append(self.env._("No entries have been sealed and signed yet."))
            return report, 0
        settings = self._trust(log_id, reader.origin, report)
        verify_audit.LogCheck(reader, reader.describe(), settings, report).run()
        for code, query in (
            ("columns.changed", "changed_columns"),
            ("entry.unsealed", "skipped_entry"),
        ):
            bad = self._scalar(query, log_id)
            if bad:
                report.damage.append(f"{folder(log_id)}: [{code}] entry (id {bad})")
        return report, reader.size

    def _trust(self, log_id, origin, report):
        """Return the keys of this server's key ring and what was anchored outside, rather than the database's."""
        settings = verify_audit.Settings()
        try:
            publics = audit_keys().public_keys()
            settings.keys = verify_audit.read_keys([verifier_key(origin, key) for key in publics])
        except keyring.KeyRingError as error:
            report.unproven.append(str(error))
        if lies_in_data_dir():
            report.unproven.append(
                self.env._(
                    "The signing key lies in Odoo's data folder, which backups include. Set finance_audit_key_file."
                )
            )
        targets = self.env["finance.audit.anchor.target"].sudo()
        settings.anchors = [verify_audit.Head(note) for note in targets._kept_outside(log_id)]
        settings.authorities = targets._authorities()
        return settings

    def _answer(self, log_id, report, size):
        """Return the finding: one sentence for the log, and what is not sealed yet."""
        name = self._log_label(log_id)
        if report.damage:
            return self.env._("%(log)s: DAMAGED. %(damage)s", log=name, damage=report.damage[0])
        since = self._scalar("oldest_entry_time", log_id)
        sentences = [
            self.env._(
                "%(log)s: %(count)s entries intact since %(since)s.",
                log=name,
                count=f"{size:,}",
                since=format_date(self.env, since.date()) if since else "–",
            ),
            self._anchor_text(log_id),
        ]
        waiting, _oldest = sealing.unsealed(self.env.cr, log_id)
        if waiting:
            sentences.append(self.env._("Entries not sealed yet: %(count)s.", count=waiting))
        return " ".join(sentences)

    def _anchor_text(self, log_id):
        last = self._scalar("last_anchor_time", log_id)
        if not last:
            return self.env._("Never anchored outside.")
        minutes = int((fields.Datetime.now() - last).total_seconds() // 60)
        if minutes < _TWO_HOURS:
            return self.env._("Last anchored %(minutes)s minutes ago.", minutes=minutes)
        return self.env._("Last anchored %(hours)s hours ago.", hours=minutes // 60)

    def _scalar(self, query, log_id):
        self.env.cr.execute(QUERIES[query], {"log_id": log_id})
        row = self.env.cr.fetchone()
        return row and row[0]

    # -- alarm ---------------------------------------------------------------------------------

    @api.model
    def _overdue_since(self, log_id):
        """Return since when a log lacks a result, or None if it is not overdue or was already reported."""
        now, period = fields.Datetime.now(), self._period()
        domain = [("log_id", "=", log_id), ("trigger", "=", "scheduled")]
        latest = self.sudo().search(domain, limit=1)
        completed = self.sudo().search([*domain, ("state", "!=", INCOMPLETE)], limit=1)
        since = completed.create_date or self._scalar("first_entry_time", log_id)
        if not since or since + period + TOLERANCE > now:
            return None
        was_reported = latest.state == INCOMPLETE and latest.create_date + period > now
        return None if was_reported else since

    @api.model
    def _period(self):
        """Return the interval of the scheduled verification, at most `LONGEST`."""
        job = self.env.ref("finance_audit.ir_cron_verify", raise_if_not_found=False)
        if not job:
            return timedelta(days=1)
        if job.interval_type == "months":
            return LONGEST
        return min(timedelta(**{job.interval_type: job.interval_number}), LONGEST)

    def _raise_alarm(self):
        """Create an activity and send an email for each auditor of a log that is not intact."""
        for verification in self.filtered(lambda v: v.state != INTACT):
            if verification.state == DAMAGED:
                subject = self.env._("Audit log damaged")
            else:
                subject = self.env._("Audit log not verified")
            _logger.error("%s: %s", subject, verification.damage or verification.answer)
            auditors = verification._auditors()
            for user in auditors:
                verification.activity_schedule(
                    "mail.mail_activity_data_warning",
                    user_id=user.id,
                    summary=subject,
                    note=verification.answer,
                )
            verification.message_post(
                body=verification.answer,
                subject=subject,
                partner_ids=auditors.partner_id.ids,
                message_type="comment",
                subtype_xmlid="mail.mt_comment",
            )

    def _auditors(self):
        users = self.env.ref("finance_audit.group_auditor").all_user_ids
        users = users.filtered(lambda user: user.active and not user._is_superuser())
        return users.filtered(lambda u: not self.company_id or self.company_id in u.company_ids)
