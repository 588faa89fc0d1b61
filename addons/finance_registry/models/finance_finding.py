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
            "vies.fault": (_("The number could not be checked (%(fault)s)."), later),
            "hmrc.refused": (_("The number could not be checked (%(fault)s)."), later),
        }

    @api.model
    def _labels_of(self, args):
        """Name the faults of the registries that say something to users; any other is shown as its code."""
        labels = super()._labels_of(args)
        if text := self._fault_labels().get(str(args.get("fault") or "")):
            labels["fault"] = text
        return labels

    @api.model
    def _fault_labels(self):
        _ = self.env._
        away = _("the country's registry is unavailable at the moment")
        return {
            "MS_UNAVAILABLE": away,
            "TIMEOUT": away,
            "SERVICE_UNAVAILABLE": _("the service is unavailable at the moment"),
            "INVALID_INPUT": _("the format of the number is not valid in its country"),
            "INVALID_REQUESTER_INFO": _("the VAT number of the company is not valid"),
            "VAT_BLOCKED": _("checks for the VAT number of the company are blocked"),
        }
