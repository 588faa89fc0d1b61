"""Inbound documents: what providers send to a company, stored before it is parsed (P5).

A feed that is read and a webhook that is received end in the same table, where a UNIQUE constraint on
the provider's id makes repetitions harmless. Each document is then given to one handler; what the
handler does and the new state of the document are one transaction, so the effect happens exactly
once, wherever a process is killed.

An addon offers a handler by extending ``_inbound_handlers``. What has none waits and is one case for
its connection and kind, until an operator processes it again.

Public surface: ``_keep`` (feeds and webhook events), ``_seconds_to_receive`` (feeds), ``_claim_one``, ``_handle``, ``_note_failure`` and
``_seconds_to_next`` (dispatcher), ``_inbound_handlers`` (addons), ``action_process_again`` (operators).
"""

import base64
import json

from odoo import api, fields, models
from odoo.addons.finance_audit.core.entry import storable
from odoo.addons.finance_audit.core.evidence_rows import Frozen, Rows
from odoo.addons.finance_audit.core.restricted import refuse_private_entry
from odoo.exceptions import UserError
from odoo.tools import config

from ..core import cases
from ..core.delivery.queries import QUERIES
from ..core.delivery.retry import backoff
from ..core.finding import ERROR, INFO, WARNING, Finding
from ..core.inbound import MAX_BYTES, Handler, arrival, checked_items, concealed
from ..secret_store import concealer
from .roles import AUDITOR, OPERATOR, require_role

STORED = "stored"
PROCESSED = "processed"
UNHANDLED = "unhandled"
FAILED = "failed"
#: A handler that was started and did not end is started again after this time.
HANDLING_SECONDS = 120.0
#: Attempts of a handler before manual intervention.
MAX_ATTEMPTS = 8
_MB = 1024 * 1024
#: Different contents under one id that are noted; more say nothing new.
_MAX_OTHER = 20
#: Open cases about single documents of a connection, for each kind of case.
MAX_CASES = 25
#: What a connection may receive within a day; the rest stays with the provider until then.
DAY_DOCUMENTS = 100_000
DAY_BYTES = 2 * 1024 * _MB
#: Options of ``odoo.conf`` for other limits.
DOCUMENTS_OPTION = "finance_connect_inbound_documents_per_day"
MB_OPTION = "finance_connect_inbound_mb_per_day"
#: Bytes of contents that are stored with one statement, unless a single one is larger.
_STORED_AT_ONCE = 4 * _MB
#: Stands for the checksum of a content that was not received.
_NO_SHA256 = "–"
_READERS = f"{OPERATOR},{AUDITOR}"
_TONE = {STORED: "info", PROCESSED: "success", UNHANDLED: "warning", FAILED: "failure"}
_EXTENSIONS = {
    "application/json": "json",
    "application/xml": "xml",
    "text/xml": "xml",
    "application/pdf": "pdf",
}


