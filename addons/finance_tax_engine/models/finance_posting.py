"""Posting steps of the tax engine: local checks, determination, totals equal to the engine's."""

from odoo import api, models
from odoo.addons.finance_connector_base.models.finance_posting import Step
from odoo.exceptions import UserError


class FinancePosting(models.AbstractModel):
    _inherit = "finance.posting"

    @api.model
    def _steps(self):
        return [
            *super()._steps(),
            Step("check", "tax.check", self._check_before_tax),
            Step("determine", "tax.determine", self._determine_tax),
            Step("verify_totals", "tax.verify", self._verify_tax),
        ]

    @api.model
    def _check_before_tax(self, batch):
        """Check what Odoo would refuse anyway, before an engine is asked (T9)."""
        for move in batch.moves:
            with batch.judging(move):
                move._finance_check_before_tax()

    @api.model
    def _determine_tax(self, batch):
        """Ask the engine about every draft it applies to; no answer by any policy is an error."""
        moves = batch.moves._finance_to_determine()
        batch.data["tax.moves"] = moves
        for move in moves:
            with batch.judging(move):
                move._finance_require_tax()

    @api.model
    def _verify_tax(self, batch):
        """Refuse a posted document whose totals are not the engine's (T1)."""
        for move in batch.posted & batch.data["tax.moves"]:
            with batch.judging(move):
                if move.finance_tax_state == "failed":
                    raise UserError(move.finance_tax_message)
                determination = move.finance_tax_determination_id
                if determination:
                    move._finance_check_totals(determination)


class FinanceFinding(models.AbstractModel):
    _inherit = "finance.finding"

    @api.model
    def _messages(self):
        _ = self.env._
        return {
            **super()._messages(),
            "evidence.tax": (_("No tax engine has determined its tax."), ""),
        }
