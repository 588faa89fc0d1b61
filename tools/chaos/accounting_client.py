"""Business transactions that queue documents, and the operator who decides cases.

A file notes each transaction before it begins and what it knows of its end, so that the harness can tell what was
promised from what is there.
"""

import time

import psycopg2
from odoo import SUPERUSER_ID, api
from odoo.exceptions import UserError

from sandbox.client import ControlClient

from . import boundaries
from .companies import OPERATOR
from .fault_injector import Journal
from .plan import LATEST_EFFECT, LEDGER, PARTY

_PAUSE = 0.02
_NOTHING_TO_DO = 0.3
_QUERY_SECONDS = 2.0
#: Seconds from the last send until a person believes what the provider's portal shows: the longest call, the latest
#: effect, and something for a machine that is busy.
_PATIENCE = 5.0 + LATEST_EFFECT + 2.0
_OPEN = """
SELECT c.id FROM finance_case c JOIN finance_exchange e ON e.id = c.exchange_id
 WHERE c.state = 'open' AND e.claim_token IS NULL
   AND e.sent_at < (clock_timestamp() AT TIME ZONE 'UTC') - %s * interval '1 second'
 ORDER BY c.id LIMIT 20
"""


class _Undo(Exception):
    """The business transaction is not to be."""


def live(line, injector) -> None:
    """Enqueue until there is enough, deciding cases between; then only decide, until killed."""
    ledger = Journal(line.host.folder / LEDGER)
    accounting_client = _AccountingClient(line, injector, ledger)
    while True:
        try:
            accounting_client.enqueue_next()
            accounting_client.decide()
        except psycopg2.Error:
            line.journal.note("lost the database", who=line.line.who)
            time.sleep(_NOTHING_TO_DO)


class _AccountingClient:
    def __init__(self, line, injector, ledger):
        self._line, self._injector, self._ledger = line, injector, ledger
        self._control = ControlClient(line.host.sandbox)
        self._next = 1 + max((line.get("number", -1) for line in ledger.read()), default=-1)
        self._look_at = 0.0

    # -- business -------------------------------------------------------------------------------

    def enqueue_next(self) -> None:
        """One business transaction, unless there are enough documents."""
        if self._is_enough():
            time.sleep(_NOTHING_TO_DO)
            return
        number, self._next = self._next, self._next + 1
        transaction = self._line.plan.transaction(number)
        names = [line.name for line in transaction.lines]
        self._ledger.note("begun", number=number, names=names)
        try:
            with self._line.registry.cursor() as cr:
                self._queue(api.Environment(cr, SUPERUSER_ID, {}), transaction)
        except _Undo:
            self._ledger.note("rolled back", number=number, names=names)
            return
        self._ledger.note("committed", number=number, names=names)
        self._injector.reach(boundaries.QUEUED_COMMITTED)
        time.sleep(_PAUSE)

    def _is_enough(self) -> bool:
        with self._line.registry.cursor() as cr:
            cr.execute("SELECT count(*) FROM finance_reference_document")
            return cr.fetchone()[0] >= self._line.plan.exchanges

    def _queue(self, env, transaction) -> None:
        connections = env["finance.connection"].search([("provider", "=", "reference")], order="id")
        if transaction.asks is not None:
            self._ask(connections[transaction.asks])
        for line in transaction.lines:
            connection = connections[line.place]
            chain = None
            if line.operation == "chain":
                chains = [("connection_id", "=", connection.id)]
                chain = env["finance.reference.chain"].search(chains, order="id")[line.chain]
            env["finance.reference.document"]._send(
                connection, line.operation, line.name, chain=chain, filler=line.filler
            )
        env.flush_all()
        self._injector.reach(boundaries.QUEUED_NOT_COMMITTED)
        if transaction.rolled_back:
            raise _Undo

    def _ask(self, connection) -> None:
        """Ask a question in the business transaction; its attempt stays, whatever becomes of that."""
        reply = connection._query(PARTY, {"party": PARTY}, _QUERY_SECONDS)
        if reply.attempt:
            self._ledger.note("asked", attempt=reply.attempt)

    # -- the person -----------------------------------------------------------------------------

    def decide(self) -> None:
        """Look at the open cases now and then, and settle those about which the portal can be believed."""
        if time.monotonic() < self._look_at:
            return
        self._look_at = time.monotonic() + _NOTHING_TO_DO
        with self._line.registry.cursor() as cr:
            cr.execute(_OPEN, (_PATIENCE,))
            cases = [row[0] for row in cr.fetchall()]
        for case_id in cases:
            self._decide_one(case_id)

    def _decide_one(self, case_id: int) -> None:
        with self._line.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            operator = env["res.users"].search([("login", "=", OPERATOR)])
            case = env["finance.case"].with_user(operator).browse(case_id)
            decision, reference = self._choice(case.sudo())
            if not decision:
                return
            try:
                case._resolve(decision, reference, "Seen in the provider's portal")
            except UserError:
                # It moved on while the person looked; the list shows it again if it is still open.
                cr.rollback()
                return
            env.flush_all()
            self._injector.reach(boundaries.DECIDED_NOT_COMMITTED)
        self._line.journal.note("decided", who="operator", what=decision)

    def _choice(self, case) -> tuple[str, str]:
        """What a careful person does: ask again where that can be done, else look what the provider has."""
        allowed = case.allowed_decisions.split()
        if "retry" in allowed:
            return "retry", ""
        held = self._control.oracle(
            "reference",
            number=case.exchange_id.idempotency_key,
            seller=case.connection_id.name,
            state="accepted",
        )
        if held and "adopt" in allowed:
            return "adopt", held[0]["reference"]
        if not held and "send_again" in allowed:
            return "send_again", ""
        if case.kind == "rejected":
            return "dismiss", ""
        return "", ""
