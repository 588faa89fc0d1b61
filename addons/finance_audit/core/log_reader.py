"""Reads sealed logs in order, a few thousand entries at a time, in the form that the verifier reads.

`LogReader` has the methods of a package: the program that verifies a package on another machine verifies the
database here, line by line the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from .schema import QUERIES, Cursor
from .tree import HASH_BYTES, cut

# Leaves read at once: some megabytes.
STEP = 4096


def folder(log_id: int) -> str:
    """Return the folder of a log in a package."""
    return f"company-{log_id}" if log_id else "shared"


class LogReader:
    """One log as it is in the database."""

    def __init__(self, cr: Cursor, log_id: int):
        self._cr, self.log_id = cr, log_id
        cr.execute(QUERIES["signed_head"], {"log_id": log_id})
        self.size, self.origin = cr.fetchone() or (0, "")
        self.manifest: dict[str, Any] = {}

    def describe(self) -> dict[str, Any]:
        """Return what the manifest states about the complete log."""
        return {
            "directory": folder(self.log_id),
            "origin": self.origin,
            "earlier_origins": [o for o in self._column("origins") if o != self.origin],
            "kind": "complete",
            "entries": self.size,
            "size": self.size,
        }

    # -- as a package --------------------------------------------------------------------------

    def lines(self, _name: str) -> Iterator[list[bytes]]:
        """Yield lists of the exact bytes of entries, in order; b"" where one is missing."""
        at = 0
        while at < self.size:
            self._cr.execute(QUERIES["sealed_bytes"], self._range(at, at + STEP))
            found = [bytes(row[0] or b"") for row in self._cr.fetchall()]
            if not found:
                return
            yield found[: self.size - at]
            at += len(found)

    def open(self, name: str) -> _Stream:
        """Return a file of the package: the sealed leaf hashes, or the public keys."""
        return _Stream(self.blobs() if name.endswith("leaves.bin") else [self.keys().encode()])

    # pylint: disable-next=method-required-super
    def read(self, name: str) -> bytes:
        """Return a whole small file, as the verifier reads it from a package."""
        return self.open(name).read()

    def rows(self, name: str) -> Iterator[Any]:
        """Yield the rows of a file of the package."""
        if name.endswith("checkpoints.ndjson"):
            yield from self._column("notes")
        elif name.endswith("anchors.ndjson"):
            yield from self.anchors()

    # -- parts ---------------------------------------------------------------------------------

    def blobs(self) -> Iterator[bytes]:
        """Yield sealed leaf hashes, many at a time."""
        at = 0
        while at < self.size:
            rows = self._hashes(at, at + STEP)
            if not rows:
                return
            for first, hashes in rows:
                yield hashes[: HASH_BYTES * (self.size - first)]
            at = rows[-1][0] + len(rows[-1][1]) // HASH_BYTES

    def fetcher(self) -> Callable[[int, int], list[bytes]]:
        """Return a function of (start, end) that returns leaf hashes, for building proofs."""
        start_known = end_known = 0
        known: list[bytes] = []

        def fetch(start: int, end: int) -> list[bytes]:
            nonlocal start_known, end_known, known
            if start < start_known or end > end_known:
                rows = self._hashes(start, max(end, start + STEP))
                start_known = rows[0][0]
                known = cut(b"".join(hashes for _first, hashes in rows))
                end_known = start_known + len(known)
            return known[start - start_known : end - start_known]

        return fetch

    def keys(self) -> str:
        """Return the public keys that signed, one per line."""
        return "".join(f"{key}\n" for key in self._column("verifier_keys"))

    def anchors(self) -> Iterator[dict[str, str]]:
        """Yield the anchored notes with their timestamps, smallest first."""
        self._cr.execute(QUERIES["anchored_notes"], {"log_id": self.log_id})
        for kind, target, stated_at, note, token in self._cr.fetchall():
            row = {"kind": kind, "target": target, "at": stated_at.isoformat(), "note": note}
            yield {**row, "token": token.replace("\n", "")} if token else row

    def _hashes(self, start: int, end: int) -> list[tuple[int, bytes]]:
        self._cr.execute(QUERIES["sealed_hashes"], self._range(start, end))
        return [(first, bytes(hashes)) for first, hashes in self._cr.fetchall()]

    def _range(self, start: int, end: int) -> dict[str, int]:
        return {"log_id": self.log_id, "start": start, "end": end}

    def _column(self, query: str) -> list[str]:
        self._cr.execute(QUERIES[query], {"log_id": self.log_id})
        return [value for (value,) in self._cr.fetchall()]


class _Stream:
    """A readable file over an iterator of byte strings."""

    def __init__(self, parts: Iterable[bytes]):
        self._parts, self._waiting = iter(parts), b""

    def read(self, count: int = -1) -> bytes:  # A file. # pylint: disable=method-required-super
        """Return up to `count` bytes, or the rest."""
        while count < 0 or len(self._waiting) < count:
            part = next(self._parts, None)
            if part is None:
                break
            self._waiting += part
        count = len(self._waiting) if count < 0 else count
        found, self._waiting = self._waiting[:count], self._waiting[count:]
        return found