class FinanceInbound(models.Model):
    _name = "finance.inbound"
    _description = "Inbound document"
    _inherit = ["finance.evidence.mixin"]
    _order = "id desc"
    _rec_name = "provider_id"
    _evidence_fixed = frozenset(
        {
            "connection_id",
            "company_id",
            "feed_name",
            "webhook_event_id",
            "provider_id",
            "kind",
            "media_type",
            "content",
            "size",
            "sha256",
            "received_sha256",
            "parameters",
            "received_at",
        }
    )
    _evidence_rows = Rows(
        fixed=tuple(sorted(_evidence_fixed)),
        state="state",
        initial=(STORED, FAILED),
        transitions={
            STORED: (PROCESSED, UNHANDLED, FAILED),
            UNHANDLED: (STORED,),
            FAILED: (STORED,),
        },
        frozen=(Frozen("state", (PROCESSED,), columns=("result", "handler", "processed_at")),),
        purgeable=("content",),
    )

    connection_id = fields.Many2one(
        "finance.connection", required=True, readonly=True, index=True, ondelete="restrict"
    )
    company_id = fields.Many2one(
        "res.company", required=True, readonly=True, index=True, ondelete="restrict"
    )
    feed_name = fields.Char("Feed (code)", readonly=True)
    feed_label = fields.Char("Feed", compute="_compute_feed_label", exportable=False)
    webhook_event_id = fields.Many2one(
        "finance.webhook.event", readonly=True, index="btree_not_null", ondelete="restrict"
    )
    provider_id = fields.Char(
        "Provider's ID",
        required=True,
        readonly=True,
        help="Identifies the document at the provider; it is stored once per connection.",
    )
    kind = fields.Selection(
        [
            ("invoice", "Invoice"),
            ("status", "Status"),
            ("statement", "Statement"),
            ("report", "Report"),
        ],
        required=True,
        readonly=True,
    )
    media_type = fields.Char("Media type", readonly=True)
    content = fields.Binary(attachment=False, readonly=True, groups=_READERS)
    file_name = fields.Char("File name", compute="_compute_file_name", exportable=False)
    size = fields.Integer("Size (bytes)", readonly=True, aggregator=None)
    sha256 = fields.Char(
        "SHA-256",
        readonly=True,
        help="Empty where the document was larger than what is received.",
    )
    received_sha256 = fields.Char(
        "SHA-256 as received",
        readonly=True,
        help="Set if the provider's document contained a secret of this connection. It was stored without "
        "the secret.",
    )
    other_sha256 = fields.Json("SHA-256 of differing repetitions", readonly=True)
    other_text = fields.Text(
        "Differing repetitions (SHA-256)", compute="_compute_texts", exportable=False
    )
    parameters = fields.Json("Details", readonly=True, groups=_READERS)
    parameters_text = fields.Text(
        "Details (JSON)", compute="_compute_parameters_text", groups=_READERS, exportable=False
    )
    received_at = fields.Datetime(
        "Received on", required=True, readonly=True, default=fields.Datetime.now
    )
    purged_at = fields.Datetime("Content removed on", readonly=True)
    state = fields.Selection(
        [
            (STORED, "Stored"),
            (PROCESSED, "Processed"),
            (UNHANDLED, "Not handled"),
            (FAILED, "Failed"),
        ],
        "Status",
        required=True,
        readonly=True,
        index=True,
        default=STORED,
    )
    attempts = fields.Integer("Processing attempts", readonly=True, aggregator=None)
    next_at = fields.Datetime("Next attempt on", readonly=True)
    handler = fields.Char(readonly=True, help="Code of the part of the software that processed it.")
    result = fields.Json("Result (code)", readonly=True)
    reason = fields.Char("Result of processing", compute="_compute_texts", exportable=False)
    processed_at = fields.Datetime("Processed on", readonly=True)

    _provider_id = models.UniqueIndex(
        "(connection_id, provider_id)", "The connection already has this document."
    )
    _due = models.Index("(next_at, id) WHERE state = 'stored'")
    _due_of = models.Index("(connection_id, next_at, id) WHERE state = 'stored'")
    _received = models.Index("(connection_id, received_at)")

    # -- fields ------------------------------------------------------------------------------------

    @api.depends("feed_name", "connection_id")
    @api.depends_context("lang")
    def _compute_feed_label(self):
        for inbound in self:
            adapter = inbound.connection_id._adapter()
            inbound.feed_label = inbound.feed_name and adapter._feed_label(inbound.feed_name)

    @api.depends("media_type")
    def _compute_file_name(self):
        for inbound in self:
            extension = _EXTENSIONS.get(inbound.media_type, "bin")
            inbound.file_name = f"inbound-{inbound.id}.{extension}"

    @api.depends("result", "other_sha256")
    @api.depends_context("lang")
    def _compute_texts(self):
        findings = self.env["finance.finding"]
        for inbound in self:
            inbound.reason = inbound.result and findings._render(inbound.result)[0]
            inbound.other_text = "\n".join(inbound.other_sha256 or ())

    @api.depends("parameters")
    def _compute_parameters_text(self):
        for inbound in self:
            given = inbound.parameters
            inbound.parameters_text = given and json.dumps(given, indent=2, ensure_ascii=False)

    def _content_bytes(self):
        """Return the content as it was received, for handlers."""
        self.ensure_one()
        return base64.b64decode(self.with_context(bin_size=False).content or b"")

    # -- handlers: the extension point of addons ---------------------------------------------------

    @api.model
    def _inbound_handlers(self) -> dict[tuple[str, str], Handler]:
        """Return (provider, kind) → handler; extended by addons.

        An empty provider stands for any: an addon of a regime handles a kind whatever platform it
        came through. The handler of the provider takes precedence.
        """
        return {}

    def _find_handler(self):
        handlers = self._inbound_handlers()
        provider = self.connection_id.provider
        return handlers.get((provider, self.kind)) or handlers.get(("", self.kind))

    # -- storing -----------------------------------------------------------------------------------

    @api.model
    def _keep(self, connection, items, feed_name=None, event=None):
        """Store items that the connection does not have yet, in the caller's transaction; return
        the new documents.

        The first content under an id is kept. Another one is noted by its hash and is a case.

        :param items: values of ``core.conversation.Item``
        :raises core.inbound.BadPage: an item cannot be kept; nothing is stored
        """
        refuse_private_entry()
        items = checked_items(items)
        if not items:
            return self.browse()
        first, others, conceal = {}, [], concealer(connection)
        for item in items:
            given = concealed(arrival(item), conceal)
            if given.origin_sha256 != first.setdefault(given.provider_id, given).origin_sha256:
                others.append(given)
        ordered = [first[name] for name in sorted(first)]
        ids = {}
        for part in _parts(ordered):
            self.env.cr.execute(
                QUERIES["inbound_keep"],
                {
                    "connection": connection.id,
                    "company": connection.company_id.id,
                    "feed": feed_name,
                    "event": event.id if event else None,
                    "items": json.dumps([_row(item) for item in part]),
                    "contents": [_encoded(item.content) for item in part],
                    "uid": self.env.uid,
                },
            )
            ids |= {name: number for number, name in self.env.cr.fetchall()}
        new = self.sudo().browse(sorted(ids.values()))
        new._record_transition()
        new.filtered(lambda item: item.state == FAILED)._open_case(cases.INBOUND_FAILED)
        known = [item for item in ordered if item.provider_id not in ids]
        self._note_others(connection, [*known, *others])
        return new

    @api.model
    def _seconds_to_receive(self, connection, items):
        """Return the seconds after which a connection may receive these items; 0: now.

        A provider without end fills no disk: what is over the limit of a day is read again when
        what was received before is a day old. Nothing is skipped.
        """
        self.env.cr.execute(QUERIES["inbound_received"], {"connection": connection.id})
        documents, size, seconds = self.env.cr.fetchone()
        received = sum(len(item.content or b"") for item in items)
        most = int(config.get(DOCUMENTS_OPTION) or DAY_DOCUMENTS)
        most_bytes = int(config.get(MB_OPTION) or 0) * _MB or DAY_BYTES
        if not documents or (documents + len(items) <= most and size + received <= most_bytes):
            return 0.0
        return max(60.0, min(seconds, 3600.0))

    @api.model
    def _note_others(self, connection, items):
        """Note repetitions whose content differs from what is kept, each content once."""
        if not items:
            return
        names = sorted({item.provider_id for item in items})
        self.env.cr.execute(QUERIES["inbound_known"], {"connection": connection.id, "ids": names})
        kept = {row[1]: (row[0], row[2], list(row[3] or ())) for row in self.env.cr.fetchall()}
        for item in items:
            number, sha256, others = kept[item.provider_id]
            received = item.origin_sha256 or _NO_SHA256
            if received in (sha256 or _NO_SHA256, *others) or len(others) >= _MAX_OTHER:
                continue
            others.append(received)
            self.sudo().browse(number)._note_other(item)

    def _note_other(self, item):
        kept, received = self.sha256 or _NO_SHA256, item.origin_sha256 or _NO_SHA256
        self.write({"other_sha256": [*(self.other_sha256 or ()), received]})
        finding = Finding(
            "inbound.differs",
            WARNING,
            {"document": self.provider_id, "kept": kept, "received": received},
        )
        self.env["finance.audit.entry"]._record(
            action="inbound.differs",
            record=self,
            company=self.company_id,
            outcome="warning",
            statement=finding,
            details={"kept": kept, "received": received, "size": item.size or ""},
        )
        self._open_case(cases.INBOUND_CONFLICT, finding)

    # -- handling ----------------------------------------------------------------------------------

    @api.model
    def _claim_one(self):
        """Claim the next document and count its attempt; return its id and the number of the
        attempt, or None.
        """
        self.env.cr.execute(QUERIES["inbound_claim"], {"lease": HANDLING_SECONDS})
        return self.env.cr.fetchone()

    @api.model
    def _handle(self, inbound_id, attempt):
        """Let the handler process a document that is still to be handled, under the lock of its
        row and in the transaction of its new state.
        """
        inbound = self._locked(inbound_id)
        if not inbound:
            return
        if attempt > MAX_ATTEMPTS:
            # The attempts before ended the process.
            inbound._settle(FAILED, Finding("inbound.handler_ended", ERROR))
            inbound._open_case(cases.INBOUND_FAILED)
            return
        handler = inbound._find_handler()
        if handler is None:
            inbound._settle(UNHANDLED, Finding("inbound.unhandled", WARNING))
            inbound._open_unhandled_case()
            return
        handler.handle(inbound)
        inbound._settle(PROCESSED, Finding("inbound.processed", INFO), handler.code)
        inbound._close_cases()

    @api.model
    def _note_failure(self, inbound_id, attempt, error):
        """Let a document whose handler failed wait, or end it as failed."""
        inbound = self._locked(inbound_id)
        if not inbound:
            return
        if attempt >= MAX_ATTEMPTS:
            inbound._settle(FAILED, Finding("inbound.failed", ERROR, {"error": error}))
            inbound._open_case(cases.INBOUND_FAILED)
            return
        self.env.cr.execute(
            QUERIES["inbound_postpone"],
            {
                "inbound": inbound_id,
                "seconds": backoff(attempt),
                "result": json.dumps(
                    Finding("inbound.retrying", WARNING, {"error": error}).to_json()
                ),
            },
        )
        inbound.invalidate_recordset()

    def _locked(self, inbound_id):
        """Return a document that is still to be handled, with its row locked, in its company."""
        self.env.cr.execute(QUERIES["inbound_lock"], {"inbound": inbound_id})
        if not self.env.cr.fetchone():
            return self.browse()
        inbound = self.sudo().browse(inbound_id)
        inbound.invalidate_recordset()
        return inbound.with_company(inbound.company_id)

    def _settle(self, state, finding, handler=None):
        """End the processing of these documents, with an entry for each."""
        self.write(
            {
                "state": state,
                "result": finding.to_json(),
                "handler": handler,
                "next_at": False,
                "processed_at": fields.Datetime.now(),
            }
        )
        self._record_transition()

    def _record_transition(self):
        """Record the present state of these documents, one entry for each."""
        self.env["finance.audit.entry"]._record_many(
            [
                {
                    "action": f"inbound.{inbound.state}",
                    "record": inbound,
                    "company": inbound.company_id,
                    "outcome": _TONE[inbound.state],
                    "statement": Finding.from_json(inbound.result)
                    if inbound.result
                    else Finding(
                        "inbound.stored", INFO, {"connection": inbound.connection_id.name}
                    ),
                    "details": inbound._audit_details(),
                }
                for inbound in self
            ]
        )

    def _audit_details(self):
        return {
            "connection": self.connection_id.name,
            "feed": self.feed_name or "",
            "webhook_event": self.webhook_event_id.id or "",
            "provider_id": self.provider_id,
            "kind": self.kind,
            "media_type": self.media_type or "",
            "size": self.size if self.sha256 else "",
            "sha256": self.sha256 or "",
            "received_sha256": self.received_sha256 or "",
            "handler": self.handler or "",
            "attempts": self.attempts,
        }

    # -- cases -------------------------------------------------------------------------------------

    def _open_case(self, kind, finding=None):
        """Open a case for each document, or, where its connection has many already, one for all
        others: who answers for it looks at the provider then, not at each document.
        """
        cases_of = self.env["finance.case"].sudo()
        for connection, documents in self.grouped("connection_id").items():
            asked = {"kind": kind, "connection": connection.id, "limit": MAX_CASES}
            self.env.cr.execute(QUERIES["inbound_cases"], asked)
            room = MAX_CASES - self.env.cr.fetchone()[0]
            mine = documents.filtered(lambda one: one._has_case(kind))
            mine += (documents - mine)[:room]
            found = {one.id: finding or Finding.from_json(one.result) for one in mine}
            cases_of._open_for(mine, kind, found)
            if documents - mine:
                cases_of._store_opened([_case_of_the_others(connection, kind)])

    def _has_case(self, kind):
        key = f"{self._name},{self.id},{kind}"
        case = self.env["finance.case"].sudo()
        return bool(case.search_count([("subject_key", "=", key), ("state", "=", "open")], limit=1))

    def _open_unhandled_case(self):
        """Open one case for all documents of a kind of a connection."""
        connection = self.connection_id
        self.env["finance.case"].sudo()._store_opened(
            [
                {
                    "subject_key": self._unhandled_key(),
                    "connection_id": connection.id,
                    "company_id": self.company_id.id,
                    "name": connection.display_name,
                    "kind": cases.INBOUND_UNHANDLED,
                    "finding": Finding(
                        "inbound.kind_unhandled",
                        WARNING,
                        {"inbound_kind": self.kind, "connection": connection.name},
                    ),
                    "user_id": None,
                    "document_model": None,
                    "document_id": None,
                    "document_name": None,
                }
            ]
        )

    def _unhandled_key(self):
        return f"finance.connection,{self.connection_id.id},{cases.INBOUND_UNHANDLED},{self.kind}"

    def _close_cases(self):
        """Close what ended with the processing of a document."""
        case = self.env["finance.case"].sudo()
        case._close_for(self, Finding("stall.ended", INFO), kinds=[cases.INBOUND_FAILED])
        connection = ("connection_id", "=", self.connection_id.id)
        others = _key_of_the_others(self.connection_id, cases.INBOUND_FAILED)
        for key, waiting in (
            (self._unhandled_key(), [("kind", "=", self.kind), ("state", "=", UNHANDLED)]),
            (others, [("state", "=", FAILED)]),
        ):
            found = case.search([("subject_key", "=", key), ("state", "=", "open")])
            if found and not self.sudo().search_count([connection, *waiting], limit=1):
                case._close_many([], cases.ENDED, Finding("stall.ended", INFO), case_ids=found.ids)

    # -- operators ---------------------------------------------------------------------------------

    def action_process_again(self):
        """Process documents again that have failed or had no handler. For operators."""
        require_role(self, OPERATOR)
        if any(inbound.state not in (FAILED, UNHANDLED) for inbound in self):
            raise UserError(
                self.env._(
                    "Only failed documents and documents without a handler can be processed again."
                )
            )
        if any(
            inbound.purged_at or not inbound.sha256 or inbound.size > MAX_BYTES for inbound in self
        ):
            raise UserError(
                self.env._("A document whose content is not stored cannot be processed again.")
            )
        documents = self.sudo()
        documents.write(
            {
                "state": STORED,
                "result": Finding(
                    "inbound.reprocess", INFO, {"user": self.env.user.name}
                ).to_json(),
                "handler": False,
                "attempts": 0,
                "next_at": fields.Datetime.now(),
                "processed_at": False,
            }
        )
        documents._record_transition()
        self.env["finance.exchange"]._wake_dispatcher()
        return True

    @api.model
    def _seconds_to_next(self):
        """Return the seconds until the next document is due (negative: overdue), or None."""
        self.env.cr.execute(QUERIES["inbound_next"])
        return self.env.cr.fetchone()[0]


