"""The interface of a provider addon: an AbstractModel that turns a connection's settings into plain
values.
"""

from collections.abc import Mapping
from types import MappingProxyType

from odoo import models
from odoo.exceptions import UserError
from odoo.modules import get_manifest

from ..core.conversation import TOKEN
from ..core.credentials import Credential
from ..core.protocol import LIMITS, Feed, Operation, ProviderProtocol, Query
from ..secret_store import CLIENT_CERTIFICATE, PREVIOUS_WEBHOOK_SECRET, WEBHOOK_SECRET


class FinanceAdapter(models.AbstractModel):
    """Ancestor of ``finance.adapter.<provider>``; chosen by the connection's ``provider``."""

    _name = "finance.adapter"
    _description = "Provider adapter"

    #: Version of the provider's API that this adapter implements; shown on the connection, recorded on each attempt.
    _api_version = ""
    #: The operations the provider offers, as data.
    _operations: tuple[Operation, ...] = ()
    #: The questions without effect that the provider answers, as data.
    _queries: tuple[Query, ...] = ()
    #: The feeds the provider offers, as data.
    _feeds: tuple[Feed, ...] = ()
    #: Patterns of the provider's hosts by environment, ``{"production": ("api.example.com",)}``. Other
    #: hosts are refused unless the administrator of the server names them in ``odoo.conf``.
    _hosts: Mapping[str, tuple[str, ...]] = MappingProxyType({})
    #: The credentials the provider asks for, as data; they give the form and the list of what is
    #: still required.
    _credentials: tuple[Credential, ...] = ()
    #: Whether the provider's servers demand a certificate of the client (mutual TLS): ``required``,
    #: ``optional``, or empty for none.
    _client_certificate = ""
    #: How webhooks are authenticated: ``standard`` (Standard Webhooks), ``bearer``, or empty for
    #: none.
    _webhook_scheme = ""
    #: The response to an accepted webhook; the provider's documentation may require another 2xx.
    _webhook_status = 202

    def _operation(self, name) -> Operation:
        """Return the declared operation of this name.

        :raises ValueError: the provider does not offer it; nothing is queued.
        """
        for operation in self._operations:
            if operation.name == name:
                return operation
        raise ValueError(f"{self._name} has no operation {name!r}")

    def _query_named(self, name) -> Query:
        """Return the declared query of this name.

        :raises ValueError: the provider does not offer it; nothing is called.
        """
        for query in self._queries:
            if query.name == name:
                return query
        raise ValueError(f"{self._name} has no query {name!r}")

    def _operation_labels(self) -> dict[str, str]:
        """Return operation → name for users, translated; each adapter names its own."""
        return {}

    def _operation_label(self, name) -> str:
        """Return the name of an operation for users."""
        return self._operation_labels().get(name) or (name or "").replace("_", " ").capitalize()

    def _entered_credentials(self) -> tuple[Credential, ...]:
        """Return the credentials that are entered without a field of their own."""
        return tuple(item for item in self._credentials if not item.field)

    def _credential_label(self, name) -> str:
        """Return the name of a credential for users, translated."""
        labels = {
            WEBHOOK_SECRET: self.env._("Webhook secret"),
            PREVIOUS_WEBHOOK_SECRET: self.env._("Previous webhook secret"),
            CLIENT_CERTIFICATE: self.env._("Client certificate"),
            **{item.name: self.env._(item.label) for item in self._credentials},
        }
        return labels.get(name) or (name or "").replace("_", " ").capitalize()

    def _feed_labels(self) -> dict[str, str]:
        """Return feed → name for users, translated; each adapter names its own."""
        return {}

    def _feed_label(self, name) -> str:
        """Return the name of a feed for users."""
        return self._feed_labels().get(name) or (name or "").replace("_", " ").capitalize()

    def _resource_labels(self) -> dict[str, str]:
        """Return resource of a connection → name for users, translated; each adapter names its own."""
        _ = self.env._
        return {TOKEN: _("Access token"), LIMITS: _("Rate limits")}

    def _adapter_version(self) -> str:
        """Return the version of the addon that implements the adapter, as recorded on each attempt."""
        return get_manifest(self._original_module).get("version", "")

    def _protocol(self, connection, secrets) -> ProviderProtocol:
        """Return the provider's protocol with this connection's address and credentials, as plain
        values.

        :param secrets: the connection's secrets by name; given by the caller, never fetched here
        """
        raise UserError(self.env._("The addon of the provider is not installed."))

    def _missing_settings(self, connection) -> list[str]:
        """Return the labels of the fields that are still required before the connection can be
        used: at least the required credentials.
        """
        missing = self._missing_credentials(connection)
        if self._client_certificate == "required" and not connection._has_secret(
            CLIENT_CERTIFICATE
        ):
            missing.append(
                connection._fields["client_certificate_id"]._description_string(self.env)
            )
        return missing

    def _missing_credentials(self, connection) -> list[str]:
        """Return the labels of the required credentials that are not stored."""
        return [
            self.env._(item.label)
            for item in self._credentials
            if item.required and not connection._has_secret(item.name)
        ]


class FinanceExchangeOwnerMixin(models.AbstractModel):
    """A record on whose behalf exchanges are made; it is notified of each change in a separate
    transaction.
    """

    _name = "finance.exchange.owner.mixin"
    _description = "Owner of exchanges"

    def _exchange_changed(self, exchange):
        """React to the exchange's present state. May run again for the same state, so it must be
        idempotent.
        """
        raise NotImplementedError
