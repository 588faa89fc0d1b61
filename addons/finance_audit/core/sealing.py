"""Seals: positions for the entries of a log that have none, and the Merkle tree extended by them.

Entries are found by the transaction that wrote them, never by the order of their ids: a transaction that
commits late has smaller ids than others that were sealed long ago. What is certain is ``xmin``: every
transaction before it has ended, so everything it wrote was visible.

Works on any cursor of PostgreSQL. The transaction must be READ COMMITTED: the snapshot that looks for entries
must be younger than the lock, or two sealers could take the same entry.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg2 import Binary

from .schema import QUERIES, Cursor
from .tree import Frontier, cut

# Entries of one seal: a short transaction and some megabytes of memory.
LIMIT = 20_000
# First key of the advisory locks: any number not used elsewhere; the second key is the log.
_LOCK = 6962


@dataclass(frozen=True)
class Place:
    """A point in the order of transactions: up to it everything is sealed and nothing can be added any more."""

    xact: int = 0
    entry_id: int = 0

    def key(self) -> tuple[int, int]:
        """Return what places are compared by."""
        return self.xact, self.entry_id


@dataclass
class Last:
    """Where the last seal of a log ended."""

    log_id: int
    cluster: str
    frontier: Frontier
    place: Place = Place()
    floor_id: int = 0
    next_floor_id: int = 0
    moved: bool = False

    def parameters(self) -> dict[str, Any]:
        """Return the parameters of the statement ``unsealed``."""
        return {
            "log_id": self.log_id,
            "cluster": self.cluster,
            "moved": self.moved,
            "resume_xact": str(self.place.xact),
            "resume_id": self.place.entry_id,
            "floor_id": self.floor_id,
        }


@dataclass
class _Batch:
    """Entries to be sealed. Their ids stay the text that PostgreSQL sent, which is what it receives again."""

    ids: str
    hashes: bytes
    count: int
    low_id: int
    high_id: int
    xmin: int
    last: Place


def logs(cr: Cursor) -> list[int]:
    """Return the logs that have entries."""
    cr.execute(QUERIES["logs"])
    return [log_id for (log_id,) in cr.fetchall()]


def lock(cr: Cursor, log_id: int) -> bool:
    """Take the log until the transaction ends; return False when another sealer has it."""
    cr.execute(QUERIES["lock_log"], {"lock": _LOCK, "log_id": log_id})
    return cr.fetchone()[0]


def seal(cr: Cursor, log_id: int, limit: int = LIMIT) -> int:
    """Seal up to `limit` entries of a log whose lock is held; return how many were sealed."""
    last = last_seal(cr, log_id)
    batch = _fresh(cr, last, None if last.moved else limit)
    if not batch:
        return 0
    last.frontier.extend(cut(batch.hashes))
    place = resume(last.place, batch.xmin, batch.last, is_cut=batch.count == limit)
    cr.execute(QUERIES["add_seal"], _row(last, batch, place))
    return batch.count


def unsealed(cr: Cursor, log_id: int) -> tuple[int, datetime | None]:
    """Return how many entries are not sealed yet, and since when."""
    parameters = last_seal(cr, log_id).parameters()
    cr.execute(QUERIES["unsealed"], {**parameters, "with_entries": False, "limit": None})
    _ids, _hashes, count, _low, _high, oldest, _xmin = cr.fetchone()
    return count, oldest


def resume(before: Place, xmin: int, last: Place | None, *, is_cut: bool) -> Place:
    """Return where the next seal begins, after one that ended at `last`.

    A seal that was cut at its limit continues where it ended. Neither may pass `xmin`: an open transaction may
    still add entries there.
    """
    ended = Place(xmin)
    reached = last if is_cut and last else ended
    return max(before, min(reached, ended, key=Place.key), key=Place.key)


def last_seal(cr: Cursor, log_id: int) -> Last:
    """Return where the last seal of a log ended, in terms of this cluster of PostgreSQL."""
    cluster = cluster_id(cr)
    cr.execute(QUERIES["last_seal"], {"log_id": log_id})
    row = cr.fetchone()
    if not row:
        return Last(log_id, cluster, Frontier())
    size, roots, xact, entry_id, floor_id, sealed_in = row
    frontier = Frontier(size, bytes(roots))
    if sealed_in == cluster:
        return Last(log_id, cluster, frontier, Place(int(xact), entry_id), floor_id, floor_id)
    # Another cluster counts its transactions differently: every entry is looked at once, in one seal. Entries
    # written from now on have higher ids, because the restored sequence is ahead of the restored rows.
    cr.execute(QUERIES["highest_sealed_id"], {"log_id": log_id})
    return Last(log_id, cluster, frontier, next_floor_id=cr.fetchone()[0], moved=True)


def cluster_id(cr: Cursor) -> str:
    """Return what distinguishes this cluster from the one a dump came from."""
    cr.execute(QUERIES["cluster"])
    return cr.fetchone()[0]


def _fresh(cr: Cursor, last: Last, limit: int | None) -> _Batch | None:
    cr.execute(QUERIES["read_index_in_order"])
    cr.execute(QUERIES["unsealed"], {**last.parameters(), "with_entries": True, "limit": limit})
    ids, hashes, count, low_id, high_id, _oldest, xmin = cr.fetchone()
    if not count:
        return None
    newest = int(ids.strip("{}").rpartition(",")[2])
    cr.execute(QUERIES["transaction_of_entry"], {"entry_id": newest})
    place = Place(int(cr.fetchone()[0]), newest)
    return _Batch(ids, bytes(hashes), count, low_id, high_id, int(xmin), place)


def _row(last: Last, batch: _Batch, place: Place) -> dict[str, Any]:
    tree = last.frontier
    return {
        "log_id": last.log_id,
        "first_position": tree.size - batch.count,
        "size": tree.size,
        "entry_ids": batch.ids,
        "leaf_hashes": Binary(batch.hashes),
        "frontier": Binary(tree.roots()),
        "root": Binary(tree.root()),
        "low_id": batch.low_id,
        "high_id": batch.high_id,
        "newest_xact": str(batch.last.xact),
        "resume_xact": str(place.xact),
        "resume_id": place.entry_id,
        "floor_id": last.next_floor_id,
        "cluster": last.cluster,
    }
