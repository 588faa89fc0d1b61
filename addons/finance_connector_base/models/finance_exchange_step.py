"""The record side of one step: begin it with a token, finish it with an answer, give up what a dead worker held."""

import base64

from odoo import fields, models

from ..core import states
from ..core.claim import Claim
from ..core.protocol import Call
from .finance_exchange import ImmutableExchange

#: Answers are kept up to this size; providers' answers are a few kilobytes.
_KEPT_BODY = 1024 * 1024


class FinanceExchange(models.Model):
    _inherit = "finance.exchange"

    def _begin_step(self, token, lease):
        """Claim this exchange for one step; what is returned may be sent only after the commit (X4)."""
        self.ensure_one()
        now = fields.Datetime.now()
        values = {"claim_token": token, "lease_until": now + lease}
        if self.state == states.PENDING:
            self._transition(
                states.SENDING,
                self.env._("Sending, try %s", self.send_count + 1),
                **values,
                send_count=self.send_count + 1,
                sent_at=now,
                maybe_sent=True,
            )
        else:
            self.write({**values, "step_count": self.step_count + 1})
        step = states.STEP_OF_STATE[self.state]
        attempt = self.env["finance.exchange.attempt"].create(
            {"exchange_id": self.id, "token": token, "step": step, "started_at": now}
        )
        return Claim(
            self.id,
            attempt.id,
            token,
            step,
            self._call(),
            self.connection_id._pooled_courier(),
        )

    def _fail_if_damaged(self):
        """True when the stored bytes are not those of the stored hash; the exchange then fails and is never sent."""
        self.ensure_one()
        try:
            self._payload_bytes()
        except ImmutableExchange as error:
            self._transition(states.FAILED, str(error), next_step_at=False)
            return True
        return False

    def _call(self):
        """The exchange as plain values for a sending thread."""
        return Call(
            operation=self.operation,
            key=self.idempotency_key,
            payload=self._payload_bytes(),
            parameters=self.parameters or {},
            reference=self.reference or "",
            correlation_id=self.correlation_id,
        )

    def _finish_step(self, claim, report, *, is_late):
        """Store what came back; only the holder of the current token moves the exchange (X4)."""
        self.ensure_one()
        attempt = self.env["finance.exchange.attempt"].browse(claim.attempt_id)
        attempt.write({**_attempt_values(report), "is_late": is_late})
        if is_late:
            self._audit(
                "exchange.late_answer",
                self.env._(
                    "A late answer came (%s); it is kept and changes nothing",
                    attempt.outcome,
                ),
                token=claim.token,
            )
            return
        self._apply(claim.step, report.outcome)

    def _release_lost(self):
        """The workers that held these are gone. What was being sent may have arrived: ask before anything else."""
        self.attempt_ids.filtered(
            lambda attempt: attempt.token == attempt.exchange_id.claim_token
        ).write({"ended_at": fields.Datetime.now(), "outcome": "lost"})
        values = {
            "claim_token": False,
            "lease_until": False,
            "next_step_at": fields.Datetime.now(),
        }
        sending = self.filtered(lambda exchange: exchange.state == states.SENDING)
        if sending:
            sending._transition(
                states.UNKNOWN,
                self.env._("The worker that was sending is gone; asking the provider"),
                **values,
                step_count=0,
            )
        (self - sending).write(values)


def _reason_of(outcome):
    """Why, in the words of the outcome: its own reason, or the findings of a rejection."""
    findings = getattr(outcome, "findings", ())
    return getattr(outcome, "reason", "") or "; ".join(item.message for item in findings)


def _attempt_values(report):
    return {
        "ended_at": fields.Datetime.now(),
        "latency_ms": round(report.seconds * 1000),
        "outcome": report.outcome.code,
        "reason": _reason_of(report.outcome),
        "http_status": report.status,
        "request_line": f"{report.method} {report.url}".strip(),
        "response_type": report.content_type,
        "response_body": base64.b64encode(report.body[:_KEPT_BODY]),
    }