def _parts(items):
    """Yield items in parts whose contents are held in memory several times while they are stored."""
    part, size = [], 0
    for item in items:
        length = len(item.content or b"")
        if part and size + length > _STORED_AT_ONCE:
            yield part
            part, size = [], 0
        part.append(item)
        size += length
    yield part


def _key_of_the_others(connection, kind):
    return f"finance.connection,{connection.id},{kind},others"


def _case_of_the_others(connection, kind):
    """Return the one case of what a connection has beyond the cases of single documents."""
    args = {"connection": connection.name, "limit": str(MAX_CASES)}
    return {
        "subject_key": _key_of_the_others(connection, kind),
        "connection_id": connection.id,
        "company_id": connection.company_id.id,
        "name": connection.display_name,
        "kind": kind,
        "finding": Finding("inbound.others", WARNING, args),
        "user_id": None,
        "document_model": None,
        "document_id": None,
        "document_name": None,
    }


def _row(item):
    """Return a document as it is first stored; what is too large is kept by hash and size only."""
    is_whole = item.content is not None
    return storable(
        {
            "provider_id": item.provider_id,
            "kind": item.kind,
            "media_type": item.media_type,
            "size": item.size,
            "sha256": item.sha256,
            "received_sha256": item.received_sha256 or None,
            "parameters": dict(item.parameters) or None,
            "state": STORED if is_whole else FAILED,
            "result": None if is_whole else _too_large(item).to_json(),
        }
    )


def _too_large(item):
    limit = {"limit": f"{MAX_BYTES / _MB:.0f}"}
    if item.size is None:
        return Finding("inbound.not_received", ERROR, limit)
    return Finding("inbound.too_large", ERROR, {"size": f"{item.size / _MB:.1f}", **limit})


def _encoded(content):
    """Return bytes as a Binary field keeps them."""
    return None if content is None else base64.b64encode(content).decode("ascii")
