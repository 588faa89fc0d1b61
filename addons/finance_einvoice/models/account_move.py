"""The invoice's side: submit on posting, show the status, obey what the authority holds."""

from odoo import api, fields, models

from ..core import lifecycle


class AccountMove(models.Model):
    _inherit = "account.move"

    einvoice_ids = fields.One2many(
        "finance.einvoice",
        "move_id",
        "E-invoices",
        groups="finance_connector_base.group_accountant,finance_audit.group_auditor",
    )
    einvoice_id = fields.Many2one(
        "finance.einvoice",
        "Current e-invoice",
        compute="_compute_einvoice",
        search="_search_einvoice",
        compute_sudo=True,
    )
    einvoice_state = fields.Selection(
        list(lifecycle.LABELS),
        compute="_compute_einvoice",
        search="_search_einvoice_state",
        compute_sudo=True,
        string="E-invoice",
    )
    einvoice_note = fields.Char(compute="_compute_einvoice", compute_sudo=True)
    einvoice_reference = fields.Char(
        "E-invoice reference", compute="_compute_einvoice", compute_sudo=True
    )
    einvoice_reasons = fields.Html(compute="_compute_einvoice", compute_sudo=True, sanitize=False)

    @api.depends("einvoice_ids.state", "company_id.finance_einvoice_regime")
    def _compute_einvoice(self):
        for move in self:
            regime = move.company_id.finance_einvoice_regime
            einvoice = move.einvoice_ids.filtered(lambda item, code=regime: item.regime == code)[:1]
            einvoice = einvoice or move.einvoice_ids[:1]
            move.einvoice_id = einvoice
            move.einvoice_state = einvoice.state
            move.einvoice_note = einvoice.status_note
            move.einvoice_reference = einvoice.reference
            move.einvoice_reasons = einvoice.reasons_html

    def _search_einvoice(self, operator, value):
        return [("einvoice_ids", operator, value)]

    def _search_einvoice_state(self, operator, value):
        return [("einvoice_ids.state", operator, value)]

    def _compute_show_reset_to_draft_button(self):
        """What the authority holds cannot go back to draft; the guard is in ``write``, this only saves a click."""
        super()._compute_show_reset_to_draft_button()
        for move in self:
            if move.einvoice_state in (lifecycle.ACCEPTED, lifecycle.UNKNOWN):
                move.show_reset_to_draft_button = False

    def write(self, vals):
        if vals.get("state") in ("draft", "cancel"):
            leaving = self.filtered(lambda move: move.state != vals["state"])
            leaving.sudo().einvoice_ids._release()
        result = super().write(vals)
        if vals.get("state") == "cancel":
            self.sudo()._cancel_einvoices()
        return result

    def _cancel_einvoices(self):
        for einvoice in self.einvoice_ids.filtered(
            lambda item: item.state in (lifecycle.DRAFT, lifecycle.REMEDIATION)
        ):
            einvoice._transition(lifecycle.CANCELLED, self.env._("The invoice was cancelled"))

    def unlink(self):
        einvoices = self.sudo().einvoice_ids
        einvoices._release()
        einvoices.unlink()
        return super().unlink()

    def action_open_einvoice(self):
        """The e-invoice of this document."""
        self.ensure_one()
        self.check_access("read")
        return {
            "type": "ir.actions.act_window",
            "res_model": "finance.einvoice",
            "res_id": self.einvoice_id.id,
            "views": [(False, "form")],
        }
