"""State changes of exchanges: one method checks the table, writes, audits, tells the owner, opens and closes cases."""

import json
from dataclasses import replace

from odoo import api, fields, models
from odoo.addons.finance_audit.core.entry import Facts, Subject
from odoo.addons.finance_audit.models.circumstances import actor_of

from ..core.delivery import life, states
from ..core.delivery.life import Life, Turn
from ..core.delivery.outcomes import Accepted, Outcome, Permanent, Rejected
from ..core.delivery.row import Move, Row
from ..statements import statement
from .finance_retry_policy import policy_of

_TONE = {
    states.ACCEPTED: "success",
    states.REJECTED: "failure",
    states.FAILED: "failure",
    states.UNKNOWN: "warning",
    states.HELD: "warning",
}
#: What ``_transition`` may change beside the state.
_LIFE_VALUES = frozenset(Life.__dataclass_fields__) - {"state", "sent_age"}


def row_of(values):
    """A Row from the first columns of ``rows.sql`` and ``claimable.sql``."""
    (*fixed, token, state, sends, tries, steps, maybe_sent, in_doubt, reference, age) = values
    life_now = Life(
        state,
        sends or 0,
        tries or 0,
        steps or 0,
        bool(maybe_sent),
        bool(in_doubt),
        reference or "",
        age,
    )
    return Row(*fixed[:-1], has_owner=fixed[-1], token=token or "", life=life_now)


class FinanceExchange(models.Model):
    _inherit = "finance.exchange"

    @api.model
    def _rows(self, ids):
        """Exchanges as plain values by id, their rows locked until the commit."""
        self.env.cr.execute(statement("rows"), {"ids": list(ids)})
        return {values[0]: row_of(values) for values in self.env.cr.fetchall()}

    @api.model
    def _move(self, moves):
        """The only way a state changes. The caller holds the row locks; everything is written in its transaction.

        :raises ForbiddenTransition: a change that the table of states does not name; nothing is written.
        """
        if not moves:
            return
        for move in moves:
            if move.moved:
                states.check_transition(move.row.life.state, move.turn.life.state)
        values = json.dumps([move.as_json() for move in moves])
        self.env.cr.execute(statement("move"), {"moves": values, "uid": self.env.uid})
        self.browse([move.row.id for move in moves]).invalidate_recordset(flush=False)
        self._audit_moves([move for move in moves if move.moved])
        self._settle_cases(moves)

    @api.model
    def _audit_moves(self, moves, action=None, **details):
        """One audit entry per move, in this transaction."""
        if not moves:
            return
        actor = actor_of(self.env)
        names = self._connection_names({move.row.connection_id for move in moves})
        self.env["finance.audit.entry"]._append(
            [_facts(move, actor, names, action, details) for move in moves]
        )

    @api.model
    def _connection_names(self, ids):
        self.env.cr.execute(
            "SELECT id, name FROM finance_connection WHERE id = ANY(%s)", (list(ids),)
        )
        return dict(self.env.cr.fetchall())

    @api.model
    def _settle_cases(self, moves):
        """Open cases where a person must decide; close those of exchanges that moved on."""
        cases = self.env["finance.case"]
        opened = [move for move in moves if move.turn.case]
        if opened:
            cases._open_many([_case_values(move) for move in opened])
        closed = [
            move.row.id
            for move in moves
            if move.moved and not move.turn.case and move.turn.life.state != states.SENDING
        ]
        if closed:
            cases._close_many(closed)

    def _transition(
        self, state, reason, *, next_step_at=False, answered_at=None, case=None, **values
    ):
        """Change the state of these records, whatever led to it.

        :param next_step_at: UTC; the next step is due then, or never by itself
        :param answered_at: given where this settles what the provider holds; the database's time is stored
        :param values: further parts of the life (see ``core.life.Life``)
        :raises ForbiddenTransition: a change that the table of states does not name.
        """
        unknown = set(values) - _LIFE_VALUES
        if unknown:
            raise TypeError(f"not part of an exchange's life: {sorted(unknown)}")
        self.flush_recordset()
        due_in = None
        if next_step_at:
            due_in = max(0.0, (next_step_at - fields.Datetime.now()).total_seconds())
        rows = self._rows(self.ids)
        self._move(
            [
                Move(
                    row,
                    Turn(replace(row.life, state=state, **values), due_in, case),
                    reason,
                    answered=bool(answered_at),
                )
                for row in rows.values()
            ]
        )

    def _audit(self, action, summary, **details):
        """One audit entry per exchange about something that changes no state, in this transaction."""
        self.flush_recordset()
        moves = [Move(row, Turn(row.life), summary) for row in self._rows(self.ids).values()]
        self._audit_moves(moves, action, **details)

    def _apply(self, step, outcome: Outcome):
        """Move this exchange on after one step or webhook event. The caller holds the row lock and has checked the token."""
        self.ensure_one()
        self.flush_recordset()
        row = self._rows(self.ids)[self.id]
        operation = self.connection_id._operation_of(row.operation)
        book = self.env["finance.retry.policy"]._book(self.connection_id)
        self._move([self._outcome_move(row, step, outcome, operation, book)])

    @api.model
    def _outcome_move(self, row, step, outcome, operation, book):
        """What the outcome of one step makes of an exchange."""
        policy = policy_of(book, row.connection_id, row.operation)
        turn = life.after(row.life, step, outcome, operation, policy)
        words = self._words(step, outcome, row.life.reference)
        asked = self._words_of_case(turn.case)
        findings = None
        if isinstance(outcome, (Accepted, Rejected)):
            findings = outcome.findings
        elif isinstance(outcome, Permanent):
            findings = (outcome.finding,)
        return Move(
            row,
            turn,
            f"{words}. {asked}" if asked else words,
            findings=findings,
            answered=isinstance(outcome, (Accepted, Rejected)),
        )

    def _tell_owners(self):
        """Tell the owners in the current transaction and note that they know. The rows are locked by the caller."""
        for model, exchanges in self.grouped("owner_model").items():
            owners = self.env[model].browse(exchanges.mapped("owner_id")).exists()
            known = dict(zip(owners.ids, owners, strict=True))
            for exchange in exchanges:
                if owner := known.get(exchange.owner_id):
                    owner._exchange_changed(exchange)
        self.owner_pending = False


def _facts(move, actor, names, action, details):
    row, now = move.row, move.turn.life
    action = action or f"exchange.{now.state}"
    return Facts(
        action=action,
        actor=actor,
        outcome=_TONE.get(action.rpartition(".")[2], "info"),
        summary=move.reason,
        record=Subject("finance.exchange", row.id, row.name),
        document=Subject(row.document_model, row.document_id, row.document_name)
        if row.document_model
        else None,
        company_id=row.company_id,
        correlation_id=row.correlation_id,
        details={
            "connection": names.get(row.connection_id, ""),
            "operation": row.operation,
            "key": row.key,
            "sha256": row.sha256,
            "reference": now.reference,
            "contract_version": row.contract_version or "",
            "times_sent": str(now.send_count),
            **details,
        },
    )


def _case_values(move):
    row = move.row
    return {
        "exchange_id": row.id,
        "connection_id": row.connection_id,
        "company_id": row.company_id,
        "kind": move.turn.case,
        "what_happened": move.reason,
        "document_model": row.document_model,
        "document_id": row.document_id,
        "document_name": row.document_name or row.name,
        "correlation_id": row.correlation_id,
    }
