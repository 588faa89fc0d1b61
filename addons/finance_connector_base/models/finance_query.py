"""Queries: questions without effect, asked while the user waits, and answers kept as evidence.

``connection._query`` runs inside the user's transaction. What it learns (the attempt, the throttle)
is committed by transactions of its own, so that a rolled-back transaction of the user hides no call.
Callers check the user's rights.
"""

import base64
import re
import time
import uuid
from datetime import timedelta

from odoo import SUPERUSER_ID, api, fields, models
from odoo.addons.finance_audit.core.restricted import refuse_private_entry
from odoo.tools import format_date
from psycopg2 import errors
from psycopg2.extensions import TRANSACTION_STATUS_IDLE

from ..core.delivery.outcomes import bounded_seconds
from ..core.delivery.queries import QUERIES
from ..core.finding import INFO, Finding, storable_text
from ..core.query import MAX_QUERY_SECONDS, QueryReply
from ..secret_store import pooled_client
from .finance_dispatcher import attempt_values

#: Whoever holds the throttle does so for milliseconds; a query does not wait longer for it.
_LOCK_TIMEOUT = "SET LOCAL lock_timeout = '1s'"
_MAX_PROOF = 200
#: A date with or without the offset of its time zone.
_DATE = re.compile(r"\d{4}-\d\d-\d\d(Z|[+-]\d\d:\d\d)?")
#: Values by which a provider states nothing.
_NOT_DISCLOSED = (None, "", "---")
_MAX_VALID_SECONDS = 10 * 366 * 86400.0


class FinanceQueryMixin(models.AbstractModel):
    """What a connection can be asked."""

    _name = "finance.query.mixin"
    _description = "Queries of a connection"

    def _query(self, operation, payload, deadline):
        """Ask the provider one question and return a ``QueryReply``; at most one call is made.

        :param operation: name of a query the adapter declares
        :param payload: JSON values
        :param deadline: seconds after which there is a reply, whatever the provider does
        :raises ValueError: the adapter declares no such query
        """
        self.ensure_one()
        refuse_private_entry()
        connection = self.sudo()
        ends = time.monotonic() + min(deadline, MAX_QUERY_SECONDS)
        query = connection._adapter()._query_named(operation)
        asked_at = fields.Datetime.now()
        finding = connection._obstacle_to_query() or connection._admit_query(query)
        if finding:
            return QueryReply(asked_at, finding=finding)
        report = pooled_client(connection).query(operation, payload, ends - time.monotonic())
        token = connection._note_query(query, asked_at, report)
        answer = report.value
        if answer is None:
            finding = Finding("query.no_answer", args={"reason": report.outcome.code})
            return QueryReply(asked_at, outcome=report.outcome, finding=finding, attempt=token)
        lasts = bounded_seconds(answer.valid_seconds, _MAX_VALID_SECONDS)
        return QueryReply(
            asked_at,
            code=answer.code,
            values=answer.values,
            proof=storable_text(answer.proof, _MAX_PROOF),
            valid_until=None if lasts is None else asked_at + timedelta(seconds=lasts),
            outcome=report.outcome,
            attempt=token,
        )

    def _obstacle_to_query(self):
        """Return why this connection may not be used at all, or None."""
        if self.state != "active" or not self._is_provider_installed():
            return Finding("query.not_active", args={"connection": self.name})
        return self._blocking_finding() or self._client_finding()

    def _admit_query(self, query):
        """Take one call from the throttle, in a transaction of its own; return why there is none."""
        windows_declared = pooled_client(self).windows()
        try:
            with self._query_transaction() as env:
                env.cr.execute(_LOCK_TIMEOUT)
                throttles = env["finance.throttle"]
                known, now = throttles._lock([self.id])
                windows = throttles._lock_windows(self.id, windows_declared)
                if not _take(known.get(self.id), windows, query.limit, self._query_load(env), now):
                    return Finding("query.throttled", args={"connection": self.name})
                throttles._save([known[self.id].admits(1, 0, now)[1].taken(1)])
                throttles._save_windows(self.id, windows)
        except errors.LockNotAvailable:
            return Finding("query.throttled", args={"connection": self.name})
        return None

    def _query_load(self, env):
        """Return how many calls of exchanges are in flight through this connection."""
        env.cr.execute(QUERIES["calls_in_flight"], {"connection": self.id})
        return env.cr.fetchone()[0]

    def _note_query(self, query, asked_at, report):
        """Store the attempt and what the throttle learns; return the attempt's token.

        One transaction of its own: the rights and the rollback of the user's do not matter.
        """
        token = str(uuid.uuid4())
        adapter = self._adapter()
        with self._query_transaction() as env:
            env["finance.exchange.attempt"].create(
                {
                    **attempt_values(report),
                    "connection_id": self.id,
                    "company_id": self.company_id.id,
                    "token": token,
                    "step": "query",
                    "started_at": asked_at,
                    "ended_at": fields.Datetime.now(),
                    "api_version": adapter._api_version,
                    "adapter_version": adapter._adapter_version(),
                    "response_body": base64.b64encode(report.body) if report.body else False,
                }
            )
            env.flush_all()
            env["finance.throttle"]._note_calls(
                [(self.id, report.outcome, report.limit or query.limit)]
            )
        return token

    def _query_transaction(self):
        return _own_transaction(self.env)


class _own_transaction:  # noqa: N801 - used like a function
    """A short READ COMMITTED transaction of its own, as superuser."""

    def __init__(self, env):
        self._registry = env.registry

    def __enter__(self):
        self._cursor = self._registry.cursor()
        cr = self._cursor.__enter__()
        if cr.connection.info.transaction_status == TRANSACTION_STATUS_IDLE:
            cr.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
        return api.Environment(cr, SUPERUSER_ID, {})

    def __exit__(self, *error):
        return self._cursor.__exit__(*error)


