"""State changes of exchanges: one method checks the table, writes and audits; the rest turns outcomes into it."""

from datetime import timedelta

from odoo import fields, models

from ..core import states
from ..core.outcomes import (
    Accepted,
    AuthFailed,
    ContractBroken,
    Duplicate,
    NotFound,
    Outcome,
    Permanent,
    RateLimited,
    Rejected,
    Transient,
    Unknown,
    Waiting,
)
from ..core.retry import backoff, poll_delay

_TONE = {
    states.ACCEPTED: "success",
    states.REJECTED: "failure",
    states.FAILED: "failure",
    states.UNKNOWN: "warning",
    states.HELD: "warning",
}


class FinanceExchange(models.Model):
    _inherit = "finance.exchange"

    def _transition(self, state, reason, **values):
        """The only way a state changes: checked by the table, written, audited, told to the owner."""
        for exchange in self:
            states.check_transition(exchange.state, state)
        self.write(
            {
                "state": state,
                "state_since": fields.Datetime.now(),
                "reason": reason,
                "owner_pending": state != states.SENDING,
                **values,
            }
        )
        self._audit(f"exchange.{state}", reason)

    def _audit(self, action, summary, **details):
        """One audit entry per exchange, in this transaction."""
        self.env["finance.audit.entry"]._record_many(
            [
                {
                    "action": action,
                    "record": exchange,
                    "document": exchange._document(),
                    "company": exchange.company_id,
                    "outcome": _TONE.get(action.rpartition(".")[2], "info"),
                    "summary": summary,
                    "correlation_id": exchange.correlation_id,
                    "details": {
                        "connection": exchange.connection_id.name,
                        "operation": exchange.operation,
                        "key": exchange.idempotency_key,
                        "sha256": exchange.payload_sha256,
                        "reference": exchange.reference or "",
                        "contract_version": exchange.contract_version or "",
                        "times_sent": str(exchange.send_count),
                        **details,
                    },
                }
                for exchange in self
            ]
        )

    def _document(self):
        return self.env[self.document_model].browse(self.document_id)

    def _apply(self, step, outcome: Outcome):
        """Move this exchange on after one step. The caller holds the row lock and has checked the token."""
        self.ensure_one()
        operation = self.connection_id._adapter()._operation(self.operation)
        taken = self.send_count if step == "send" else self.step_count
        new = states.next_state(step, outcome, operation, taken, settled=self._settled(operation))
        values = {
            "claim_token": False,
            "lease_until": False,
            "next_step_at": self._next_step_at(new, outcome, taken, operation),
            **self._facts(step, outcome, operation),
        }
        reason = self._words(step, outcome)
        if new == self.state:
            self.write({**values, "reason": reason})
        else:
            self._transition(new, reason, **values, step_count=0)
        if isinstance(outcome, AuthFailed):
            self.connection_id._note_test(self.connection_id._words_of_probe(outcome))

    def _settled(self, operation):
        if not self.sent_at:
            return True
        age = (fields.Datetime.now() - self.sent_at).total_seconds()
        return age >= operation.settle_seconds

    def _next_step_at(self, state, outcome, taken, operation):
        if state in states.FINAL:
            return False
        asked = getattr(outcome, "retry_after", None)
        if asked is not None:
            seconds = asked
        elif isinstance(outcome, Waiting) or state == states.WAITING:
            seconds = poll_delay(self.step_count, getattr(outcome, "poll_after", 5.0))
        elif isinstance(outcome, NotFound):
            seconds = 0.0 if state == states.PENDING else operation.settle_seconds
        else:
            seconds = backoff(taken)
        return fields.Datetime.now() + timedelta(seconds=seconds)

    def _facts(self, step, outcome, operation):
        """What the outcome tells beyond the state."""
        facts = {}
        if isinstance(outcome, (Accepted, Waiting, Rejected, Duplicate)) and outcome.reference:
            facts["reference"] = outcome.reference
        if isinstance(outcome, (Accepted, Rejected)):
            facts["findings"] = [finding.as_dict() for finding in outcome.findings]
            facts["answered_at"] = fields.Datetime.now()
        if isinstance(outcome, Permanent):
            facts["findings"] = [outcome.finding.as_dict()]
        if step == "send" and isinstance(outcome, (Transient, RateLimited, AuthFailed, Permanent)):
            facts["maybe_sent"] = False
        if isinstance(outcome, NotFound) and self._settled(operation):
            facts["maybe_sent"] = False
        return facts

    def _words(self, step, outcome):
        """One sentence for a person."""
        _ = self.env._
        reference = getattr(outcome, "reference", "") or self.reference
        if isinstance(outcome, Waiting):
            return self._words_of_waiting(step, reference)
        if isinstance(outcome, Accepted):
            return _("Accepted as %s", reference)
        if isinstance(outcome, Rejected):
            return _("Rejected: %s", "; ".join(item.message for item in outcome.findings))
        if isinstance(outcome, Permanent):
            return _("Impossible: %s", outcome.finding.message)
        return self._words_of_trouble(step, outcome)

    def _words_of_waiting(self, step, reference):
        _ = self.env._
        if step == "lookup":
            return _("The provider already has it as %s; waiting for the verdict", reference)
        if step == "poll":
            return _("No verdict yet for %s", reference)
        return _("Received by the provider as %s; waiting for the verdict", reference)

    def _words_of_trouble(self, step, outcome):
        _ = self.env._
        if isinstance(outcome, Duplicate):
            return _("The provider says it already has this document; asking what it holds")
        if isinstance(outcome, NotFound):
            return _("The provider has no record of it; the same bytes may be sent again")
        if isinstance(outcome, AuthFailed):
            return _("The provider refuses the credentials (%s)", outcome.reason)
        if isinstance(outcome, (Unknown, ContractBroken)) and step == "send":
            return _("Sent, but no usable answer came (%s); asking the provider", outcome.reason)
        return _("The provider could not be used (%s); trying again", outcome.reason)

    def _tell_owner(self):
        """Tell the owner in the current transaction and note that it knows."""
        self.ensure_one()
        owner = self.env[self.owner_model].browse(self.owner_id).exists()
        if owner:
            owner._exchange_changed(self)
        self.owner_pending = False
