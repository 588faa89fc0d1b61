"""A tax engine of the tests: rates by product code, exempt abroad, and any error on request."""

from datetime import datetime, timezone
from decimal import Decimal

from odoo import models
from odoo.addons.finance_connector_base.core import contract

from ..core.amounts import Share, tax_details

CODE = "fake"


class FakeEngine(models.AbstractModel):
    _module = None
    _register = False
    _name = f"finance.tax.engine.{CODE}"
    _inherit = ["finance.tax.engine"]
    _description = "Tax engine of the tests"

    #: Product code → (last day, rate), the earliest last day first.
    rates = {"PAPER": [("9999", "20")], "NOVEL": [("9999", "5.5")]}
    error = None
    calls = 0

    def _determine(self, document):
        FakeEngine.calls += 1
        if FakeEngine.error:
            raise FakeEngine.error
        company = self.env["res.company"].browse(int(document.company_id))
        currency = self.env["res.currency"].search([("name", "=", document.currency)])
        shares = {}
        lines = [line.model_copy(update={"tax_category": line.id}) for line in document.lines]
        for line in lines:
            shares[line.supply, line.id] = (self._share(document, line),)
        copy = document.model_copy(update={"lines": tuple(lines)})
        return contract.TaxAnswer(
            engine=CODE,
            engine_version="1",
            fingerprint=contract.fingerprint(document),
            determined_at=datetime.now(timezone.utc),
            currency=document.currency,
            details=tax_details(copy, shares, self._precision(company, currency)),
            explanation=("Rates by product code.",),
        )

    def _share(self, document, line):
        country = document.seller.address.country
        place = contract.Jurisdiction(code=country, name=country, country=country, level="country")
        if document.buyer.address.country != country:
            category, code = ("K", "IC") if line.supply == "goods" else ("AE", "AE")
            reason = {"reason": "Exempt abroad", "reason_code": f"VATEX-EU-{code}"}
            return Share(place, "vat", category, Decimal(0), "abroad", **reason)
        original = document.kind == "credit_note" and document.original
        date = str(original.tax_date if original else document.tax_date)
        rates = self.rates.get(line.product_code, self.rates["PAPER"])
        rate = next(rate for last_day, rate in rates if date <= last_day)
        return Share(place, "vat", "S", Decimal(rate), f"rate of {line.product_code}")
