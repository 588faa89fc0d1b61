"""Builds an evidence package of what a wizard chose: complete logs, or parts with their proofs."""

from datetime import datetime, timezone

from . import reading, sealing
from .core.canonical import to_json
from .core.note import Checkpoint
from .core.package import PackageWriter, encoded, proof_row
from .core.proofs import TiledTree

INSTRUCTIONS = """\
Verify this package without Odoo, on any machine with Python 3.10 or newer:

    pip install cryptography
    python3 verify_audit.py PACKAGE.zip --key KEYS --anchor RECEIVED --tsa-ca AUTHORITY.pem

Take verify_audit.py from a source you trust rather than from this package, and give what you received
outside of it: KEYS is the file of public keys handed to you (one verifier key a line), RECEIVED a
folder of checkpoints (.note) sent to you by mail or kept in an archive, AUTHORITY.pem the certificate
of the time-stamping authority. Without them the verifier says what remains unproven.

Exit code 0: nothing is damaged; 1: damage, named with the first bad entry; 2: unreadable.
"""
# Proofs from so many earlier anchored checkpoints go into a part.
_ANCHORS = 100

_CHOSEN = """
SELECT seal.first_position + array_position(seal.entry_ids, entry.id) - 1 AS position,
       entry.canonical, entry.uid::text
  FROM finance_audit.entry
  JOIN finance_audit.seal ON seal.log_id = COALESCE(entry.company_id, 0)
   AND seal.high_id >= entry.id AND seal.low_id <= entry.id AND entry.id = ANY (seal.entry_ids)
 WHERE COALESCE(entry.company_id, 0) = %(log_id)s AND seal.size <= %(size)s AND {condition}
 ORDER BY position
"""
_SHOWN = """
SELECT action, outcome, count(*), min(created_at), max(created_at) FROM finance_audit.entry
 WHERE COALESCE(company_id, 0) = %(log_id)s AND {condition}
 GROUP BY action, outcome ORDER BY action, outcome
"""
_CONDITIONS = {
    "everything": "TRUE",
    "period": "entry.created_at >= %(from)s AND entry.created_at < %(to)s",
    "document": "entry.document_model = %(model)s AND entry.document_id = %(number)s",
}
# Rows of the summary's table.
_LISTED = 2000


class PackageBuilder:
    """Writes one package."""

    def __init__(self, export, stream):
        self._export, self._env = export, export.env
        self._writer = PackageWriter(stream)
        self._condition = _CONDITIONS[export.scope]
        self._values = {
            "from": export.date_from and export.date_from.replace(tzinfo=timezone.utc),
            "to": export.date_to and export.date_to.replace(tzinfo=timezone.utc),
            "model": export.document_model,
            "number": export.document_id,
        }

    def build(self):
        """Write everything; return what the manifest says of each log."""
        logs = [self._log(log_id) for log_id in self._export._log_ids()]
        logs = [log for log in logs if log]
        manifest = {
            "created_at": datetime.now(timezone.utc).isoformat(),
            "exported_by": self._env.user.login,
            "database": self._env["ir.config_parameter"].sudo().get_param("database.uuid"),
            **to_json(self._export._scope()),
            "logs": [
                {k: v for k, v in log.items() if k not in ("shown", "listed")} for log in logs
            ],
        }
        summary = self._env["ir.qweb"]._render(
            "finance_audit.package_summary", {"manifest": manifest, "logs": logs}
        )
        self._writer.close(manifest, INSTRUCTIONS, f"<!DOCTYPE html>\n{summary}")
        return logs

    def _log(self, log_id):
        reader = reading.LogReader(self._env.cr, log_id)
        if not reader.size:
            return None
        name = reading.folder(log_id)
        whole = self._export.scope == "everything"
        log = reader.describe()
        shown = self._whole(reader, name) if whole else self._part(reader, name, log)
        self._writer.text(f"{name}/keys.txt", reader.keys())
        self._writer.rows(f"{name}/anchors.ndjson", reader.anchors())
        self._erasable(reader, name, whole)
        log |= {
            "log_id": log_id,
            "name": self._env["finance.audit.verification"]._log_label(log_id),
            "unsealed": sealing.unsealed(self._env.cr, log_id)[0],
            "keys": reader.keys().split(),
        }
        return {**log, "listed": shown, "shown": self._counts(log_id)}

    def _whole(self, reader, name):
        lines = (line for lines in reader.lines("entries") for line in lines)
        self._writer.lines(f"{name}/entries.ndjson", lines)
        self._writer.chunks(f"{name}/leaves.bin", reader.blobs())
        self._writer.rows(f"{name}/checkpoints.ndjson", reader.rows("checkpoints.ndjson"))
        return []

    def _part(self, reader, name, log):
        chosen = self._chosen(reader)
        tree = TiledTree(reader.size, reader.fetcher())
        self._writer.lines(f"{name}/entries.ndjson", (bytes(row[1]) for row in chosen))
        self._writer.rows(
            f"{name}/proofs.ndjson", (proof_row(row[0], tree.inclusion(row[0])) for row in chosen)
        )
        notes = list(reader.rows("checkpoints.ndjson"))[-1:]
        anchored = [row["note"] for row in reader.anchors()][-_ANCHORS:]
        sizes = sorted({Checkpoint.parse(note).size for note in anchored} - {0, reader.size})
        self._writer.rows(
            f"{name}/consistency.ndjson",
            ({"size": size, "path": encoded(tree.consistency(size))} for size in sizes),
        )
        self._writer.rows(f"{name}/checkpoints.ndjson", notes)
        log.update(kind="partial", entries=len(chosen), size=reader.size)
        return self._entries([row[2] for row in chosen[:_LISTED]])

    def _chosen(self, reader):
        query = _CHOSEN.format(condition=self._condition)
        values = {**self._values, "log_id": reader.log_id, "size": reader.size}
        self._env.cr.execute(query, values)
        return self._env.cr.fetchall()

    def _entries(self, uids):
        return self._env["finance.audit.entry"].search([("uid", "in", uids)], order="id")

    def _counts(self, log_id):
        query = _SHOWN.format(condition=self._condition)
        self._env.cr.execute(query, {**self._values, "log_id": log_id})
        return self._env.cr.fetchall()

    def _erasable(self, reader, name, whole):
        """Disclose erasable parts only when asked for."""
        rows = ()
        if self._export.with_erasable:
            rows = self._env["finance.audit.erasable"]._disclosed(self._chosen(reader))
        self._writer.rows(f"{name}/erasable.ndjson", rows)
