"""The e-invoice of an invoice: shown, followed by search and grouping, and obeyed."""

from odoo import api, fields, models
from odoo.addons.finance_connector_base.core.finding import Finding

from ..core import lifecycle

#: Internal users; customers at the portal see none of it.
_INTERNAL = "base.group_user"


class AccountMove(models.Model):
    _inherit = "account.move"

    einvoice_ids = fields.One2many(
        "finance.einvoice",
        "move_id",
        "E-invoices",
        groups="finance_connector_base.group_accountant,finance_audit.group_auditor",
    )
    # Stored once, when the e-invoice is created: its state is not copied to the invoice, so that the dispatcher and a
    # user who edits the invoice do not wait for each other. Related fields can be searched and grouped through it.
    einvoice_id = fields.Many2one(
        "finance.einvoice",
        "Current e-invoice",
        compute="_compute_einvoice_id",
        store=True,
        compute_sudo=True,
        index="btree_not_null",
        groups=_INTERNAL,
    )
    einvoice_state = fields.Selection(
        related="einvoice_id.state", string="E-invoice", groups=_INTERNAL
    )
    einvoice_note = fields.Char(
        related="einvoice_id.status_note", string="E-invoice status", groups=_INTERNAL
    )
    einvoice_reference = fields.Char(
        related="einvoice_id.reference", string="E-invoice reference", groups=_INTERNAL
    )
    einvoice_reasons = fields.Html(
        related="einvoice_id.reasons_html", string="Reasons of the rejection", groups=_INTERNAL
    )
    einvoice_findings = fields.Html(
        related="einvoice_id.findings_html", string="Findings of the checks", groups=_INTERNAL
    )

    @api.depends("einvoice_ids")
    def _compute_einvoice_id(self):
        """Set the e-invoice that was made last; a document has a second one only if its regime changed."""
        for move in self:
            move.einvoice_id = move.einvoice_ids.sorted("id")[-1:]

    def _compute_show_reset_to_draft_button(self):
        """Hide a button that would be refused; the guard itself is in ``write``."""
        super()._compute_show_reset_to_draft_button()
        for move in self.sudo():
            if move.einvoice_state in lifecycle.HELD | {lifecycle.UNKNOWN}:
                move.show_reset_to_draft_button = False

    def write(self, vals):
        if vals.get("state") in ("draft", "cancel"):
            leaving = self.filtered(lambda move: move.state != vals["state"])
            leaving.sudo().einvoice_ids._release()
        result = super().write(vals)
        if vals.get("state") == "cancel":
            self.sudo().einvoice_ids._cancel(Finding("einvoice.cancelled"))
        return result

    def unlink(self):
        einvoices = self.sudo().einvoice_ids
        einvoices._release()
        einvoices.unlink()
        return super().unlink()

    def action_open_einvoice(self):
        """Open the e-invoice of this document."""
        self.ensure_one()
        self.check_access("read")
        return {
            "type": "ir.actions.act_window",
            "res_model": "finance.einvoice",
            "res_id": self.einvoice_id.id,
            "views": [(False, "form")],
        }
