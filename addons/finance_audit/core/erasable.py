"""Erasable parts: a salted hash in the entry, salt and text encrypted elsewhere (property A7).

HMAC-SHA-256 (RFC 2104) under a random salt of 32 bytes: once salt and text are deleted, the hash reveals
nothing, not even to somebody who guesses the text. Parts are encrypted under a key derived from the audit key
ring (HKDF, RFC 5869) and bound to the id of their entry.
"""

from __future__ import annotations

import base64
import hmac
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from . import keyring
from .canonical import canonical_bytes, to_json

SALT_BYTES = 32
_PURPOSE = b"finance-connect audit erasable parts"


def _salt() -> bytes:
    return os.urandom(SALT_BYTES)


@dataclass(frozen=True)
class Part:
    """The text that may be erased, and its salt."""

    text: str
    salt: bytes = field(default_factory=_salt, repr=False)

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> Part:
        """Return the part for values, as canonical text."""
        return cls(canonical_bytes(to_json(value)).decode())

    def digest(self) -> bytes:
        """Return the hash that the entry stores."""
        return hmac.new(self.salt, self.text.encode(), sha256).digest()


def encrypt(part: Part, ring: keyring.KeyRing, uid: str) -> str:
    """Return ``name of the key:base64``, encrypted under the newest key."""
    name, key = ring.newest()
    plain = json.dumps([base64.b64encode(part.salt).decode(), part.text]).encode()
    return f"{name}:{keyring.encrypt(_derive(key), plain, uid.encode())}"


def decrypt(stored: str, ring: keyring.KeyRing, uid: str) -> Part:
    """Return the part.

    :raises keyring.UnknownKey: the ring does not have the key.
    :raises keyring.Unreadable: the part belongs to another entry, or was changed.
    """
    name, _colon, encoded = stored.partition(":")
    plain = keyring.decrypt(_derive(ring.key(name)), encoded, uid.encode())
    salt, text = json.loads(plain)
    return Part(text, base64.b64decode(salt))


def _derive(key: bytes) -> bytes:
    return HKDF(SHA256(), 32, None, _PURPOSE).derive(key)
