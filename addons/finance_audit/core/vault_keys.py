"""Keys in the transit engine of HashiCorp Vault, through its HTTP API: the key material stays there.

The address names server, mount and key: ``https://vault.example:8200/transit/finance-connect``. Encryption needs a key
of type ``aes256-gcm96`` (associated data), signatures one of type ``ed25519``. Sign-in follows Vault's own variables:
``VAULT_TOKEN_FILE`` or ``VAULT_TOKEN``, else AppRole (``VAULT_ROLE_ID``, ``VAULT_SECRET_ID_FILE``); ``VAULT_NAMESPACE``
and ``VAULT_CACERT`` are honoured. Needs the Python package ``hvac``.
"""

# hvac is without types.
# pyright: basic

from __future__ import annotations

import base64
import binascii
import os
from pathlib import Path
from urllib.parse import urlsplit

from .address import ForbiddenAddress, is_loopback, parse_address
from .keyring import KeyRingError, NoKey, UnknownKey, Unreadable

#: Seconds for one call. A seal or a send waits for it.
TIMEOUT = 10
_PREFIX = "vault"
_BAD_REQUEST = 400


class VaultKeys:
    """One key of a transit engine, seen as a provider of keys."""

    __slots__ = ("_client", "_key", "_mount")

    def __init__(self, client, mount: str, key: str):
        self._client, self._mount, self._key = client, mount, key

    @classmethod
    def from_address(cls, address: str) -> VaultKeys:
        """Sign in at the server of an address.

        :raises NoKey: the address, the sign-in or the package is missing or wrong.
        """
        try:
            import hvac  # pyright: ignore[reportMissingModuleSource]
        except ImportError as error:
            raise NoKey("keys in Vault need the Python package hvac") from error
        server, mount, key = _parts(address)
        try:
            client = hvac.Client(
                url=server,
                namespace=os.environ.get("VAULT_NAMESPACE"),
                verify=os.environ.get("VAULT_CACERT") or True,
                timeout=TIMEOUT,
                allow_redirects=False,
            )
            client.session.trust_env = False
            _sign_in(client)
        except NoKey:
            raise
        except Exception as error:
            raise NoKey(f"Vault cannot be used ({type(error).__name__})") from error
        return cls(client, mount, key)

    def current(self) -> str:
        """Return ``vault.<key>.v<version>`` of the newest version."""
        return f"{_PREFIX}.{self._key}.v{self._read_key()['latest_version']}"

    def encrypt(self, plain: bytes, associated: bytes) -> str:
        """Encrypt in Vault, under the newest version of the key."""
        data = self._call(
            "encrypt",
            plaintext=base64.b64encode(plain).decode(),
            associated_data=base64.b64encode(associated).decode(),
        )
        _vault, version, encoded = data["ciphertext"].split(":", 2)
        return f"{_PREFIX}.{self._key}.{version}:{encoded}"

    def decrypt(self, stored: str, associated: bytes) -> bytes:
        """Decrypt in Vault; other associated data is refused there."""
        name, _colon, encoded = stored.partition(":")
        prefix, _dot, version = name.rpartition(".")
        if prefix != f"{_PREFIX}.{self._key}":
            raise Unreadable("the ciphertext was not made with this key of Vault")
        data = self._call(
            "decrypt",
            ciphertext=f"vault:{version}:{encoded}",
            associated_data=base64.b64encode(associated).decode(),
        )
        return base64.b64decode(data["plaintext"])

    def decrypt_derived(self, stored: str, purpose: bytes, associated: bytes) -> bytes:
        """Refuse: nothing older was encrypted in Vault."""
        raise UnknownKey("the data was encrypted under a key of a former ring")

    def sign(self, message: bytes) -> list[tuple[bytes, bytes]]:
        """Sign in Vault with the newest version."""
        data = self._call("sign", input=base64.b64encode(message).decode())
        _vault, version, encoded = data["signature"].split(":", 2)
        return [(self._public(version.removeprefix("v")), base64.b64decode(encoded))]

    def public_keys(self) -> list[bytes]:
        """Return the public key of the newest version."""
        return [self._public(str(self._read_key()["latest_version"]))]

    def _public(self, version: str) -> bytes:
        key = self._read_key()
        if key.get("type") != "ed25519":
            raise NoKey(f"the key {self._key} in Vault is not of the type ed25519")
        try:
            return base64.b64decode(key["keys"][version]["public_key"], validate=True)
        except (LookupError, TypeError, binascii.Error) as error:
            raise NoKey("Vault did not state the public key") from error

    def _read_key(self):
        return self._request("GET", f"keys/{self._key}")

    def _call(self, operation: str, **values: str):
        return self._request("POST", f"{operation}/{self._key}", values)

    def _request(self, method: str, path: str, values=None):
        """Return the data of a response.

        :raises Unreadable: Vault refuses the input, as it does a ciphertext of another place.
        :raises KeyRingError: anything else; the message has no part of the request or the response.
        """
        from hvac.exceptions import InvalidRequest  # pyright: ignore[reportMissingModuleSource]

        adapter, where = self._client.adapter, f"/v1/{self._mount}/{path}"
        try:
            answer = adapter.get(where) if method == "GET" else adapter.post(where, json=values)
            return answer["data"]
        except InvalidRequest as error:
            raise Unreadable("Vault refuses the ciphertext or the key") from error
        except Exception as error:
            raise KeyRingError(
                f"Vault did not respond as required ({type(error).__name__})"
            ) from error


def _parts(address: str) -> tuple[str, str, str]:
    """Return server, mount and key of an address."""
    parts = urlsplit(address)
    mount, _slash, key = parts.path.strip("/").rpartition("/")
    server = f"{parts.scheme}://{parts.netloc}"
    try:
        # Set by the administrator of the server: it may lie in a private network.
        parsed = parse_address(server)
    except ForbiddenAddress as error:
        raise NoKey(f"the address of Vault cannot be used: {error}") from error
    if parsed.scheme != "https" and not is_loopback(parsed.host):
        raise NoKey("the address of Vault cannot be used: https is required")
    if not mount or not key or parts.query or parts.fragment or parts.username:
        raise NoKey("the address of Vault is not 'https://server:port/mount/key'")
    return server, mount, key


def _sign_in(client) -> None:
    token_file, secret_file = (os.environ.get(f"VAULT_{x}_FILE") for x in ("TOKEN", "SECRET_ID"))
    role = os.environ.get("VAULT_ROLE_ID")
    if token_file:
        client.token = Path(token_file).read_text(encoding="ascii").strip()
    elif role and secret_file:
        secret = Path(secret_file).read_text(encoding="ascii").strip()
        client.auth.approle.login(role_id=role, secret_id=secret)
    else:
        client.token = os.environ.get("VAULT_TOKEN")
    if not client.token:
        raise NoKey("set VAULT_TOKEN_FILE, or VAULT_ROLE_ID and VAULT_SECRET_ID_FILE")
