"""Builds the reference provider's protocol from a connection's settings."""

from odoo import models
from odoo.addons.finance_connector_base.core.protocol import Batch, Feed, Operation, Query
from odoo.addons.finance_connector_base.secret_store import webhook_secrets

from ..core import reference_rest as rest
from .finance_connection import SECRET

#: The sandbox answers at once or not at all, so a lost call settles fast.
_SETTLE_SECONDS = 1.0


def _operation(name, repeat, **more):
    return Operation(
        name,
        repeat,
        settle_seconds=_SETTLE_SECONDS,
        limit=rest.SEND,
        status_limit=rest.LOOKUP,
        **more,
    )


class FinanceAdapterReference(models.AbstractModel):
    _name = "finance.adapter.reference"
    _description = "Reference provider"
    _inherit = "finance.adapter"

    _api_version = f"Reference provider {rest.API_VERSION}"
    _webhook_scheme = "standard"
    _operations = (
        _operation(rest.DOCUMENT, "key", verdict="immediate"),
        _operation(rest.FILING, "lookup"),
        _operation(rest.FILING_NOW, "lookup", verdict="immediate"),
        Operation(
            rest.NOTICE, "nothing", verdict="immediate", limit=rest.SEND, status_limit=rest.LOOKUP
        ),
        _operation(rest.CHAIN, "lookup", ordered=True, verdict="immediate"),
        _operation(rest.SECRET_FILING, "lookup", receipt=True),
        _operation(rest.CERTIFIED, "lookup", receipt=True, receipt_hours=1.0),
        _operation(rest.BATCH_ITEM, "lookup", batch=Batch(1000)),
    )

    _queries = (Query(rest.PARTY, limit=rest.QUERY),)
    _feeds = (
        Feed(rest.STATUSES, every_seconds=2.0, limit=rest.FEED),
        Feed(rest.DOCUMENTS, every_seconds=2.0, limit=rest.FEED),
    )

    def _protocol(self, connection, secrets):
        return rest.ReferenceRest(
            connection.base_url,
            secrets.get(SECRET, ""),
            webhook_secrets(secrets),
            connection.reference_account or "",
        )

    def _missing_settings(self, connection):
        filled = {
            self.env._("Address"): connection.base_url,
            self.env._("API key"): connection._has_secret(SECRET),
        }
        return [label for label, value in filled.items() if not value]
