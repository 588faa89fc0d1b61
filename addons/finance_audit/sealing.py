"""One seal: positions for the entries of a log that have none, and the tree grown by them.

Works on any cursor of PostgreSQL. The transaction must be READ COMMITTED: the snapshot that looks
for entries must be younger than the lock, or two sealers could take the same entry.
"""

from dataclasses import dataclass

from psycopg2 import Binary

from .core.sealing import Place, resume
from .core.tree import Frontier, cut
from .install import statement

# Entries of one seal: a short transaction, and some megabytes of memory.
LIMIT = 20_000
# First key of the advisory locks: any number that nobody else uses; the second is the log.
_LOCK = 6962

_LAST = """
SELECT size, frontier, resume_xact::text, resume_id, floor_id, cluster
  FROM finance_audit.seal WHERE log_id = %s ORDER BY size DESC LIMIT 1
"""
_FLOOR = "SELECT COALESCE(max(high_id), 0) FROM finance_audit.seal WHERE log_id = %s"
# The index has the order that is wanted. Without statistics PostgreSQL would rather sort all that is
# unsealed for every seal.
_IN_ORDER = "SET LOCAL enable_bitmapscan = off; SET LOCAL enable_sort = off"
# All logs that have entries, found by leaping through the index.
_LOGS = """
WITH RECURSIVE logs AS (
    SELECT min(COALESCE(company_id, 0)) AS log_id FROM finance_audit.entry
    UNION ALL
    SELECT (SELECT min(COALESCE(company_id, 0)) FROM finance_audit.entry
             WHERE COALESCE(company_id, 0) > logs.log_id)
      FROM logs WHERE logs.log_id IS NOT NULL
)
SELECT log_id FROM logs WHERE log_id IS NOT NULL ORDER BY log_id
"""


def logs(cr):
    """Return the logs that have entries."""
    cr.execute(_LOGS)
    return [log_id for (log_id,) in cr.fetchall()]


def lock(cr, log_id):
    """Take the log until the transaction ends; False when another sealer has it."""
    cr.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [_LOCK, log_id])
    return cr.fetchone()[0]


def seal(cr, log_id, limit=LIMIT):
    """Seal up to `limit` entries of a log whose lock is held; return how many."""
    last = _last(cr, log_id)
    batch = _fresh(cr, last, None if last.moved else limit)
    if not batch.count:
        return 0
    last.frontier.extend(cut(batch.hashes))
    place = resume(last.place, batch.xmin, batch.last, cut=batch.count == limit)
    cr.execute(statement("add_seal.sql"), _row(last, batch, place))
    return batch.count


def unsealed(cr, log_id):
    """Return how many entries wait for a seal, and since when."""
    last = _last(cr, log_id)
    cr.execute(statement("unsealed.sql"), _where(last))
    return cr.fetchone()


@dataclass
class _Last:
    """Where the last seal of a log ended."""

    log_id: int
    cluster: str
    frontier: Frontier
    place: Place = Place()
    floor_id: int = 0
    next_floor: int = 0
    moved: bool = False


def _last(cr, log_id):
    cluster = _cluster(cr)
    cr.execute(_LAST, [log_id])
    row = cr.fetchone()
    if not row:
        return _Last(log_id, cluster, Frontier())
    size, roots, xact, entry_id, floor_id, there = row
    frontier = Frontier(size, bytes(roots))
    if there == cluster:
        return _Last(log_id, cluster, frontier, Place(int(xact), entry_id), floor_id, floor_id)
    # Another cluster counts its transactions otherwise: look at every entry once, in one seal. What
    # is written from now on has larger numbers, since the restored sequence is behind the restored rows.
    cr.execute(_FLOOR, [log_id])
    return _Last(log_id, cluster, frontier, next_floor=cr.fetchone()[0], moved=True)


def _where(last):
    return {
        "log_id": last.log_id,
        "cluster": last.cluster,
        "moved": last.moved,
        "resume_xact": str(last.place.xact),
        "resume_id": last.place.entry_id,
        "floor_id": last.floor_id,
    }


@dataclass
class _Batch:
    """Entries to be sealed. Their numbers stay the text that PostgreSQL sent: it gets them back."""

    ids: str
    hashes: bytes
    count: int
    low_id: int
    high_id: int
    xmin: int
    last: Place


def _fresh(cr, last, limit):
    cr.execute(_IN_ORDER)
    cr.execute(statement("next_leaves.sql"), {**_where(last), "limit": limit})
    ids, hashes, count, low_id, high_id, xmin = cr.fetchone()
    place = None
    if count:
        number = int(ids.strip("{}").rpartition(",")[2])
        cr.execute("SELECT xact::text FROM finance_audit.entry WHERE id = %s", [number])
        place = Place(int(cr.fetchone()[0]), number)
    return _Batch(ids, bytes(hashes or b""), count, low_id, high_id, int(xmin), place)


def _row(last, batch, place):
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
        "floor_id": last.next_floor,
        "cluster": last.cluster,
    }


def _cluster(cr):
    """Return what tells this cluster from the one a dump came from."""
    cr.execute("SELECT system_identifier::text FROM pg_control_system()")
    return cr.fetchone()[0]
