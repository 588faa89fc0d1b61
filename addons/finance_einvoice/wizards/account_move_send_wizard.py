"""The dialog *Send* does not offer a second network (E13)."""

from odoo import models

from ..models.finance_einvoice_route import READERS


class AccountMoveSendWizard(models.TransientModel):
    _inherit = "account.move.send.wizard"

    def _compute_sending_method_checkboxes(self):
        """Show a network as not available where the document leaves by our route."""
        super()._compute_sending_method_checkboxes()
        for wizard in self.filtered(lambda item: item.move_id._finance_route_is_ours()):
            wizard.sending_method_checkboxes = {
                method: values
                if method in READERS
                else {**values, "checked": False, "readonly": True}
                for method, values in (wizard.sending_method_checkboxes or {}).items()
            }
