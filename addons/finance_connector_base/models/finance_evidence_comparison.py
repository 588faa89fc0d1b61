"""The nightly comparison of exchanges, cases and e-invoices with what the audit log says about them (F14).

The log is sealed; the tables are guarded by triggers, which the owner of the tables can take away. What was changed
then contradicts the last entry about the record. A difference is a case and an entry, and is counted on the overview.
Addons add what they keep by extending ``_subjects``.
"""

import hashlib
import json
from dataclasses import dataclass, field

from odoo import api, fields, models

from ..core import cases
from ..core.finding import Finding
from .former_names import names_of

BATCH = 500
#: Other entries about a case do not state whether it is open.
_OPEN_CASE = ("case.opened", "case.updated")


@dataclass(frozen=True)
class Subject:
    """Records of one model that are compared with the log.

    ``prefix`` and ``states``: the last entry whose action is prefix + state names the state, with the actions of
    ``synonyms`` standing for a state. ``unrecorded``: states that a record may have without any entry. ``details``:
    column → name in the details of that entry.
    """

    model: str
    state: str
    prefix: str
    states: tuple[str, ...]
    synonyms: dict[str, str] = field(default_factory=dict)
    unrecorded: tuple[str, ...] = ()
    details: dict[str, str] = field(default_factory=dict)
    #: Column of the content, and of its SHA-256; the content is base64 in the database.
    content: tuple[str, str] | None = None