def _take(throttle, windows, group, in_flight, now):
    """Return whether one call may start now; its rate windows are then reduced by it."""
    if throttle is None or not throttle.admits(1, in_flight, now)[0]:
        return False
    return windows is None or windows.take(group)


class FinanceQueryResult(models.Model):
    _name = "finance.query.result"
    _description = "Query result"
    _inherit = ["finance.evidence.mixin"]
    _order = "asked_at desc, id desc"
    _rec_name = "subject_value"
    _evidence_open = frozenset()

    connection_id = fields.Many2one(
        "finance.connection", required=True, readonly=True, index=True, ondelete="restrict"
    )
    company_id = fields.Many2one(
        "res.company", required=True, readonly=True, index=True, ondelete="restrict"
    )
    operation = fields.Char("Operation ID", required=True, readonly=True)
    operation_label = fields.Char("Operation", compute="_compute_operation_label")
    subject_model = fields.Char("Model of the subject", readonly=True)
    subject_id = fields.Many2oneReference(model_field="subject_model", readonly=True, index=True)
    subject_value = fields.Char("Checked value", required=True, readonly=True, index=True)
    state = fields.Selection(
        [("valid", "Valid"), ("invalid", "Invalid"), ("unknown", "Could not be checked")],
        "Status",
        required=True,
        readonly=True,
    )
    proof = fields.Char(
        "Proof number", readonly=True, help="Reference of the answer at the authority."
    )
    asked_at = fields.Datetime("Checked on", required=True, readonly=True)
    valid_until = fields.Datetime("Valid until", readonly=True)
    request = fields.Json("Request (JSON)", readonly=True)
    answer = fields.Json("Answer (JSON)", readonly=True)
    request_text = fields.Text("Request", compute="_compute_texts")
    answer_text = fields.Text("Answer", compute="_compute_texts")
    finding = fields.Json("Reason (code)", readonly=True)
    reason_text = fields.Char("Reason", compute="_compute_reason_text")
    # By token: the attempt is committed by another transaction, which a foreign key checked in the
    # snapshot of this one does not see.
    attempt_token = fields.Char("Attempt token", readonly=True)
    attempt_id = fields.Many2one("finance.exchange.attempt", compute="_compute_attempt_id")

    _subject = models.Index("(subject_model, subject_id, company_id)")

    @api.depends("operation", "connection_id.provider")
    @api.depends_context("lang")
    def _compute_operation_label(self):
        for result in self:
            adapter = result.connection_id.sudo()._adapter()
            result.operation_label = adapter._operation_label(result.operation)

    @api.depends("request", "answer")
    @api.depends_context("lang")
    def _compute_texts(self):
        labels = self._value_labels()
        for result in self:
            result.request_text = result._lines(result.request, labels)
            result.answer_text = result._lines(result.answer, labels)

    @api.model
    def _lines(self, value, labels):
        """Return a JSON object as lines of text, for readers."""
        if not isinstance(value, dict):
            return False
        return "\n".join(
            self.env._(
                "%(label)s: %(value)s",
                label=labels.get(name, name),
                value=self._shown_value(content),
            )
            for name, content in value.items()
            if content not in _NOT_DISCLOSED
        )

    @api.model
    def _shown_value(self, content):
        """Return a value of a request or an answer as the reader sees it."""
        if isinstance(content, bool):
            return self.env._("yes") if content else self.env._("no")
        if _DATE.fullmatch(str(content)):
            return format_date(self.env, str(content)[:10])
        return content

    @api.model
    def _value_labels(self):
        """Return key of a request or an answer → label, translated; addons extend it."""
        return {}

    @api.depends("finding")
    @api.depends_context("lang")
    def _compute_reason_text(self):
        for result in self:
            finding = result.finding
            result.reason_text = (
                self.env["finance.finding"]._render(finding)[0] if finding else False
            )

    @api.depends("attempt_token")
    def _compute_attempt_id(self):
        tokens = [token for token in self.mapped("attempt_token") if token]
        found = self.env["finance.exchange.attempt"].search([("token", "in", tokens)])
        by_token = {attempt.token: attempt.id for attempt in found}
        for result in self:
            result.attempt_id = by_token.get(result.attempt_token)

    @api.model
    def _keep(self, connection, operation, subject, value, state, request, reply):
        """Store a reply as evidence, with its audit entry, in this transaction.

        :param subject: the record that the question is about
        :param value: what was asked about, normalised
        """
        refuse_private_entry()
        result = self.sudo().create(
            {
                "connection_id": connection.id,
                "company_id": connection.sudo().company_id.id,
                "operation": operation,
                "subject_model": subject._name,
                "subject_id": subject.id,
                "subject_value": value,
                "state": state,
                "proof": reply.proof or False,
                "asked_at": reply.asked_at,
                "valid_until": reply.valid_until,
                "request": request,
                "answer": dict(reply.values) or False,
                "finding": reply.finding.to_json() if reply.finding else False,
                "attempt_token": reply.attempt or False,
            }
        )
        self.env["finance.audit.entry"]._record(
            action="query.answered" if reply.is_answered else "query.unanswered",
            record=result,
            company=result.company_id,
            outcome="info" if reply.is_answered else "warning",
            statement=Finding(
                f"query.{state}", INFO, args={"value": value, "proof": reply.proof or "–"}
            ),
        )
        return result
