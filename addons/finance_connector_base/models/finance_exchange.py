"""One intended effect at a provider, with its exact bytes and its idempotency key (the outbox).

::

    _enqueue ─▶ pending ─▶ sending ─▶ accepted | rejected | failed | waiting | unknown
                  │ ▲                                              │         │
           hold   ▼ │ release                          poll, webhook event   status check, then resend
                  held

The full table is ``core.delivery.states.TRANSITIONS``. ``_apply_changes`` is the only way a state
changes; what a step leads to is decided by the pure functions of ``core.delivery.transitions``.
"""

import base64
import hashlib
import json
import uuid
from dataclasses import replace

from odoo import api, fields, models
from odoo.addons.finance_audit.core.entry import Facts, Subject
from odoo.addons.finance_audit.core.evidence_rows import Frozen, Rows
from odoo.addons.finance_audit.exceptions import EvidenceIsAppendOnly
from odoo.addons.finance_audit.models.audit_context import actor_of
from odoo.exceptions import UserError

from ..core import cases
from ..core.delivery import states
from ..core.delivery.outcomes import Accepted, Outcome, Rejected
from ..core.delivery.queries import QUERIES
from ..core.delivery.transitions import (
    Change,
    DeliveryState,
    Exchange,
    Transition,
    findings_of,
    on_outcome,
    status_on_outcome,
)
from ..core.finding import Finding
from .finance_retention import check_payload_size
from .finance_retry_policy import policy_of
from .roles import OPERATOR, require_role

_TONE = {
    states.ACCEPTED: "success",
    states.REJECTED: "failure",
    states.FAILED: "failure",
    states.UNKNOWN: "warning",
    states.HELD: "warning",
}
#: What ``_transition`` may change beside the state.
_DELIVERY_VALUES = frozenset(DeliveryState.__dataclass_fields__) - {"state", "sent_age"}


