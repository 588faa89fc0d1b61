"""Posting steps of the tax engine: local checks, determination, totals equal to the engine's."""

from odoo import api, models
from odoo.addons.finance_connector_base.models.finance_posting import Step


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
        """Refuse what Odoo would refuse anyway (T9)."""
        self._refuse_tax(batch, batch.moves._finance_check_before_tax())

    @api.model
    def _determine_tax(self, batch):
        """Determine the tax of every draft an engine applies to and refuse those without answer."""
        moves = batch.moves._finance_to_determine()
        batch.data["tax.moves"] = moves
        self._refuse_tax(batch, self.env["finance.tax.service"]._settle(moves))

    @api.model
    def _findings_before_post(self, moves):
        """Determine the tax of these documents without posting them.

        :return: document → findings, of those that could not be posted
        """
        service = self.env["finance.tax.service"]
        errors = moves._finance_check_before_tax()
        ready = (moves - moves.browse().concat(*errors))._finance_to_determine()
        errors |= service._settle(ready)
        return {
            move: [service._finding(move, error) for error in found]
            for move, found in errors.items()
        }

    @api.model
    def _refuse_tax(self, batch, errors):
        """Refuse documents, each for its own reasons; the others of the batch go on."""
        service = self.env["finance.tax.service"]
        for move, found in errors.items():
            if not hasattr(batch, "refuse"):
                # The warning with a button is for one person at one document: Odoo does not catch it in batches.
                alone = len(batch.moves) == 1 and not batch.soft
                service._raise(move, found, button=alone)
            action = service._correction(move, found)
            for error in found:
                batch.refuse(move, service._finding(move, error), action=action or None)

    @api.model
    def _verify_tax(self, batch):
        """Refuse a posted document whose totals are not the engine's (T1)."""
        for move in batch.posted & batch.data["tax.moves"]:
            determination = move.finance_tax_determination_id
            if determination:
                move._finance_check_totals(determination)
