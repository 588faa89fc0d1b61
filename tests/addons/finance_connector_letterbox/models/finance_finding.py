"""The codes of the Letterbox in the language of the reader."""

from odoo import api, models


class FinanceFinding(models.AbstractModel):
    _inherit = "finance.finding"

    @api.model
    def _messages(self):
        _ = self.env._
        return {
            **super()._messages(),
            "letterbox.no_stamp": (
                _("The letter has no stamp."),
                _("Add a stamp and post the letter again."),
            ),
        }
