"""The Merkle tree of a log after RFC 6962, section 2.1, grown from its frontier.

The frontier of a tree holds the roots of its complete subtrees, one for each bit that is set in the
size. It is all that is needed to append: the cost of growing is that of the new leaves.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256

from .leaf import EMPTY_TREE_HASH

NODE_PREFIX = b"\x01"
HASH_BYTES = 32


class FrontierDamaged(ValueError):
    """Stored subtree roots do not fit the stored size."""


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return SHA-256(0x01 || left || right)."""
    return sha256(NODE_PREFIX + left + right).digest()


def pairs(nodes: Sequence[bytes]) -> list[bytes]:
    """Return the parents of an even number of neighbours; the hot loop of everything here."""
    each = iter(nodes)
    return [sha256(b"\x01" + left + right).digest() for left, right in zip(each, each, strict=True)]


def root_of(hashes: Sequence[bytes]) -> bytes:
    """Return MTH of leaves or nodes that are hashed already."""
    frontier = Frontier()
    frontier.extend(hashes)
    return frontier.root()


class Frontier:
    """Roots of the complete subtrees by level; None where the size has no bit."""

    def __init__(self, size: int = 0, roots: bytes = b""):
        """Take up a tree of `size` leaves; `roots` are those of its subtrees, largest first.

        :raises FrontierDamaged: there are more or fewer roots than the size has bits.
        """
        if size < 0 or len(roots) != HASH_BYTES * size.bit_count():
            raise FrontierDamaged(f"{len(roots)} bytes for a tree of {size} leaves")
        parts = iter(cut(roots))
        levels = range(size.bit_length())
        self._peaks = [next(parts) if size >> level & 1 else None for level in reversed(levels)]
        self._peaks.reverse()
        self.size = size

    def extend(self, hashes: Iterable[bytes]) -> None:
        """Append leaves, level by level."""
        nodes, level = list(hashes), 0
        self.size += len(nodes)
        while nodes:
            if level == len(self._peaks):
                self._peaks.append(None)
            waiting = self._peaks[level]
            if waiting is not None:
                nodes.insert(0, waiting)
            self._peaks[level] = nodes.pop() if len(nodes) % 2 else None
            nodes = pairs(nodes)
            level += 1

    def root(self) -> bytes:
        """Return MTH of all leaves so far."""
        found = None
        for peak in self._peaks:
            if peak is not None:
                found = peak if found is None else node_hash(peak, found)
        return EMPTY_TREE_HASH if found is None else found

    def roots(self) -> bytes:
        """Return what `Frontier` takes up again."""
        return b"".join(peak for peak in reversed(self._peaks) if peak is not None)


def cut(joined: bytes) -> list[bytes]:
    """Return the hashes of a string of them."""
    return [joined[at : at + HASH_BYTES] for at in range(0, len(joined), HASH_BYTES)]
