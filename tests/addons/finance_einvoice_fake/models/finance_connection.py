"""A provider that is never called: tests give its answers."""

from odoo import fields, models
from odoo.addons.finance_connector_base.core.protocol import Operation, ProviderProtocol


class FinanceConnection(models.Model):
    _inherit = "finance.connection"

    provider = fields.Selection(selection_add=[("fake", "Fake")], ondelete={"fake": "cascade"})


class FinanceAdapterFake(models.AbstractModel):
    _name = "finance.adapter.fake"
    _inherit = "finance.adapter"
    _description = "Fake provider"
    _operations = (Operation("submit_invoice", repeat="key"),)

    def _protocol(self, connection, secrets):
        return ProviderProtocol()
