"""The secrets of connections, for the dispatcher, the webhook controller and the tests of a connection.

Plain functions, imported by code. Nothing here is attached to a model: an expression of a server action or a template
reaches every method and attribute of a record, but no module. What holds a secret (protocols, clients) is kept here and
never on a record; dispatcher and pipeline hold a ``ClientHandle``, which leads to no attribute of the client.
"""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, is_dataclass
from datetime import datetime
from typing import Any
from weakref import WeakKeyDictionary

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.serialization import pkcs12
from odoo import fields
from odoo.addons.finance_audit.core import keys
from odoo.addons.finance_audit.core.address import parse_address
from odoo.addons.finance_audit.core.client_certificate import (
    ClientCertificate,
    InvalidCertificate,
    bundle,
    read_bundle,
)
from odoo.addons.finance_audit.core.keyring import KeyRingError, Unreadable
from odoo.addons.finance_audit.core.restricted import refuse_private_entry
from odoo.addons.finance_audit.network import network_policy
from odoo.tools import config

from .core.conversation import Resource
from .core.http.client import ClientPool, ProviderClient
from .core.http.resources import MemoryResources
from .core.http.transport import Transport
from .core.security import vault
from .core.security.masking import (
    MaskingFilter,
    forms_of,
    hide,
    in_documents,
    known_forms,
    remember,
)
from .exceptions import CredentialError
from .resource_store import DatabaseResources, basis_hash

_logger = logging.getLogger(__name__)
_logger.addFilter(MaskingFilter())

#: Purposes of the webhook's secrets. They are part of what a ciphertext is bound to and never change.
WEBHOOK_SECRET = "callback"  # noqa: S105 (the name of a secret)
PREVIOUS_WEBHOOK_SECRET = "callback_previous"  # noqa: S105 (the name of a secret)
#: Private key and certificates, as one PEM text.
CLIENT_CERTIFICATE = "client_certificate"

#: Rows of one transaction of the re-encryption.
BATCH = 100


class ClientHandle:
    """Stands for a client that holds secrets. Its methods reach the client through this module alone."""

    __slots__ = ("__weakref__",)

    def perform(self, step, call, claimed=None):
        """Run one step of a call, under the claimed resources where any are given."""
        return _clients[self].perform(step, call, claimed)

    def perform_batch(self, calls, claimed=None):
        """Send several calls in one conversation; return a report per key."""
        return _clients[self].perform_batch(calls, claimed)

    def query(self, operation, payload, seconds):
        """Ask a question without effect, within so many seconds."""
        return _clients[self].query(operation, payload, seconds)

    def feed(self, name, cursor):
        """Read one page of a feed."""
        return _clients[self].feed(name, cursor)

    def prepare(self, names):
        """Obtain resources; return the report of the one that failed, or None."""
        return _clients[self].prepare(names)

    def needs(self, step, call):
        """Return the names of the resources that must be in place before a step."""
        return _clients[self].needs(step, call)

    def release(self, name):
        """Give a resource up at the provider; return its report, or None."""
        return _clients[self].release(name)

    def reports_limits(self):
        """Return whether the provider reports its own rate windows."""
        return _clients[self].reports_limits()

    def missing(self, names):
        """Return the names of those resources that are not in place."""
        return _clients[self].missing(names)

    def public(self, names):
        """Return the public part of resources that are in place."""
        return _clients[self].public(names)

    def windows(self):
        """Return the rate windows that hold."""
        return _clients[self].windows()

    def probe(self):
        """Call the provider without effect."""
        return _clients[self].probe()

    def close(self):
        """Close idle sockets."""
        _clients[self].close()


#: Keyed by objects, so that no text (a format string, say) is the key of an element.
_clients: WeakKeyDictionary[ClientHandle, ProviderClient] = WeakKeyDictionary()
_pool = ClientPool()


# -- for the dispatcher and the controller ---------------------------------------------------------


def open_secrets(connection) -> Mapping[str, str]:
    """Return all secrets of a connection in clear, by purpose.

    :raises CredentialError: a key is missing, or a ciphertext belongs to other addresses, another connection, company,
        environment or database.
    """
    connection.ensure_one()
    return {
        credential.purpose: _open(connection, credential)
        for credential in connection.sudo().credential_ids
        if credential.ciphertext
    }


def protocol_of(connection):
    """Return the provider's protocol with this connection's addresses and secrets."""
    return connection._adapter()._protocol(connection, open_secrets(connection))


