"""What needs keys, behind one interface: encrypt, decrypt, sign, and name the public keys.

Callers never hold a key. Three providers exist: a ring in a file, a ring in an environment variable, and the transit
engine of HashiCorp Vault (``vault_keys``), where the keys never reach this machine. Loading is a plain function of a
module: no model has a method or an attribute that leads to a key.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from . import keyring, signing
from .keyring import KeyRing, KeySource, NoKey

_VAULT = "_VAULT"


class Keys(Protocol):
    """A provider of keys. Every method may raise ``KeyRingError``."""

    def current(self) -> str:
        """Return the name of the key that encrypts new data."""
        ...

    def encrypt(self, plain: bytes, associated: bytes) -> str:
        """Return ``<name of the key>:<text>``; the name is bound, too."""
        ...

    def decrypt(self, stored: str, associated: bytes) -> bytes:
        """Return what ``encrypt`` was given."""
        ...

    def decrypt_derived(self, stored: str, purpose: bytes, associated: bytes) -> bytes:
        """Return what a release before 19.0.2.1.0 encrypted under a key derived for one purpose."""
        ...

    def sign(self, message: bytes) -> Sequence[tuple[bytes, bytes]]:
        """Return the public key and the Ed25519 signature of each signing key, newest first."""
        ...

    def public_keys(self) -> Sequence[bytes]:
        """Return the Ed25519 public keys that sign, newest first."""
        ...


@dataclass(frozen=True, repr=False, slots=True)
class RingKeys:
    """Keys of a ring that this process has read."""

    _ring: KeyRing

    def current(self) -> str:
        """Return the name of the newest key."""
        return self._ring.newest()[0]

    def encrypt(self, plain: bytes, associated: bytes) -> str:
        """Encrypt under the newest key."""
        name, key = self._ring.newest()
        return f"{name}:{keyring.encrypt(key, plain, _bound(name, associated))}"

    def decrypt(self, stored: str, associated: bytes) -> bytes:
        """Decrypt under the named key, active or retired."""
        name, _colon, encoded = stored.partition(":")
        return keyring.decrypt(self._ring.key(name), encoded, _bound(name, associated))

    def decrypt_derived(self, stored: str, purpose: bytes, associated: bytes) -> bytes:
        """Decrypt under a key derived from the named one (HKDF, RFC 5869)."""
        name, _colon, encoded = stored.partition(":")
        derived = HKDF(SHA256(), keyring.KEY_BYTES, None, purpose).derive(self._ring.key(name))
        return keyring.decrypt(derived, encoded, associated)

    def sign(self, message: bytes) -> list[tuple[bytes, bytes]]:
        """Sign with every active key."""
        return signing.signing_with(signing.signers(self._ring))(message)

    def public_keys(self) -> list[bytes]:
        """Return the public keys of the active keys."""
        return signing.public_keys(self._ring)


def load(source: KeySource, options: dict[str, str | None], generated: Path | None = None) -> Keys:
    """Return the keys that a server is configured with.

    :param options: what ``odoo.conf`` says, by the name of the option
    :raises NoKey: nothing is configured, or what is configured cannot be used.
    """
    address = os.environ.get(vault_variable(source)) or options.get(vault_option(source))
    if address:
        if os.environ.get(source.variable):
            raise NoKey(f"set either {source.variable} or {vault_variable(source)}, not both")
        from .vault_keys import VaultKeys

        return VaultKeys.from_address(address)
    return RingKeys(source.load(options.get(source.file_option), generated))


def vault_variable(source: KeySource) -> str:
    """Return the environment variable that names a key in Vault."""
    return source.variable.removesuffix("_KEYS") + _VAULT


def vault_option(source: KeySource) -> str:
    """Return the option of ``odoo.conf`` that names a key in Vault."""
    return vault_variable(source).lower()


def _bound(name: str, associated: bytes) -> bytes:
    return name.encode() + b"\x00" + associated
