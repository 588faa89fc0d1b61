"""How long the content of what was exchanged is kept, and how much of it (F19).

A company states after how many years the content of settled exchanges is removed; by default it is kept. What is
removed are bytes: the payload, the responses, the webhook bodies and the inbound documents. The record, its state, size, SHA-256 and times
stay, and an entry of the audit log states what was removed; without this entry, in the same transaction, the
database refuses to empty the columns. A legal hold of the company stops all removal.
"""

import base64
import hashlib

from dateutil.relativedelta import relativedelta
from odoo import api, fields, models
from odoo.addons.finance_audit.core.evidence_rows import PURGED
from odoo.addons.finance_audit.core.statement import Statement
from odoo.exceptions import UserError
from odoo.tools import config

from ..core import cases
from ..core.delivery import states
from ..core.finding import ERROR, WARNING, Finding
from ..core.inbound import MAX_BYTES

BATCH = 100
#: Largest payload that is queued, unless the configuration file of the server states another.
OPTION = "finance_connect_max_payload_mb"
_DEFAULT_MB = 20
_MB = 1024 * 1024
#: Never left: what the exchange was about is settled for good.
_SETTLED = (states.ACCEPTED, states.SUPERSEDED, states.CANCELLED)


class PayloadTooLarge(UserError):
    """A payload exceeds the size that this server queues; ``finding`` states both sizes."""

    #: The web client finds its dialog by the exception's name; this names the one of Odoo's own class.
    context = {"exception_class": "odoo.exceptions.UserError"}

    def __init__(self, message, finding):
        self.finding = finding
        super().__init__(message)


def check_payload_size(env, payload):
    """Refuse a payload that is larger than this server queues.

    :raises PayloadTooLarge: names both sizes.
    """
    limit = int(config.get(OPTION) or _DEFAULT_MB) * _MB
    if len(payload) > limit:
        sizes = {"size": f"{len(payload) / _MB:.1f}", "limit": f"{limit / _MB:.0f}"}
        finding = Finding("storage.payload_too_large", ERROR, sizes)
        raise PayloadTooLarge(env["finance.finding"]._render(finding)[0], finding)


class ResCompany(models.Model):
    _inherit = "res.company"
    _audit_tracked = (
        "finance_retention_years",
        "finance_legal_hold",
        "finance_storage_limit_mb",
    )

    finance_retention_years = fields.Integer(
        "Keep content (years)",
        help="Payloads, responses and webhook messages of settled exchanges and processed inbound documents are "
        "removed after this time; their checksums and the audit log remain. 0: nothing is removed.",
        groups="base.group_user",
    )
    finance_legal_hold = fields.Boolean(
        "Legal hold",
        help="Nothing is removed while this is set, whatever the retention period.",
        groups="base.group_user",
    )
    finance_storage_limit_mb = fields.Integer(
        "Storage limit (MB)",
        help="A case is opened when the stored content of the company exceeds this. 0: no limit.",
        groups="base.group_user",
    )

    _finance_retention_positive = models.Constraint(
        "CHECK (finance_retention_years >= 0 AND finance_storage_limit_mb >= 0)",
        "The retention period and the storage limit cannot be negative.",
    )
    _finance_retention_bounded = models.Constraint(
        "CHECK (finance_retention_years <= 100)",
        "The retention period cannot be longer than 100 years.",
    )


