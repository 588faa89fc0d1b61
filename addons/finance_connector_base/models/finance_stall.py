"""Detection of stalls: exchanges and connections that do not proceed although nothing has failed.

Five conditions, each of which opens one case (``core.cases.STALLS``) and closes it when it has
ended:

* a verdict is missing longer than the operation or its retry policy allows;
* the receipt of an accepted document is missing longer than the operation allows;
* the provider refuses the credentials of a connection in use;
* a connection is paused or blocked while exchanges are queued;
* the client certificate of a connection in use ends within ``CERTIFICATE_DAYS``.

A condition that persists after an operator has closed its case is raised again after one further
period: the verdict
deadline for an exchange, the company's time to decide for a connection.
"""

from datetime import timedelta

from odoo import api, fields, models

from ..core import cases
from ..core.delivery import states
from ..core.finding import INFO, WARNING, Finding
from .finance_retry_policy import policy_of
from .res_company import DEFAULT_CASE_HOURS

#: Exchanges examined per review; the oldest come first, the next review continues.
BATCH = 500
#: A client certificate is renewed by people, and issuers take weeks.
CERTIFICATE_DAYS = 30
#: States in which a verdict or a status check is outstanding.
_WITHOUT_VERDICT = (states.WAITING, states.UNKNOWN)
#: States that need the connection to proceed.
_QUEUED = (states.PENDING, states.UNKNOWN, states.WAITING)
#: Outcomes of calls that only an authorised call can have.
_AUTHORISED = ("accepted", "waiting", "rejected", "duplicate", "not_found", "permanent")

_OVERDUE = """
    SELECT e.id, e.connection_id, e.operation, e.state,
           EXTRACT(EPOCH FROM (clock_timestamp() AT TIME ZONE 'UTC')
                   - GREATEST(COALESCE(e.sent_at, e.state_since, e.create_date), closed.at)) / 3600
      FROM finance_exchange e
      LEFT JOIN LATERAL (
               SELECT MAX(c.resolved_at) AS at FROM finance_case c
                WHERE c.exchange_id = e.id AND c.state = 'resolved') closed ON TRUE
     WHERE e.state = ANY(%(states)s)
       AND NOT EXISTS (SELECT 1 FROM finance_case c WHERE c.exchange_id = e.id AND c.state = 'open')
     ORDER BY 5 DESC, e.id
     LIMIT %(limit)s
"""

#: Accepted exchanges whose receipt is still to be fetched: only for these a step is due.
_WITHOUT_RECEIPT = """
    SELECT e.id, e.connection_id, e.operation,
           EXTRACT(EPOCH FROM (clock_timestamp() AT TIME ZONE 'UTC')
                   - GREATEST(COALESCE(e.state_since, e.create_date), closed.at)) / 3600
      FROM finance_exchange e
      LEFT JOIN LATERAL (
               SELECT MAX(c.resolved_at) AS at FROM finance_case c
                WHERE c.exchange_id = e.id AND c.state = 'resolved') closed ON TRUE
     WHERE e.state = %(accepted)s AND e.next_step_at IS NOT NULL
       AND NOT EXISTS (SELECT 1 FROM finance_case c WHERE c.exchange_id = e.id AND c.state = 'open')
     ORDER BY 4 DESC, e.id
     LIMIT %(limit)s
"""


