"""The Merkle tree of a log (RFC 6962, section 2.1): leaves, growth from a frontier, and proofs.

The frontier of a tree holds the roots of its complete subtrees, one for each bit that is set in the size. It
is all that is needed to append: the cost of growing is that of the new leaves.

Proofs (sections 2.1.1 and 2.1.2) are built from stored leaf hashes, from a tree of tiles: only the roots of
256 leaves each are kept in memory; the leaves of a tile are fetched when a proof passes through it. A tile that
ends with the tree may be shorter: it is a right edge on its level, so the tree over the roots of tiles is the
same tree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256

# The prefixes keep a leaf from ever being read as an inner node (second pre-image).
LEAF_PREFIX = b"\x00"
NODE_PREFIX = b"\x01"
HASH_BYTES = 32
EMPTY_TREE_HASH = sha256(b"").digest()
# Leaves of a tile.
TILE = 256


class FrontierDamaged(ValueError):
    """Stored subtree roots do not fit the stored size."""


class NotInTree(ValueError):
    """There is no such position, or no such smaller tree."""


def leaf_hash(data: bytes) -> bytes:
    """Return MTH({data}) = SHA-256(0x00 || data)."""
    return sha256(LEAF_PREFIX + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return SHA-256(0x01 || left || right)."""
    return sha256(NODE_PREFIX + left + right).digest()


def pairs(nodes: Sequence[bytes]) -> list[bytes]:
    """Return the parents of an even number of neighbours. This is the hot loop."""
    each = iter(nodes)
    return [sha256(b"\x01" + left + right).digest() for left, right in zip(each, each, strict=True)]


def root_of(hashes: Sequence[bytes]) -> bytes:
    """Return MTH of hashes of leaves or nodes."""
    frontier = Frontier()
    frontier.extend(hashes)
    return frontier.root()


class Frontier:
    """Roots of the complete subtrees by level; None where the size has no bit."""

    def __init__(self, size: int = 0, roots: bytes = b""):
        """Resume a tree of `size` leaves; `roots` are those of its subtrees, largest first.

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
        """Return the roots that `Frontier` resumes from."""
        return b"".join(peak for peak in reversed(self._peaks) if peak is not None)


def cut(joined: bytes) -> list[bytes]:
    """Return the hashes in a concatenation of them."""
    return [joined[at : at + HASH_BYTES] for at in range(0, len(joined), HASH_BYTES)]


def split(size: int) -> int:
    """Return the largest power of two smaller than `size`."""
    return 1 << (size - 1).bit_length() - 1


class TiledTree:
    """Proofs about one log at one size."""

    def __init__(self, size: int, fetch: Callable[[int, int], Sequence[bytes]]):
        """Build the tiles; `fetch(start, end)` returns the hashes of leaves and is called tile by tile."""
        self.size = size
        self._fetch = fetch
        self._tiles = [
            root_of(fetch(start, min(start + TILE, size))) for start in range(0, size, TILE)
        ]

    def root(self) -> bytes:
        """Return the root of the whole tree."""
        return root_of(self._tiles)

    def inclusion(self, position: int) -> list[bytes]:
        """Return the path of the leaf at `position`, from the leaf upwards.

        :raises NotInTree: the tree has no such position.
        """
        if not 0 <= position < self.size:
            raise NotInTree(f"position {position} in a tree of {self.size}")
        number, inside = divmod(position, TILE)
        leaves = self._fetch(number * TILE, min((number + 1) * TILE, self.size))
        return _path(leaves, inside) + _path(self._tiles, number)

    def consistency(self, older: int) -> list[bytes]:
        """Return the proof that the first `older` leaves are the earlier tree.

        :raises NotInTree: the tree was never that small, or is not that large.
        """
        if not 0 < older <= self.size:
            raise NotInTree(f"a tree of {older} in a tree of {self.size}")
        proof: list[bytes] = []
        start, end, whole = 0, self.size, True
        while older - start != end - start:
            middle = start + split(end - start)
            if older <= middle:
                proof.append(self._range(middle, end))
                end = middle
            else:
                proof.append(self._range(start, middle))
                start, whole = middle, False
        if not whole:
            proof.append(self._range(start, end))
        return proof[::-1]

    def _range(self, start: int, end: int) -> bytes:
        """Return the root over leaves of one subtree."""
        if start % TILE or end - start < TILE:
            return root_of(self._fetch_range(start, end))
        first, last = start // TILE, end // TILE
        nodes = list(self._tiles[first:last])
        if end % TILE:
            nodes.append(root_of(self._fetch_range(last * TILE, end)))
        return root_of(nodes)

    def _fetch_range(self, start: int, end: int) -> Sequence[bytes]:
        """Return the leaves of a subtree smaller than a tile, which lies within one."""
        begin = start - start % TILE
        return self._fetch(begin, min(begin + TILE, self.size))[start - begin : end - begin]


def _path(nodes: Sequence[bytes], index: int) -> list[bytes]:
    path: list[bytes] = []
    start, end = 0, len(nodes)
    while end - start > 1:
        middle = start + split(end - start)
        if index < middle:
            path.append(root_of(nodes[middle:end]))
            end = middle
        else:
            path.append(root_of(nodes[start:middle]))
            start = middle
    return path[::-1]
