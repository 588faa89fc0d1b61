"""Codes of products, as a provider would need them; one has a standard code."""

from odoo import api, models
from odoo.addons.finance_connector_base.models.finance_mapping import Kind

KIND = "fake_product"


class FinanceMapping(models.Model):
    _inherit = "finance.mapping"

    @api.model
    def _kinds(self):
        sources = ("product.product", "product.template", "product.category")
        return {**super()._kinds(), KIND: Kind("Fake product code", sources, "product_id")}

    @api.model
    def _standard_codes(self, kind, records):
        if kind != KIND:
            return super()._standard_codes(kind, records)
        return {record.id: "STANDARD" for record in records if record.default_code == "standard"}
