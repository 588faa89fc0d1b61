"""What became of several documents confirmed at once: the ones that could not be posted, with the reasons."""

from odoo import api, fields, models

from ..models import finance_posting as posting


class FinancePostingResult(models.TransientModel):
    _name = "finance.posting.result"
    _description = "Documents that were not posted"

    line_ids = fields.One2many(
        "finance.posting.result.line", "result_id", "Documents", readonly=True
    )
    following = fields.Json("Next action", readonly=True)

    @api.depends_context("lang")
    def _compute_display_name(self):
        self.display_name = self.env._("Documents that were not posted")

    @api.model
    def _show(self, refusals, following=False):
        """Show refusals to the person who posts; open cases where no user is there to see them.

        :param following: the action to go on with
        """
        if not refusals:
            return following
        if self.env.su:
            self.env["finance.posting.watch"]._report(refusals)
            return following
        reason = self.env["finance.posting"]._reason
        result = self.sudo().create(
            {
                "following": following,
                "line_ids": [
                    fields.Command.create({"move_id": refusal.move.id, "reason": reason(refusal)})
                    for refusal in refusals
                ],
            }
        )
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Documents that were not posted"),
            "res_model": self._name,
            "res_id": result.id,
            "views": [(False, "form")],
            "target": "new",
        }

    def action_open_documents(self):
        """Open the documents that were not posted."""
        self.ensure_one()
        self.check_access("read")
        return self.env["finance.posting"]._open_documents(self.line_ids.move_id)

    def action_continue(self):
        """Go on with what Odoo asks about the other documents."""
        self.ensure_one()
        self.check_access("read")
        return self.following or {"type": "ir.actions.act_window_close"}


class FinancePostingResultLine(models.TransientModel):
    _name = "finance.posting.result.line"
    _description = "Document that was not posted"

    result_id = fields.Many2one(
        "finance.posting.result", required=True, readonly=True, ondelete="cascade"
    )
    move_id = fields.Many2one(
        "account.move", "Document", required=True, readonly=True, ondelete="cascade"
    )
    partner_id = fields.Many2one(related="move_id.partner_id", string="Customer")
    currency_id = fields.Many2one(related="move_id.currency_id")
    amount_total = fields.Monetary(related="move_id.amount_total", string="Amount")
    reason = fields.Char(readonly=True)


class ValidateAccountMove(models.TransientModel):
    _inherit = "validate.account.move"

    def validate_move(self):
        """Post what can be posted of several documents; the others are shown with the reasons."""
        moves = self.move_ids
        if not self.force_hash:
            moves = moves.filtered(lambda move: not move.restrict_mode_hash_table)
        if not moves._finance_is_batch():
            return super().validate_move()
        selected = self.move_ids

        def attempt(subset):
            self.move_ids = subset
            return super(ValidateAccountMove, self).validate_move()

        refusals = posting.post_what_can_be(moves, attempt, soft=not self.force_post)
        self.move_ids = selected
        return self.env["finance.posting.result"]._show(
            refusals, {"type": "ir.actions.act_window_close"}
        )
