"""Builds the reference provider's protocol from a connection's settings."""

from odoo import models
from odoo.addons.finance_connector_base.core.protocol import Operation
from odoo.addons.finance_connector_base.secret_store import webhook_secrets

from ..core import reference_rest as rest
from .finance_connection import SECRET

#: The sandbox answers at once or not at all, so a lost call settles fast.
_SETTLE_SECONDS = 1.0


class FinanceAdapterReference(models.AbstractModel):
    _name = "finance.adapter.reference"
    _description = "Reference provider"
    _inherit = "finance.adapter"

    _api_version = f"Reference provider {rest.API_VERSION}"
    _webhook_scheme = "standard"
    _operations = (
        Operation(rest.DOCUMENT, "key", verdict="immediate", settle_seconds=_SETTLE_SECONDS),
        Operation(rest.FILING, "lookup", settle_seconds=_SETTLE_SECONDS),
        Operation(rest.FILING_NOW, "lookup", verdict="immediate", settle_seconds=_SETTLE_SECONDS),
        Operation(rest.NOTICE, "nothing", verdict="immediate"),
        Operation(
            rest.CHAIN,
            "lookup",
            ordered=True,
            verdict="immediate",
            settle_seconds=_SETTLE_SECONDS,
        ),
    )

    def _protocol(self, connection, secrets):
        return rest.ReferenceRest(
            connection.base_url, secrets.get(SECRET, ""), webhook_secrets(secrets)
        )

    def _missing_settings(self, connection):
        filled = {
            self.env._("Address"): connection.base_url,
            self.env._("API key"): connection._has_secret(SECRET),
        }
        return [label for label, value in filled.items() if not value]
