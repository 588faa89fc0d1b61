"""Which evidence an auditor takes along: a document's, a period's, or everything."""

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

from ..packaging import PackageBuilder


class FinanceAuditExport(models.TransientModel):
    _name = "finance.audit.export"
    _description = "Export an evidence package"

    scope = fields.Selection(
        [("everything", "Everything"), ("period", "A period"), ("document", "A document")],
        required=True,
        default="everything",
    )
    company_ids = fields.Many2many(
        "res.company", string="Companies", default=lambda self: self.env.companies
    )
    shared = fields.Boolean("What belongs to no company", default=True)
    date_from = fields.Datetime("From")
    date_to = fields.Datetime("Up to")
    document_model = fields.Char()
    document_id = fields.Integer("Document number")
    document_name = fields.Char("Document", readonly=True)
    with_erasable = fields.Boolean(
        "With personal data",
        help="Adds the parts that may be erased later. Without them the package proves the same.",
    )

    @api.constrains("scope", "date_from", "date_to", "document_id")
    def _check_scope(self):
        for export in self:
            if export.scope == "period" and not (export.date_from and export.date_to):
                raise UserError(self.env._("Say from when up to when."))
            if export.scope == "document" and not (export.document_model and export.document_id):
                raise UserError(self.env._("Open the export from an entry of the document."))

    def action_export(self):
        """Seal what can be sealed and hand over to the download."""
        self.ensure_one()
        self._check_rights()
        self.env["finance.audit.sealer"]._seal_all(self._log_ids())
        return {
            "type": "ir.actions.act_url",
            "url": f"/finance_audit/package/{self.id}",
            "target": "self",
        }

    def _check_rights(self):
        """Auditors only, of their companies, with the wizard they opened themselves.

        Read with all rights: a company that is hidden from the user must not just be left out.
        """
        self.env["finance.audit.entry"].check_access("read")
        if self.create_uid != self.env.user or self.sudo().company_ids - self.env.user.company_ids:
            raise AccessError(self.env._("This export is not yours."))

    def _log_ids(self):
        return ([0] if self.shared else []) + self.company_ids.ids

    def _write(self, stream):
        """Write the package into a binary file, and leave an entry in every log it is of."""
        self._check_rights()
        builder = PackageBuilder(self.sudo(), stream)
        logs = builder.build()
        self.env["finance.audit.entry"]._record_many(
            [
                {
                    "action": "audit.exported",
                    "company": self.env["res.company"].browse(log["log_id"]),
                    "outcome": "success",
                    "summary": self._sentence(log),
                    "details": {**self._scope(), "entries": log["entries"], "size": log["size"]},
                }
                for log in logs
            ]
        )

    def _sentence(self, log):
        return self.env._(
            "An evidence package with %(count)s entries was exported.", count=log["entries"]
        )

    def _scope(self):
        """Return the scope as the manifest, the entry and the verifier's reader have it."""
        scope = {"scope": self.scope, "with_erasable": self.with_erasable}
        if self.scope == "period":
            scope |= {"from": self.date_from, "to": self.date_to}
        if self.scope == "document":
            scope |= {"model": self.document_model, "number": self.document_id}
        return scope
