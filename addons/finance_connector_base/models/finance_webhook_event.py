"""Webhook events: verified messages of providers, stored as received and processed later by the
dispatcher.

Responding at once and processing later keeps a busy exchange from looking like a failed delivery; a
UNIQUE constraint
makes repetitions harmless, however many servers receive them at the same time.

An exchange is changed only while its row is locked here and no step of it is running, so that an
event can neither
overtake a response nor be overtaken (X4). An event never causes a send that was not due anyway.

Public surface: ``_receive`` (controller), ``_process_due`` and ``_seconds_to_next`` (dispatcher),
``action_process_again`` (operators).
"""

import base64
import hashlib
import json
import logging
from datetime import timedelta

from odoo import api, fields, models
from odoo.addons.finance_audit.core.evidence_rows import Frozen, Rows
from odoo.exceptions import UserError
from odoo.tools import SQL

from ..core import cases
from ..core.delivery import states
from ..core.delivery.outcomes import Accepted, Rejected, Waiting
from ..core.finding import INFO, WARNING, Finding
from ..core.security.masking import MaskingFilter
from ..core.security.webhook import (
    WebhookEvent,
    WebhookRefused,
    checked_events,
    dedupe_key,
    kept_headers,
    refuse_unknown,
)
from ..secret_store import protocol_of, receiver_of
from .roles import AUDITOR, OPERATOR, require_role

_logger = logging.getLogger(__name__)
_logger.addFilter(MaskingFilter())

RECEIVED = "received"
PROCESSED = "processed"
IGNORED = "ignored"
FAILED = "failed"

READERS = f"{OPERATOR},{AUDITOR}"
#: The step under which the life of an exchange takes an outcome that came by webhook.
STEP = "webhook"
BATCH = 50
#: An event may overtake the commit of our own send; after this time its exchange is not one of
#: ours.
UNKNOWN_AFTER = timedelta(minutes=10)
#: Failed processing attempts before manual intervention.
MAX_FAILURES = 8
_LONGEST_PAUSE = 60
#: Between an event and its exchange a step of our own comes first.
_BUSY = frozenset({states.PENDING, states.SENDING, states.HELD})
_TONE = {PROCESSED: "success", IGNORED: "info", FAILED: "failure"}
#: Characters of a body shown on the screen; the whole of it can be downloaded.
_SHOWN = 20000
#: Characters shown of the id of a message that names no exchange; it may be a hash.
_NAME = 24


