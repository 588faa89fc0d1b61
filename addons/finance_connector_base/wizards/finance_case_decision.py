"""The dialog of a decision that needs more than a click: a reference, a reason, or to be read twice."""

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..core import cases


class FinanceCaseDecision(models.TransientModel):
    _name = "finance.case.decision"
    _description = "Decision of a case"

    case_ids = fields.Many2many("finance.case", required=True, readonly=True, string="Cases")
    decision = fields.Selection(list(cases.DECISIONS), required=True, readonly=True)
    consequence = fields.Char("What happens then", compute="_compute_need")
    needs_reference = fields.Boolean(compute="_compute_need")
    needs_reason = fields.Boolean(compute="_compute_need")
    reference = fields.Char("Provider's reference")
    reason = fields.Char(help="Kept as evidence: who told you, when, what you saw.")

    @api.depends("case_ids", "decision")
    def _compute_need(self):
        for wizard in self:
            allowed = [case._allowed() for case in wizard.case_ids]
            wizard.needs_reference = wizard.decision == cases.ADOPT
            wizard.needs_reason = any(item.get(wizard.decision) for item in allowed)
            wizard.consequence = wizard._words_of_consequence()

    def _words_of_consequence(self):
        _ = self.env._
        if self.decision == cases.ADOPT and self._is_decided_by_provider():
            return _("The provider is asked about this reference and decides.")
        return {
            cases.SEND_AGAIN: _(
                "The same bytes are sent again. If the provider has them already, it may take them for a second document."
            ),
            cases.ADOPT: _("The exchange counts as accepted under this reference from now on."),
            cases.CANCEL: _(
                "Nothing more is sent or asked. The document can be corrected or cancelled."
            ),
            cases.DISMISS: _("The exchange stays as it is; only the case is closed."),
        }.get(self.decision, "")

    def _is_decided_by_provider(self):
        return all(case._situation().verdict == "poll" for case in self.case_ids)

    def action_confirm(self):
        """Carry the decision out. The rights are checked by the case."""
        self.ensure_one()
        if not self.case_ids:
            raise UserError(self.env._("There is no case to decide."))
        self.case_ids._decide(self.decision, self.reference, self.reason)
        return {"type": "ir.actions.act_window_close"}
