"""One thing a provider told us by calling: verified, stored as it came, processed later by the dispatcher.

Answering at once and working later keeps a busy exchange from looking like a failed delivery; the UNIQUE constraint
makes a repetition harmless however many servers receive it at the same time.
"""

import base64
import hashlib
import json
import logging

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ..core.security.masking import MaskingFilter
from ..core.security.webhook import CallbackNews, dedupe_key, kept_headers, plain, refuse_unknown

_logger = logging.getLogger(__name__)
_logger.addFilter(MaskingFilter())

RECEIVED = "received"
PROCESSED = "processed"
IGNORED = "ignored"
FAILED = "failed"

#: What came from outside; nothing of it is ever changed.
EVIDENCE = frozenset(
    {
        "connection_id",
        "received_at",
        "body",
        "body_sha256",
        "body_size",
        "headers",
        "dedupe_key",
        "position",
    }
)
READERS = "finance_connector_base.group_operator,finance_audit.group_auditor"
#: Characters of a body shown on the screen; the whole of it can be downloaded.
_SHOWN = 20000
#: Of the id of a message that names no exchange; it may be a hash.
_NAME = 24


class ImmutableCallback(UserError):
    """What a provider told is evidence and cannot be changed."""

    #: The web client knows exceptions by name; this tells it to show ours as it shows Odoo's own.
    context = {"exception_class": "odoo.exceptions.UserError"}


