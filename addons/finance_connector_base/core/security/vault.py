"""Secrets at rest: AES-256-GCM (NIST SP 800-38D) under a key that never enters the database.

The associated data binds a ciphertext to its database, environment, record and field: a row copied
to another
record, another environment or another database does not decrypt.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_VERSION = "v1"
_NONCE_BYTES = 12
_KEY_BYTES = 32


class VaultError(Exception):
    """A secret cannot be stored or read. The message never holds the secret."""


class NoKey(VaultError):
    """No key-encryption key is configured on this server."""


class UnknownKey(VaultError):
    """The secret was encrypted under a key that this server does not have."""


class Unreadable(VaultError):
    """The ciphertext does not belong to this place, or was changed."""


@dataclass(frozen=True, slots=True)
class KeyRing:
    """Keys by id. The first one encrypts, all of them decrypt, so that a key can be rotated."""

    keys: Mapping[str, bytes] = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> KeyRing:
        """Read lines ``id:base64 of 32 bytes``; blank lines and ``#`` comments are passed over.

        :raises NoKey: no line holds a key, or one is not 32 bytes; the message names the line, not
            the key.
        """
        keys = {}
        for number, raw in enumerate(text.splitlines(), 1):
            line = raw.strip()
            if not line or line.startswith("#"):
                continue
            key_id, _colon, encoded = line.partition(":")
            try:
                key = base64.b64decode(encoded.strip(), validate=True)
            except binascii.Error:
                key = b""
            if not key_id.strip() or len(key) != _KEY_BYTES:
                raise NoKey(f"line {number} of the key ring is not 'id:base64 of 32 bytes'")
            keys[key_id.strip()] = key
        if not keys:
            raise NoKey("the key ring is empty")
        return cls(keys)

    def encrypt(self, secret: str, associated: str) -> str:
        """``v1:<key id>:<base64 of nonce and ciphertext>``."""
        key_id, key = next(iter(self.keys.items()))
        nonce = os.urandom(_NONCE_BYTES)
        header = f"{_VERSION}:{key_id}"
        sealed = AESGCM(key).encrypt(nonce, secret.encode(), f"{header}|{associated}".encode())
        return f"{header}:{base64.b64encode(nonce + sealed).decode()}"

    def decrypt(self, stored: str, associated: str) -> str:
        """The secret.

        :raises UnknownKey: encrypted under a key that is not in the ring.
        :raises Unreadable: another place's ciphertext, or a changed one.
        """
        version, _colon, rest = stored.partition(":")
        key_id, _colon, encoded = rest.rpartition(":")
        if version != _VERSION:
            raise Unreadable("not a ciphertext of this version")
        if key_id not in self.keys:
            raise UnknownKey(f"key '{key_id}' is not in this server's key ring")
        try:
            raw = base64.b64decode(encoded, validate=True)
            header = f"{version}:{key_id}"
            plain = AESGCM(self.keys[key_id]).decrypt(
                raw[:_NONCE_BYTES],
                raw[_NONCE_BYTES:],
                f"{header}|{associated}".encode(),
            )
        except (InvalidTag, binascii.Error, ValueError) as error:
            raise Unreadable("the ciphertext does not belong here or was changed") from error
        return plain.decode()


def associated_data(
    database_uuid: str, environment: str, model: str, record_uuid: str, name: str
) -> str:
    """What a ciphertext is bound to: database | environment | model | record | field."""
    return "|".join((database_uuid, environment, model, record_uuid, name))
