"""Entries of the audit log: written as canonical bytes, read through a view, never changed."""

import json
import re
from datetime import datetime, timezone
from uuid import uuid4

import psycopg2
from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import format_datetime

from ..core import schema
from ..core.entry import Facts, entry_bytes
from ..core.erasable import Part
from ..core.readable import Terms, TextLine, capital, humanise, readable
from ..core.restricted import RestrictedCode, refuse_private_entry
from ..core.schema import QUERIES
from ..core.statement import stored
from ..core.tree import leaf_hash
from ..exceptions import EvidenceIsAppendOnly
from .audit_context import actor_of, company_of, document_of, subject_of

#: A time in UTC, as details state it.
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)")
TIMELINE_FIELDS = ("audit_timeline", "audit_entry_count")


class FinanceAuditEntry(models.Model):
    _name = "finance.audit.entry"
    _description = "Audit entry"
    _inherit = ["finance.evidence.mixin"]
    _auto = False
    _log_access = False
    _order = "id desc"
    _rec_name = "summary"
    _evidence_open = frozenset()

    uid = fields.Char("Entry ID", readonly=True)
    created_at = fields.Datetime("Time", readonly=True)
    company_id = fields.Many2one("res.company", readonly=True)
    user_id = fields.Many2one(
        "res.users",
        "Acting as",
        readonly=True,
        help="The user whose access rights were used, for example the system user in a scheduled job.",
    )
    real_user_id = fields.Many2one(
        "res.users", "User", readonly=True, help="The user who was logged in."
    )
    user_login = fields.Char("Login", readonly=True)
    source = fields.Selection(
        [
            ("ui", "User interface"),
            ("rpc", "API"),
            ("cron", "Scheduled job"),
            ("cli", "Command line"),
        ],
        readonly=True,
    )
    action = fields.Char("Action ID", readonly=True)
    action_label = fields.Char("Action", compute="_compute_action_label")
    outcome = fields.Selection(
        [
            ("info", "Information"),
            ("success", "Success"),
            ("warning", "Warning"),
            ("failure", "Failure"),
        ],
        readonly=True,
    )
    summary = fields.Char(compute="_compute_summary", search="_search_summary")
    recorded_summary = fields.Char(
        "Summary as recorded",
        readonly=True,
        help="The sentence in the language of the user who acted.",
    )
    record_model = fields.Char("Record model", readonly=True)
    record_id = fields.Integer("Record ID", readonly=True)
    record_name = fields.Char("Record", readonly=True)
    document_model = fields.Char("Document model", readonly=True)
    document_id = fields.Integer("Document ID", readonly=True)
    document_name = fields.Char("Document", readonly=True)
    correlation_id = fields.Char("Correlation ID", readonly=True)
    canonical_text = fields.Text("Canonical bytes", readonly=True)
    leaf_hash = fields.Char("Leaf hash", readonly=True)
    erasable_state = fields.Selection(
        [("none", "None"), ("kept", "Stored"), ("erased", "Erased")], "Personal data", readonly=True
    )
    details_html = fields.Html("Details", compute="_compute_details_html", sanitize=False)

    # -- database ------------------------------------------------------------------------------

    def init(self):
        """Create or repair schema, tables, guards and views: at installation and at every upgrade."""
        weakened = schema.exists(self.env.cr) and self.env["finance.audit.protection"]._state()
        schema.create(self.env.cr)
        if weakened and weakened.weaknesses:
            self.env["finance.audit.protection"]._record_repair(weakened)

    @api.model_create_multi
    def create(self, vals_list):  # Refused for everybody. # pylint: disable=method-required-super
        """Refuse: entries are written by ``_record`` only.

        :raises EvidenceIsAppendOnly: always.
        """
        raise EvidenceIsAppendOnly(
            self.env._(
                "Audit entries cannot be created manually. They are recorded by the operation "
                "that they document."
            )
        )

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
        statement=None,
        summary="",
        details=None,
        correlation_id=None,
        erasable=None,
    ):
        """Write one entry in the current transaction and return its uid.

        `statement` is what the entry says, as a code with arguments (`core.statement`) that every reader has in the
        own language; `summary` is a sentence where there is no code, and needs none where there is one.

        `record` is the technical subject, `document` the business document whose timeline shows the entry. The
        company is that of the document or of the record unless given. `erasable` is personal data that may have
        to be erased one day: a mapping like `details`, stored separately and encrypted.
        """
        uids = self._record_many(
            [
                {
                    "action": action,
                    "record": record,
                    "document": document,
                    "company": company,
                    "outcome": outcome,
                    "statement": statement,
                    "summary": summary,
                    "details": details,
                    "correlation_id": correlation_id,
                    "erasable": erasable,
                }
            ]
        )
        return uids[0] if uids else None

    @api.model
    def _record_many(self, entries):
        """Write several entries with one INSERT. Each is a dict of the arguments of `_record`."""
        actor = actor_of(self.env)
        return self._append([self._facts(actor, **entry) for entry in entries])

    @api.model
    def _facts(
        self,
        actor,
        *,
        action,
        record=None,
        document=None,
        company=None,
        statement=None,
        summary="",
        details=None,
        erasable=None,
        **other,
    ):
        """Return the facts as they are now: the record may be deleted when they are written."""
        document = document_of(record, document)
        return Facts(
            action=action,
            actor=actor,
            record=subject_of(record),
            document=subject_of(document),
            company_id=company.id if company else company_of(document, record),
            statement=statement,
            summary=summary or (self._sentence_of(statement) if statement else ""),
            details=details or {},
            erasable=Part.of(erasable) if erasable else None,
            **other,
        )

    @api.model
    def _append(self, facts_list):
        """Insert facts as canonical bytes; return their uids in order.

        While the addon is being uninstalled there is no table any more, and nothing is recorded. Otherwise a
        missing table is an error: no operation may succeed without its evidence.
        """
        if not facts_list:
            return []
        self._refuse_forgery()
        self.env.cr.execute(QUERIES["clock"])
        now, is_there = self.env.cr.fetchone()
        if not is_there and self._is_uninstalling():
            return []
        written_at = now.astimezone(timezone.utc)
        uids = [uuid4() for _facts in facts_list]
        canonical = [
            entry_bytes(facts, uid, written_at) for facts, uid in zip(facts_list, uids, strict=True)
        ]
        self.env.cr.execute(
            QUERIES["append"],
            {
                "canonical": [psycopg2.Binary(data) for data in canonical],
                "leaf_hash": [psycopg2.Binary(leaf_hash(data)) for data in canonical],
            },
        )
        for facts, uid in zip(facts_list, uids, strict=True):
            if facts.erasable:
                log_id = facts.company_id or 0
                self.env["finance.audit.erasable"]._add(uid, log_id, facts.erasable, written_at)
        self._forget_timelines(facts_list)
        return [str(uid) for uid in uids]

    def _refuse_forgery(self):
        """Refuse facts that a server action or a template states itself (F3, F14).

        :raises EvidenceIsAppendOnly: an expression called a private method that records.
        """
        try:
            refuse_private_entry()
        except RestrictedCode as error:
            raise EvidenceIsAppendOnly(
                self.env._(
                    "Audit entries are recorded by the operation that they document. A server action "
                    "or template cannot record them."
                )
            ) from error

    def _is_uninstalling(self):
        self.env.cr.execute(QUERIES["is_uninstalling"])
        return self.env.cr.fetchone()[0]

    @api.model
    def _forget_timelines(self, facts_list):
        """Invalidate timelines that were already computed in this transaction."""
        for facts in facts_list:
            model = self.env.get(facts.document.model) if facts.document else None
            if model is not None and "audit_timeline" in model._fields:
                model.browse(facts.document.id).invalidate_recordset(TIMELINE_FIELDS, flush=False)

    @api.model
    def _sentence_of(self, statement):
        """Return the sentence of a statement in the language of the environment."""
        return self.env["finance.audit.statement"]._render(stored(statement))

    # -- reading -------------------------------------------------------------------------------

    @api.depends("canonical_text", "recorded_summary")
    @api.depends_context("lang")
    def _compute_summary(self):
        """Render what the entry states in the reader's language; an entry without a code has its sentence."""
        statements = self.env["finance.audit.statement"]
        sentences = statements._sentences()
        for entry in self:
            stated = entry._statement()
            rendered = stated and statements._render(stated, sentences)
            entry.summary = rendered or entry.recorded_summary

    def _statement(self):
        """Return the stored statement of the entry, or None."""
        return json.loads(self.canonical_text or "{}").get("statement")

    @api.model
    def _search_summary(self, operator, value):
        """Search what was recorded: the sentence in the writer's language."""
        return [("recorded_summary", operator, value)]

    @api.depends("action")
    @api.depends_context("lang")
    def _compute_action_label(self):
        labels = self._action_labels()
        for entry in self:
            entry.action_label = labels.get(entry.action) or humanise(entry.action)

    @api.model
    def _action_labels(self):
        """Return the label of every action that an installed addon records; addons extend it.

        Changes of tracked models are labelled by the models themselves.
        """
        _ = self.env._
        labels = {}
        for name in self.pool.descendants(["finance.audit.tracked.mixin"], "_inherit"):
            model = self.env[name]
            if not model._abstract:
                labels.update(model._audit_action_labels())
        return {
            **labels,
            "configuration.created": _("Settings created"),
            "configuration.changed": _("Settings changed"),
            "configuration.deleted": _("Settings deleted"),
            "audit.erased": _("Personal data erased"),
            "audit.exported": _("Evidence exported"),
            "audit.key.added": _("Signing key used for the first time"),
            "audit.log.copied": _("Log of a copied database"),
            "audit.verification.intact": _("Verification: intact"),
            "audit.verification.damaged": _("Verification: damaged"),
            "audit.verification.incomplete": _("Verification: not completed"),
            "audit.guards.installed": _("Guards of evidence in place"),
            "audit.protection.lost": _("Audit protection lost"),
            "audit.protection.restored": _("Audit protection restored"),
            "administration.access": _("Access right of a finance model changed"),
            "administration.rule": _("Record rule of a finance model changed"),
            "administration.server_action": _("Server action changed"),
            "administration.scheduled_action": _("Scheduled action changed"),
            "administration.parameter": _("System parameter changed"),
            "administration.addon": _("Addon installed, upgraded or removed"),
            "role.granted": _("Role granted"),
            "role.withdrawn": _("Role revoked"),
        }

    @api.depends("canonical_text")
    @api.depends_context("lang", "tz", "uid")
    def _compute_details_html(self):
        for entry in self:
            entry.details_html = self.env["ir.qweb"]._render(
                "finance_audit.details", {"lines": entry._detail_lines()}
            )

    def _detail_lines(self):
        details = json.loads(self.canonical_text or "{}").get("details", {})
        terms = _ReaderTerms(self, details)
        lines = list(readable(details, terms=terms))
        if self.erasable_state == "kept":
            parts = self.env["finance.audit.erasable"]._parts([self.uid])
            lines += [
                line
                for part in parts.values()
                for line in readable(json.loads(part.text), terms=terms)
            ]
        elif self.erasable_state == "erased":
            lines.append(TextLine(self.env._("Personal data"), self.env._("Erased")))
        return lines

    @api.model
    def _detail_labels(self):
        """Return key of details → label; addons extend it. None hides what the summary already says."""
        _ = self.env._
        return {
            "changes": _("Changes"),
            "model": _("Model"),
            "id": _("Record ID"),
            "number": _("Number"),
            "name": _("Name"),
            "role": None,
            "user": _("User"),
            "login": _("Login"),
            "reason": _("Reason"),
            "entries": _("Entries"),
            "scope": _("Scope"),
            "with_erasable": _("With personal data"),
            "size": _("Size of the log"),
            "from": _("From"),
            "to": _("To"),
            "trigger": _("Started by"),
            "damage": _("Damage"),
            "weaknesses": _("Missing guards"),
            "level": _("Level of protection"),
            "guards": _("Guards"),
            "server": _("Database server"),
            "verifier_key": _("Public key"),
            "root": _("Root hash"),
        }

    @api.model
    def _detail_selections(self):
        """Return key of details → (model, field) of the selection that its values are of; addons extend it."""
        return {
            "scope": ("finance.audit.export", "scope"),
            "trigger": ("finance.audit.verification", "trigger"),
        }

    @api.model
    def _detail_records(self):
        """Return key of details → model of the records whose ids are its values; addons extend it."""
        return {}

    def _detail_text(self, key, value):
        """Return a value of the details as the reader sees it, "" where there is no better text; addons extend it."""
        return ""

    @api.model
    def _technical_details(self):
        """Return keys of details that only auditors and those in charge of the connections see; addons extend it."""
        return {"root", "verifier_key", "server"}

    @api.model
    def _secret_verbs(self):
        """Return what may have happened to a value that is not recorded itself → its text."""
        _ = self.env._
        return {
            "set": _("set"),
            "changed": _("changed"),
            "cleared": _("cleared"),
            "replaced": _("replaced"),
        }

    @api.model
    def _sees_technical_details(self):
        """Return whether the reader sees hashes, keys and identifiers; addons extend it."""
        return self.env.user.has_group("finance_audit.group_auditor")

    def _compute_display_name(self):
        for entry in self:
            entry.display_name = entry.summary or entry.action_label

    # -- actions -------------------------------------------------------------------------------

    def action_open_document(self):
        """Open the document, else the record, with the access rights of the reader."""
        self.ensure_one()
        self.check_access("read")
        model, number = self._target()
        target = self.env[model].browse(number) if self._can_open(model) else None
        if not target or not target.exists():
            name = self.document_name or self.record_name or ""
            raise UserError(
                self.env._("%(document)s does not exist any more.", document=name)
                if name
                else self.env._("The document does not exist any more.")
            )
        return {
            "type": "ir.actions.act_window",
            "res_model": model,
            "res_id": target.id,
            "views": [(False, "form")],
        }

    def action_export_evidence(self):
        """Open the export for the document of this entry, else for everything."""
        self.ensure_one()
        self.check_access("read")
        context = {}
        if self.document_id:
            context = {
                "default_scope": "document",
                "default_document_model": self.document_model,
                "default_document_id": self.document_id,
                "default_document_name": self.document_name,
                "default_company_ids": self.company_id.ids,
            }
        action = self.env["ir.actions.act_window"]._for_xml_id("finance_audit.action_export")
        return {**action, "context": context}

    def action_open_erase(self):
        """Open the erasure of the personal data stored with the entries of this document or record."""
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id("finance_audit.action_erase")
        model, number = self._target()
        context = {
            "default_document_model": model,
            "default_document_id": number,
            "default_document_name": self.document_name or self.record_name,
        }
        return {**action, "context": context}

    def _target(self):
        """Return model and id of the document, else of the record."""
        if self.document_id:
            return self.document_model, self.document_id
        return self.record_model, self.record_id

    def _can_open(self, model):
        return model in self.env and not self.env[model]._abstract


