"""Dialog of a decision that needs a reference, a reason, or a confirmation."""

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..core import cases


class FinanceCaseDecision(models.TransientModel):
    _name = "finance.case.decision"
    _description = "Decision of a case"

    case_ids = fields.Many2many("finance.case", required=True, readonly=True, string="Cases")
    decision = fields.Selection(list(cases.DECISIONS), required=True, readonly=True)
    consequence = fields.Char(compute="_compute_need")
    needs_reference = fields.Boolean("Reference required", compute="_compute_need")
    needs_reason = fields.Boolean("Reason required", compute="_compute_need")
    reference = fields.Char("Provider reference")
    reason = fields.Char(
        help="Stored as evidence: the source of the information, the date, what was observed."
    )

    @api.depends("case_ids", "decision")
    def _compute_need(self):
        for wizard in self:
            allowed = [case._allowed() for case in wizard.case_ids]
            wizard.needs_reference = wizard.decision == cases.ADOPT
            wizard.needs_reason = any(item.get(wizard.decision) for item in allowed)
            wizard.consequence = wizard._consequence_text()

    def _consequence_text(self):
        _ = self.env._
        if self.decision == cases.ADOPT and self._is_decided_by_provider():
            return _(
                "The status of this reference is checked at the provider, whose verdict then applies."
            )
        return {
            cases.SEND_AGAIN: _(
                "The same content is sent again. If the provider already has it, it may be processed as a second document."
            ),
            cases.ADOPT: _("The exchange is recorded as accepted under this reference."),
            cases.CANCEL: _(
                "Nothing more is sent or checked. The document can be corrected or cancelled."
            ),
            cases.DISMISS: _("Only the case is closed; nothing else changes."),
        }.get(self.decision, "")

    def _is_decided_by_provider(self):
        return all(case._situation().verdict == "poll" for case in self.case_ids)

    def action_confirm(self):
        """Carry out the decision. The rights are checked by the case."""
        self.ensure_one()
        if not self.case_ids:
            raise UserError(self.env._("No case is selected."))
        self.case_ids._resolve(self.decision, self.reference, self.reason)
        return {"type": "ir.actions.act_window_close"}