class FinanceWebhookEvent(models.Model):
    _name = "finance.webhook.event"
    _description = "Webhook event"
    _inherit = ["finance.evidence.mixin"]
    _order = "id desc"
    _evidence_fixed = frozenset(
        {
            "connection_id",
            "received_at",
            "body",
            "body_sha256",
            "received_sha256",
            "body_size",
            "headers",
            "dedupe_key",
            "position",
        }
    )
    _evidence_rows = Rows(
        fixed=(*_evidence_fixed, "company_id"),
        state="state",
        transitions={
            RECEIVED: (PROCESSED, IGNORED, FAILED),
            IGNORED: (RECEIVED,),
            FAILED: (RECEIVED,),
        },
        frozen=(Frozen("state", (PROCESSED,), columns=("exchange_id", "result", "processed_at")),),
        purgeable=("body",),
    )

    name = fields.Char(compute="_compute_name")
    connection_id = fields.Many2one(
        "finance.connection",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
    )
    company_id = fields.Many2one(
        "res.company",
        related="connection_id.company_id",
        store=True,
        precompute=True,
        index=True,
    )
    received_at = fields.Datetime("Received on", required=True, readonly=True)
    body = fields.Binary("Raw body", attachment=False, readonly=True, groups=READERS)
    purged_at = fields.Datetime("Content removed on", readonly=True)
    body_name = fields.Char("File name", compute="_compute_body_text", groups=READERS)
    body_text = fields.Text("Body", compute="_compute_body_text", groups=READERS)
    body_sha256 = fields.Char("SHA-256 of the body", required=True, readonly=True)
    received_sha256 = fields.Char(
        "SHA-256 as received",
        readonly=True,
        help="Set if the message contained a secret of this connection. It was stored without the secret.",
    )
    body_size = fields.Integer("Size (bytes)", readonly=True, aggregator=None)
    headers = fields.Json(readonly=True, groups=READERS)
    headers_text = fields.Text("Stored headers", compute="_compute_headers_text", groups=READERS)
    dedupe_key = fields.Char(
        "Event key",
        required=True,
        readonly=True,
        help="The same for every delivery of one event; the database rejects repetitions by it.",
    )
    position = fields.Integer(
        readonly=True, aggregator=None, help="Zero-based index of the event in the message."
    )
    reference = fields.Char("Provider reference", readonly=True)
    exchange_key = fields.Char("Idempotency key", readonly=True)
    state = fields.Selection(
        [
            (RECEIVED, "Received"),
            (PROCESSED, "Processed"),
            (IGNORED, "Ignored"),
            (FAILED, "Failed"),
        ],
        "Status",
        required=True,
        readonly=True,
        index=True,
    )
    exchange_id = fields.Many2one(
        "finance.exchange", readonly=True, index="btree_not_null", ondelete="restrict"
    )
    result = fields.Json(readonly=True)
    reason = fields.Char("Result of processing", compute="_compute_reason")
    tries = fields.Integer("Processing attempts", readonly=True, aggregator=None)
    failures = fields.Integer("Failed attempts", readonly=True, aggregator=None)
    next_try_at = fields.Datetime("Next attempt on", readonly=True)
    processed_at = fields.Datetime("Processed on", readonly=True)

    _unique_event = models.Constraint(
        "UNIQUE(connection_id, dedupe_key)", "The connection has already received this event."
    )
    _due = models.Index("(next_try_at, id) WHERE state = 'received'")

    @api.depends("exchange_id", "reference", "exchange_key", "dedupe_key")
    def _compute_name(self):
        for event in self:
            document = event.exchange_id.sudo().document_name
            event.name = (
                document
                or event.reference
                or event.exchange_key
                or (event.dedupe_key or "")[:_NAME]
            )

    @api.depends("result")
    @api.depends_context("lang")
    def _compute_reason(self):
        for event in self:
            event.reason = event.result and self.env["finance.finding"]._render(event.result)[0]

    def _compute_body_text(self):
        for event in self:
            event.body_name = f"webhook-event-{event.id}.bin"
            event.body_text = event._body_bytes().decode("utf-8", "replace")[:_SHOWN]

    def _compute_headers_text(self):
        for event in self:
            pairs = (event.headers or {}).items()
            event.headers_text = "\n".join(f"{name}: {value}" for name, value in pairs)

    def _body_bytes(self):
        return base64.b64decode(self.with_context(bin_size=False).body or b"")

    # -- receiving
    # ----------------------------------------------------------------------------------------------

    @api.model
    def _receive(self, connection, headers, body):
        """Verify a message and store its events; return the new records, none for a repetition.

        :param connection: the connection whose URL was called; empty when the URL is unknown
        :param headers: by lower-case name
        :param bytes body: as received
        :raises WebhookRefused: nothing is stored.
        """
        if not connection:
            refuse_unknown(headers, body)
        moment = self._database_time()
        protocol, conceal = receiver_of(connection)
        message_id = self._verify(protocol, headers, body, moment)
        kept, plain_body = conceal(kept_headers(headers)), conceal(body)
        common = {
            "connection_id": connection.id,
            "company_id": connection.company_id.id,
            "received_at": moment,
            "body": base64.b64encode(plain_body),
            "body_sha256": hashlib.sha256(plain_body).hexdigest(),
            "received_sha256": None if plain_body == body else hashlib.sha256(body).hexdigest(),
            "body_size": len(plain_body),
            "headers": json.dumps(kept),
        }
        stored = self.browse()
        for position, (event, state, finding) in enumerate(self._read(protocol, kept, plain_body)):
            key = conceal(dedupe_key(event, message_id, body, position))
            stored += self._insert(
                {
                    **common,
                    "state": state,
                    "result": json.dumps(finding.to_json()) if finding else None,
                    "dedupe_key": key,
                    "position": position,
                    "reference": event.reference or None,
                    "exchange_key": event.key or None,
                }
            )
        if stored:
            stored._audit_received()
            self.env["finance.exchange"]._wake_dispatcher()
        return stored

    @api.model
    def _verify(self, protocol, headers, body, moment):
        """Return the provider's identifier of an authentic message.

        :raises WebhookRefused: it is not authentic, or the adapter's code fails on it; the text of such an error may
            hold a secret and is not passed on
        """
        try:
            return protocol.verify_webhook(headers, body, _unix(moment))
        except WebhookRefused:
            raise
        except Exception as error:  # noqa: BLE001 - the adapter's code on a provider's bytes
            failure = type(error).__name__
        raise WebhookRefused(f"{failure} in the adapter")

    @api.model
    def _read(self, protocol, kept, body):
        """Return the events of a verified message with their first state; an unreadable one is kept
        for review.
        """
        try:
            found = checked_events(protocol.read_webhook(kept, body), len(body))
        # The adapter's code reads a provider's bytes: anything may be raised.
        except Exception as error:  # noqa: BLE001
            _logger.warning("a verified webhook cannot be read: %s", type(error).__name__)
            finding = Finding("webhook.unreadable", args={"error": type(error).__name__})
            return [(WebhookEvent(), FAILED, finding)]
        if not found:
            return [(WebhookEvent(), IGNORED, Finding("webhook.no_exchange_named", INFO))]
        return [(event, RECEIVED, None) for event in found]

    @api.model
    def _insert(self, values):
        """Insert one row, unless the connection has already received the event; the database
        decides.
        """
        is_open = values["state"] == RECEIVED
        row = {
            **values,
            "tries": 0,
            "failures": 0,
            "next_try_at": values["received_at"] if is_open else None,
            "processed_at": None if is_open else values["received_at"],
            "create_uid": self.env.uid,
            "create_date": values["received_at"],
            "write_uid": self.env.uid,
            "write_date": values["received_at"],
        }
        self.env.cr.execute(
            SQL(
                "INSERT INTO finance_webhook_event (%s) VALUES %s"
                " ON CONFLICT (connection_id, dedupe_key) DO NOTHING RETURNING id",
                SQL(", ").join(SQL.identifier(name) for name in row),
                tuple(row.values()),
            )
        )
        return self.browse([row[0] for row in self.env.cr.fetchall()])

    def _audit_received(self):
        self.env["finance.audit.entry"]._record_many(
            [
                {
                    "action": "webhook.received",
                    "record": event,
                    "company": event.company_id,
                    "statement": Finding(
                        "webhook.received", INFO, {"connection": event.connection_id.name}
                    ),
                    "details": event._audit_details(),
                }
                for event in self
            ]
        )

    def _audit_details(self):
        return {
            "connection": self.connection_id.name,
            "message": self.dedupe_key,
            "sha256": self.body_sha256,
            "received_sha256": self.received_sha256 or "",
            "reference": self.reference or "",
            "key": self.exchange_key or "",
            "state": self.state,
            "reason": self.reason or "",
        }

    @api.model
    def _database_time(self):
        """Return the database's time, which all servers share; UTC without offset, as Odoo stores
        times.
        """
        self.env.cr.execute("SELECT clock_timestamp() AT TIME ZONE 'UTC'")
        return self.env.cr.fetchone()[0]

    # -- processing
    # ---------------------------------------------------------------------------------------------

    @api.model
    def _process_due(self, limit=BATCH):
        """Process due events; return their number. For the dispatcher, in a READ COMMITTED
        transaction of its own.
        """
        self.env.cr.execute(
            SQL(
                """
                SELECT id FROM finance_webhook_event
                 WHERE state = 'received'
                   AND next_try_at <= (clock_timestamp() AT TIME ZONE 'UTC')
                 ORDER BY next_try_at, id LIMIT %s FOR UPDATE SKIP LOCKED
                """,
                limit,
            )
        )
        due = self.browse([row[0] for row in self.env.cr.fetchall()])
        due.invalidate_recordset()
        for event in due:
            event._process_apart()
        waiting = due.filtered(lambda event: event.state == RECEIVED)
        if waiting:
            self.env["finance.exchange"]._wake_dispatcher(at=min(waiting.mapped("next_try_at")))
        return len(due)

    @api.model
    def _seconds_to_next(self):
        """Return the seconds until the next event is due (negative: overdue), or None."""
        self.env.cr.execute(
            """
            SELECT EXTRACT(EPOCH FROM MIN(next_try_at) - (clock_timestamp() AT TIME ZONE 'UTC'))
              FROM finance_webhook_event WHERE state = 'received'
            """
        )
        seconds = self.env.cr.fetchone()[0]
        return None if seconds is None else float(seconds)

    def _process_apart(self):
        """Process one event; a failure costs this event an attempt and the others nothing (X10)."""
        try:
            with self.env.cr.savepoint():
                self._process()
        except Exception as error:  # whatever an adapter or the document's code does
            _logger.exception("webhook event %s could not be processed", self.id)
            self._note_failure(type(error).__name__)

    def _process(self):
        self.ensure_one()
        if hashlib.sha256(self._body_bytes()).hexdigest() != self.body_sha256:
            self._settle(FAILED, Finding("webhook.body_damaged"))
            return
        event = self._reread()
        if event.items or event.feed:
            self._take_in(event)
            return
        exchange = self._named_exchange()
        if exchange:
            self._process_for(exchange, event)
        elif self._database_time() - self.received_at > UNKNOWN_AFTER:
            self._settle(IGNORED, Finding("webhook.exchange_unknown", INFO))
        else:
            self._try_later(Finding("webhook.exchange_not_yet_known", INFO))

    def _reread(self):
        """Return the event, read again from the stored bytes: the adapter may have been corrected
        since.
        """
        protocol = protocol_of(self.connection_id)
        body = self._body_bytes()
        found = protocol.read_webhook(self.headers or {}, body)
        event = checked_events(found, len(body))[self.position]
        self.write({"reference": event.reference, "exchange_key": event.key})
        return event

    def _take_in(self, event):
        """Store the documents that a signed message carries; read the feed that an event announces.

        A bearer token does not protect the body of a message: what such a message carries is not
        believed, and the feeds of the provider are read instead.
        """
        adapter = self.connection_id._adapter()
        is_signed = adapter._webhook_scheme == "standard"
        feeds = {event.feed} if event.feed else set()
        if event.items and not is_signed:
            feeds |= {feed.name for feed in adapter._feeds}
        for name in sorted(feeds):
            self.env["finance.feed"]._request(self.connection_id, name)
        if event.items and is_signed:
            self.env["finance.inbound"]._keep(self.connection_id, event.items, event=self)
            self._settle(PROCESSED, Finding("webhook.documents_stored", INFO))
        elif feeds:
            self._settle(PROCESSED, Finding("webhook.feed_requested", INFO), tone="info")
        else:
            self._settle(
                PROCESSED, Finding("webhook.documents_not_signed", WARNING), tone="warning"
            )

    def _named_exchange(self):
        """Return the exchange under our key, which is unique; else the one under the provider's
        reference.
        """
        exchanges = self.env["finance.exchange"]
        if self.exchange_key:
            found = exchanges.search(self._mine("idempotency_key", self.exchange_key))
            if found:
                return found
        if not self.reference:
            return exchanges
        found = exchanges.search(self._mine("reference", self.reference))
        # A corrected version may carry the reference of the one it replaced.
        return found.filtered(lambda item: item.state not in states.FINAL)[:1] or found[:1]

    def _mine(self, name, value):
        return [("connection_id", "=", self.connection_id.id), (name, "=", value)]

    def _process_for(self, exchange, event):
        locked = exchange.try_lock_for_update()
        locked.invalidate_recordset()
        if not locked or locked.claim_token or locked.state in _BUSY:
            self._try_later(Finding("webhook.exchange_busy", INFO))
            return
        self.exchange_id = locked
        if locked.state in states.FINAL:
            self._keep_late(locked, event)
        else:
            self._apply_to(locked, event)

    def _keep_late(self, exchange, event):
        """Keep an event of a settled exchange as evidence; a contradicting verdict opens a case."""
        verdict = {Accepted: states.ACCEPTED, Rejected: states.REJECTED}.get(type(event.outcome))
        # A version that was replaced had been rejected or had failed.
        before = states.REJECTED if exchange.state == states.SUPERSEDED else exchange.state
        if verdict and verdict != before:
            finding = Finding(
                "webhook.contradiction", WARNING, {"event": verdict, "state": exchange.state}
            )
            self._settle(PROCESSED, finding, tone="warning")
            self.env["finance.case"]._open_for(exchange, cases.CONTRADICTION, finding)
        else:
            finding = Finding("webhook.exchange_settled", INFO, {"state": exchange.state})
            self._settle(PROCESSED, finding, tone="info")

    def _apply_to(self, exchange, event):
        """Apply an event to an exchange that waits or whose outcome is unknown."""
        if self._is_trusted(event, exchange):
            exchange._apply(STEP, event.outcome)
            self._settle(PROCESSED, Finding("webhook.applied", INFO, {"state": exchange.state}))
        elif self._offers_status_check(exchange):
            exchange.next_step_at = self._database_time()
            self._settle(PROCESSED, Finding("webhook.status_check", INFO), tone="info")
        else:
            self._settle(PROCESSED, Finding("webhook.no_status_check", WARNING), tone="warning")

    def _is_trusted(self, event, exchange):
        """Return whether the event is a verdict on our bytes under the reference of this exchange.

        In any other case the provider's status is checked instead.
        """
        if not isinstance(event.outcome, (Accepted, Rejected, Waiting)):
            return False
        if event.sha256 and event.sha256.lower() != exchange.payload_sha256:
            return False
        named = event.outcome.reference or self.reference
        if not named or named == exchange.reference:
            return True
        others = self._mine("reference", named)
        return not exchange.reference and not self.env["finance.exchange"].search_count(others)

    def _offers_status_check(self, exchange):
        operation = exchange.connection_id._operation_of(exchange.operation)
        if exchange.state == states.WAITING:
            return operation.verdict == "poll"
        return operation.repeat != "nothing"

    # -- results -----------------------------------------------------------------------------------
    # -------------

    def _settle(self, state, finding, tone=None):
        """End the processing of this event, as evidence on the timeline of the document."""
        self.write(
            {
                "state": state,
                "result": finding.to_json(),
                "next_try_at": False,
                "processed_at": self._database_time(),
            }
        )
        exchange = self.exchange_id
        self.env["finance.audit.entry"]._record(
            action=f"webhook.{state}",
            record=self,
            document=self._document(),
            company=self.company_id,
            outcome=tone or _TONE[state],
            statement=finding,
            correlation_id=exchange.correlation_id or None,
            details={**self._audit_details(), "exchange": str(exchange.id or "")},
        )

    def _document(self):
        """Return the business document of the exchange, if it still exists."""
        model, number = self.exchange_id.document_model, self.exchange_id.document_id
        return self.env[model].browse(number).exists() if model in self.env else None

    def _try_later(self, finding):
        pause = min(2**self.tries, _LONGEST_PAUSE)
        self.write(
            {
                "result": finding.to_json(),
                "tries": self.tries + 1,
                "next_try_at": self._database_time() + timedelta(seconds=pause),
            }
        )

    def _note_failure(self, kind):
        self.failures += 1
        if self.failures >= MAX_FAILURES:
            self._settle(FAILED, Finding("webhook.failed", args={"error": kind}))
        else:
            self._try_later(Finding("webhook.retrying", WARNING, {"error": kind}))

    def action_process_again(self):
        """Process failed or ignored events again after their cause was resolved. For operators."""
        require_role(self, OPERATOR)
        if any(event.state not in (FAILED, IGNORED) for event in self):
            raise UserError(
                self.env._("Only failed or ignored webhook events can be processed again.")
            )
        self.sudo().write(
            {
                "state": RECEIVED,
                "result": Finding(
                    "webhook.reprocess", INFO, {"user": self.env.user.name}
                ).to_json(),
                "tries": 0,
                "failures": 0,
                "next_try_at": self._database_time(),
                "processed_at": False,
            }
        )
        self.env["finance.exchange"]._wake_dispatcher()
        return True


def _unix(moment):
    return (moment - fields.Datetime.to_datetime("1970-01-01")).total_seconds()