class FinanceStall(models.AbstractModel):
    _name = "finance.stall"
    _description = "Detection of stalls"

    @api.model
    def _review(self):
        """Open cases for conditions that exist and close those of conditions that have ended."""
        self.env.flush_all()
        self._review_verdicts()
        self._review_receipts()
        self._review_credentials()
        self._review_connections()
        self._review_certificates()

    # -- verdicts ----------------------------------------------------------------------------------
    # -------------

    def _review_verdicts(self):
        """Raise missing verdicts. They are closed by the transition of the exchange itself."""
        self.env.cr.execute(_OVERDUE, {"states": list(_WITHOUT_VERDICT), "limit": BATCH})
        rows = self.env.cr.fetchall()
        connections = self.env["finance.connection"].browse({row[1] for row in rows})
        book = self.env["finance.retry.policy"]._book(connections)
        overdue = {}
        for exchange_id, connection_id, operation, state, hours in rows:
            deadline = self._verdict_hours(connections.browse(connection_id), operation, book)
            if deadline and float(hours) > deadline:
                overdue[exchange_id] = Finding(
                    f"stall.verdict_{state}", WARNING, {"hours": str(round(deadline))}
                )
        exchanges = self.env["finance.exchange"].browse(overdue)
        self.env["finance.case"]._open_for(exchanges, cases.OVERDUE, overdue)

    @api.model
    def _verdict_hours(self, connection, operation, book):
        """Return the deadline of the policy, else of the operation."""
        policy = policy_of(book, connection.id, operation)
        return policy.verdict_hours or connection._operation_of(operation).verdict_hours

    # -- receipts ----------------------------------------------------------------------------------

    def _review_receipts(self):
        """Raise missing receipts, and close the cases of those that have come."""
        open_cases = self.env["finance.case"].search(
            [("state", "=", "open"), ("kind", "=", cases.NO_RECEIPT)]
        )
        come = open_cases.exchange_id.filtered(lambda item: not item.next_step_at)
        self.env["finance.case"]._close_for(
            come, Finding("stall.ended", INFO), kinds=[cases.NO_RECEIPT]
        )
        self.env.cr.execute(_WITHOUT_RECEIPT, {"accepted": states.ACCEPTED, "limit": BATCH})
        overdue = {}
        for exchange_id, connection_id, operation, hours in self.env.cr.fetchall():
            connection = self.env["finance.connection"].browse(connection_id)
            deadline = connection._operation_of(operation).receipt_hours
            if deadline and float(hours) > deadline:
                arguments = {"hours": str(round(deadline))}
                overdue[exchange_id] = Finding("stall.receipt", WARNING, arguments)
        exchanges = self.env["finance.exchange"].browse(overdue)
        self.env["finance.case"]._open_for(exchanges, cases.NO_RECEIPT, overdue)

    # -- credentials
    # --------------------------------------------------------------------------------------------

    def _review_credentials(self):
        """Raise refused credentials again, and close what a later call has proven to work."""
        connections = self.env["finance.connection"].search(
            [("last_test_result", "=", "failed"), ("state", "!=", "draft")]
        )
        refused = connections.filtered(
            lambda item: (
                (item.last_test_finding or {}).get("code") == "connection.credentials_refused"
            )
        )
        working = refused.filtered(self._has_worked_since)
        for connection in working:
            connection._note_test()
        for connection in self._not_raised_lately(refused - working, cases.CREDENTIALS):
            self.env["finance.case"]._open_for(
                connection,
                cases.CREDENTIALS,
                Finding.from_json(connection.last_test_finding),
            )
        self._close_ended(cases.CREDENTIALS, refused - working)

    @api.model
    def _has_worked_since(self, connection):
        return bool(
            self.env["finance.exchange.attempt"].search_count(
                [
                    ("connection_id", "=", connection.id),
                    ("started_at", ">", connection.last_test_at),
                    ("outcome", "in", _AUTHORISED),
                ],
                limit=1,
            )
        )

    # -- connections that do not send
    # ---------------------------------------------------------------------------

    def _review_connections(self):
        """Raise connections that are paused or blocked while exchanges are queued."""
        stopped = self.env["finance.connection"].search(
            ["|", ("state", "!=", "active"), ("blocking_finding", "!=", False)]
        )
        queued = self.env["finance.exchange"]._read_group(
            [("connection_id", "in", stopped.ids), ("state", "in", _QUEUED)], ["connection_id"]
        )
        stopped = self.env["finance.connection"].union(*(row[0] for row in queued))
        for connection in self._not_raised_lately(stopped, cases.STOPPED):
            self.env["finance.case"]._open_for(
                connection, cases.STOPPED, self._stop_finding(connection)
            )
        self._close_ended(cases.STOPPED, stopped)

    @api.model
    def _stop_finding(self, connection):
        if connection.blocking_finding:
            return Finding.from_json(connection.blocking_finding)
        return Finding(f"stall.connection_{connection.state}", WARNING)

    # -- client certificates -----------------------------------------------------------------------

    def _review_certificates(self):
        """Raise client certificates that end soon, or have ended, before the provider refuses them."""
        soon = fields.Datetime.now() + timedelta(days=CERTIFICATE_DAYS)
        ending = self.env["finance.connection"].search(
            [("client_certificate_until", "<", soon), ("state", "!=", "draft")]
        )
        ending = ending.filtered("client_certificate_use")
        for connection in self._not_raised_lately(ending, cases.CERTIFICATE):
            finding = connection._certificate_finding() or Finding(
                "stall.certificate_expires",
                WARNING,
                {"date": str(connection.client_certificate_until.date())},
            )
            self.env["finance.case"]._open_for(connection, cases.CERTIFICATE, finding)
        self._close_ended(cases.CERTIFICATE, ending)

    # -- common ------------------------------------------------------------------------------------
    # -------------

    @api.model
    def _not_raised_lately(self, connections, kind):
        """Return connections without a case of this kind that was closed within the company's time
        to decide.
        """
        now = fields.Datetime.now()
        closed = self.env["finance.case"]._read_group(
            [
                ("connection_id", "in", connections.ids),
                ("kind", "=", kind),
                ("state", "=", "resolved"),
                ("resolution", "!=", cases.ENDED),
            ],
            ["connection_id"],
            ["resolved_at:max"],
        )
        last = {connection.id: moment for connection, moment in closed}
        return connections.filtered(
            lambda item: (
                item.id not in last
                or last[item.id]
                < now - timedelta(hours=item.company_id.finance_case_hours or DEFAULT_CASE_HOURS)
            )
        )

    @api.model
    def _close_ended(self, kind, connections):
        """Close the open cases of a kind whose connection is not among ``connections``."""
        open_cases = self.env["finance.case"].search(
            [
                ("state", "=", "open"),
                ("kind", "=", kind),
                ("exchange_id", "=", False),
                ("connection_id", "not in", connections.ids),
            ]
        )
        self.env["finance.case"]._close_for(
            open_cases.connection_id, Finding("stall.ended", INFO), kinds=[kind]
        )