def receiver_of(connection) -> tuple[Any, Callable[[Any], Any]]:
    """Return the provider's protocol, and what hides our secrets in values that the provider sent."""
    secrets = open_secrets(connection)
    return connection._adapter()._protocol(connection, secrets), _concealer(connection, secrets)


def concealer(connection) -> Callable[[Any], Any]:
    """Return a function that hides our secrets in values that the provider of a connection sent."""
    return _concealer(connection, open_secrets(connection))


def _concealer(connection, secrets):
    forms = in_documents((*forms_of(_secret_texts(connection, secrets)), *known_forms()))
    return lambda value: hide(value, forms)


def open_plain(connection, purpose) -> str:
    """Return a credential that its declaration says is no secret; empty where there is none.

    :raises CredentialError: it cannot be decrypted.
    """
    if purpose not in plain_names(connection):
        return ""
    credential = connection.sudo().credential_ids.filtered(lambda item: item.purpose == purpose)
    return _open(connection, credential) if credential.ciphertext else ""


def plain_names(connection) -> frozenset[str]:
    """Return the names of the declared credentials that are no secrets, an account for instance."""
    return frozenset(item.name for item in connection._adapter()._credentials if not item.secret)


def webhook_secrets(secrets: Mapping[str, str]) -> tuple[str, ...]:
    """Return the valid webhook secrets, newest first."""
    found = (secrets.get(name) for name in (WEBHOOK_SECRET, PREVIOUS_WEBHOOK_SECRET))
    return tuple(filter(None, found))


def new_client(connection, resources=None) -> ClientHandle:
    """Return a new client for a connection; the caller closes it.

    Without a store of resources it obtains its own, which shows whether the credentials are right.
    """
    return _client(connection, protocol_of(connection), resources)


def held_resources(connection) -> list[dict]:
    """Return what a connection holds under its present settings, as it is stored: the newest first,
    since a session rests on the token it was opened with. Ciphertexts stay ciphertexts.
    """
    rows = (
        connection.env["finance.resource"]
        .sudo()
        .search(
            [("connection_id", "=", connection.id), ("ciphertext", "!=", False)],
            order="obtained_at desc",
        )
    )
    try:
        basis = _resource_basis(connection) if rows else None
    except Exception:
        # Adapter's code, or a secret without its key: what cannot be opened cannot be closed either.
        _logger.info("the sessions of connection %s are not known", connection.id, exc_info=True)
        return []
    now = fields.Datetime.now()
    return [
        {
            "name": row.name,
            "generation": row.generation,
            "ciphertext": row.ciphertext,
            "public": row.public or {},
        }
        for row in rows
        if row.basis == basis and (not row.expires_at or row.expires_at > now)
    ]


def former_client(former, resources, credentials) -> ClientHandle:
    """Return a client with the settings, credentials and resources that a connection had.

    :param former: a record with the former settings, not stored
    :param resources: see ``held_resources``
    :param credentials: ciphertexts by purpose
    :raises KeyRingError: something cannot be decrypted.
    """
    secrets = {
        purpose: vault.decrypt(_keys(), text, _binding(former, purpose))
        for purpose, text in credentials.items()
    }
    kept = [
        Resource(
            item["name"],
            item["generation"],
            json.loads(
                vault.decrypt(
                    _keys(), item["ciphertext"], _binding(former, f"resource {item['name']}")
                )
            ),
            item["public"],
        )
        for item in resources
    ]
    protocol = former._adapter()._protocol(former, secrets)
    return _client(former, protocol, MemoryResources(kept=kept), secrets)


def _resource_basis(connection):
    """Return the hash of what the resources of a connection rest upon."""
    protocol = protocol_of(connection)
    settings = repr(protocol) if is_dataclass(protocol) else ""
    return basis_hash((*_basis(connection), settings))


def _client(connection, protocol, resources, stored=None):
    handle = ClientHandle()
    stored = open_secrets(connection) if stored is None else stored
    try:
        transport = Transport(
            connection.environment,
            network_policy(),
            connection._provider_hosts(),
            certificate=_client_certificate(connection, stored),
        )
    except InvalidCertificate as error:
        raise CredentialError(
            connection.env._("The client certificate cannot be presented: %s.", error)
        ) from error
    secrets = _secret_texts(connection, stored)
    remember(handle, secrets)
    _clients[handle] = ProviderClient(protocol, transport, resources, secrets=secrets)
    return handle


