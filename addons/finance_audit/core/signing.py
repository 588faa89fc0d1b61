"""The keys that sign checkpoints: Ed25519 (RFC 8032), derived from the audit key ring.

Every active key of the ring signs, so that readers can be given a new public key before the old one is
retired.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from .keyring import KeyRing, KeySource

SOURCE = KeySource("FINANCE_AUDIT_KEYS", "FINANCE_AUDIT_KEY_FILE", "finance_audit_key_file")


def signers(ring: KeyRing) -> list[Ed25519PrivateKey]:
    """Return the private keys that sign, newest first."""
    return [Ed25519PrivateKey.from_private_bytes(ring.keys[name]) for name in ring.active]


def public_keys(ring: KeyRing) -> list[bytes]:
    """Return the public keys of `signers`, in the same order."""
    return [key.public_key().public_bytes_raw() for key in signers(ring)]


def signing_with(keys: Iterable[Ed25519PrivateKey]) -> Callable[[bytes], list[tuple[bytes, bytes]]]:
    """Return a function from a message to public key and signature of each of these keys."""
    pairs = [(key.public_key().public_bytes_raw(), key) for key in keys]
    return lambda message: [(public, key.sign(message)) for public, key in pairs]
