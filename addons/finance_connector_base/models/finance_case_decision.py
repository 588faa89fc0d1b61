"""What an operator decides about cases: checked against the rules in ``core.cases``, carried out, audited, closed."""

from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..core import cases
from ..core.delivery import states
from ..core.finding import Finding
from ..core.http.wire import DEFAULT_TIMEOUT
from .finance_dispatcher_worker import LEASE_SECONDS

#: How long a call that nobody hears of any more can last: the time to begin it, to connect and to wait for the answer.
UNDER_WAY = timedelta(seconds=LEASE_SECONDS + sum(DEFAULT_TIMEOUT))


class FinanceCase(models.Model):
    _inherit = "finance.case"

    allowed_decisions = fields.Char(
        compute="_compute_allowed_decisions",
        compute_sudo=True,
        help="Names of what an operator may decide now, with spaces between.",
    )

    @api.depends("state", "kind", "exchange_id.state", "exchange_id.claim_token")
    def _compute_allowed_decisions(self):
        for case in self:
            case.allowed_decisions = " ".join(case._allowed())

    def _allowed(self):
        """Decision → whether it is an override; empty for a resolved case."""
        return cases.allowed(self._situation()) if self.state == "open" else {}

    def _situation(self):
        self.ensure_one()
        exchange = self.exchange_id.sudo()
        operation = exchange.connection_id._adapter()._operation(exchange.operation)
        return cases.Situation(
            state=exchange.state,
            kind=self.kind,
            maybe_sent=exchange.maybe_sent,
            repeat=operation.repeat,
            verdict=operation.verdict,
            has_reference=bool(exchange.reference),
            is_asking=bool(exchange.next_step_at),
            is_claimed=bool(exchange.claim_token),
        )

    # -- the actions of the screens -----------------------------------------------------------------------------

    def action_retry(self):
        """Try again: ask the provider where an effect may exist, else send. For operators.

        Of many cases those are tried again for which that is possible; the user is told how many are left.
        """
        able = self.filtered(lambda case: cases.RETRY in case._allowed())
        (able or self)._decide(cases.RETRY)
        return self._notification(len(able), len(self)) if len(self) > 1 else True

    @api.model
    def _notification(self, done, selected):
        """How many of the selected are tried again."""
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success" if done == selected else "warning",
                "message": self.env._(
                    "%(done)s of %(selected)s are tried again; open the others to see what they need.",
                    done=done,
                    selected=selected,
                )
                if done < selected
                else self.env._("%s are tried again.", done),
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }

    def action_release(self):
        """Let held exchanges go. For operators."""
        self._decide(cases.RELEASE)
        return True

    def action_decide(self):
        """The dialog that asks for reference and reason; the decision is that of the button (``default_decision``)."""
        self._check_may_decide()
        decision = self.env.context.get("default_decision")
        labels = dict(self._fields["decision"]._description_selection(self.env))
        return {
            "type": "ir.actions.act_window",
            "name": labels.get(decision, self.env._("Decide")),
            "res_model": "finance.case.decision",
            "views": [(False, "form")],
            "target": "new",
            "context": {
                "default_case_ids": self.ids,
                "default_decision": decision,
            },
        }

    # -- deciding -----------------------------------------------------------------------------------------------

    def _decide(self, decision, reference="", reason=""):
        """Carry out one decision for these cases, all or none; the exchange, the case and the evidence together.

        :raises AccessError: the user is no operator of the company
        :raises UserError: the decision is not possible for one of the cases now, or lacks its reason
        """
        self._check_may_decide()
        self._lock_exchanges()
        reference, reason = (reference or "").strip(), (reason or "").strip()
        situations = {case: case._situation() for case in self}
        for case, situation in situations.items():
            case._check_decision(decision, situation, reference, reason)
        for key, group in self.grouped(lambda case: _course(decision, situations[case])).items():
            group._carry_out(decision, *key, reference, reason)
        self.env["finance.exchange"]._wake_dispatcher()

    def _lock_exchanges(self):
        """Nobody else decides or takes a step while we look; what was read before the lock is read again."""
        exchanges = self.exchange_id.sudo()
        busy = exchanges - exchanges.try_lock_for_update()
        if busy:
            raise UserError(
                self.env._(
                    "%s is being worked on at this moment. Look again in a few seconds.",
                    ", ".join(busy[:5].mapped("name")),
                )
            )
        self.invalidate_recordset()
        exchanges.invalidate_recordset()

    def _check_decision(self, decision, situation, reference, reason):
        if self.state != "open":
            raise UserError(self.env._("The case of %s is already resolved.", self.name))
        allowed = cases.allowed(situation)
        if decision not in allowed:
            raise UserError(self._words_of_refusal(decision, situation))
        if allowed[decision] and not reason:
            raise UserError(
                self.env._("This rests on what you know, so it needs a reason (%s).", self.name)
            )
        if decision == cases.ADOPT:
            self._check_reference(reference)
        if decision == cases.SEND_AGAIN:
            self._check_nothing_under_way()

    def _check_nothing_under_way(self):
        """A call whose worker is gone may still be reaching the provider: sent again now, it would be there twice."""
        self.ensure_one()
        last = self.exchange_id.sudo().attempt_ids.sorted("id")[-1:]
        until = last.started_at + UNDER_WAY if last.outcome == "lost" else None
        if until and until > fields.Datetime.now():
            raise UserError(
                self.env._(
                    "The last call for %(name)s may still be under way. Decide after %(time)s.",
                    name=self.name,
                    time=self.exchange_id._time_of(until),
                )
            )

    def _words_of_refusal(self, decision, situation):
        if situation.is_claimed:
            return self.env._(
                "The provider is being asked about %s at this moment. Look again in a few seconds.",
                self.name,
            )
        if situation.state == states.REJECTED:
            return self.env._(
                "%s was rejected: correct the document and submit it again. The same content would be rejected again.",
                self.name,
            )
        return self.env._(
            "“%(decision)s” is not possible for %(name)s in the state “%(state)s”.",
            decision=dict(self._fields["decision"]._description_selection(self.env))[decision],
            name=self.name,
            state=dict(self._fields["exchange_state"]._description_selection(self.env))[
                situation.state
            ],
        )

    def _check_reference(self, reference):
        self.ensure_one()
        if not reference:
            raise UserError(self.env._("Enter the reference that the provider gave."))
        exchange = self.exchange_id.sudo()
        other = exchange.search(
            [
                ("connection_id", "=", exchange.connection_id.id),
                ("operation", "=", exchange.operation),
                ("reference", "=", reference),
                ("id", "!=", exchange.id),
            ],
            limit=1,
        )
        if other:
            raise UserError(
                self.env._(
                    "%(reference)s is the reference of %(name)s already.",
                    reference=reference,
                    name=other.name,
                )
            )

    def _carry_out(self, decision, target, is_override, reference, reason):
        """One course for a group of cases: evidence and end of the case first, then the exchange."""
        exchanges = self.exchange_id.sudo()
        self.sudo()._close_many(
            exchanges.ids,
            cases.OVERRIDDEN if is_override else cases.RESOLUTION_OF[decision],
            reason,
            decision=decision,
            details=self._before_and_after(target, reference),
        )
        self.sudo()._forget_reminders()
        if decision == cases.DISMISS:
            return
        values = self._values_of(decision, target, reference)
        status = self._status_of_decision(decision, reference, reason)
        moving = exchanges.filtered(lambda exchange: exchange.state != target)
        moving._transition(target, status, **values)
        asked = exchanges - moving
        if asked:
            asked._restart_step(status, **values)

    def _before_and_after(self, target, reference):
        return {
            exchange.id: {
                "before": {"state": exchange.state, "reference": exchange.reference or ""},
                "after": {"state": target, "reference": reference or exchange.reference or ""},
            }
            for exchange in self.exchange_id.sudo()
        }

    def _values_of(self, decision, target, reference):
        """What the exchange gets beside its state: a fresh budget, the reference, the time of its next step."""
        now = fields.Datetime.now()
        values = {
            "next_step_at": False if target in states.FINAL else now,
            "step_count": 0,
            "failed_attempts": 0,
        }
        if decision == cases.SEND_AGAIN:
            values["maybe_sent"] = False
        if decision == cases.ADOPT:
            values |= {"reference": reference, "maybe_sent": True}
        if target == states.ACCEPTED:
            values["answered_at"] = now
        return values

    def _status_of_decision(self, decision, reference, reason):
        """Return what the exchange shows about the decision."""
        code = {
            cases.RETRY: "exchange.retried",
            cases.SEND_AGAIN: "exchange.resent",
            cases.ADOPT: "exchange.adopted",
            cases.CANCEL: "exchange.cancelled",
            cases.RELEASE: "exchange.released",
        }[decision]
        args = {"user": self.env.user.name, "reference": reference, "reason": reason}
        given = {name: text for name, text in args.items() if text}
        return Finding(f"{code}_for" if reason else code, args=given)


def _course(decision, situation):
    """State to go to and whether that is an override; cases of one course are carried out together."""
    return cases.target(decision, situation), cases.allowed(situation)[decision]