def _client_certificate(connection, stored):
    """Return the certificate to present at the connection's own addresses, None for none."""
    pem = stored.get(CLIENT_CERTIFICATE)
    if not pem or not connection._adapter()._client_certificate:
        return None
    addresses = filter(None, (connection[name] for name in connection._address_fields()))
    return ClientCertificate(pem, frozenset(parse_address(item).origin for item in addresses))


def _secret_texts(connection, stored):
    """Return the texts to hide of what is stored for a connection."""
    plain = plain_names(connection)
    return tuple(_masked({name: text for name, text in stored.items() if name not in plain}))


def _masked(stored):
    """Yield the texts to hide: secrets, and the private key by itself."""
    for name, text in stored.items():
        yield text
        if name == CLIENT_CERTIFICATE:
            yield text.partition("-----BEGIN CERTIFICATE")[0].strip()


def _pooled(connection, basis):
    """Return a client whose resources are those of all workers.

    They rest upon every setting of the protocol, an account for instance; its representation shows
    these, and secrets never.
    """
    protocol = protocol_of(connection)
    settings = repr(protocol) if is_dataclass(protocol) else ""
    return _client(connection, protocol, _resources(connection, (*basis, settings)))


def pooled_client(connection) -> ClientHandle:
    """Return this process's client; rebuilt when a setting, an address or a secret has changed."""
    connection.ensure_one()
    basis = _basis(connection)
    key = (connection.env.cr.dbname, connection.id)
    version = (connection.write_date, *basis)
    return _pool.get(key, version, lambda: _pooled(connection, basis))


def _basis(connection):
    """Return what a client and its resources rest upon: credentials and where they are sent."""
    credentials = connection.sudo().credential_ids.sorted("id")
    return (
        connection.provider,
        connection.environment,
        tuple(connection[name] for name in connection._address_fields()),
        tuple((item.id, item.ciphertext) for item in credentials),
    )


def _resources(connection, basis):
    """Return the store of a connection's resources, with plain values only."""
    # A key that is missing shows where a secret is opened; a provider without secrets needs none.
    bindings = {
        "database": _database(connection.env),
        "environment": connection.environment,
        "connection": connection.uuid or "",
        "company": connection.company_id.id,
        "addresses": {name: connection[name] or "" for name in connection._address_fields()},
    }

    def bound(name):
        return vault.binding_of(credential=f"resource {name}", **bindings)

    return DatabaseResources(
        connection.env.cr.dbname,
        connection.id,
        basis,
        seal=lambda name, text: vault.encrypt(_keys(), text, bound(name)),
        unseal=lambda name, stored: vault.decrypt(_keys(), stored, bound(name)),
    )


# -- for the connection ----------------------------------------------------------------------------


def store_secret(connection, purpose, secret):
    """Encrypt one secret of a connection, or remove it; return what happened: set, changed, cleared.

    :raises CredentialError: no key can be used.
    """
    refuse_private_entry()
    credentials = connection.sudo().credential_ids
    credential = credentials.filtered(lambda item: item.purpose == purpose)
    if not secret:
        credential.unlink()
        return "cleared"
    action = "changed" if credential else "set"
    credential = credential or credentials.create(
        {"connection_id": connection.id, "purpose": purpose}
    )
    try:
        ciphertext = vault.encrypt(_keys(), secret, _binding(connection, purpose))
    except KeyRingError as error:
        raise _error(credential, error) from error
    credential.write(
        {
            "ciphertext": ciphertext,
            "set_at": fields.Datetime.now(),
            "set_by_id": connection.env.uid,
        }
    )
    return action


def replace_webhook_secret(connection, secret):
    """Return the former webhook secret where ``secret`` is another one."""
    former = open_secrets(connection).get(WEBHOOK_SECRET)
    return former if former and former != secret else None


@dataclass(frozen=True, slots=True)
class CertificateBundle:
    """A certificate with its private key, read from Odoo's records."""

    pem: str = field(repr=False)
    subject: str
    sha256: str
    valid_until: datetime


