"""Texts of the registry addon, in the reader's language."""

from odoo import api, models


class FinanceFinding(models.AbstractModel):
    _inherit = "finance.finding"

    @api.model
    def _messages(self):
        _ = self.env._
        later = _("The check is repeated automatically.")
        return {
            **super()._messages(),
            "registry.no_number": (
                _("The partner has no VAT number that a registry could check."),
                _("Enter the number with its country prefix."),
            ),
            "registry.no_registry": (
                _("There is no registry for VAT numbers that begin with %(country)s."),
                "",
            ),
            "registry.no_connection": (
                _("The company has no active connection to the registry."),
                _("Ask a finance admin to set up and activate the connection."),
            ),
            "vies.fault": (_("The registry could not check the number (%(fault)s)."), later),
            "hmrc.refused": (_("The registry could not check the number (%(fault)s)."), later),
        }
