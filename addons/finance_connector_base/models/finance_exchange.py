"""One intended effect at a provider, with its exact bytes and its idempotency key (the outbox)."""

import base64
import hashlib
import uuid

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..core import cases
from ..core.contract import CONTRACT_VERSION
from ..core.delivery import states
from .roles import OPERATOR, require_role

#: What the provider is shown; a change of any of these is a new exchange (X1).
IMMUTABLE = frozenset(
    {
        "connection_id",
        "operation",
        "idempotency_key",
        "payload",
        "payload_sha256",
        "parameters",
        "correlation_id",
        "contract_version",
        "chain",
    }
)


class ImmutableExchange(UserError):
    """The bytes, key or target of an exchange cannot be changed; create a new exchange that supersedes it."""

    #: The web client knows exceptions by name; this tells it to show ours as it shows Odoo's own.
    context = {"exception_class": "odoo.exceptions.UserError"}


class FinanceExchange(models.Model):
    _name = "finance.exchange"
    _description = "Exchange"
    _order = "id desc"

    name = fields.Char(compute="_compute_name")
    connection_id = fields.Many2one(
        "finance.connection",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
    )
    company_id = fields.Many2one(related="connection_id.company_id", store=True, index=True)
    environment = fields.Selection(related="connection_id.environment")
    operation = fields.Char(required=True, readonly=True)
    idempotency_key = fields.Char(
        required=True,
        readonly=True,
        help="Sent to the provider, the same at every try.",
    )
    correlation_id = fields.Char(required=True, readonly=True, index=True)
    contract_version = fields.Char(readonly=True, default=CONTRACT_VERSION)
    payload = fields.Binary(
        attachment=False,
        readonly=True,
        groups="finance_connector_base.group_operator,finance_audit.group_auditor",
    )
    payload_sha256 = fields.Char("SHA-256 of the payload", required=True, readonly=True)
    payload_size = fields.Integer("Payload size (bytes)", readonly=True, aggregator=None)
    payload_name = fields.Char("File name", readonly=True)
    parameters = fields.Json(readonly=True)
    state = fields.Selection(
        list(states.LABELS),
        required=True,
        readonly=True,
        default=states.PENDING,
        index=True,
    )
    state_since = fields.Datetime(readonly=True, default=fields.Datetime.now)
    next_step_at = fields.Datetime("Next step at", readonly=True, default=fields.Datetime.now)
    chain = fields.Char(
        readonly=True,
        help="Exchanges of one chain are delivered strictly one after the other, in the order they were queued.",
    )
    claim_token = fields.Char(readonly=True, copy=False)
    worker_id = fields.Integer(
        readonly=True,
        copy=False,
        aggregator=None,
        help="The dispatcher that carries the present step.",
    )
    send_count = fields.Integer("Times sent", readonly=True, aggregator=None)
    step_count = fields.Integer(
        readonly=True,
        aggregator=None,
        help="Steps of the present kind taken since the last change.",
    )
    tries = fields.Integer(
        "Failed tries",
        readonly=True,
        aggregator=None,
        help="Sends that failed since a person last decided; the retry policy's budget is counted against them.",
    )
    maybe_sent = fields.Boolean(
        readonly=True,
        help="A send may have had an effect that the provider has not yet confirmed or denied.",
    )
    in_doubt = fields.Boolean(
        readonly=True, help="A send before the present one may have had an effect."
    )
    reference = fields.Char("Provider's reference", readonly=True, index="btree_not_null")
    reason = fields.Char("What happened", readonly=True)
    findings = fields.Json(readonly=True)
    sent_at = fields.Datetime("Last sent at", readonly=True)
    answered_at = fields.Datetime("Answer at", readonly=True)
    document_model = fields.Char(readonly=True)
    document_id = fields.Many2oneReference(model_field="document_model", readonly=True)
    document_name = fields.Char("Document name", readonly=True)
    owner_model = fields.Char(readonly=True)
    owner_id = fields.Many2oneReference(model_field="owner_model", readonly=True)
    owner_pending = fields.Boolean(readonly=True)
    owner_next_at = fields.Datetime(readonly=True)
    supersedes_id = fields.Many2one(
        "finance.exchange", readonly=True, index="btree_not_null", ondelete="restrict"
    )
    attempt_ids = fields.One2many("finance.exchange.attempt", "exchange_id", readonly=True)

    _unique_key = models.Constraint(
        "UNIQUE(connection_id, idempotency_key)",
        "This effect is already in the outbox of the connection.",
    )
    _due = models.Index(
        "(connection_id, next_step_at, id) "
        "WHERE claim_token IS NULL AND state IN ('pending', 'unknown', 'waiting')"
    )
    _claimed = models.Index("(connection_id, worker_id) WHERE claim_token IS NOT NULL")
    _chain_open = models.Index(
        "(connection_id, chain, id) WHERE chain IS NOT NULL "
        "AND state IN ('pending', 'sending', 'unknown', 'held', 'failed')"
    )
    _owner_pending = models.Index("(id) WHERE owner_pending")

    @api.depends("operation", "document_name")
    def _compute_name(self):
        for exchange in self:
            exchange.name = exchange.document_name or f"{exchange.operation} {exchange.id or ''}"

    @api.model
    def _enqueue(
        self,
        connection,
        operation,
        payload,
        *,
        key,
        owner,
        document,
        correlation_id=None,
        parameters=None,
        payload_name="",
        supersedes=None,
        chain="",
    ):
        """Put one effect into the outbox, in the caller's transaction (X2).

        :param bytes payload: the exact bytes of every try (X1)
        :param str key: idempotency key, unique per connection; enforced by the database (X3)
        :param owner: record with ``finance.exchange.owner.mixin``, told of each change
        :param document: business document whose timeline shows the exchange
        :param supersedes: rejected or failed exchange that this one replaces
        :param str chain: exchanges of one chain of a connection are delivered strictly in the order of enqueueing;
            transactions that add to one chain wait for each other (X10). Needed where the operation is ``ordered``.
        :raises ValueError: the provider does not offer the operation, or its order needs a chain.
        """
        if connection._adapter()._operation(operation).ordered and not chain:
            raise ValueError(f"{operation} is delivered in order: name the chain")
        self._queue_up(connection, chain)
        exchange = self.sudo().create(
            {
                "connection_id": connection.id,
                "operation": operation,
                "idempotency_key": key,
                "correlation_id": correlation_id or str(uuid.uuid4()),
                "parameters": parameters or {},
                "chain": chain or False,
                "supersedes_id": supersedes.id if supersedes else False,
                **self._payload_values(payload, payload_name),
                **self._subject_values(owner, document),
            }
        )
        if supersedes:
            supersedes.sudo()._transition(
                states.SUPERSEDED, self.env._("Replaced by a corrected version")
            )
        exchange._audit(
            "exchange.queued", self.env._("Put into the outbox for %s", connection.name)
        )
        self._wake_dispatcher()
        return exchange

    @api.model
    def _queue_up(self, connection, chain):
        """Make the fact and its exchange survive a crash of the database (X2); transactions that add to one chain
        follow each other, so that ids tell their order (X10).
        """
        self.env.cr.execute("SET LOCAL synchronous_commit = on")
        if chain:
            self.env.cr.execute(
                "SELECT pg_advisory_xact_lock(%s, hashtext(%s))", (connection.id, chain)
            )

    def _payload_values(self, payload, name):
        return {
            "payload": base64.b64encode(payload),
            "payload_sha256": hashlib.sha256(payload).hexdigest(),
            "payload_size": len(payload),
            "payload_name": name,
        }

    def _subject_values(self, owner, document):
        return {
            "owner_model": owner._name,
            "owner_id": owner.id,
            "document_model": document._name,
            "document_id": document.id,
            # The name alone: a display name may carry notes that belong to the document only.
            "document_name": document[document._rec_name] or document.display_name,
        }

    @api.model
    def _wake_dispatcher(self, at=None):
        """Let the dispatcher run as soon as this transaction is committed, or at ``at`` (UTC, naive)."""
        self.env["finance.dispatcher"]._wake(at=at)

    @api.model
    def _decode(self, value):
        """Bytes of a Binary field."""
        return base64.b64decode(value or b"")

    def _payload_bytes(self):
        """The stored bytes, checked against the stored hash.

        :raises ImmutableExchange: the row was changed behind the ORM's back; nothing is sent.
        """
        self.ensure_one()
        payload = self._decode(self.sudo().with_context(bin_size=False).payload)
        if hashlib.sha256(payload).hexdigest() != self.payload_sha256:
            raise ImmutableExchange(
                self.env._(
                    "The stored payload of %s does not match its hash.",
                    self.display_name,
                )
            )
        return payload

    def write(self, vals):
        touched = IMMUTABLE & set(vals)
        if touched:
            raise ImmutableExchange(
                self.env._(
                    "An exchange cannot be changed (%s). Create a new one that supersedes it.",
                    ", ".join(sorted(touched)),
                )
            )
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_evidence(self):
        raise UserError(self.env._("Exchanges are evidence and cannot be deleted."))

    def copy_data(self, default=None):
        """An effect happens once, so there is nothing to duplicate.

        :raises UserError: always.
        """
        if self:
            raise UserError(
                self.env._("An exchange cannot be duplicated: its effect happens once.")
            )
        return super().copy_data(default)

    def action_retry(self):
        """Try failed exchanges again: ask the provider first where an effect may exist. For operators.

        Of many those are tried again that have failed; the user is told how many are left.
        """
        self._check_operator()
        failed = self.filtered(lambda exchange: exchange.state == states.FAILED)
        self.env["finance.case"]._decide(failed or self, cases.RETRY)
        return self.env["finance.case"]._notification(len(failed), len(self)) if self[1:] else True

    def action_cancel(self):
        """Give up an exchange that had no effect. For operators."""
        self._check_operator()
        self.env["finance.case"]._decide(self, cases.CANCEL)
        return True

    def action_open_document(self):
        """The business document of this exchange."""
        self.ensure_one()
        self.check_access("read")
        return {
            "type": "ir.actions.act_window",
            "res_model": self.document_model,
            "res_id": self.document_id,
            "views": [(False, "form")],
        }

    def _check_operator(self):
        require_role(self, OPERATOR)