class _ReaderTerms(Terms):
    """How the reader of an entry sees the keys and values of its details."""

    def __init__(self, entry, details):
        self._env = entry.env
        self._entry = entry
        self._labels = entry._detail_labels()
        self._selections = entry._detail_selections()
        self._records = entry._detail_records()
        self._hidden = set() if entry._sees_technical_details() else entry._technical_details()
        tracked = self._env.get(entry.record_model) if "changes" in details else None
        self._fields = {} if tracked is None else tracked._fields
        self._verbs = entry._secret_verbs()

    def label(self, key):
        if key in self._hidden:
            return None
        if field := self._fields.get(key):
            return field._description_string(self._env)
        return self._labels.get(key, capital(key))

    def text(self, key, value):
        if isinstance(value, bool):
            return self._env._("yes") if value else self._env._("no")
        field = self._fields.get(key)
        if not field and key in self._selections:
            model, name = self._selections[key]
            field = self._env[model]._fields[name]
        if field and field.type == "selection":
            return dict(field._description_selection(self._env)).get(value, str(value))
        if text := self._entry._detail_text(key, value):
            return text
        if key == "model" and value in self._env:
            return self._env["ir.model"]._get(value).sudo().name or value
        if key in self._records and str(value).isdigit():
            return self._name_of(self._env[self._records[key]], int(value))
        if self._fields and value in self._verbs:
            return self._verbs[value]
        return _moment(self._env, value) or str(value)

    def _name_of(self, model, number):
        record = model.sudo().browse(number).exists()
        return record.display_name if record else str(number)


def _moment(env, value):
    """Return a recorded time as the reader sees it, "" for any other value."""
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        return ""
    moment = datetime.fromisoformat(value)
    return format_datetime(env, moment.astimezone(timezone.utc).replace(tzinfo=None))
