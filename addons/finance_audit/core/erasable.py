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

from .canonical import canonical_bytes, to_json
from .keys import Keys

SALT_BYTES = 32
_PURPOSE = b"finance-connect audit erasable parts"
#: Parts without it are of version 19.0.2.0.0 and older: under a key derived from that of a ring.
_VERSION = "2:"


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


def encrypt(part: Part, keys: Keys, uid: str) -> str:
    """Return ``2:<name of the key>:<text>``, encrypted under the newest key."""
    plain = json.dumps([base64.b64encode(part.salt).decode(), part.text]).encode()
    return f"{_VERSION}{keys.encrypt(plain, _place(uid))}"


def decrypt(stored: str, keys: Keys, uid: str) -> Part:
    """Return the part.

    :raises keyring.UnknownKey: the provider does not have the key.
    :raises keyring.Unreadable: the part belongs to another entry, or was changed.
    """
    if stored.startswith(_VERSION):
        plain = keys.decrypt(stored.removeprefix(_VERSION), _place(uid))
    else:
        plain = keys.decrypt_derived(stored, _PURPOSE, uid.encode())
    salt, text = json.loads(plain)
    return Part(text, base64.b64decode(salt))


def _place(uid: str) -> bytes:
    return _PURPOSE + b"|" + uid.encode()
