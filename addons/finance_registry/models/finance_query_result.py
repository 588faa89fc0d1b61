"""Names of what the registries are asked and what they answer."""

from odoo import api, models


class FinanceQueryResult(models.Model):
    _inherit = "finance.query.result"

    @api.model
    def _value_labels(self):
        _ = self.env._
        return {
            **super()._value_labels(),
            "number": _("VAT number"),
            "requester": _("VAT number of the company"),
            "countryCode": _("Country code"),
            "vatNumber": _("Number without country code"),
            "valid": _("Valid"),
            "name": _("Registered name"),
            "address": _("Registered address"),
            "traderName": _("Registered name"),
            "traderAddress": _("Registered address"),
            "traderStreet": _("Registered street"),
            "traderPostcode": _("Registered postcode"),
            "traderCity": _("Registered city"),
            "traderCompanyType": _("Legal form"),
            "requestDate": _("Date of the answer"),
            "requestIdentifier": _("Proof number"),
            "consultationNumber": _("Proof number"),
            "processingDate": _("Date of the answer"),
        }