class FinanceRetention(models.AbstractModel):
    _name = "finance.retention"
    _description = "Retention of content"

    @api.model
    def _cron_retain(self):
        """Remove what is older than its company keeps, in batches that commit; then check the storage limits."""
        companies = self.env["res.company"].sudo().search([])  # pylint: disable=no-search-all
        for company in companies:
            while count := self._purge(company):
                if not self.env["ir.cron"]._commit_progress(count):
                    return
        for company in companies.filtered("finance_storage_limit_mb"):
            self._check_storage(company)

    @api.model
    def _purge(self, company):
        """Remove the content of one batch of a company; return how many records were purged."""
        if not company.finance_retention_years or company.finance_legal_hold:
            return 0
        before = fields.Datetime.now() - relativedelta(years=company.finance_retention_years)
        exchanges = self._due_exchanges(company, before).try_lock_for_update()
        events = (
            self.env["finance.webhook.event"]
            .sudo()
            .search(
                [
                    ("company_id", "=", company.id),
                    ("state", "in", ("processed", "ignored", "failed")),
                    ("received_at", "<", before),
                    ("purged_at", "=", False),
                ],
                order="id",
                limit=BATCH,
            )
        )
        inbound = self._due_inbound(company, before).try_lock_for_update()
        purged = (*exchanges, *events, *inbound)
        entries = [self._entry(item, self._removed(item)) for item in purged]
        self.env["finance.audit.entry"]._record_many(entries)
        self.env.flush_all()
        self._empty("finance_exchange", "payload = NULL", "id", exchanges.ids)
        self._empty(
            "finance_exchange_attempt", "response_body = NULL", "exchange_id", exchanges.ids
        )
        self._empty("finance_webhook_event", "body = NULL", "id", events.ids)
        self._empty("finance_inbound", "content = NULL", "id", inbound.ids)
        self.env.invalidate_all()
        return len(purged)

    @api.model
    def _due_inbound(self, company, before):
        """Return the inbound documents of a company that are old enough, do not wait for their
        handler and are the subject of no open case.
        """
        about = [("state", "=", "open"), ("document_model", "=", "finance.inbound")]
        disputed = self.env["finance.case"].sudo().search(about)
        return (
            self.env["finance.inbound"]
            .sudo()
            .search(
                [
                    ("company_id", "=", company.id),
                    ("state", "in", ("processed", "unhandled", "failed")),
                    ("size", "<=", MAX_BYTES),
                    ("received_at", "<", before),
                    ("purged_at", "=", False),
                    ("id", "not in", disputed.mapped("document_id")),
                ],
                order="id",
                limit=BATCH,
            )
        )

    @api.model
    def _due_exchanges(self, company, before):
        """Return the exchanges of a company that are settled, old enough and the subject of no open case."""
        open_cases = self.env["finance.case"].sudo()._search([("state", "=", "open")])
        disputed = self.env["finance.case"].sudo().browse(open_cases).exchange_id
        return (
            self.env["finance.exchange"]
            .sudo()
            .search(
                [
                    ("company_id", "=", company.id),
                    ("state", "in", _SETTLED),
                    ("state_since", "<", before),
                    ("purged_at", "=", False),
                    ("id", "not in", disputed.ids),
                ],
                order="id",
                limit=BATCH,
            )
        )

    @api.model
    def _removed(self, record):
        """Return what is removed of a record: names, sizes and checksums."""
        record = record.with_context(bin_size=False)
        if record._name == "finance.webhook.event":
            return [{"what": "body", "size": record.body_size, "sha256": record.body_sha256}]
        if record._name == "finance.inbound":
            return [{"what": "content", "size": record.size, "sha256": record.sha256}]
        removed = [
            {"what": "payload", "size": record.payload_size, "sha256": record.payload_sha256}
        ]
        for attempt in record.attempt_ids.filtered("response_body"):
            content = base64.b64decode(attempt.response_body)
            digest = hashlib.sha256(content).hexdigest()
            what = f"response of attempt {attempt.id}"
            removed.append({"what": what, "size": len(content), "sha256": digest})
        return removed

    @api.model
    def _entry(self, record, removed):
        return {
            "action": PURGED,
            "record": record,
            "company": record.company_id,
            "statement": Statement(
                PURGED, {"name": record.display_name or "", "count": len(removed)}
            ),
            "details": {
                "years": record.company_id.finance_retention_years,
                "removed": removed,
            },
        }

    @api.model
    def _empty(self, table, change, column, ids):
        """Empty columns by SQL: the ORM refuses every change of evidence."""
        if ids:
            self.env.cr.execute(
                f"UPDATE {table} SET {change}, purged_at = now() AT TIME ZONE 'UTC'"
                f" WHERE {column} = ANY(%s) AND purged_at IS NULL",
                [ids],
            )

    @api.model
    def _check_storage(self, company):
        """Open a case when the stored content of a company exceeds its limit."""
        self.env.flush_all()
        self.env.cr.execute(
            """SELECT COALESCE((SELECT sum(octet_length(payload)) FROM finance_exchange WHERE company_id = %(id)s), 0)
                    + COALESCE((SELECT sum(octet_length(response_body)) FROM finance_exchange_attempt
                                 WHERE company_id = %(id)s), 0)
                    + COALESCE((SELECT sum(octet_length(body)) FROM finance_webhook_event
                                 WHERE company_id = %(id)s), 0)
                    + COALESCE((SELECT sum(octet_length(content)) FROM finance_inbound
                                 WHERE company_id = %(id)s), 0)
                    + COALESCE((SELECT sum(octet_length(content)) FROM finance_exchange_artefact
                                 WHERE company_id = %(id)s), 0)""",
            {"id": company.id},
        )
        used = int(self.env.cr.fetchone()[0]) / _MB
        case = self.env["finance.case"].sudo()
        about = [
            ("kind", "=", cases.STORAGE),
            ("document_id", "=", company.id),
            ("state", "=", "open"),
        ]
        known = case.search(about)
        if used <= company.finance_storage_limit_mb:
            if known:
                case._close_many(
                    [], cases.ENDED, Finding("stall.ended", "info"), case_ids=known.ids
                )
        elif not known:
            args = {"used": f"{used:.0f}", "limit": str(company.finance_storage_limit_mb)}
            finding = Finding("storage.limit_exceeded", WARNING, args)
            self.env["finance.evidence.comparison"]._open(company, company, cases.STORAGE, finding)
