"""Verification of the audit log: by a button and every night, with an alarm for damage and for omissions.

A result is recorded permanently. A scheduled verification that is interrupted leaves no result; a second
scheduled job raises an alarm for every log whose last result is older than the period.
"""

import logging
import time
from datetime import timedelta

import psycopg2
from odoo import api, fields, models

from ..core import keyring, sealing, verify_audit
from ..core.log_reader import LogReader, folder
from ..core.note import log_name, verifier_key
from ..core.schema import QUERIES
from ..core.statement import Statement, stored
from ..server_keys import audit_keys, lies_in_data_dir

_logger = logging.getLogger(__name__)

INTACT, DAMAGED, INCOMPLETE = "intact", "damaged", "incomplete"
_OUTCOMES = {INTACT: "success", DAMAGED: "failure", INCOMPLETE: "failure"}
# How late a result may be; and the longest period that a changed schedule may lead to.
TOLERANCE, LONGEST = timedelta(hours=2), timedelta(days=7)
_TWO_HOURS = 120
# The texts of a result and what stands between their sentences.
_TEXTS = {"answer": " ", "proven": "\n", "unproven": "\n", "damage": "\n"}


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
            "statements",
        }
    )

    company_id = fields.Many2one("res.company", readonly=True, ondelete="set null")
    log_id = fields.Integer("Log ID", readonly=True)
    log_name = fields.Char("Log", compute="_compute_log_name")
    trigger = fields.Selection([("manual", "Manual"), ("scheduled", "Scheduled")], readonly=True)
    state = fields.Selection(
        [(INTACT, "Intact"), (DAMAGED, "Damaged"), (INCOMPLETE, "Not completed")],
        "Status",
        readonly=True,
    )
    answer = fields.Char("Finding as recorded", readonly=True)
    entry_count = fields.Integer("Entries", readonly=True)
    seconds = fields.Float("Duration (s)", digits=(12, 2), readonly=True)
    # The verifier's report, word for word: technical evidence that is not translated.
    proven = fields.Text("Proven (report)", readonly=True)
    unproven = fields.Text("Not proven (report)", readonly=True)
    damage = fields.Text("Damage (report)", readonly=True)
    # The same as codes and arguments, by the names of the fields above.
    statements = fields.Json(readonly=True)
    answer_text = fields.Char("Finding", compute="_compute_texts")
    proven_text = fields.Text("Proven", compute="_compute_texts")
    unproven_text = fields.Text("Not proven", compute="_compute_texts")
    damage_text = fields.Text("Damage", compute="_compute_texts")

    @api.depends("statements", "answer", "proven", "unproven", "damage")
    @api.depends_context("lang")
    def _compute_texts(self):
        """Render the result in the reader's language; a result without codes is shown as recorded."""
        sentences = self.env["finance.audit.statement"]._sentences()
        for verification in self:
            for name, separator in _TEXTS.items():
                lines = verification._lines(name, sentences)
                verification[f"{name}_text"] = separator.join(lines) or verification[name]

    def _lines(self, name, sentences):
        render = self.env["finance.audit.statement"]._render
        return [
            render(item, sentences) or item.get("text", "")
            for item in (self.statements or {}).get(name, ())
        ]

    @api.depends("answer_text")
    def _compute_display_name(self):
        for verification in self:
            verification.display_name = verification.answer_text

    @api.depends("company_id", "log_id")
    @api.depends_context("lang")
    def _compute_log_name(self):
        for verification in self:
            verification.log_name = verification._log_label(verification.log_id)

    @api.model
    def _log_label(self, log_id):
        return self.env["finance.audit.statement"]._shown(self._log_of(log_id))

    @api.model
    def _log_of(self, log_id):
        """Return a log as an argument of a statement: the name of its company."""
        if not log_id:
            return stored(Statement("log.shared"))
        company = self.env["res.company"].sudo().browse(log_id).exists()
        return company.name or stored(Statement("log.company_deleted", {"number": str(log_id)}))

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
                "message": "\n".join((bad or found).mapped("answer_text"))
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
                answer = self._about("overdue", log_id, since={"date": since.date().isoformat()})
                self._store(log_id, "scheduled", INCOMPLETE, [answer])._raise_alarm()
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
            ):
                _logger.exception("The audit log %s could not be verified", log_id)
                answer = self._about("aborted", log_id)
                found += self._store(log_id, trigger, INCOMPLETE, [answer])
                continue
            found += self._store(
                log_id,
                trigger,
                DAMAGED if report.damage else INTACT,
                self._answer(log_id, report, size),
                report,
                entry_count=size,
                seconds=time.monotonic() - started,
            )
        return found

    @api.model
    def _about(self, code, log_id, **args):
        return Statement(f"verification.{code}", {"log": self._log_of(log_id), **args})

    @api.model
    def _store(self, log_id, trigger, state, answer, report=None, **values):
        """Create a result and record it in the log it is about.

        :param answer: the finding, a list of statements
        :param report: the report of the verifier, where it came to an end
        """
        reported = {name: getattr(report, name, []) for name in ("proven", "unproven", "damage")}
        whole = answer[0] if len(answer) == 1 else _joined(answer)
        found = self.create(
            {
                "company_id": self.env["res.company"].browse(log_id).exists().id,
                "log_id": log_id,
                "trigger": trigger,
                "state": state,
                "answer": self.env["finance.audit.entry"]._sentence_of(whole),
                "statements": {
                    "answer": [stored(statement) for statement in answer],
                    **{name: [_coded(line) for line in lines] for name, lines in reported.items()},
                },
                **{name: "\n".join(lines) for name, lines in reported.items()},
                **values,
            }
        )
        self.env["finance.audit.entry"]._record(
            action=f"audit.verification.{state}",
            company=self.env["res.company"].browse(log_id),
            outcome=_OUTCOMES[state],
            statement=whole,
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
            report.unproven.append(
                verify_audit.Line(
                    "unproven.no_entries", "no entries have been sealed and signed yet"
                )
            )
            return report, 0
        settings = self._trust(log_id, reader.origin, report)
        check = verify_audit.LogCheck(reader, reader.describe(), settings, report)
        check.run()
        present = {log_name(number) for number in sealing.logs(self.env.cr)}
        for name in sorted(check.listed.keys() - present):
            text = f"{folder(log_id)}: [log.missing] the log {name}, which had {check.listed[name]} entries"
            report.damage.append(verify_audit.Line("log.missing", text, name=name))
        for code, query in (
            ("columns.changed", "changed_columns"),
            ("entry.unsealed", "skipped_entry"),
        ):
            bad = self._scalar(query, log_id)
            if bad:
                text = f"{folder(log_id)}: [{code}] entry (id {bad})"
                report.damage.append(verify_audit.Line(code, text, uid=bad))
        return report, reader.size

    def _trust(self, log_id, origin, report):
        """Return the keys of this server's key ring and what was anchored outside, rather than the database's."""
        settings = verify_audit.Settings()
        try:
            publics = audit_keys().public_keys()
            settings.keys = verify_audit.read_keys([verifier_key(origin, key) for key in publics])
        except keyring.KeyRingError as error:
            report.unproven.append(verify_audit.Line("unproven.no_keys", str(error)))
        if lies_in_data_dir():
            report.unproven.append(
                verify_audit.Line(
                    "unproven.key_in_data_dir",
                    "the signing key lies in Odoo's data folder, which backups include;"
                    " set finance_audit_key_file",
                )
            )
        targets = self.env["finance.audit.anchor.target"].sudo()
        settings.anchors = [verify_audit.Head(note) for note in targets._kept_outside(log_id)]
        settings.authorities = targets._authorities()
        return settings

    def _answer(self, log_id, report, size):
        """Return the finding as statements: about the log, its anchors, and what is not sealed yet."""
        if report.damage:
            return [self._about("damaged", log_id, damage=_coded(report.damage[0]))]
        since = self._scalar("oldest_entry_time", log_id)
        if since:
            day = {"date": since.date().isoformat()}
            found = [self._about("intact", log_id, count=size, since=day)]
        else:
            found = [self._about("empty", log_id)]
        found.append(self._anchor_statement(log_id))
        waiting, _oldest = sealing.unsealed(self.env.cr, log_id)
        if waiting:
            found.append(Statement("entries.unsealed", {"count": waiting}))
        return found

    def _anchor_statement(self, log_id):
        last = self._scalar("last_anchor_time", log_id)
        if not last:
            return Statement("anchor.never")
        minutes = int((fields.Datetime.now() - last).total_seconds() // 60)
        if minutes < _TWO_HOURS:
            return Statement("anchor.minutes", {"minutes": minutes})
        return Statement("anchor.hours", {"hours": minutes // 60})

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
        """Create an activity and send an email for each auditor of a log that is not intact.

        Each auditor is written to in the own language.
        """
        for verification in self.filtered(lambda v: v.state != INTACT):
            _logger.error(
                "Audit log %s: %s", verification.log_id, verification.damage or verification.answer
            )
            auditors = verification._auditors()
            for user in auditors:
                localized = verification.with_context(lang=user.lang)
                verification.activity_schedule(
                    "mail.mail_activity_data_warning",
                    date_deadline=fields.Date.context_today(verification.with_context(tz=user.tz)),
                    user_id=user.id,
                    summary=localized._alarm_subject(),
                    note=localized.answer_text,
                )
            for lang, users in auditors.grouped("lang").items():
                localized = verification.with_context(lang=lang)
                localized.message_post(
                    body=localized.answer_text,
                    subject=localized._alarm_subject(),
                    partner_ids=users.partner_id.ids,
                    message_type="comment",
                    subtype_xmlid="mail.mt_comment",
                )

    def _alarm_subject(self):
        if self.state == DAMAGED:
            return self.env._("Audit log damaged")
        return self.env._("Audit log not verified")

    def _auditors(self):
        users = self.env.ref("finance_audit.group_auditor").all_user_ids
        users = users.filtered(lambda user: user.active and not user._is_superuser())
        return users.filtered(lambda u: not self.company_id or self.company_id in u.company_ids)


def _coded(line):
    """Return a line of the report as a stored statement; damage with the place where it was found."""
    statement = {"code": line.code, "args": {**line.args}, "text": str(line)}
    if "uid" not in line.args and "number" not in line.args:
        return statement
    place = "entry" if "uid" in line.args else "position"
    if "number" not in line.args:
        place = "entry_id"
    args = {name: str(value) for name, value in line.args.items()}
    what = {"code": line.code, "args": {}}
    return {"code": f"damage.{place}", "args": {**args, "damage": what}, "text": str(line)}


def _joined(statements):
    """Return several sentences as one statement."""
    return Statement("sentences", {"all": [stored(statement) for statement in statements]})