class FinanceCallback(models.Model):
    _name = "finance.callback"
    _description = "Callback"
    _order = "id desc"

    name = fields.Char(compute="_compute_name")
    connection_id = fields.Many2one(
        "finance.connection", required=True, readonly=True, index=True, ondelete="restrict"
    )
    company_id = fields.Many2one(related="connection_id.company_id", store=True, index=True)
    received_at = fields.Datetime("Received at", required=True, readonly=True)
    body = fields.Binary(attachment=False, readonly=True, groups=READERS)
    body_name = fields.Char(compute="_compute_body_text", groups=READERS)
    body_text = fields.Text("Content", compute="_compute_body_text", groups=READERS)
    body_sha256 = fields.Char("SHA-256 of the body", required=True, readonly=True)
    body_size = fields.Integer("Size (bytes)", readonly=True, aggregator=None)
    headers = fields.Json(readonly=True, groups=READERS)
    headers_text = fields.Text("Headers kept", compute="_compute_headers_text", groups=READERS)
    dedupe_key = fields.Char(
        "Message",
        required=True,
        readonly=True,
        help="The same for every repetition of the same news, by which the database refuses it.",
    )
    position = fields.Integer(
        readonly=True, aggregator=None, help="Which news of the message this is, from 0."
    )
    reference = fields.Char("Provider's reference", readonly=True)
    exchange_key = fields.Char("Our key", readonly=True)
    state = fields.Selection(
        [
            (RECEIVED, "Received"),
            (PROCESSED, "Processed"),
            (IGNORED, "Ignored"),
            (FAILED, "Failed"),
        ],
        required=True,
        readonly=True,
        index=True,
    )
    exchange_id = fields.Many2one(
        "finance.exchange", readonly=True, index="btree_not_null", ondelete="restrict"
    )
    reason = fields.Char("What happened", readonly=True)
    tries = fields.Integer(readonly=True, aggregator=None)
    failures = fields.Integer("Failed tries", readonly=True, aggregator=None)
    next_try_at = fields.Datetime("Next try at", readonly=True)
    processed_at = fields.Datetime("Processed at", readonly=True)

    _unique_news = models.Constraint(
        "UNIQUE(connection_id, dedupe_key)", "The connection has received this already."
    )
    _due = models.Index("(next_try_at, id) WHERE state = 'received'")

    @api.depends("exchange_id", "reference", "exchange_key", "dedupe_key")
    def _compute_name(self):
        for callback in self:
            document = callback.exchange_id.sudo().document_name
            callback.name = (
                document
                or callback.reference
                or callback.exchange_key
                or (callback.dedupe_key or "")[:_NAME]
            )

    def _compute_body_text(self):
        for callback in self:
            callback.body_name = f"callback-{callback.id}.bin"
            callback.body_text = callback._body_bytes().decode("utf-8", "replace")[:_SHOWN]

    def _compute_headers_text(self):
        for callback in self:
            pairs = (callback.headers or {}).items()
            callback.headers_text = "\n".join(f"{name}: {value}" for name, value in pairs)

    def _body_bytes(self):
        return base64.b64decode(self.with_context(bin_size=False).body or b"")

    # -- receiving ----------------------------------------------------------------------------------------------

    @api.model
    def _receive(self, connection, headers, body):
        """Verify a message and store what it tells; the new records, none for a repetition.

        :param connection: whose address was called; empty when nobody has this address
        :param headers: by lower-case name
        :param bytes body: as it came over the wire
        :raises CallbackRefused: nothing is stored.
        """
        if not connection:
            refuse_unknown(headers, body)
        moment = self._database_time()
        protocol = connection._adapter()._protocol(connection)
        message_id = protocol.verify_callback(headers, body, _unix(moment))
        kept = kept_headers(headers)
        common = {
            "connection_id": connection.id,
            "company_id": connection.company_id.id,
            "received_at": moment,
            "body": base64.b64encode(body),
            "body_sha256": hashlib.sha256(body).hexdigest(),
            "body_size": len(body),
            "headers": json.dumps(kept),
        }
        stored = self.browse()
        for position, (news, verdict) in enumerate(self._read(protocol, kept, body)):
            key = dedupe_key(news, message_id, body, position)
            stored += self._insert({**common, **verdict, **_about(news, position, key)})
        if stored:
            stored._audit_received()
            self.env["finance.exchange"]._wake_dispatcher()
        return stored

    @api.model
    def _read(self, protocol, kept, body):
        """The news of a verified message with the state each begins in. What cannot be read is kept for a person."""
        try:
            found = protocol.read_callback(kept, body)
        except Exception as error:  # noqa: BLE001 - the adapter's code on the provider's bytes
            _logger.warning("a verified callback cannot be read: %s", type(error).__name__)
            reason = self.env._("It cannot be read (%s)", type(error).__name__)
            return [(CallbackNews(), {"state": FAILED, "reason": reason})]
        if not found:
            reason = self.env._("It tells nothing about an exchange")
            return [(CallbackNews(), {"state": IGNORED, "reason": reason})]
        return [(news, {"state": RECEIVED, "reason": None}) for news in found]

    @api.model
    def _insert(self, values):
        """One row, or none when the connection has received this already; the database decides."""
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
                "INSERT INTO finance_callback (%s) VALUES %s"
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
                    "action": "callback.received",
                    "record": callback,
                    "company": callback.company_id,
                    "summary": self.env._("%s called back", callback.connection_id.name),
                    "details": callback._audit_details(),
                }
                for callback in self
            ]
        )

    def _audit_details(self):
        return {
            "connection": self.connection_id.name,
            "message": self.dedupe_key,
            "sha256": self.body_sha256,
            "reference": self.reference or "",
            "key": self.exchange_key or "",
            "state": self.state,
            "reason": self.reason or "",
        }

    @api.model
    def _database_time(self):
        """Now by the database's clock, which all servers share; UTC without offset, as Odoo keeps times."""
        self.env.cr.execute("SELECT clock_timestamp() AT TIME ZONE 'UTC'")
        return self.env.cr.fetchone()[0]

    # -- what is not done with evidence -------------------------------------------------------------------------

    def write(self, vals):
        touched = EVIDENCE & set(vals)
        if touched:
            raise ImmutableCallback(
                self.env._(
                    "What a provider told cannot be changed (%s).", ", ".join(sorted(touched))
                )
            )
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_evidence(self):
        raise UserError(self.env._("Callbacks are evidence and cannot be deleted."))

    def copy_data(self, default=None):
        """A message came once, so there is nothing to duplicate.

        :raises UserError: always.
        """
        if self:
            raise UserError(self.env._("A callback cannot be duplicated: it came once."))
        return super().copy_data(default)


def _unix(moment):
    return (moment - fields.Datetime.to_datetime("1970-01-01")).total_seconds()


def _about(news, position, key):
    return {
        "dedupe_key": key,
        "position": position,
        "reference": plain(news.reference) or None,
        "exchange_key": plain(news.key) or None,
    }