def read_certificate(certificate) -> CertificateBundle:
    """Return one of Odoo's certificates with its private key and the certificates above it.

    :raises InvalidCertificate: it has no private key, or cannot be read.
    """
    refuse_private_entry()
    record = certificate.sudo().with_context(bin_size=False)
    key = record.private_key_id
    if not record.pem_certificate or not key.pem_key:
        raise InvalidCertificate("it has no private key")
    try:
        private = _private_key(base64.b64decode(key.pem_key), key.password)
        pem = bundle(private, _chain(record))
    except (ValueError, TypeError) as error:
        raise InvalidCertificate("certificate or private key cannot be read") from error
    own = read_bundle(pem)[1][0]
    return CertificateBundle(
        pem,
        own.subject.rfc4514_string(),
        own.fingerprint(hashes.SHA256()).hex(),
        own.not_valid_after_utc.replace(tzinfo=None),
    )


def _private_key(pem, password):
    try:
        return serialization.load_pem_private_key(pem, password.encode() if password else None)
    except TypeError:
        # Odoo keeps the password of a key that it stored without one.
        return serialization.load_pem_private_key(pem, None)


def _chain(record):
    """Return the certificate and those above it that came with its file."""
    own = x509.load_pem_x509_certificate(base64.b64decode(record.pem_certificate))
    content, further = base64.b64decode(record.content), []
    if record.content_format == "pkcs12":
        password = (record.pkcs12_password or "").encode() or None
        further = pkcs12.load_key_and_certificates(content, password)[2]
    elif record.content_format == "pem":
        further = x509.load_pem_x509_certificates(content)
    return [own, *(item for item in further if item != own)]


# -- rotation --------------------------------------------------------------------------------------


def reencrypt(env, on_progress=lambda done, total, failed: None, commit=None):
    """Encrypt again what is not under the newest key in the newest form; return (done, failed).

    The ciphertext itself says under which key it is: a run that was stopped anywhere continues where it ended, and one
    after a complete run changes nothing.

    :param commit: called after each batch; without it the caller commits
    """
    provider = _keys()
    newest = provider.current()
    credentials = env["finance.credential"].sudo().search([("ciphertext", "!=", False)], order="id")
    wanted = [item.id for item in credentials if vault.key_name(item.ciphertext) != newest]
    done, failed = 0, []
    for start in range(0, len(wanted), BATCH):
        batch = credentials.browse(wanted[start : start + BATCH]).exists()
        batch.lock_for_update()
        for credential in batch:
            if _reencrypt_one(provider, credential):
                done += 1
            else:
                failed.append(credential.id)
        env.flush_all()
        on_progress(done, len(wanted), len(failed))
        if commit:
            commit()
    return done, failed


def _reencrypt_one(provider, credential):
    connection = credential.connection_id
    try:
        secret = _open_any(provider, connection, credential)
        stored = vault.encrypt(provider, secret, _binding(connection, credential.purpose))
    except KeyRingError:
        # It stays as it is: the connection shows that the secret must be entered again.
        return False
    credential.write({"ciphertext": stored})
    return True


def _open_any(provider, connection, credential):
    stored = credential.ciphertext
    if vault.key_name(stored):
        return vault.decrypt(provider, stored, _binding(connection, credential.purpose))
    # The ring of the former releases; also where the newest key is in Vault.
    ring = vault.SOURCE.load(config.get(vault.OPTION_FILE))
    database = _database(connection.env)
    parts = (database, connection.environment, "finance.credential", credential.uuid)
    return vault.decrypt_former(ring, stored, "|".join((*parts, credential.purpose)))


# -- inside ----------------------------------------------------------------------------------------


def _open(connection, credential):
    try:
        binding = _binding(connection, credential.purpose)
        return vault.decrypt(_keys(), credential.ciphertext, binding)
    except KeyRingError as error:
        raise _error(credential, error) from error


def _binding(connection, purpose):
    if not connection.uuid:
        raise Unreadable("the connection has no identity")
    return vault.binding_of(
        database=_database(connection.env),
        environment=connection.environment,
        connection=connection.uuid,
        company=connection.company_id.id,
        credential=purpose,
        addresses={name: connection[name] or "" for name in connection._address_fields()},
    )


def _database(env):
    return env["ir.config_parameter"].sudo().get_param("database.uuid")


def _keys():
    source = vault.SOURCE
    options = {name: config.get(name) for name in (source.file_option, keys.vault_option(source))}
    return keys.load(source, options)


def _error(credential, error):
    return CredentialError(
        credential.env._(
            "The secret “%(purpose)s” cannot be used: %(reason)s. Ask the system administrator to check the "
            "key ring, then enter the secret again.",
            purpose=credential.label,
            reason=str(error),
        )
    )
