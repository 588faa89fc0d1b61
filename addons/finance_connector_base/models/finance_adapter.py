"""What a provider addon implements: one AbstractModel that turns a connection's settings into plain values."""

from odoo import models
from odoo.modules import get_manifest

from ..core.protocol import Operation, ProviderProtocol


class FinanceAdapter(models.AbstractModel):
    """Ancestor of ``finance.adapter.<provider>``; chosen by the connection's ``provider``."""

    _name = "finance.adapter"
    _description = "Provider adapter"

    #: Version of the provider's API that this adapter implements; shown on the connection, recorded on each attempt.
    _api_version = ""
    #: The operations the provider offers, as data.
    _operations: tuple[Operation, ...] = ()

    def _operation(self, name) -> Operation:
        """The declared operation of this name.

        :raises ValueError: the provider does not offer it; nothing is enqueued.
        """
        for operation in self._operations:
            if operation.name == name:
                return operation
        raise ValueError(f"{self._name} has no operation {name!r}")

    def _adapter_version(self) -> str:
        """Return the version of the addon that implements the adapter, as recorded on each attempt."""
        return get_manifest(self._original_module).get("version", "")

    def _protocol(self, connection) -> ProviderProtocol:
        """The provider's protocol with this connection's address and credentials, as plain values."""
        raise NotImplementedError

    def _missing_settings(self, connection) -> list[str]:
        """Labels of the fields a person must still fill before the connection can be used."""
        return []

    def _default_base_url(self, environment) -> str:
        """The provider's published address for an environment; empty when it differs per account."""
        return ""


class FinanceExchangeOwnerMixin(models.AbstractModel):
    """A record on whose behalf exchanges are made; it is told of each change in a transaction of its own."""

    _name = "finance.exchange.owner.mixin"
    _description = "Owner of exchanges"

    def _exchange_changed(self, exchange):
        """React to the exchange's present state. May run again for the same state, so it must be idempotent."""
        raise NotImplementedError
