"""The timeline of a business document, rendered from its audit entries."""

from odoo import fields, models
from odoo.tools import format_date, format_time

# How many entries a timeline shows; the audit log has all of them.
SHOWN = 200

DOTS = {"info": "info", "success": "success", "warning": "warning", "failure": "danger"}


class FinanceAuditTimelineMixin(models.AbstractModel):
    _name = "finance.audit.timeline.mixin"
    _description = "Timeline of audit entries"

    # Employees who may read the document may read its timeline; an addon can narrow that further with `groups`.
    # Portal and public users never see it: it names colleagues and internal steps.
    audit_timeline = fields.Html(
        "Timeline",
        compute="_compute_audit_timeline",
        sanitize=False,
        exportable=False,
        groups="base.group_user",
    )
    audit_entry_count = fields.Integer(
        "Audit entries", compute="_compute_audit_entry_count", groups="base.group_user"
    )

    def _compute_audit_timeline(self):
        for document in self:
            document.audit_timeline = document._audit_render_timeline()

    def _compute_audit_entry_count(self):
        readable = self._audit_readable()
        counts = dict(
            self.env["finance.audit.entry"]
            .sudo()
            ._read_group(readable._audit_domain(), ["document_id"], ["__count"])
        )
        for document in self:
            document.audit_entry_count = (
                counts.get(document._origin.id, 0) if document._origin in readable else 0
            )

    def action_open_audit_entries(self):
        """Open the audit log filtered by this document. The access rights of the log apply."""
        self.check_access("read")
        self.env["finance.audit.entry"].check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id("finance_audit.action_entries")
        return {**action, "domain": self._audit_domain(), "context": {}}

    def _audit_domain(self):
        return [("document_model", "=", self._name), ("document_id", "in", self._origin.ids)]

    def _audit_readable(self):
        """Return the documents that the user may read: code can compute the fields without their own check."""
        return self._origin._filtered_access("read")

    def _audit_render_timeline(self):
        entries = self.env["finance.audit.entry"].sudo()
        readable = self._audit_readable()
        if readable:
            entries = entries.search(readable._audit_domain(), limit=SHOWN + 1)
        return self.env["ir.qweb"]._render(
            "finance_audit.timeline",
            {
                "days": self._audit_days(entries[:SHOWN]),
                "is_cut": len(entries) > SHOWN,
                "shown": SHOWN,
            },
        )

    def _audit_days(self, entries):
        """Group the entries, newest first, by day in the reader's time zone."""
        days = {}
        for entry in entries:
            local = fields.Datetime.context_timestamp(self, entry.created_at)
            heading = format_date(self.env, local.date(), date_format="long")
            days.setdefault(heading, []).append(self._audit_moment(entry, local))
        return days

    def _audit_moment(self, entry, local):
        outcomes = dict(entry._fields["outcome"]._description_selection(self.env))
        return {
            "time": format_time(self.env, local.time()),
            "dot": DOTS.get(entry.outcome, "info"),
            "outcome": outcomes.get(entry.outcome),
            "sentence": entry.summary or entry.action_label,
            "action": entry.action_label,
            "who": entry.real_user_id.name or entry.user_login,
            "correlation_id": entry._sees_technical_details() and entry.correlation_id,
            "lines": entry._detail_lines(),
        }
