"""Step 2 of an effect: claim due exchanges, each with a new token on a committed attempt (X4)."""

import base64
import hashlib
import json
import logging
import uuid
from collections import Counter
from dataclasses import dataclass, replace

from odoo import api, models

from ..core.delivery import fairness, life, states
from ..core.delivery.claim import Claim, Probe
from ..core.delivery.life import Turn
from ..core.delivery.row import Move
from ..core.protocol import Call
from ..core.security.masking import MaskingFilter
from ..statements import statement
from .finance_exchange_move import row_of

_logger = logging.getLogger(__name__)
_logger.addFilter(MaskingFilter())

SLOTS = 64


@dataclass(frozen=True)
class Line:
    """A connection that may be used, as plain values."""

    client: object
    operations: dict


@dataclass(frozen=True)
class Claimed:
    """What a claim brought. ``more``: there is more due than was taken."""

    claims: list
    more: bool


class FinanceDispatcher(models.AbstractModel):
    _inherit = "finance.dispatcher"

    @api.model
    def _make_roster(self):
        """Connections that may be used now, by id. Others have said why not on their form."""
        with self._transaction() as env:
            usable = env["finance.connection"]._usable_for_sending()
            return {
                connection.id: Line(
                    connection._pooled_client(),
                    {item.name: item for item in connection._adapter()._operations},
                )
                for connection in usable
            }

    @api.model
    def _claim(self, worker_id=None, slots=SLOTS, held=None, roster=None):
        """Claim what is due, as far as gates, fairness and free slots allow; committed before it is returned.

        :param held: calls this worker has on their way, by connection id
        :param roster: see ``_make_roster``; made anew where none is given
        """
        roster = self._make_roster() if roster is None else roster
        if not roster or slots <= 0:
            return Claimed([], False)
        with self._transaction() as env:
            env.cr.execute(
                statement("due_connections"), {"connections": sorted(roster), "limit": slots}
            )
            due = [row[0] for row in env.cr.fetchall()]
            if not due:
                return Claimed([], False)
            quotas, gates, welcome = env["finance.dispatcher"]._quotas(
                due, slots, held or Counter()
            )
            claims = []
            for connection_id, quota in quotas.items():
                taken = env["finance.dispatcher"]._claim_from(
                    connection_id, quota, roster[connection_id], worker_id
                )
                gates[connection_id] = gates[connection_id].taken(len(taken))
                claims += taken
            env["finance.connection.gate"]._save(
                [gate for key, gate in gates.items() if not gate.bucket.unlimited]
            )
            return Claimed(claims, welcome > len(claims))

    def _quotas(self, due, slots, held):
        """How many calls each connection may start now, their locked gates, and how many would like to."""
        gates, now = self.env["finance.connection.gate"]._lock_limited(due)
        self.env.cr.execute(statement("demand"), {"connections": list(gates), "limit": slots})
        wanted, welcome = {}, 0
        for connection_id, company_id, number, in_flight in self.env.cr.fetchall():
            admitted, gates[connection_id] = gates[connection_id].admits(number, in_flight, now)
            welcome += admitted
            wanted[company_id, connection_id] = min(
                admitted, fairness.ceiling(slots, held[connection_id])
            )
        given = fairness.shares(slots, wanted)
        quotas = {connection: number for (_company, connection), number in given.items() if number}
        return quotas, gates, welcome

    def _claim_from(self, connection_id, quota, line, worker_id):
        """Claim up to ``quota`` due exchanges of one connection, in the caller's transaction."""
        self.env.cr.execute(statement("claimable"), {"connection": connection_id, "limit": quota})
        moves, starts = [], []
        for values in self.env.cr.fetchall():
            row = row_of(values[:-2])
            try:
                move, start = self._claim_one(row, values[-2], values[-1], line, worker_id)
            except Exception as error:
                # One poisoned record must not keep the others back (X10).
                _logger.exception("exchange %s cannot be prepared for sending", row.id)
                reason = self.env._("It cannot be prepared for sending (%s)", type(error).__name__)
                move, start = self._stopped(row, reason, life.IMPOSSIBLE), None
            moves.append(move)
            starts += [start] if start else []
        if not moves:
            return []
        self.env["finance.exchange"]._move(moves)
        attempts = self._begin_attempts([move for move in moves if move.token])
        return [replace(start, attempt_id=attempts[start.token]) for start in starts]

    def _claim_one(self, row, stored, parameters, line, worker_id):
        """The move that claims a row and the claim; without a claim where the row must not be sent."""
        payload = _payload(stored)
        operation = line.operations.get(row.operation)
        if operation is None:
            reason = self.env._("The provider no longer offers “%s”", row.operation)
            return self._stopped(row, reason, life.IMPOSSIBLE), None
        if hashlib.sha256(payload).hexdigest() != row.sha256:
            reason = self.env._("The stored payload of %s does not match its hash.", row.name)
            return self._stopped(row, reason, "damaged"), None
        step = life.step_of(row.life.state, operation)
        token = str(uuid.uuid4())
        began = life.begun(row.life, step)
        move = Move(
            row,
            Turn(began),
            self._words_of_start(step, began),
            sent=step == "send",
            token=token,
            worker_id=worker_id,
        )
        call = Call(
            operation=row.operation,
            key=row.key,
            payload=payload,
            parameters=parameters or {},
            reference=row.life.reference,
            correlation_id=row.correlation_id,
        )
        claim = Claim(row.connection_id, row.id, 0, token, step, call, line.client, worker_id)
        return move, claim

    def _stopped(self, row, reason, case):
        """A row that may not be sent: failed where nothing was sent, else as unknown as before."""
        state = states.FAILED if row.life.state == states.PENDING else row.life.state
        return Move(row, Turn(replace(row.life, state=state), case=case), reason)

    def _words_of_start(self, step, began):
        if step == "send":
            return self.env._("Sending, try %s", began.send_count)
        if step == "lookup":
            return self.env._("Asking the provider what it holds")
        return self.env._("Asking the provider for its verdict")

    def _begin_attempts(self, moves):
        """One attempt per claimed step; ids by token."""
        attempts = [
            {
                "exchange_id": move.row.id,
                "connection_id": move.row.connection_id,
                "company_id": move.row.company_id,
                "token": move.token,
                "step": _STEP_OF_STATE[move.turn.life.state],
            }
            for move in moves
        ]
        self.env.cr.execute(
            statement("attempts_begin"), {"attempts": json.dumps(attempts), "uid": self.env.uid}
        )
        return {token: attempt_id for attempt_id, token in self.env.cr.fetchall()}

    @api.model
    def _claim_probes(self, roster):
        """Probes of open breakers whose pause is over, each by one worker only."""
        if not roster:
            return []
        with self._transaction() as env:
            due = env["finance.connection.gate"]._due_probes(sorted(roster))
        return [Probe(connection_id, roster[connection_id].client) for connection_id in due]


def _payload(stored):
    """The bytes of a Binary column; none where the column was damaged, which the hash then shows."""
    try:
        return base64.b64decode(stored or b"")
    except ValueError:
        return b""


_STEP_OF_STATE = {states.SENDING: "send", states.UNKNOWN: "lookup", states.WAITING: "poll"}
