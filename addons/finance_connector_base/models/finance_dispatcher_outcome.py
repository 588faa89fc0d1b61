"""Steps 4 and 5 of an effect: commit what came back where the token is still ours; take over what a dead worker held."""

import base64
import json
import logging

from odoo import api, models

from ..core import life
from ..core.masking import MaskingFilter
from ..core.outcomes import AuthFailed
from ..core.row import Move
from ..statements import statement

_logger = logging.getLogger(__name__)
_logger.addFilter(MaskingFilter())

#: Answers are kept up to this size; providers' answers are a few kilobytes.
_KEPT_BODY = 1024 * 1024
_LOST_AT_ONCE = 500


class FinanceDispatcher(models.AbstractModel):
    _inherit = "finance.dispatcher"

    # -- step 4 -------------------------------------------------------------------------------------------------

    @api.model
    def _commit_outcomes(self, results, roster=None):
        """Commit a group of (claim, report); if the group fails, one by one, so that a bad one costs only itself.

        What was learned about the providers is committed apart and first: a pause asked for holds for all workers
        at once, and even where an outcome cannot be stored.
        """
        learned = [(claim.connection_id, report.outcome) for claim, report in results]
        with self._transaction() as env:
            env["finance.connection.gate"]._note_calls(learned)
            env["finance.dispatcher"]._note_refused_credentials(learned)
        self._commit_group(results, roster or {})

    def _commit_group(self, results, roster):
        try:
            with self._transaction() as env:
                env["finance.dispatcher"]._write_outcomes(results, roster)
        except Exception:
            if len(results) == 1:
                # The worker goes on living, so nobody would take this claim over: hand it back by itself.
                _logger.exception(
                    "outcome of exchange %s could not be stored", results[0][0].exchange_id
                )
                self._disown(results[0][0])
                return
            for result in results:
                self._commit_group([result], roster)

    def _disown(self, claim):
        """Let the claim count as lost: the provider is asked what became of it."""
        with self._transaction() as env:
            env.cr.execute(
                "UPDATE finance_exchange SET worker_id = NULL WHERE id = %s AND claim_token = %s",
                (claim.exchange_id, claim.token),
            )

    def _write_outcomes(self, results, roster):
        exchanges = self.env["finance.exchange"]
        rows = exchanges._rows([claim.exchange_id for claim, _report in results])
        current = [item for item in results if rows[item[0].exchange_id].token == item[0].token]
        late = [item for item in results if rows[item[0].exchange_id].token != item[0].token]
        self._end_attempts(results, {claim.token for claim, _report in late})
        connections = self.env["finance.connection"].browse(
            {claim.connection_id for claim, _report in results}
        )
        book = self.env["finance.retry.policy"]._book(connections)
        exchanges._move(
            [
                exchanges._outcome_move(
                    rows[claim.exchange_id],
                    claim.step,
                    report.outcome,
                    self._operation(claim, rows[claim.exchange_id], roster),
                    book,
                )
                for claim, report in current
            ]
        )
        for claim, report in late:
            self._keep_late(rows[claim.exchange_id], claim, report)

    def _operation(self, claim, row, roster):
        line = roster.get(claim.connection_id)
        if line and row.operation in line.operations:
            return line.operations[row.operation]
        connection = self.env["finance.connection"].browse(claim.connection_id)
        return connection._adapter()._operation(row.operation)

    def _keep_late(self, row, claim, report):
        reason = self.env._(
            "A late answer came (%s); it is kept and changes nothing", report.outcome.code
        )
        self.env["finance.exchange"]._audit_moves(
            [Move(row, life.Turn(row.life), reason)], "exchange.late_answer", token=claim.token
        )

    def _end_attempts(self, results, late_tokens):
        attempts = [
            {
                "id": claim.attempt_id,
                "latency_ms": round(report.seconds * 1000),
                "outcome": report.outcome.code,
                "reason": _reason_of(report.outcome),
                "http_status": report.status,
                "request_line": f"{report.method} {report.url}".strip(),
                "response_type": report.content_type,
                "is_late": claim.token in late_tokens,
            }
            for claim, report in results
        ]
        bodies = [_stored(report.body) for _claim, report in results]
        self.env.cr.execute(
            statement("attempts_end"),
            {"attempts": json.dumps(attempts), "bodies": bodies, "uid": self.env.uid},
        )

    def _note_refused_credentials(self, learned):
        """Say on the connection that its credentials are refused, once per group."""
        refused = {key: outcome for key, outcome in learned if isinstance(outcome, AuthFailed)}
        for connection_id, outcome in refused.items():
            connection = self.env["finance.connection"].browse(connection_id)
            connection._note_test(connection._words_of_probe(outcome))

    @api.model
    def _commit_probes(self, results):
        """What probes of open breakers found."""
        for probe, report in results:
            with self._transaction() as env:
                env["finance.connection.gate"]._note_probe(probe.connection_id, report.outcome)

    # -- step 5 -------------------------------------------------------------------------------------------------

    @api.model
    def _recover_lost(self):
        """A claim whose worker is no longer heard of: whether it sent is not known (X5)."""
        with self._transaction() as env:
            env.cr.execute(statement("lost"), {"limit": _LOST_AT_ONCE})
            ids = [row[0] for row in env.cr.fetchall()]
            if ids:
                env["finance.dispatcher"]._release_lost(ids)

    def _release_lost(self, ids):
        exchanges = self.env["finance.exchange"]
        rows = list(exchanges._rows(ids).values())
        self.env.cr.execute(
            statement("attempts_lost"), {"tokens": [row.token for row in rows if row.token]}
        )
        moves = []
        for row in rows:
            connection = self.env["finance.connection"].browse(row.connection_id)
            turn = life.lost(row.life, connection._adapter()._operation(row.operation))
            words = self.env._("The worker that was sending is gone")
            asked = exchanges._words_of_case(turn.case) or self.env._("asking the provider")
            moves.append(Move(row, turn, f"{words}; {asked}"))
        exchanges._move(moves)


def _stored(body):
    """As a Binary field keeps it."""

    return base64.b64encode(body[:_KEPT_BODY]) if body else None


def _reason_of(outcome):
    """Why, in the words of the outcome: its own reason, or the findings of a rejection."""
    findings = getattr(outcome, "findings", ())
    return getattr(outcome, "reason", "") or "; ".join(item.message for item in findings)
