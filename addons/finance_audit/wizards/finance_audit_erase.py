"""Erasure of personal data in the audit log, on request of the data subject (GDPR, article 17)."""

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError


class FinanceAuditErase(models.TransientModel):
    _name = "finance.audit.erase"
    _description = "Erase personal data in the audit log"

    document_model = fields.Char("Document model", required=True)
    document_id = fields.Integer("Document ID", required=True)
    document_name = fields.Char("Document or record", readonly=True)
    count = fields.Integer("Entries with personal data", compute="_compute_count")
    reason = fields.Char(required=True)

    @api.depends("document_model", "document_id")
    def _compute_count(self):
        for wizard in self:
            wizard.count = len(wizard._entries())

    def _entries(self):
        """Return the entries that have the document as their document or as their record."""
        about = ["|"]
        for kind in ("document", "record"):
            about += [
                "&",
                (f"{kind}_model", "=", self.document_model),
                (f"{kind}_id", "=", self.document_id),
            ]
        return self.env["finance.audit.entry"].search([("erasable_state", "=", "kept"), *about])

    def action_erase(self):
        """Erase permanently. The user must be both an auditor, who reads, and an administrator, who erases."""
        self.ensure_one()
        if not self.env.user.has_group("base.group_system"):
            raise AccessError(
                self.env._("Only administrators with the role Auditor can erase personal data.")
            )
        entries = self._entries()
        if not entries:
            raise UserError(self.env._("The entries do not contain any personal data."))
        self.env["finance.audit.erasable"]._erase(entries.mapped("uid"), self.reason)
        return {"type": "ir.actions.act_window_close"}
