"""Codes of units of measure in EN 16931 (BT-130): UNECE Recommendation 20.

The units that Odoo brings have the code of Odoo's own table. Odoo takes every other unit for "one" (C62), which would state
another quantity; such a unit needs a mapping.
"""

from odoo import api, models
from odoo.addons.account_edi_ubl_cii.models.account_edi_common import UOM_TO_UNECE_CODE
from odoo.addons.finance_connector_base.models.finance_mapping import Kind

UOM = "uom"


class FinanceMapping(models.Model):
    _inherit = "finance.mapping"

    @api.model
    def _kinds(self):
        title = self.env._("Unit of measure (UNECE Recommendation 20)")
        return {**super()._kinds(), UOM: Kind(title, ("uom.uom",), "product_uom_id")}

    @api.model
    def _standard_codes(self, kind, records):
        if kind != UOM:
            return super()._standard_codes(kind, records)
        return {
            record_id: UOM_TO_UNECE_CODE[name]
            for record_id, names in records._get_external_ids().items()
            for name in names
            if name in UOM_TO_UNECE_CODE
        }

    @api.model
    def _unit_codes(self, move):
        """Return unit id → ``Mapped`` of the units in which a document sells."""
        units = move._finance_fr_product_lines().product_uom_id
        return self._map(UOM, units, move.company_id, self.env["finance.route"]._facts_of(move))
