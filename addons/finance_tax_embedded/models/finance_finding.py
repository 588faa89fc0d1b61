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
        return {**super()._messages(), **own, **self._place_statements()}

    @api.model
    def _place_statements(self):
        """Return the sentences about the place of supply."""
        _ = self.env._
        sentences = {
            "place.domestic": _("The supply stays in the country: %(place)s."),
            "place.goods_stay": _(
                "The goods stay in %(place)s (articles 31 and 32 of directive 2006/112/EC)."
            ),
            "place.goods_move": _("The goods go from %(origin)s to %(destination)s."),
            "place.goods_leave": _("The goods leave the European Union; destination: %(place)s."),
            "place.buyer_identified": _("The buyer is identified for VAT in %(place)s."),
            "place.no_vat_number": _(
                "The buyer has no VAT number, so article %(article)s does not apply; the supply is "
                "taxed in %(origin)s."
            ),
            "place.other_vat_number": _(
                "“%(number)s” is not a VAT number of another member state, so article %(article)s "
                "does not apply; the supply is taxed in %(origin)s."
            ),
            "place.same_state": _("Seller and buyer are established in %(place)s."),
            "place.business_service": _("Service to a business in %(place)s."),
            "place.consumer_services": _(
                "Services to a consumer are taxed where the seller is established (article 45 of "
                "directive 2006/112/EC)."
            ),
            "place.digital_consumer": _("Digital service to a consumer in %(place)s."),
            "place.local_registration": _(
                "The seller is registered for VAT in %(place)s, so the supply is taxed there "
                "(article %(article)s)."
            ),
            "place.one_stop_shop": _(
                "The seller uses the union one-stop shop, so the supply is taxed in %(place)s "
                "(article %(article)s)."
            ),
            "place.below_threshold": _(
                "On %(date)s the seller is registered neither for the one-stop shop nor for VAT in "
                "%(destination)s: below the threshold of article 59c, the supply is taxed in "
                "%(origin)s."
            ),
            "place.delivered_abroad": _("Delivery to %(place)s."),
            "place.no_nexus": _("Delivery to %(place)s, where no nexus is recorded on %(date)s."),
            "place.nexus": _("Delivery to %(place)s, where the seller has nexus."),
            "place.origin_sourced": _("In this state the tax follows the place of shipment."),
        }
        return {code: (text, "") for code, text in sentences.items()}

    @api.model
    def _place_rules(self):
        """Return rules that the place of supply decides alone: code → (name, reason)."""
        _ = self.env._
        return {
            "eu.intra_community.goods": (
                _("Intra-Community supply of goods"),
                _("Intra-Community supply, exempt"),
            ),
            "eu.intra_community.services": (
                _("Services to a business in another member state"),
                _("Reverse charge"),
            ),
            "eu.export.goods": (
                _("Export of goods"),
                _("Export of goods outside the European Union, exempt"),
            ),
            "eu.outside.services": (
                _("Services to a business outside the European Union"),
                _("Service supplied outside the European Union, not subject to VAT here"),
            ),
            "eu.outside.digital": (
                _("Digital services to a consumer outside the European Union"),
                _(
                    "Digital service to a consumer outside the European Union, not subject to VAT "
                    "here"
                ),
            ),
            "us.export": (
                _("Export from the United States"),
                _("Export from the United States, not taxed"),
            ),
            "us.abroad": (
                _("Services used outside the United States"),
                _("Service used outside the United States, not taxed"),
            ),
            "us.no_nexus": (
                _("Delivery to a state without nexus"),
                _("No nexus: the seller has no sales tax permit in this state"),
            ),
        }

    # -- codes as names ------------------------------------------------------------------------

    @api.model
    def _tax_place(self, code):
        names = self.env["finance.tax.jurisdiction"].sudo().with_context(active_test=False)
        return names.search([("code", "=", code)], limit=1).name or super()._tax_place(code)

    @api.model
    def _tax_category(self, code):
        names = self.env["finance.tax.category"].sudo().with_context(active_test=False)
        return names.search([("code", "=", code)], limit=1).name or super()._tax_category(code)

    @api.model
    def _tax_rule(self, name):
        """Return the translation of the rule of this name, if there still is one."""
        rules = self._place_rules()
        return rules[name][0] if name in rules else self._tax_rule_text("name", name)

    @api.model
    def _tax_reason(self, rule, reason):
        rules = self._place_rules()
        return rules[rule][1] if rule in rules else self._tax_rule_text("reason", reason)

    @api.model
    def _tax_legal_reference(self, reference):
        laws = self._place_laws()
        return laws.get(reference) or self._tax_rule_text("legal_reference", reference)

    @api.model
    def _tax_source(self, source):
        return self._tax_rule_text("source", source)

    @api.model
    def _place_laws(self):
        """Return stored legal reference → translated, of the rules that the place decides alone."""
        _ = self.env._
        return {
            "Article 138 of directive 2006/112/EC": _("Article 138 of directive 2006/112/EC"),
            "Articles 44 and 196 of directive 2006/112/EC": _(
                "Articles 44 and 196 of directive 2006/112/EC"
            ),
            "Article 146 of directive 2006/112/EC": _("Article 146 of directive 2006/112/EC"),
            "Article 44 of directive 2006/112/EC": _("Article 44 of directive 2006/112/EC"),
            "Article 58 of directive 2006/112/EC": _("Article 58 of directive 2006/112/EC"),
            "United States Constitution, article I, section 9, clause 5": _(
                "United States Constitution, article I, section 9, clause 5"
            ),
            "Sourcing to the place of use, outside every state": _(
                "Sourcing to the place of use, outside every state"
            ),
        }

    @api.model
    def _tax_rule_text(self, field_name, text):
        """Return a stored text of a rule in the reader's language, by the text itself: rules may have
        been changed or deleted since, and what was stored stays true.
        """
        if not text or (self.env.lang or "en_US") == "en_US":
            return text
        rules = self.env["finance.tax.rule"].sudo()
        source = rules.with_context(active_test=False, lang="en_US")
        found = source.search([(field_name, "=", text)], limit=1)
        return found.with_context(lang=self.env.lang)[field_name] or text
