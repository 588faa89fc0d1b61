"""Texts of the reasons that only the embedded engine has."""

from odoo import api, models


class FinanceFinding(models.AbstractModel):
    _inherit = "finance.finding"

    @api.model
    def _messages(self):
        _ = self.env._
        hints = self._tax_hints()
        sentences = {
            "FT001.jurisdiction": _("No tax jurisdiction is recorded for %(place)s."),
            "FT001.special_area": _("The buyer is in a part of %(place)s with its own VAT rules."),
            "FT001.rule_goods_business": _(
                "No tax rule of %(jurisdiction)s covers goods of category “%(category)s” for a "
                "business on %(date)s."
            ),
            "FT001.rule_goods_consumer": _(
                "No tax rule of %(jurisdiction)s covers goods of category “%(category)s” for a "
                "consumer on %(date)s."
            ),
            "FT001.rule_services_business": _(
                "No tax rule of %(jurisdiction)s covers services of category “%(category)s” for a "
                "business on %(date)s."
            ),
            "FT001.rule_services_consumer": _(
                "No tax rule of %(jurisdiction)s covers services of category “%(category)s” for a "
                "consumer on %(date)s."
            ),
            "FT001.rule_digital_business": _(
                "No tax rule of %(jurisdiction)s covers digital services of category "
                "“%(category)s” for a business on %(date)s."
            ),
            "FT001.rule_digital_consumer": _(
                "No tax rule of %(jurisdiction)s covers digital services of category "
                "“%(category)s” for a consumer on %(date)s."
            ),
            "FT002.rules": _("Equally specific tax rules apply: %(rules)s."),
            "FT003.seller_country": _("The seller's address has no country."),
            "FT003.buyer_country": _("The customer's address has no country."),
            "FT003.delivery_country": _("The delivery address has no country."),
            "FT003.dispatch_country": _("The dispatch address has no country."),
            "FT003.delivery_state": _("The delivery address has no state."),
            "FT003.delivery_area": _("The delivery address is in no recorded tax jurisdiction."),
            "FT008.cross_border": _(
                "The place of supply of sales from %(origin)s to %(destination)s is not covered."
            ),
            "FT008.origin_outside_eu": _(
                "The goods are dispatched from %(origin)s, outside the EU VAT territory."
            ),
        }
        own = {code: (text, hints[code[:5]]) for code, text in sentences.items()}
        return {**super()._messages(), **own}