class FinanceEvidenceComparison(models.Model):
    _name = "finance.evidence.comparison"
    _description = "Comparison with the audit log"

    subject = fields.Char(required=True, readonly=True)
    last_id = fields.Integer("Compared up to ID", readonly=True, aggregator=None)
    finished_at = fields.Datetime("Finished on", readonly=True)

    _unique_subject = models.Constraint("UNIQUE(subject)", "Each kind of record is compared once.")

    @api.model
    def _subjects(self):
        """Return what is compared; extended by addons."""
        exchange = self.env["finance.exchange"]
        states = tuple(name for name, _label in exchange._fields["state"].selection)
        resolutions = tuple(
            name for name, _label in self.env["finance.case"]._fields["resolution"].selection
        )
        return [
            Subject(
                "finance.exchange",
                "state",
                "exchange.",
                states,
                synonyms={"exchange.queued": "pending"},
                details={"payload_sha256": "sha256"},
                content=("payload", "payload_sha256"),
            ),
            Subject(
                "finance.inbound",
                "state",
                "inbound.",
                ("stored", "processed", "unhandled", "failed"),
                details={"sha256": "sha256"},
                content=("content", "sha256"),
            ),
            Subject(
                "finance.case",
                "COALESCE(resolution, state)",
                "case.",
                resolutions,
                synonyms=dict.fromkeys(_OPEN_CASE, "open"),
            ),
        ]

    @api.model
    def _cron_compare(self):
        """Compare every record once a day, in batches that commit; continue where the last run stopped."""
        if self.env["ir.config_parameter"].sudo().get_param("database.is_neutralized"):
            return  # Neutralizing changes records without entries.
        today = fields.Datetime.now().replace(hour=0, minute=0, second=0)
        for subject in self._subjects():
            position = self.sudo().search([("subject", "=", subject.model)])
            position = position or self.sudo().create({"subject": subject.model})
            if position.finished_at and position.finished_at >= today:
                continue
            while last := self._compare(subject, position.last_id):
                position.last_id = last
                if not self.env["ir.cron"]._commit_progress(BATCH):
                    return
            position.write({"last_id": 0, "finished_at": fields.Datetime.now()})
            self.env["ir.cron"]._commit_progress(1)

    @api.model
    def _compare(self, subject, after):
        """Compare one batch of records after an id; return the last id of it, 0 at the end."""
        self.env.flush_all()
        # One statement, one snapshot: a record and its entry are written in one transaction. The names of tables
        # and columns are constants of the addons.
        actions = {f"{subject.prefix}{state}": state for state in subject.states} | subject.synonyms
        columns = ", ".join(f"record.{name}" for name in subject.details) or "NULL"
        self.env.cr.execute(
            f"""SELECT record.id, {subject.state}, last.action, last.details, ARRAY[{columns}]::text[]
                  FROM {self.env[subject.model]._table} AS record
                  LEFT JOIN LATERAL (
                       SELECT action, convert_from(canonical, 'UTF8')::jsonb -> 'details' AS details
                         FROM finance_audit.entry
                        WHERE record_model = ANY(%s) AND record_id = record.id AND action = ANY(%s)
                        ORDER BY id DESC LIMIT 1) AS last ON true
                 WHERE record.id > %s ORDER BY record.id LIMIT %s""",
            (names_of(subject.model), list(actions), after, BATCH),
        )
        rows = self.env.cr.fetchall()
        different, same = {}, []
        for number, state, action, details, values in rows:
            recorded = actions.get(action)
            stated = dict(zip(subject.details.values(), values, strict=False))
            if fault := self._fault(subject, state, recorded, stated, details or {}):
                different[number] = fault
            else:
                same.append(number)
        for number in self._damaged(subject, same):
            different[number] = ("evidence.content_differs", {})
        self._report(subject, different, [row[0] for row in rows])
        return rows[-1][0] if len(rows) == BATCH else 0

    @api.model
    def _fault(self, subject, state, recorded, stated, details):
        """Return code and arguments of what differs between a record and its last entry, or None."""
        if recorded is None:
            if state in subject.unrecorded:
                return None
            return ("evidence.not_recorded", {"state": state or ""})
        if recorded != state:
            return ("evidence.state_differs", {"state": state or "", "recorded": recorded})
        for name, value in stated.items():
            if name in details and (details[name] or "") != (value or ""):
                return ("evidence.value_differs", {"name": name, "recorded": str(details[name])})
        return None

    @api.model
    def _damaged(self, subject, ids):
        """Return the records whose content is not what its checksum says; purged content has none."""
        if not subject.content or not ids:
            return []
        content, digest = subject.content
        found = []
        for record in self.env[subject.model].sudo().with_context(bin_size=False).browse(ids):
            data = record[content]
            if data:
                decoded = self.env["finance.exchange"]._decode(data)
                if hashlib.sha256(decoded).hexdigest() != record[digest]:
                    found.append(record.id)
            record.invalidate_recordset([content])
        return found

    @api.model
    def _report(self, subject, different, compared):
        """Open a case and record an entry for each difference; close the cases of what agrees again."""
        case = self.env["finance.case"].sudo()
        domain = [("kind", "=", cases.TAMPERED), ("document_model", "=", subject.model)]
        known = case.search([*domain, ("document_id", "in", compared)], order="id")
        for number, (code, args) in different.items():
            record = self.env[subject.model].sudo().browse(number)
            finding = Finding(code, args={"record": record.display_name or str(number), **args})
            last = known.filtered(lambda item, number=number: item.document_id == number)[-1:]
            if last.finding == json.loads(json.dumps(finding.to_json())):
                continue  # Reported; or dismissed with a reason.
            self._open(record, record.company_id, cases.TAMPERED, finding)
        agreeing = known.filtered(
            lambda item: item.state == "open" and item.document_id not in different
        )
        if agreeing:
            case._close_many([], cases.ENDED, Finding("stall.ended", "info"), case_ids=agreeing.ids)

    @api.model
    def _open(self, record, company, kind, finding):
        """Open a case about any record of a company, with an entry of its own."""
        self.env["finance.case"].sudo()._store_opened(
            [
                {
                    "subject_key": f"{record._name},{record.id},{kind}",
                    "exchange_id": None,
                    "connection_id": None,
                    "company_id": (company or self.env.company).id,
                    "name": record.display_name or str(record.id),
                    "kind": kind,
                    "finding": finding,
                    "user_id": None,
                    "document_model": record._name,
                    "document_id": record.id,
                    "document_name": record.display_name or str(record.id),
                    "correlation_id": None,
                }
            ]
        )
        self.env["finance.audit.entry"]._record(
            action="evidence.differs" if kind == cases.TAMPERED else "storage.limit",
            record=record,
            company=company or None,
            outcome="failure" if kind == cases.TAMPERED else "warning",
            statement=finding,
            details={"code": finding.code, "args": dict(finding.args)},
        )
