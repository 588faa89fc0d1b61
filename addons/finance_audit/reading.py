"""Reads sealed logs in order, a few thousand entries at a time, in the shape the verifier takes.

`LogReader` has the methods of a package: what verifies a package on another machine verifies the
database here, line for line the same program.
"""

from .core.tree import HASH_BYTES, cut

# Leaves read at once: some megabytes.
STEP = 4096

_ENTRIES = """
SELECT entry.canonical
  FROM finance_audit.seal
 CROSS JOIN LATERAL unnest(seal.entry_ids) WITH ORDINALITY AS placed(id, place)
  LEFT JOIN finance_audit.entry ON entry.id = placed.id
 WHERE seal.log_id = %s AND seal.size > %s AND seal.first_position < %s
 ORDER BY seal.size, placed.place
"""
_LEAVES = """
SELECT first_position, leaf_hashes FROM finance_audit.seal
 WHERE log_id = %s AND size > %s AND first_position < %s ORDER BY size
"""
_HEAD = """
SELECT size, origin FROM finance_audit.checkpoint WHERE log_id = %s ORDER BY id DESC LIMIT 1
"""
_CHECKPOINTS = "SELECT note FROM finance_audit.checkpoint WHERE log_id = %s ORDER BY id"
_ANCHORS = """
SELECT anchor.kind, anchor.target, anchor.stated_at, checkpoint.note,
       encode(anchor.token, 'base64') AS token
  FROM finance_audit.anchor JOIN finance_audit.checkpoint ON checkpoint.id = anchor.checkpoint_id
 WHERE anchor.log_id = %s ORDER BY anchor.size, anchor.id
"""
_KEYS = "SELECT verifier_key FROM finance_audit.signing_key WHERE log_id = %s ORDER BY id"
_ORIGINS = """
SELECT origin FROM finance_audit.checkpoint WHERE log_id = %s GROUP BY origin ORDER BY min(id)
"""


def folder(log_id):
    """Return the folder of a log in a package."""
    return f"company-{log_id}" if log_id else "shared"


class LogReader:
    """One log as it is in the database."""

    def __init__(self, cr, log_id):
        self._cr, self.log_id = cr, log_id
        cr.execute(_HEAD, [log_id])
        self.size, self.origin = cr.fetchone() or (0, "")
        self.manifest = {}

    def describe(self):
        """Return what the manifest says of the complete log."""
        return {
            "directory": folder(self.log_id),
            "origin": self.origin,
            "earlier_origins": [o for o in self._column(_ORIGINS) if o != self.origin],
            "kind": "complete",
            "entries": self.size,
            "size": self.size,
        }

    # -- as a package --------------------------------------------------------------------------

    def lines(self, _name):
        """Yield lists of the exact bytes of entries, in order; b"" where one is missing."""
        at = 0
        while at < self.size:
            self._cr.execute(_ENTRIES, [self.log_id, at, at + STEP])
            found = [bytes(row[0] or b"") for row in self._cr.fetchall()]
            if not found:
                return
            yield found[: self.size - at]
            at += len(found)

    def open(self, name):
        """Return a file of the package: the sealed leaf hashes, or the public keys."""
        return _Stream(self.blobs() if name.endswith("leaves.bin") else [self.keys().encode()])

    def rows(self, name):
        """Yield the rows of a file of the package."""
        if name.endswith("checkpoints.ndjson"):
            yield from self._column(_CHECKPOINTS)
        elif name.endswith("anchors.ndjson"):
            yield from self.anchors()

    # -- parts ---------------------------------------------------------------------------------

    def blobs(self):
        """Yield sealed leaf hashes, many at a time."""
        at = 0
        while at < self.size:
            rows = self._leaf_rows(at, at + STEP)
            if not rows:
                return
            for first, hashes in rows:
                yield hashes[: HASH_BYTES * (self.size - first)]
            at = rows[-1][0] + len(rows[-1][1]) // HASH_BYTES

    def fetcher(self):
        """Return a function of (start, end) that gives leaf hashes, for building proofs."""
        known = {"start": 0, "end": 0, "hashes": []}

        def fetch(start, end):
            if start < known["start"] or end > known["end"]:
                rows = self._leaf_rows(start, max(end, start + STEP))
                known["start"] = rows[0][0]
                known["hashes"] = cut(b"".join(hashes for _first, hashes in rows))
                known["end"] = known["start"] + len(known["hashes"])
            return known["hashes"][start - known["start"] : end - known["start"]]

        return fetch

    def keys(self):
        """Return the public keys that signed, one a line."""
        return "".join(f"{key}\n" for key in self._column(_KEYS))

    def anchors(self):
        """Yield the anchored notes with their timestamps, smallest first."""
        self._cr.execute(_ANCHORS, [self.log_id])
        for kind, target, stated_at, note, token in self._cr.fetchall():
            row = {"kind": kind, "target": target, "at": stated_at.isoformat(), "note": note}
            yield {**row, "token": token.replace("\n", "")} if token else row

    def _leaf_rows(self, start, end):
        self._cr.execute(_LEAVES, [self.log_id, start, end])
        return [(first, bytes(hashes)) for first, hashes in self._cr.fetchall()]

    def _column(self, query):
        self._cr.execute(query, [self.log_id])
        return [value for (value,) in self._cr.fetchall()]


class _Stream:
    """A readable file over an iterator of byte strings."""

    def __init__(self, parts):
        self._parts, self._waiting = iter(parts), b""

    def read(self, count=-1):  # A file. # pylint: disable=method-required-super
        while count < 0 or len(self._waiting) < count:
            part = next(self._parts, None)
            if part is None:
                break
            self._waiting += part
        count = len(self._waiting) if count < 0 else count
        found, self._waiting = self._waiting[:count], self._waiting[count:]
        return found
