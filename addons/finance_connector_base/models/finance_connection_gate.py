"""What all workers share about one provider connection: breaker, token bucket, "not before" (X9).

One row per connection, written by SQL in short transactions of their own, so that a rolled-back outcome does not
take back what was learned about the provider.
"""

import json

from odoo import api, fields, models

from ..core.delivery.breaker import CLOSED, HALF_OPEN, OPEN, PROBE_LEASE_SECONDS, is_failure
from ..core.delivery.outcomes import RateLimited, Transient
from ..core.delivery.throttle import Gate
from ..statements import statement

_PROBES = """
SELECT connection_id FROM finance_connection_gate g
  JOIN finance_connection c ON c.id = g.connection_id AND c.state = 'active'
 WHERE g.breaker_state = 'open'
   AND g.breaker_until <= (clock_timestamp() AT TIME ZONE 'UTC')
   AND (g.probe_until IS NULL OR g.probe_until < (clock_timestamp() AT TIME ZONE 'UTC'))
   AND g.connection_id = ANY(%(connections)s)
 ORDER BY g.connection_id
   FOR UPDATE OF g SKIP LOCKED
"""
_PROBING = """
UPDATE finance_connection_gate
   SET probe_until = clock_timestamp() AT TIME ZONE 'UTC' + %(lease)s * interval '1 second'
 WHERE connection_id = ANY(%(connections)s)
"""
_MISSING = """
INSERT INTO finance_connection_gate (
    connection_id, breaker_state, breaker_failures, breaker_openings, bucket_tokens)
SELECT c.id, 'closed', 0, 0, 0 FROM finance_connection c
 WHERE NOT EXISTS (SELECT 1 FROM finance_connection_gate g WHERE g.connection_id = c.id)
"""
#: A 429 or 503 without Retry-After pauses the connection this long.
DEFAULT_PAUSE_SECONDS = 1.0


class FinanceConnectionGate(models.Model):
    _name = "finance.connection.gate"
    _description = "Gate of a connection"
    _log_access = False
    _rec_name = "connection_id"

    connection_id = fields.Many2one(
        "finance.connection", required=True, readonly=True, ondelete="cascade"
    )
    company_id = fields.Many2one(related="connection_id.company_id")
    breaker_state = fields.Selection(
        [(CLOSED, "Closed"), (HALF_OPEN, "Half open"), (OPEN, "Open")],
        required=True,
        readonly=True,
        default=CLOSED,
    )
    breaker_failures = fields.Integer(readonly=True, required=True, default=0)
    breaker_openings = fields.Integer(readonly=True, required=True, default=0)
    breaker_until = fields.Datetime("Open until", readonly=True)
    probe_until = fields.Datetime(readonly=True)
    bucket_tokens = fields.Float(readonly=True, required=True, default=0.0)
    bucket_at = fields.Datetime(readonly=True)
    not_before = fields.Datetime(
        readonly=True, help="The provider asked for a pause until then (Retry-After)."
    )

    _connection = models.UniqueIndex("(connection_id)")

    def init(self):
        """Every connection has a gate, also those made before there were gates."""
        self.env.cr.execute(_MISSING)

    @api.model
    def _lock(self, connection_ids):
        """Gates of active connections by connection id, locked until the caller's commit, and the database's time."""
        return self._read_gates(statement("gates") + "FOR UPDATE OF g", connection_ids)

    @api.model
    def _lock_limited(self, connection_ids):
        """As ``_lock``, but only what limits how many calls may start is locked.

        An unlimited gate admits whatever it is asked for, so claims through it need not follow each other; a pause or a
        breaker's opening that is noted at the same moment counts as noted just after.
        """
        gates, now = self._read_gates(statement("gates"), connection_ids)
        limited = [key for key, gate in gates.items() if gate.is_limited]
        if limited:
            locked, now = self._lock(limited)
            gates |= locked
        return gates, now

    def _read_gates(self, query, connection_ids):
        self.env.cr.execute(query, {"connections": connection_ids})
        gates = {row[0]: Gate.from_row(row) for row in self.env.cr.fetchall()}
        self.env.cr.execute("SELECT EXTRACT(EPOCH FROM clock_timestamp())::float8")
        return gates, self.env.cr.fetchone()[0]

    @api.model
    def _save(self, gates):
        """Store changed gates, whose rows are locked."""
        if gates:
            values = json.dumps([gate.as_json() for gate in gates])
            self.env.cr.execute(statement("gates_save"), {"gates": values})

    @api.model
    def _note_calls(self, outcomes):
        """Learn from calls that came back: list of (connection id, outcome) in order. Own transaction of the caller."""
        connections = sorted({connection for connection, _outcome in outcomes})
        known, now = self._read_gates(statement("gates"), connections)
        if _after(known, outcomes, now) == known:
            # Mostly there is nothing to learn: answers of a provider that answers.
            return
        known, now = self._lock(connections)
        gates = _after(known, outcomes, now)
        self._save([gate for key, gate in gates.items() if gate != known[key]])
        for key, gate in gates.items():
            self._note_breaker(known[key], gate)

    @api.model
    def _due_probes(self, connection_ids):
        """Connections whose open breaker may be probed now, each handed to one worker."""
        self.env.cr.execute(_PROBES, {"connections": connection_ids})
        due = [row[0] for row in self.env.cr.fetchall()]
        if due:
            self.env.cr.execute(_PROBING, {"connections": due, "lease": PROBE_LEASE_SECONDS})
        return due

    @api.model
    def _note_probe(self, connection_id, outcome):
        """What the probe of an open breaker found."""
        gates, now = self._lock([connection_id])
        for gate in gates.values():
            new = gate.probed(not is_failure(outcome), now)
            self._save([new])
            self._note_breaker(gate, new)
        self.env.cr.execute(
            "UPDATE finance_connection_gate SET probe_until = NULL WHERE connection_id = %s",
            (connection_id,),
        )

    @api.model
    def _reset(self, connection_ids):
        """A person has seen the connections work: close breakers, forget pauses."""
        gates, _now = self._lock(sorted(connection_ids))
        self._save([gate.reset() for gate in gates.values()])

    def _note_breaker(self, old, new):
        """Evidence that a breaker opened or closed; the half-open moment between is no news."""
        if (old.breaker.state == CLOSED) == (new.breaker.state == CLOSED):
            return
        opened = new.breaker.state != CLOSED
        connection = self.env["finance.connection"].browse(new.connection_id)
        self.env["finance.audit.entry"]._record(
            action="connection.breaker_opened" if opened else "connection.breaker_closed",
            record=connection,
            company=connection.company_id,
            outcome="warning" if opened else "info",
            summary=self.env._(
                "%s cannot be used: calls are stopped until it answers again", connection.name
            )
            if opened
            else self.env._("%s answers again: calls go on", connection.name),
        )


def _after(gates, outcomes, now):
    """The gates after these calls, in order."""
    gates = dict(gates)
    for connection, outcome in outcomes:
        if connection in gates:
            gates[connection] = _learned(gates[connection], outcome, now)
    return gates


def _learned(gate, outcome, now):
    if isinstance(outcome, (RateLimited, Transient)) and outcome.retry_after is not None:
        gate = gate.paused(now + outcome.retry_after)
    elif isinstance(outcome, RateLimited):
        gate = gate.paused(now + DEFAULT_PAUSE_SECONDS)
    return gate.called(is_failure(outcome), now)
