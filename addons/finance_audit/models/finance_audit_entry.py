"""One line of evidence as Odoo sees it: read through a view, changed by nobody.

How it is written is in `finance_audit_entry_record`.
"""

import json

from odoo import api, fields, models
from odoo.exceptions import UserError

from .. import install
from ..core.entry import OUTCOMES
from ..core.wording import Line, humanise, readable
from ..exceptions import EvidenceIsAppendOnly


class FinanceAuditEntry(models.Model):
    _name = "finance.audit.entry"
    _description = "Audit entry"
    _auto = False
    _log_access = False
    _order = "id desc"
    _rec_name = "summary"

    uid = fields.Char("Entry id", readonly=True)
    created_at = fields.Datetime("Time", readonly=True)
    company_id = fields.Many2one("res.company", readonly=True)
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
    erasable_state = fields.Selection(
        [("none", "None"), ("kept", "Kept"), ("erased", "Erased")], "Personal data", readonly=True
    )
    details_html = fields.Html("Details", compute="_compute_details_html", sanitize=False)

    # -- database ------------------------------------------------------------------------------

    def init(self):
        """Create or repair schema, table, guards and view: at install and at every upgrade."""
        weakened = install.exists(self.env.cr) and self.env["finance.audit.protection"]._state()
        install.create(self.env.cr)
        if weakened and weakened.weaknesses:
            self.env["finance.audit.protection"]._record_repair(weakened)

    # -- refusing ------------------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):  # Refused for everybody. # pylint: disable=method-required-super
        self._refuse(self.env._("created by hand"))

    def write(self, vals):  # Refused for everybody. # pylint: disable=method-required-super
        self._refuse(self.env._("changed"))

    def unlink(self):  # Refused for everybody. # pylint: disable=method-required-super
        self._refuse(self.env._("deleted"))

    def copy(self, default=None):  # Refused for everybody. # pylint: disable=method-required-super
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
            "audit.erased": self.env._("Personal data erased"),
            "audit.exported": self.env._("Evidence exported"),
            "audit.key.added": self.env._("Signing key first used"),
            "audit.log.copied": self.env._("Log of a copied database"),
            "audit.verification.intact": self.env._("Verified: intact"),
            "audit.verification.damaged": self.env._("Verified: damaged"),
            "audit.protection.lost": self.env._("Audit protection: lost"),
            "audit.protection.restored": self.env._("Audit protection: restored"),
            "role.granted": self.env._("Role given"),
            "role.withdrawn": self.env._("Role taken away"),
        }

    @api.depends("canonical_text")
    def _compute_details_html(self):
        for entry in self:
            entry.details_html = self.env["ir.qweb"]._render(
                "finance_audit.details", {"lines": entry._detail_lines()}
            )

    def _detail_lines(self):
        lines = list(readable(json.loads(self.canonical_text or "{}").get("details", {})))
        if self.erasable_state == "kept":
            parts = self.env["finance.audit.erasable"]._parts([self.uid])
            lines += [line for part in parts.values() for line in readable(json.loads(part.text))]
        elif self.erasable_state == "erased":
            lines.append(Line(self.env._("Personal data"), self.env._("erased")))
        return lines

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

    def action_export_evidence(self):
        """Open the export with this entry's document, else with everything."""
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
        """Open the erasure of personal data beside the entries of this document or record."""
        self.ensure_one()
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id("finance_audit.action_erase")
        context = {
            "default_document_model": self.document_model or self.record_model,
            "default_document_id": self.document_id or self.record_id,
            "default_document_name": self.document_name or self.record_name,
        }
        return {**action, "context": context}

    def _opens(self):
        model = self.document_model or self.record_model
        return model in self.env and not self.env[model]._abstract
