"""Builds the Flow service protocol from a connection's settings."""

from odoo import models
from odoo.addons.finance_connector_base.core.protocol import ClientCredentials, Operation

from ..core.flow_service import API_VERSION, FlowService
from .finance_connection import SECRET


class FinanceAdapterAfnor(models.AbstractModel):
    _name = "finance.adapter.afnor"
    _description = "French approved platform (AFNOR Flow service)"
    _inherit = "finance.adapter"

    _api_version = f"AFNOR Flow service {API_VERSION}"
    _webhook_scheme = "bearer"
    _webhook_status = 200
    _operations = (Operation("submit_invoice", repeat="lookup"),)

    def _operation_labels(self):
        return {**super()._operation_labels(), "submit_invoice": self.env._("Invoice submission")}

    def _protocol(self, connection):
        return FlowService(
            base_url=connection.base_url,
            grant=ClientCredentials(
                token_url=connection.afnor_token_url,
                client_id=connection.afnor_client_id,
                client_secret=connection._secret(SECRET),
                scope=connection.afnor_scope or "",
            ),
            webhook_secrets=connection._webhook_secrets(),
        )

    def _missing_settings(self, connection):
        filled = {
            self.env._("Address"): connection.base_url,
            self.env._("Token address"): connection.afnor_token_url,
            self.env._("Client ID"): connection.afnor_client_id,
            self.env._("Client secret"): connection._has_secret(SECRET),
        }
        return [label for label, value in filled.items() if not value]
