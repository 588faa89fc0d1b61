"""Secrets of connections at rest: encrypted under a key that never enters the database.

The associated data binds a ciphertext to its database, environment, record and field: a row copied
to another record, another environment or another database does not decrypt.
"""

from __future__ import annotations

from odoo.addons.finance_audit.core import keyring

ENVIRONMENT_KEYS = "FINANCE_CONNECT_KEYS"
ENVIRONMENT_FILE = "FINANCE_CONNECT_KEY_FILE"
OPTION_FILE = "finance_connect_key_file"
#: Where the key ring of a server is configured.
SOURCE = keyring.KeySource(ENVIRONMENT_KEYS, ENVIRONMENT_FILE, OPTION_FILE)
_VERSION = "v1"


def encrypt(ring: keyring.KeyRing, secret: str, associated: str) -> str:
    """Return ``v1:<key name>:<base64 of nonce and ciphertext>``, under the newest key."""
    name, key = ring.newest()
    header = f"{_VERSION}:{name}"
    return f"{header}:{keyring.encrypt(key, secret.encode(), _bound(header, associated))}"


def decrypt(ring: keyring.KeyRing, stored: str, associated: str) -> str:
    """Return the secret.

    :raises keyring.UnknownKey: encrypted under a key that is not in the ring.
    :raises keyring.Unreadable: the ciphertext belongs to another place, or was changed.
    """
    header, _colon, encoded = stored.rpartition(":")
    version, _colon, name = header.partition(":")
    if version != _VERSION:
        raise keyring.Unreadable("not a ciphertext of this version")
    return keyring.decrypt(ring.key(name), encoded, _bound(header, associated)).decode()


def associated_data(
    database_uuid: str, environment: str, model: str, record_uuid: str, name: str
) -> str:
    """Return what a ciphertext is bound to: database | environment | model | record | field."""
    return "|".join((database_uuid, environment, model, record_uuid, name))


def _bound(header: str, associated: str) -> bytes:
    return f"{header}|{associated}".encode()
