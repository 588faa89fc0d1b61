"""Secrets of connections at rest: encrypted under a key that never enters the database.

The associated data binds a ciphertext to database, environment, connection, company, name of the credential and the
origins of all addresses of the connection: moved to another row, or beside another address, it does not decrypt.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from odoo.addons.finance_audit.core import keyring
from odoo.addons.finance_audit.core.keys import Keys
from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

ENVIRONMENT_KEYS = "FINANCE_CONNECT_KEYS"
ENVIRONMENT_FILE = "FINANCE_CONNECT_KEY_FILE"
OPTION_FILE = "finance_connect_key_file"
#: Where the key ring of a server is configured.
SOURCE = keyring.KeySource(ENVIRONMENT_KEYS, ENVIRONMENT_FILE, OPTION_FILE)
VERSION = "v2"
FORMER_VERSION = "v1"
_PORTS = {"https": 443, "http": 80}


def encrypt(keys: Keys, secret: str, binding: bytes) -> str:
    """Return ``v2:<key name>:<text>``, under the newest key."""
    return f"{VERSION}:{keys.encrypt(secret.encode(), binding)}"


def decrypt(keys: Keys, stored: str, binding: bytes) -> str:
    """Return the secret.

    :raises keyring.UnknownKey: encrypted under a key that the provider does not have.
    :raises keyring.Unreadable: the ciphertext belongs to another place, or was changed.
    """
    version, _colon, rest = stored.partition(":")
    if version != VERSION:
        raise keyring.Unreadable("not a ciphertext of this version")
    return keys.decrypt(rest, binding).decode()


def decrypt_former(ring: keyring.KeyRing, stored: str, associated: str) -> str:
    """Return a secret that a release before 19.0.2.1.0 stored; only the re-encryption reads it."""
    header, _colon, encoded = stored.rpartition(":")
    version, _colon, name = header.partition(":")
    if version != FORMER_VERSION:
        raise keyring.Unreadable("not a ciphertext of this version")
    return keyring.decrypt(ring.key(name), encoded, f"{header}|{associated}".encode()).decode()


def key_name(stored: str) -> str:
    """Return the name of the key a ciphertext was made with; empty for a former version."""
    version, _colon, rest = stored.partition(":")
    return rest.partition(":")[0] if version == VERSION else ""


def binding_of(
    *,
    database: str,
    environment: str,
    connection: str,
    company: int,
    credential: str,
    addresses: Mapping[str, str],
) -> bytes:
    """Return what a ciphertext is bound to; unambiguous, since JSON quotes each part.

    :param addresses: the connection's addresses by field name
    :raises keyring.Unreadable: an address has no origin.
    """
    origins = {name: origin_of(address) for name, address in sorted(addresses.items())}
    parts = [database, environment, connection, company, credential, origins]
    return json.dumps(parts, sort_keys=True, separators=(",", ":")).encode()


def origin_of(address: str) -> str:
    """Return scheme, host and port as the transport reads them; empty for no address.

    :raises keyring.Unreadable: it is not an address of a server.
    """
    if not address:
        return ""
    try:
        parts = parse_url(address)
    except LocationParseError as error:
        raise keyring.Unreadable("an address of the connection is malformed") from error
    scheme = (parts.scheme or "").lower()
    if scheme not in _PORTS or not parts.host or parts.auth:
        raise keyring.Unreadable("an address of the connection is malformed")
    return f"{scheme}://{parts.host.lower()}:{parts.port or _PORTS[scheme]}"
