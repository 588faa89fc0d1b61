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
    limit = None if last.moved else limit
    entry_ids, hashes, newest, xmin = _fresh(cr, last, limit)
    if not entry_ids:
        return 0
    hashes = bytes(hashes)
    last.frontier.extend(cut(hashes))
    reached = Place(int(newest), entry_ids[-1])
    place = resume(last.place, int(xmin), reached, cut=len(entry_ids) == limit)
    cr.execute(statement("add_seal.sql"), _row(last, entry_ids, hashes, newest, place))
    return len(entry_ids)


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


def _fresh(cr, last, limit):
    cr.execute(statement("next_leaves.sql"), {**_where(last), "limit": limit})
    return cr.fetchone()


def _row(last, entry_ids, hashes, newest, place):
    tree = last.frontier
    return {
        "log_id": last.log_id,
        "first_position": tree.size - len(entry_ids),
        "size": tree.size,
        "entry_ids": entry_ids,
        "leaf_hashes": Binary(hashes),
        "frontier": Binary(tree.roots()),
        "root": Binary(tree.root()),
        "low_id": min(entry_ids),
        "high_id": max(entry_ids),
        "newest_xact": newest,
        "resume_xact": str(place.xact),
        "resume_id": place.entry_id,
        "floor_id": last.next_floor,
        "cluster": last.cluster,
    }


def _cluster(cr):
    """Return what tells this cluster from the one a dump came from."""
    cr.execute("SELECT system_identifier::text FROM pg_control_system()")
    return cr.fetchone()[0]
