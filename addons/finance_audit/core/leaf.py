"""Hashes of the Merkle tree after RFC 6962, section 2.1.

The prefix byte keeps a leaf from ever being read as an inner node (second pre-image).
"""

from hashlib import sha256

LEAF_PREFIX = b"\x00"
EMPTY_TREE_HASH = sha256(b"").digest()


def leaf_hash(data: bytes) -> bytes:
    """Return MTH({data}) = SHA-256(0x00 || data)."""
    return sha256(LEAF_PREFIX + data).digest()
