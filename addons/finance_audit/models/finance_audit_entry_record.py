"""Writing evidence: facts become canonical bytes, and one INSERT in the current transaction."""

from datetime import timezone
from uuid import uuid4

import psycopg2
from odoo import api, models

from .. import install
from ..core.entry import Facts, entry_bytes
from ..core.erasable import Part
from ..core.leaf import leaf_hash
from .circumstances import actor_of, company_of, document_of, subject_of

TIMELINE_FIELDS = ("audit_timeline", "audit_entry_count")


class FinanceAuditEntry(models.Model):
    _inherit = "finance.audit.entry"

    @api.model
    def _record(
        self,
        *,
        action,
        record=None,
        document=None,
        company=None,
        outcome="info",
        summary="",
        details=None,
        correlation_id=None,
        erasable=None,
    ):
        """Write one entry in the current transaction and return its uid.

        `record` is the technical subject, `document` the business document whose timeline shows
        the entry. The company is the document's or the record's unless given. `erasable` is personal
        data that may have to be erased one day: a mapping like `details`, kept apart and encrypted.
        """
        return self._record_many(
            [
                {
                    "action": action,
                    "record": record,
                    "document": document,
                    "company": company,
                    "outcome": outcome,
                    "summary": summary,
                    "details": details,
                    "correlation_id": correlation_id,
                    "erasable": erasable,
                }
            ]
        )[0]

    @api.model
    def _record_many(self, entries):
        """Write several entries with one INSERT. Each is a dict of the arguments of `_record`."""
        actor = actor_of(self.env)
        return self._append([self._facts(actor, **entry) for entry in entries])

    @api.model
    def _facts(
        self,
        actor,
        *,
        action,
        record=None,
        document=None,
        company=None,
        details=None,
        erasable=None,
        **other,
    ):
        """Read the facts now: the record may be gone when they are written."""
        document = document_of(record, document)
        return Facts(
            action=action,
            actor=actor,
            record=subject_of(record),
            document=subject_of(document),
            company_id=company.id if company else company_of(document, record),
            details=details or {},
            erasable=Part.of(erasable) if erasable else None,
            **other,
        )

    @api.model
    def _append(self, facts_list):
        """Turn facts into canonical bytes and insert them; return their uids in order."""
        if not facts_list:
            return []
        self.env.cr.execute("SELECT clock_timestamp()")
        written_at = self.env.cr.fetchone()[0].astimezone(timezone.utc)
        uids = [uuid4() for _facts in facts_list]
        canonical = [
            entry_bytes(facts, uid, written_at) for facts, uid in zip(facts_list, uids, strict=True)
        ]
        self.env.cr.execute(
            install.statement("append.sql"),
            {
                "canonical": [psycopg2.Binary(data) for data in canonical],
                "leaf_hash": [psycopg2.Binary(leaf_hash(data)) for data in canonical],
            },
        )
        for facts, uid in zip(facts_list, uids, strict=True):
            if facts.erasable:
                log_id = facts.company_id or 0
                self.env["finance.audit.erasable"]._add(uid, log_id, facts.erasable, written_at)
        self._forget_timelines(facts_list)
        return [str(uid) for uid in uids]

    @api.model
    def _forget_timelines(self, facts_list):
        """Let a timeline that was already computed in this transaction be computed again."""
        for facts in facts_list:
            model = self.env.get(facts.document.model) if facts.document else None
            if model is not None and "audit_timeline" in model._fields:
                model.browse(facts.document.id).invalidate_recordset(TIMELINE_FIELDS, flush=False)
