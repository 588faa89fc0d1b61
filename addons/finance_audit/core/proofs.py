"""Inclusion and consistency proofs after RFC 6962, sections 2.1.1 and 2.1.2, from stored leaf hashes.

A tree of tiles: only the roots of 256 leaves each are kept in memory; the leaves of a tile are
fetched when a proof passes through it. A tile that ends with the tree may be shorter: it is a right
edge on its level, so the tree over the roots of tiles is the same tree.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .tree import root_of

TILE = 256


class NotInTree(ValueError):
    """There is no such position, or no such smaller tree."""


def split(size: int) -> int:
    """Return the largest power of two smaller than `size`."""
    return 1 << (size - 1).bit_length() - 1


class TiledTree:
    """Proofs about one log at one size."""

    def __init__(self, size: int, fetch: Callable[[int, int], Sequence[bytes]]):
        """`fetch(start, end)` returns the hashes of these leaves; it is asked tile by tile."""
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
        """Return the proof that the first `older` leaves are the tree it was then.

        :raises NotInTree: the tree was never that small, or is not that large.
        """
        if not 0 < older <= self.size:
            raise NotInTree(f"a tree of {older} in a tree of {self.size}")
        proof, start, end, whole = [], 0, self.size, True
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
        """A subtree smaller than a tile lies within one."""
        begin = start - start % TILE
        return self._fetch(begin, min(begin + TILE, self.size))[start - begin : end - begin]


def _path(nodes: Sequence[bytes], index: int) -> list[bytes]:
    path, start, end = [], 0, len(nodes)
    while end - start > 1:
        middle = start + split(end - start)
        if index < middle:
            path.append(root_of(nodes[middle:end]))
            end = middle
        else:
            path.append(root_of(nodes[start:middle]))
            start = middle
    return path[::-1]
