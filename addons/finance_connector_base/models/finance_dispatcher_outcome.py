"""Steps 4 and 5 of an effect: commit what came back where the token is still ours; take over what a dead worker held."""

import base64
import json
import logging

from odoo import api, models

from ..core.delivery import life
from ..core.delivery.outcomes import AuthFailed
from ..core.delivery.row import Move
from ..core.protocol import Operation
from ..core.security.masking import MaskingFilter
from ..database import DATABASE_AWAY
from ..statements import statement

_logger = logging.getLogger(__name__)
_logger.addFilter(MaskingFilter())

#: Answers are kept up to this size; providers' answers are a few kilobytes.
_KEPT_BODY = 1024 * 1024
_LOST_AT_ONCE = 500
_STRAYS = """
UPDATE finance_exchange SET worker_id = NULL
 WHERE worker_id = %(worker)s AND claim_token IS NOT NULL AND NOT claim_token = ANY(%(tokens)s)
"""


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
        except DATABASE_AWAY:
            # Not the fault of any of these: the caller keeps them and comes back.
            raise
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
        late_tokens = {
            claim.token
            for claim, _report in results
            if rows[claim.exchange_id].token != claim.token
        }
        ended = self._end_attempts(results, late_tokens)
        # One that had its answer already was stored by a commit whose own answer never came.
        results = [item for item in results if item[0].attempt_id in ended]
        current = [item for item in results if item[0].token not in late_tokens]
        late = [item for item in results if item[0].token in late_tokens]
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
                    self._operation(rows[claim.exchange_id], roster),
                    book,
                )
                for claim, report in current
            ]
        )
        for claim, report in late:
            self._keep_late(rows[claim.exchange_id], claim, report)

    def _operation(self, row, roster=None):
        """What the provider declares of the operation; where it no longer does, nothing is taken for granted."""
        line = (roster or {}).get(row.connection_id)
        if line and row.operation in line.operations:
            return line.operations[row.operation]
        try:
            connection = self.env["finance.connection"].browse(row.connection_id)
            return connection._adapter()._operation(row.operation)
        except (KeyError, ValueError):
            _logger.warning("exchange %s: nobody declares %r any more", row.id, row.operation)
            return Operation(row.operation, repeat="nothing")

    def _keep_late(self, row, claim, report):
        reason = self.env._(
            "A late answer came (%s); it is kept and changes nothing", report.outcome.code
        )
        self.env["finance.exchange"]._audit_moves(
            [Move(row, life.Turn(row.life), reason)], "exchange.late_answer", token=claim.token
        )

    def _end_attempts(self, results, late_tokens):
        """Store what came back with the attempts; ids of those that had no answer before."""
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
        return {row[0] for row in self.env.cr.fetchall()}

    def _note_refused_credentials(self, learned):
        """Say on the connection that its credentials are refused, once per group."""
        refused = {key: outcome for key, outcome in learned if isinstance(outcome, AuthFailed)}
        for connection_id, outcome in refused.items():
            connection = self.env["finance.connection"].browse(connection_id)
            connection._note_test(connection._finding_of(outcome))

    @api.model
    def _commit_probes(self, results):
        """What probes of open breakers found."""
        for probe, report in results:
            with self._transaction() as env:
                env["finance.connection.gate"]._note_probe(probe.connection_id, report.outcome)

    # -- step 5 -------------------------------------------------------------------------------------------------

    @api.model
    def _recover_lost(self, worker_id=0, tokens=()):
        """A claim whose worker is no longer heard of: whether it sent is not known (X5).

        The worker's own claims that none of its threads carries (``tokens``) count as such: a claim may have been
        committed although the answer to the commit never came, and while its worker lives nobody would take it over.
        """
        with self._transaction() as env:
            if worker_id:
                env.cr.execute(_STRAYS, {"worker": worker_id, "tokens": list(tokens)})
            env.cr.execute(statement("lost"), {"limit": _LOST_AT_ONCE})
            ids = [row[0] for row in env.cr.fetchall()]
            if ids:
                env["finance.dispatcher"]._release_each(ids)

    def _release_each(self, ids):
        """All at once; if that fails each by itself, so that a poisoned one keeps nobody back (X10)."""
        try:
            with self.env.cr.savepoint():
                self._release_lost(ids)
        except DATABASE_AWAY:
            raise
        except Exception:
            if len(ids) == 1:
                _logger.exception("exchange %s could not be taken over", ids[0])
                return
            for exchange_id in ids:
                self._release_each([exchange_id])

    def _release_lost(self, ids):
        exchanges = self.env["finance.exchange"]
        rows = list(exchanges._rows(ids).values())
        self.env.cr.execute(
            statement("attempts_lost"), {"tokens": [row.token for row in rows if row.token]}
        )
        moves = []
        for row in rows:
            turn = life.lost(row.life, self._operation(row))
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