class FinanceExchange(models.Model):
    _name = "finance.exchange"
    _description = "Exchange"
    _inherit = ["finance.evidence.mixin", "finance.exchange.presentation"]
    _order = "id desc"
    #: What the provider receives; a change of any of these is a new exchange (X1).
    _evidence_fixed = frozenset(
        {
            "connection_id",
            "company_id",
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
    _evidence_rows = Rows(
        fixed=(*_evidence_fixed, "payload_size", "document_model", "document_id", "supersedes_id"),
        state="state",
        transitions=states.TRANSITIONS,
        initial=(states.PENDING,),
        frozen=(
            Frozen(
                "state",
                (states.ACCEPTED, states.SUPERSEDED, states.CANCELLED),
                columns=("reference", "send_count", "answered_at", "state_since"),
            ),
        ),
        purgeable=("payload",),
    )

    name = fields.Char(compute="_compute_name")
    connection_id = fields.Many2one(
        "finance.connection",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
    )
    #: A value of its own: what was sent belongs to the company that sent it.
    company_id = fields.Many2one("res.company", readonly=True, index=True)
    environment = fields.Selection(related="connection_id.environment")
    operation = fields.Char(required=True, readonly=True)
    idempotency_key = fields.Char(
        "Idempotency key",
        required=True,
        readonly=True,
        help="Sent to the provider, the same with every attempt.",
    )
    correlation_id = fields.Char("Correlation id", required=True, readonly=True, index=True)
    contract_version = fields.Char(
        "Contract version",
        readonly=True,
        help="Version of the canonical document contract, where the payload is such a document.",
    )
    payload = fields.Binary(
        attachment=False,
        readonly=True,
        groups="finance_connector_base.group_operator,finance_audit.group_auditor",
    )
    payload_sha256 = fields.Char("SHA-256 of the payload", required=True, readonly=True)
    payload_size = fields.Integer("Payload size (bytes)", readonly=True, aggregator=None)
    purged_at = fields.Datetime(
        "Content removed on", readonly=True, copy=False, help="By the retention of the company."
    )
    payload_name = fields.Char("File name", readonly=True)
    parameters = fields.Json(readonly=True)
    state = fields.Selection(
        list(states.LABELS),
        "Status",
        required=True,
        readonly=True,
        default=states.PENDING,
        index=True,
    )
    state_since = fields.Datetime("State since", readonly=True, default=fields.Datetime.now)
    next_step_at = fields.Datetime("Next step at", readonly=True, default=fields.Datetime.now)
    chain = fields.Char(
        readonly=True,
        help="Exchanges of one chain are delivered strictly in the order in which they were queued.",
    )
    claim_token = fields.Char("Fencing token", readonly=True, copy=False)
    worker_id = fields.Integer(
        "Dispatcher worker",
        readonly=True,
        copy=False,
        aggregator=None,
        help="Id of the dispatcher worker that carries the present step.",
    )
    send_count = fields.Integer("Times sent", readonly=True, aggregator=None)
    step_count = fields.Integer(
        "Steps in this state",
        readonly=True,
        aggregator=None,
        help="Steps of the present kind since the last change of state.",
    )
    failed_attempts = fields.Integer(
        "Failed attempts",
        readonly=True,
        aggregator=None,
        help="Sends that failed since the last decision of an operator; limited by the retry policy.",
    )
    maybe_sent = fields.Boolean(
        "Delivery unconfirmed",
        readonly=True,
        help="A send may have had an effect that the provider has not yet confirmed or denied.",
    )
    in_doubt = fields.Boolean(
        "Earlier send unconfirmed",
        readonly=True,
        help="A send before the present one may have had an effect.",
    )
    reference = fields.Char("Provider's reference", readonly=True, index="btree_not_null")
    status_code = fields.Char("Status (code)", readonly=True)
    status_args = fields.Json("Status (arguments)", readonly=True)
    findings = fields.Json(readonly=True)
    sent_at = fields.Datetime("Last sent at", readonly=True)
    answered_at = fields.Datetime("Response at", readonly=True)
    document_model = fields.Char("Document model", readonly=True)
    document_id = fields.Many2oneReference(
        "Document id", model_field="document_model", readonly=True
    )
    document_name = fields.Char("Document name", readonly=True)
    owner_model = fields.Char("Owner model", readonly=True)
    owner_id = fields.Many2oneReference("Owner id", model_field="owner_model", readonly=True)
    notification_pending = fields.Boolean("Notification pending", readonly=True)
    notification_next_at = fields.Datetime("Next notification attempt", readonly=True)
    supersedes_id = fields.Many2one(
        "finance.exchange",
        readonly=True,
        index="btree_not_null",
        ondelete="restrict",
    )
    attempt_ids = fields.One2many(
        "finance.exchange.attempt", "exchange_id", "Attempts", readonly=True
    )
    artefact_ids = fields.One2many(
        "finance.exchange.artefact", "exchange_id", "Receipts and artefacts", readonly=True
    )

    _unique_key = models.Constraint(
        "UNIQUE(connection_id, idempotency_key)",
        "This effect is already queued on the connection.",
    )
    _due = models.Index(
        "(connection_id, next_step_at, id) "
        "WHERE claim_token IS NULL AND next_step_at IS NOT NULL "
        f"AND state IN {states.sql_list(states.CLAIMABLE)}"
    )
    _claimed = models.Index("(connection_id, worker_id) WHERE claim_token IS NOT NULL")
    _chain_open = models.Index(
        "(connection_id, chain, id) WHERE chain IS NOT NULL "
        f"AND state IN {states.sql_list(states.CHAIN_BLOCKING)}"
    )
    _notification_due = models.Index("(id) WHERE notification_pending")

    @api.depends("operation", "document_name")
    def _compute_name(self):
        for exchange in self:
            exchange.name = exchange.document_name or f"{exchange.operation} {exchange.id or ''}"

    # -- enqueueing --------------------------------------------------------------------------------

    @api.model
    def _enqueue(self, connection, operation, payload, **effect):
        """Queue one effect in the caller's transaction (X2); see ``_enqueue_many``."""
        return self._enqueue_many(
            [{"connection": connection, "operation": operation, "payload": payload, **effect}]
        )

    @api.model
    def _enqueue_many(self, effects):
        """Queue effects in the caller's transaction (X2); return their exchanges in order.

        Each effect is a dict of:

        :param connection: where it is sent
        :param str operation: operation of the connection's adapter
        :param bytes payload: the exact bytes of every attempt (X1)
        :param str key: idempotency key, unique per connection; enforced by the database (X3)
        :param owner: record with ``finance.exchange.owner.mixin``, notified of each change
        :param document: business document whose timeline shows the exchange
        :param correlation_id: by default a new one
        :param parameters: what the adapter needs beside the payload, as JSON values
        :param str payload_name: file name of the payload
        :param str contract_version: that of the canonical contract, where the payload is such a
            document
        :param supersedes: rejected or failed exchange that this one replaces
        :param str chain: exchanges of one chain of a connection are delivered strictly in the order
            of enqueueing; transactions that add to one chain wait for each other (X10). Needed
            where the operation is ``ordered``.
        :raises ValueError: the provider does not offer the operation, or its order needs a chain.
        """
        if not effects:
            return self.sudo().browse()
        self._begin_enqueueing(effects)
        exchanges = self.sudo().create([self._values_of(**effect) for effect in effects])
        superseded = exchanges.supersedes_id
        if superseded:
            superseded._transition(states.SUPERSEDED, Finding("exchange.superseded"))
        for connection, queued in exchanges.grouped("connection_id").items():
            queued._audit(
                "exchange.queued", Finding("exchange.queued", args={"connection": connection.name})
            )
        self._wake_dispatcher()
        return exchanges

    @api.model
    def _values_of(
        self,
        *,
        connection,
        operation,
        payload,
        key,
        owner,
        document,
        correlation_id=None,
        parameters=None,
        payload_name="",
        contract_version="",
        supersedes=None,
        chain="",
    ):
        """Return the values of a new exchange."""
        return {
            "connection_id": connection.id,
            "company_id": connection.company_id.id,
            "operation": operation,
            "idempotency_key": key,
            "correlation_id": correlation_id or str(uuid.uuid4()),
            "contract_version": contract_version or False,
            "parameters": parameters or {},
            "chain": chain or False,
            "supersedes_id": supersedes.id if supersedes else False,
            "payload": base64.b64encode(payload),
            "payload_sha256": hashlib.sha256(payload).hexdigest(),
            "payload_size": len(payload),
            "payload_name": payload_name,
            "owner_model": owner._name,
            "owner_id": owner.id,
            "document_model": document._name,
            "document_id": document.id,
            # The name alone: a display name may carry notes that belong to the document only.
            "document_name": document[document._rec_name] or document.display_name,
        }

    @api.model
    def _begin_enqueueing(self, effects):
        """Make the facts and their exchanges survive a crash of the database (X2); serialize
        transactions that add to one chain, so that ids follow their order (X10).

        Chains are locked in one order, so that two transactions never wait for each other.
        """
        for item in effects:
            check_payload_size(self.env, item["payload"])
        chains = set()
        for connection, operation in {(item["connection"], item["operation"]) for item in effects}:
            ordered = connection._adapter()._operation(operation).ordered
            named = {
                item.get("chain") or ""
                for item in effects
                if (item["connection"], item["operation"]) == (connection, operation)
            }
            if ordered and "" in named:
                raise ValueError(f"{operation} is delivered in order: name the chain")
            chains |= {(connection.id, chain) for chain in named if chain}
        self.env.cr.execute("SET LOCAL synchronous_commit = on")
        for chain in sorted(chains):
            self.env.cr.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", chain)

    @api.model
    def _wake_dispatcher(self, at=None):
        """Let the dispatcher run as soon as this transaction is committed, or at ``at`` (UTC,
        naive).
        """
        self.env["finance.dispatcher"]._wake(at=at)

    @api.model
    def _decode(self, value):
        """Return the bytes of a Binary field."""
        return base64.b64decode(value or b"")

    def _payload_bytes(self):
        """Return the stored bytes, checked against the stored hash.

        :raises EvidenceIsAppendOnly: the row was changed outside the ORM; nothing is sent.
        """
        self.ensure_one()
        payload = self._decode(self.sudo().with_context(bin_size=False).payload)
        if hashlib.sha256(payload).hexdigest() != self.payload_sha256:
            raise EvidenceIsAppendOnly(
                self.env._(
                    "The stored payload of %s does not match its checksum.", self.display_name
                )
            )
        return payload

    # -- transitions -------------------------------------------------------------------------------

    @api.model
    def _snapshots(self, ids):
        """Return exchanges as plain values by id, their rows locked until the commit."""
        self.env.cr.execute(QUERIES["exchanges"], {"ids": list(ids)})
        return {row[0]: Exchange.from_row(row) for row in self.env.cr.fetchall()}

    @api.model
    def _apply_changes(self, changes):
        """Store changes: the only way a state changes. The caller holds the row locks, and commits.

        :raises ForbiddenTransition: a change that the table of states does not allow; nothing is
            written.
        """
        if not changes:
            return
        for change in changes:
            if change.changes_state:
                states.check_transition(change.exchange.delivery.state, change.transition.new.state)
        values = json.dumps([change.as_json() for change in changes])
        self.env.cr.execute(QUERIES["apply_changes"], {"changes": values, "uid": self.env.uid})
        self.browse([change.exchange.id for change in changes]).invalidate_recordset(flush=False)
        self._audit_changes([change for change in changes if change.changes_state])
        self._update_cases(changes)

    def _transition(
        self, state, status, *, next_step_at=False, answered_at=None, case=None, **values
    ):
        """Change the state of these records, whatever led to it.

        :param status: a ``core.finding.Finding``; a plain text is kept as it is worded, in one
            language
        :param next_step_at: UTC; the next step is due then, or never by itself
        :param answered_at: given where this settles what the provider holds; the database's time is
            stored
        :param values: further parts of the delivery (see
            ``core.delivery.transitions.DeliveryState``)
        :raises ForbiddenTransition: a change that the table of states does not allow.
        """
        unknown = set(values) - _DELIVERY_VALUES
        if unknown:
            raise TypeError(f"not part of the delivery of an exchange: {sorted(unknown)}")
        self.flush_recordset()
        due_in = None
        if next_step_at:
            due_in = max(0.0, (next_step_at - fields.Datetime.now()).total_seconds())
        self._apply_changes(
            [
                Change(
                    exchange,
                    Transition(replace(exchange.delivery, state=state, **values), due_in, case),
                    _status(status),
                    answered=bool(answered_at),
                )
                for exchange in self._snapshots(self.ids).values()
            ]
        )

    def _restart_step(self, status, **values):
        """Take the next step anew without a change of state, on a decision of an operator."""
        status = _status(status)
        stored = status.to_json()
        self.write({"status_code": stored["code"], "status_args": stored.get("args", {}), **values})
        self._audit("exchange.asked_again", status)

    def _apply(self, step, outcome: Outcome):
        """Apply the outcome of one step or webhook event. The caller holds the row lock and has
        checked the token.
        """
        self.ensure_one()
        self.flush_recordset()
        exchange = self._snapshots(self.ids)[self.id]
        operation = self.connection_id._operation_of(exchange.operation)
        policies = self.env["finance.retry.policy"]._book(self.connection_id)
        self._apply_changes([self._outcome_change(exchange, step, outcome, operation, policies)])

    @api.model
    def _outcome_change(self, exchange, step, outcome, operation, policies):
        """Return the change to which the outcome of one step leads."""
        policy = policy_of(policies, exchange.connection_id, exchange.operation)
        return Change(
            exchange,
            on_outcome(exchange.delivery, step, outcome, operation, policy),
            status_on_outcome(step, outcome, exchange.delivery.reference),
            findings=None if step == "receipt" else findings_of(outcome),
            answered=step != "receipt" and isinstance(outcome, (Accepted, Rejected)),
            has_artefacts=bool(outcome.artefacts),
        )

    def _notify_documents(self):
        """Notify the owners in the current transaction. The rows are locked by the caller."""
        for model, exchanges in self.grouped("owner_model").items():
            owners = self.env[model].browse(exchanges.mapped("owner_id")).exists()
            known = dict(zip(owners.ids, owners, strict=True))
            for exchange in exchanges:
                if owner := known.get(exchange.owner_id):
                    owner._exchange_changed(exchange)
        self.notification_pending = False

    # -- evidence and cases ------------------------------------------------------------------------

    def _audit(self, action, status, **details):
        """Record something that changes no state, one audit entry per exchange, in this
        transaction.
        """
        self.flush_recordset()
        status = _status(status)
        self._audit_changes(
            [
                Change(exchange, Transition(exchange.delivery), status)
                for exchange in self._snapshots(self.ids).values()
            ],
            action,
            **details,
        )

    @api.model
    def _audit_changes(self, changes, action=None, **details):
        """Write one audit entry per change, in this transaction."""
        if not changes:
            return
        self.env.cr.execute(
            QUERIES["connection_names"],
            {"connections": list({change.exchange.connection_id for change in changes})},
        )
        names = dict(self.env.cr.fetchall())
        actor, render = actor_of(self.env), self.env["finance.finding"]._render
        self.env["finance.audit.entry"]._append(
            [
                _facts(
                    change,
                    action=action or f"exchange.{change.transition.new.state}",
                    actor=actor,
                    summary=render(change.status)[0],
                    connection=names.get(change.exchange.connection_id, ""),
                    details=details,
                )
                for change in changes
            ]
        )

    @api.model
    def _update_cases(self, changes):
        """Open cases where an operator must decide; close those of exchanges that moved on."""
        model = self.env["finance.case"]
        opened = [change for change in changes if change.transition.case]
        if opened:
            model._open_many([_case_values(change) for change in opened])
        closed = [
            change.exchange.id
            for change in changes
            if change.changes_state
            and not change.transition.case
            and change.transition.new.state != states.SENDING
        ]
        if closed:
            model._close_many(closed)

    # -- actions of operators ----------------------------------------------------------------------

    def action_retry(self):
        """Retry failed exchanges, with a status check first where an effect may exist. For
        operators.

        Of several, those that can be retried are; the user is informed how many are left.
        """
        self._check_operator()
        failed = self.filtered(lambda exchange: exchange.state == states.FAILED)
        self.env["finance.case"]._decide(failed or self, cases.RETRY)
        return self.env["finance.case"]._notification(len(failed), len(self)) if self[1:] else True

    def action_cancel(self):
        """Cancel exchanges that had no effect. For operators."""
        self._check_operator()
        self.env["finance.case"]._decide(self, cases.CANCEL)
        return True

    def action_hold(self):
        """Hold pending exchanges until they are released; a case reminds of them. For operators."""
        self._check_operator()
        held = self.sudo().try_lock_for_update()
        held.invalidate_recordset()
        if held != self.sudo() or any(exchange.state != states.PENDING for exchange in held):
            raise UserError(
                self.env._("Only pending exchanges can be held. Refresh the page and try again.")
            )
        status = Finding("exchange.held", args={"user": self.env.user.name})
        held._transition(states.HELD, status, next_step_at=False)
        self.env["finance.case"].sudo()._open_for(held, cases.HELD, status, self.env.user)
        return True

    def action_release(self):
        """Release held exchanges. For operators."""
        self._check_operator()
        self.env["finance.case"]._decide(self, cases.RELEASE)
        return True

    def action_open_document(self):
        """Open the business document of this exchange."""
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


def _status(status):
    """Return a status as a finding; a plain text is kept as it is worded."""
    return status if isinstance(status, Finding) else Finding("text", args={"text": status})


def _facts(change, *, action, actor, summary, connection, details):
    exchange, new = change.exchange, change.transition.new
    stored = change.status.to_json()
    return Facts(
        action=action,
        actor=actor,
        outcome=_TONE.get(action.rpartition(".")[2], "info"),
        summary=summary,
        record=Subject("finance.exchange", exchange.id, exchange.name),
        document=Subject(exchange.document_model, exchange.document_id, exchange.document_name)
        if exchange.document_model
        else None,
        company_id=exchange.company_id,
        correlation_id=exchange.correlation_id,
        details={
            "connection": connection,
            "operation": exchange.operation,
            "key": exchange.key,
            "sha256": exchange.sha256,
            "reference": new.reference,
            **(
                {"contract_version": exchange.contract_version} if exchange.contract_version else {}
            ),
            "times_sent": str(new.send_count),
            "status": {"code": stored["code"], "args": stored.get("args", {})},
            **details,
        },
    )


def _case_values(change):
    exchange = change.exchange
    return {
        "exchange_id": exchange.id,
        "connection_id": exchange.connection_id,
        "company_id": exchange.company_id,
        "kind": change.transition.case,
        "finding": change.status,
        "document_model": exchange.document_model,
        "document_id": exchange.document_id,
        "document_name": exchange.document_name or exchange.name,
        "correlation_id": exchange.correlation_id,
    }
