"""Builds the Flow service protocol from a connection's settings."""

from types import MappingProxyType

from odoo import models
from odoo.addons.finance_connector_base.core.credentials import Credential
from odoo.addons.finance_connector_base.core.protocol import ClientCredentials, Feed, Operation
from odoo.addons.finance_connector_base.secret_store import webhook_secrets
from odoo.tools.translate import LazyTranslate

from ..core.flow_feed import FEED
from ..core.flow_service import API_VERSION, FlowService
from .finance_connection import SECRET

_lt = LazyTranslate(__name__)


class FinanceAdapterAfnor(models.AbstractModel):
    _name = "finance.adapter.afnor"
    _description = "French approved platform (AFNOR Flow service)"
    _inherit = "finance.adapter"

    _api_version = f"AFNOR Flow service {API_VERSION}"
    #: There is no closed list: any company may be registered as an approved platform, under a name of its own.
    _hosts = MappingProxyType({"test": ("*",), "production": ("*",)})
    _webhook_scheme = "bearer"
    _webhook_status = 200
    _credentials = (Credential(SECRET, _lt("Client secret"), field="afnor_client_secret"),)
    _operations = (Operation("submit_invoice", repeat="lookup"),)

    _feeds = (Feed(FEED),)

    def _feed_labels(self):
        return {**super()._feed_labels(), FEED: self.env._("Statuses and invoices received")}

    def _operation_labels(self):
        return {**super()._operation_labels(), "submit_invoice": self.env._("Invoice submission")}

    def _protocol(self, connection, secrets):
        return FlowService(
            base_url=connection.base_url,
            grant=ClientCredentials(
                token_url=connection.afnor_token_url,
                client_id=connection.afnor_client_id,
                client_secret=secrets.get(SECRET, ""),
                scope=connection.afnor_scope or "",
            ),
            webhook_secrets=webhook_secrets(secrets),
        )

    def _missing_settings(self, connection):
        filled = {
            self.env._("Address"): connection.base_url,
            self.env._("Token URL"): connection.afnor_token_url,
            self.env._("Client ID"): connection.afnor_client_id,
        }
        missing = [label for label, value in filled.items() if not value]
        return missing + super()._missing_settings(connection)
