"""One line of evidence: written by one INSERT, read through a view, changed by nobody."""

import json
from datetime import timezone
from uuid import uuid4

import psycopg2
from odoo import api, fields, models
from odoo.exceptions import UserError

from .. import install
from ..core.entry import OUTCOMES, Facts, entry_bytes
from ..core.leaf import leaf_hash
from ..core.wording import humanise, readable
from ..exceptions import EvidenceIsAppendOnly
from .circumstances import actor_of, company_of, document_of, subject_of

TIMELINE_FIELDS = ("audit_timeline", "audit_entry_count")


class FinanceAuditEntry(models.Model):
    _name = "finance.audit.entry"
    _description = "Audit entry"
    _auto = False
    _log_access = False
    _order = "id desc"
    _rec_name = "summary"

    uid = fields.Char("Entry id", readonly=True)
    created_at = fields.Datetime("Time", readonly=True)
    company_id = fields.Many2one("res.company", "Company", readonly=True)
    user_id = fields.Many2one(
        "res.users",
        "Acting as",
        readonly=True,
        help="The user whose rights were used, for example the system's in a background job.",
    )
    real_user_id = fields.Many2one(
        "res.users", "User", readonly=True, help="The user who was really logged in."
    )
    user_login = fields.Char("Login", readonly=True)
    source = fields.Selection(
        [
            ("ui", "Screen"),
            ("rpc", "Programming interface"),
            ("cron", "Scheduled job"),
            ("cli", "Command line"),
        ],
        readonly=True,
    )
    action = fields.Char("Action id", readonly=True)
    action_label = fields.Char("Action", compute="_compute_action_label")
    outcome = fields.Selection(
        [(name, name.capitalize()) for name in OUTCOMES],
        readonly=True,
    )
    summary = fields.Char("What happened", readonly=True)
    record_model = fields.Char("Record model", readonly=True)
    record_id = fields.Integer("Record number", readonly=True)
    record_name = fields.Char("Record", readonly=True)
    document_model = fields.Char("Document model", readonly=True)
    document_id = fields.Integer("Document number", readonly=True)
    document_name = fields.Char("Document", readonly=True)
    correlation_id = fields.Char("Correlation id", readonly=True)
    canonical_text = fields.Text("Canonical bytes", readonly=True)
    leaf_hash = fields.Char("Leaf hash", readonly=True)
    details_html = fields.Html("Details", compute="_compute_details_html", sanitize=False)

    # -- database ------------------------------------------------------------------------------

    def init(self):
        """Create or repair schema, table, guards and view: at install and at every upgrade."""
        weakened = install.exists(self.env.cr) and self.env["finance.audit.protection"]._state()
        install.create(self.env.cr)
        if weakened and weakened.weaknesses:
            self.env["finance.audit.protection"]._record_repair(weakened)

    # -- writing -------------------------------------------------------------------------------

    @api.model
    def _record(
        self,
        *,
        action,
        record=None,
        document=None,
        company=None,
        outcome="info",
        summary="",
        details=None,
        correlation_id=None,
    ):
        """Write one entry in the current transaction and return its uid.

        `record` is the technical subject, `document` the business document whose timeline shows
        the entry. The company is the document's or the record's unless given.
        """
        return self._record_many(
            [
                {
                    "action": action,
                    "record": record,
                    "document": document,
                    "company": company,
                    "outcome": outcome,
                    "summary": summary,
                    "details": details,
                    "correlation_id": correlation_id,
                }
            ]
        )[0]

    @api.model
    def _record_many(self, entries):
        """Write several entries with one INSERT. Each is a dict of the arguments of `_record`."""
        actor = actor_of(self.env)
        return self._append([self._facts(actor, **entry) for entry in entries])

    @api.model
    def _facts(
        self, actor, *, action, record=None, document=None, company=None, details=None, **other
    ):
        """Read the facts now: the record may be gone when they are written."""
        document = document_of(record, document)
        return Facts(
            action=action,
            actor=actor,
            record=subject_of(record),
            document=subject_of(document),
            company_id=company.id if company else company_of(document, record),
            details=details or {},
            **other,
        )

    @api.model
    def _append(self, facts_list):
        """Turn facts into canonical bytes and insert them; return their uids in order."""
        if not facts_list:
            return []
        self.env.cr.execute("SELECT clock_timestamp()")
        written_at = self.env.cr.fetchone()[0].astimezone(timezone.utc)
        uids = [uuid4() for _facts in facts_list]
        canonical = [
            entry_bytes(facts, uid, written_at) for facts, uid in zip(facts_list, uids, strict=True)
        ]
        self.env.cr.execute(
            install.statement("append.sql"),
            {
                "canonical": [psycopg2.Binary(data) for data in canonical],
                "leaf_hash": [psycopg2.Binary(leaf_hash(data)) for data in canonical],
            },
        )
        self._forget_timelines(facts_list)
        return [str(uid) for uid in uids]

    @api.model
    def _forget_timelines(self, facts_list):
        """Let a timeline that was already computed in this transaction be computed again."""
        for facts in facts_list:
            model = self.env.get(facts.document.model) if facts.document else None
            if model is not None and "audit_timeline" in model._fields:
                model.browse(facts.document.id).invalidate_recordset(TIMELINE_FIELDS, flush=False)

    # -- refusing ------------------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        self._refuse(self.env._("created by hand"))

    def write(self, vals):
        self._refuse(self.env._("changed"))

    def unlink(self):
        self._refuse(self.env._("deleted"))

    def copy(self, default=None):
        self._refuse(self.env._("duplicated"))

    def _refuse(self, what):
        raise EvidenceIsAppendOnly(
            self.env._(
                "Audit entries cannot be %s, by nobody. "
                "To correct something, do the correction: it is recorded as a further entry.",
                what,
            )
        )

    # -- reading -------------------------------------------------------------------------------

    @api.depends("action")
    def _compute_action_label(self):
        labels = self._action_labels()
        for entry in self:
            entry.action_label = labels.get(entry.action) or humanise(entry.action)

    @api.model
    def _action_labels(self):
        """Return words for action ids that read badly by themselves. Addons above extend it."""
        return {
            "audit.protection.lost": self.env._("Audit protection: lost"),
            "audit.protection.restored": self.env._("Audit protection: restored"),
        }

    @api.depends("canonical_text")
    def _compute_details_html(self):
        for entry in self:
            entry.details_html = self.env["ir.qweb"]._render(
                "finance_audit.details", {"lines": entry._detail_lines()}
            )

    def _detail_lines(self):
        return list(readable(json.loads(self.canonical_text or "{}").get("details", {})))

    def _compute_display_name(self):
        for entry in self:
            entry.display_name = entry.summary or entry.action_label

    def action_open_document(self):
        """Open the document, else the record, with the rights of the reader."""
        self.ensure_one()
        self.check_access("read")
        model = self.document_model or self.record_model
        target = (
            self.env[model].browse(self.document_id or self.record_id) if self._opens() else None
        )
        if not target or not target.exists():
            raise UserError(self.env._("%s no longer exists.", self.document_name or model or ""))
        return {
            "type": "ir.actions.act_window",
            "res_model": model,
            "res_id": target.id,
            "views": [(False, "form")],
        }

    def _opens(self):
        model = self.document_model or self.record_model
        return model in self.env and not self.env[model]._abstract
