"""Erasable parts: a salted hash in the entry, salt and text encrypted elsewhere (property A7).

HMAC-SHA-256 (RFC 2104) under a random salt of 32 bytes: once salt and text are gone, the hash tells
nothing, not even to somebody who guesses the text. Encryption is AES-256-GCM (NIST SP 800-38D) under
a key derived from the audit key ring (HKDF, RFC 5869), bound to the entry's id.
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

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from .canonical import canonical_bytes, to_json

SALT_BYTES, _NONCE_BYTES = 32, 12


@dataclass(frozen=True)
class Part:
    """The text that may be erased, and its salt."""

    text: str
    salt: bytes = field(default_factory=lambda: os.urandom(SALT_BYTES), repr=False)

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> Part:
        """Return the part for values, as canonical text."""
        return cls(canonical_bytes(to_json(value)).decode())

    def digest(self) -> bytes:
        """Return what the entry keeps."""
        return hmac.new(self.salt, self.text.encode(), sha256).digest()


def encrypt(part: Part, seeds: Mapping[str, bytes], uid: str) -> str:
    """Return `name of the key:base64`, under the newest key."""
    name, seed = next(iter(seeds.items()))
    nonce = os.urandom(_NONCE_BYTES)
    plain = json.dumps([base64.b64encode(part.salt).decode(), part.text]).encode()
    sealed = AESGCM(_key(seed)).encrypt(nonce, plain, uid.encode())
    return f"{name}:{base64.b64encode(nonce + sealed).decode()}"


def decrypt(stored: str, seeds: Mapping[str, bytes], uid: str) -> Part:
    """Return the part.

    :raises KeyError: the ring has no such key.
    :raises cryptography.exceptions.InvalidTag: it belongs to another entry, or was changed.
    """
    name, _colon, encoded = stored.partition(":")
    raw = base64.b64decode(encoded)
    key = AESGCM(_key(seeds[name]))
    salt, text = json.loads(key.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], uid.encode()))
    return Part(text, base64.b64decode(salt))


def _key(seed: bytes) -> bytes:
    return HKDF(SHA256(), 32, None, b"finance-connect audit erasable parts").derive(seed)
