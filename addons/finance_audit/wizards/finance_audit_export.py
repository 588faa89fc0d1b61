"""Export of evidence: a document's, a period's, or everything, as a package that is verified without Odoo."""

from datetime import datetime, timezone

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

from ..core import sealing
from ..core.canonical import to_json
from ..core.log_reader import LogReader, folder
from ..core.note import Checkpoint
from ..core.package import PackageWriter, encoded, proof_row
from ..core.readable import humanise
from ..core.schema import QUERIES
from ..core.statement import Statement
from ..core.tree import TiledTree

INSTRUCTIONS = """\
Verify this package without Odoo, on any computer with Python 3.10 or newer:

    pip install cryptography
    python3 verify_audit.py PACKAGE.zip --key KEYS --anchor RECEIVED --tsa-ca AUTHORITY.pem

Obtain verify_audit.py from a source you trust rather than from this package, and provide what you received
separately: KEYS is the file of public keys handed to you (one verifier key per line), RECEIVED a folder of
checkpoints (.note) that were sent to you by email or are kept in an archive, AUTHORITY.pem the certificate of
the time-stamping authority. The verifier reports what remains unproven without them.

Exit code 0: nothing is damaged; 1: damage, reported with the first damaged entry; 2: the package is unreadable.
"""
# Proofs are included for this many earlier anchored checkpoints.
_ANCHORS = 100
# Rows of the table in the summary.
_LISTED = 2000


class FinanceAuditExport(models.TransientModel):
    _name = "finance.audit.export"
    _description = "Export an evidence package"

    scope = fields.Selection(
        [("everything", "Everything"), ("period", "Period"), ("document", "Document")],
        required=True,
        default="everything",
    )
    company_ids = fields.Many2many(
        "res.company", string="Companies", default=lambda self: self.env.companies
    )
    shared = fields.Boolean("Entries without company", default=True)
    date_from = fields.Datetime("From")
    date_to = fields.Datetime("To")
    document_model = fields.Char("Document model")
    document_id = fields.Integer("Document ID")
    document_name = fields.Char("Document", readonly=True)
    with_erasable = fields.Boolean(
        "Include personal data",
        help="Adds the parts that can be erased later. The package proves the same without them.",
    )

    @api.constrains("scope", "date_from", "date_to", "document_id")
    def _check_scope(self):
        for export in self:
            if export.scope == "period" and not (export.date_from and export.date_to):
                raise UserError(self.env._("Enter the beginning and the end of the period."))
            if export.scope == "document" and not (export.document_model and export.document_id):
                raise UserError(
                    self.env._(
                        "To export a document, open one of its audit entries and choose Export evidence."
                    )
                )

    def action_export(self):
        """Seal all committed entries and start the download."""
        self.ensure_one()
        self._check_rights()
        self.env["finance.audit.sealer"]._seal_all(self._log_ids())
        return {
            "type": "ir.actions.act_url",
            "url": f"/finance_audit/package/{self.id}",
            "target": "self",
        }

    def _check_rights(self):
        """Refuse everybody but an auditor of the companies who opened the wizard.

        Companies are read with all rights: one that is hidden from the user must not be omitted silently.
        """
        self.env["finance.audit.entry"].check_access("read")
        if self.create_uid != self.env.user or self.sudo().company_ids - self.env.user.company_ids:
            raise AccessError(
                self.env._(
                    "This export was created by another user or contains companies that you cannot access."
                )
            )

    def _log_ids(self):
        return ([0] if self.shared else []) + self.company_ids.ids

    def _write(self, stream):
        """Write the package into a binary file, and record the export in every exported log."""
        self._check_rights()
        logs = _PackageBuilder(self.sudo(), stream).build()
        self.env["finance.audit.entry"]._record_many(
            [
                {
                    "action": "audit.exported",
                    "company": self.env["res.company"].browse(log["log_id"]),
                    "outcome": "success",
                    "statement": Statement("package.exported", {"count": log["entries"]}),
                    "details": {**self._scope(), "entries": log["entries"], "size": log["size"]},
                }
                for log in logs
            ]
        )

    def _scope(self):
        """Return the scope as it is stated in the manifest and in the entry."""
        scope = {"scope": self.scope, "with_erasable": self.with_erasable}
        if self.scope == "period":
            scope |= {"from": self.date_from, "to": self.date_to}
        if self.scope == "document":
            scope |= {"model": self.document_model, "number": self.document_id}
        return scope


class _PackageBuilder:
    """Writes one package."""

    def __init__(self, export, stream):
        self._export, self._env = export, export.env
        self._writer = PackageWriter(stream)
        self._values = {
            "scope": export.scope,
            "from": _utc(export.date_from),
            "to": _utc(export.date_to),
            "model": export.document_model or None,
            "number": export.document_id or None,
        }

    def build(self):
        """Write everything; return what the manifest states about each log."""
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
        reader = LogReader(self._env.cr, log_id)
        if not reader.size:
            return None
        name = folder(log_id)
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
        chosen = self._in_scope(reader)
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

    def _in_scope(self, reader):
        values = {**self._values, "log_id": reader.log_id, "size": reader.size}
        self._env.cr.execute(QUERIES["entries_in_scope"], values)
        return self._env.cr.fetchall()

    def _entries(self, uids):
        return self._env["finance.audit.entry"].search([("uid", "in", uids)], order="id")

    def _counts(self, log_id):
        """Return the rows of the summary: what was recorded how often, labelled as on the screens."""
        self._env.cr.execute(QUERIES["counts_in_scope"], {**self._values, "log_id": log_id})
        entries = self._env["finance.audit.entry"]
        labels = entries._action_labels()
        outcomes = dict(entries._fields["outcome"]._description_selection(self._env))
        return [
            (
                labels.get(action) or humanise(action),
                outcomes.get(outcome, outcome),
                count,
                f"{first:%Y-%m-%d %H:%M:%S}",
                f"{last:%Y-%m-%d %H:%M:%S}",
            )
            for action, outcome, count, first, last in self._env.cr.fetchall()
        ]

    def _erasable(self, reader, name, whole):
        """Disclose erasable parts only if the export includes them."""
        rows = ()
        if self._export.with_erasable:
            rows = self._env["finance.audit.erasable"]._disclosed(self._in_scope(reader))
        self._writer.rows(f"{name}/erasable.ndjson", rows)


def _utc(moment):
    return moment.replace(tzinfo=timezone.utc) if moment else None
