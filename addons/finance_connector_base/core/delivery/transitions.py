"""How the delivery of one exchange proceeds: which step comes next and what its outcome leads to.
Pure.

A send that may have had an effect is followed by nothing but a lookup at the provider (X5) – or,
where the provider honours our idempotency key, by the same bytes under the same key, which has the
same meaning. Where neither is possible, an operator decides (X7). A refusal on the document's
merits is never repeated (X8).

The models only read ``Exchange`` values under a row lock and store ``Change`` values.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from .. import cases
from ..finding import Finding
from ..protocol import Operation, Step
from .outcomes import (
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
    Waiting,
)
from .retry import DEFAULT_POLICY, RetryPolicy, backoff, poll_delay
from .states import ACCEPTED, FAILED, PENDING, REJECTED, SENDING, UNKNOWN, WAITING

#: The effect certainly did not happen; the provider or the way to it is the problem.
_NOT_DONE = (Transient, RateLimited, AuthFailed)


@dataclass(frozen=True, slots=True)
class DeliveryState:
    """The part of an exchange that changes. ``sent_age``: seconds since the last send by the
    database's clock.

    ``failed_attempts`` counts sends that failed since the last decision of an operator;
    ``step_count`` the steps of the present kind; ``in_doubt`` says that a send before the present
    one may have had an effect.
    """

    state: str
    send_count: int = 0
    failed_attempts: int = 0
    step_count: int = 0
    maybe_sent: bool = False
    in_doubt: bool = False
    reference: str = ""
    sent_age: float | None = None


@dataclass(frozen=True, slots=True)
class Transition:
    """What follows: the new state, seconds until the next step (None: none is due), the kind of
    case to open.
    """

    new: DeliveryState
    due_in: float | None = None
    case: str | None = None


@dataclass(frozen=True, slots=True)
class Exchange:
    """One exchange as read under a row lock. ``delivery`` changes; the rest never does."""

    id: int
    connection_id: int
    company_id: int
    operation: str
    key: str
    correlation_id: str
    sha256: str
    contract_version: str
    document_model: str
    document_id: int
    document_name: str
    has_owner: bool
    token: str
    delivery: DeliveryState

    @classmethod
    def from_row(cls, row: tuple[Any, ...]) -> Exchange:
        """Return the exchange of a row of the statement ``exchanges``; further columns are ignored."""
        delivery = DeliveryState(
            state=row[13],
            send_count=row[14] or 0,
            failed_attempts=row[15] or 0,
            step_count=row[16] or 0,
            maybe_sent=bool(row[17]),
            in_doubt=bool(row[18]),
            reference=row[19] or "",
            sent_age=row[20],
        )
        return cls(*row[:12], token=row[12] or "", delivery=delivery)

    @property
    def name(self) -> str:
        """The name shown on screens and in evidence."""
        return self.document_name or f"{self.operation} {self.id}"


@dataclass(frozen=True, slots=True)
class Change:
    """A transition of one exchange with what is recorded about it.

    ``token`` and ``worker_id`` are set while a step is running, else cleared.
    """

    exchange: Exchange
    transition: Transition
    status: Finding
    findings: tuple[Finding, ...] | None = None
    answered: bool = False
    sent: bool = False
    token: str | None = None
    worker_id: int | None = None
    #: Something came that the document is to be notified of, without a change of the state.
    has_artefacts: bool = False

    @property
    def changes_state(self) -> bool:
        """Whether the state itself changes, which is notified and recorded."""
        return self.transition.new.state != self.exchange.delivery.state

    def as_json(self) -> dict[str, Any]:
        """Return the values of the statement ``apply_changes``."""
        new, status = self.transition.new, self.status.to_json()
        findings = None if self.findings is None else [item.to_json() for item in self.findings]
        return {
            "id": self.exchange.id,
            "state": new.state,
            "changes_state": self.changes_state,
            "status_code": status["code"],
            "status_args": status.get("args"),
            "due_in": self.transition.due_in,
            "send_count": new.send_count,
            "failed_attempts": new.failed_attempts,
            "step_count": new.step_count,
            "maybe_sent": new.maybe_sent,
            "in_doubt": new.in_doubt,
            "reference": new.reference or None,
            "findings": findings,
            "answered": self.answered,
            "sent": self.sent,
            "token": self.token,
            "worker_id": self.worker_id,
            "notify": self.exchange.has_owner
            and ((self.changes_state and new.state != SENDING) or self.has_artefacts),
        }


def next_step(state: str, operation: Operation) -> Step:
    """Return the step to take from a state that is due.

    :raises ValueError: no step is taken from this state.
    """
    if state == PENDING or (state == UNKNOWN and operation.repeat == "key"):
        return "send"
    if state == UNKNOWN:
        return "lookup"
    if state == WAITING:
        return "poll"
    if state == ACCEPTED:
        return "receipt"
    raise ValueError(f"no step is taken from {state!r}")


def on_claim(old: DeliveryState, step: Step) -> DeliveryState:
    """Return the state while a step is running; to be committed before any byte leaves (X4)."""
    if step != "send":
        return replace(old, step_count=old.step_count + 1)
    return replace(
        old,
        state=SENDING,
        send_count=old.send_count + 1,
        step_count=0,
        in_doubt=old.state == UNKNOWN,
        maybe_sent=True,
        sent_age=0.0,
    )


def on_worker_lost(old: DeliveryState, operation: Operation) -> Transition:
    """Return what follows when the worker that carried the step is gone: a send may have arrived or
    not (X5).
    """
    if old.state != SENDING:
        return Transition(old, due_in=0.0)
    unknown = replace(old, state=UNKNOWN, step_count=0)
    if operation.repeat == "nothing":
        return Transition(unknown, case=cases.UNRESOLVED)
    return Transition(unknown, due_in=0.0)


def on_outcome(
    old: DeliveryState,
    step: Step,
    outcome: Outcome,
    operation: Operation,
    policy: RetryPolicy = DEFAULT_POLICY,
    rng: random.Random | None = None,
) -> Transition:
    """Return what the outcome of one step leads to."""
    if step == "receipt":
        return _on_receipt(old, outcome, operation, policy, rng)
    old = _with_reference(old, outcome)
    if isinstance(outcome, Accepted):
        return Transition(_in_state(old, ACCEPTED), due_in=0.0 if operation.receipt else None)
    if isinstance(outcome, Rejected):
        return Transition(_in_state(old, REJECTED), case=cases.REJECTED)
    if isinstance(outcome, Waiting):
        polls = old.step_count if old.state == WAITING else 0
        delay = poll_delay(polls, outcome.poll_after, policy.poll_ceiling_seconds)
        return Transition(_in_state(old, WAITING), due_in=delay)
    return _ON_OUTCOME[step](old, outcome, operation, policy, rng)


def _on_send(
    old: DeliveryState,
    outcome: Outcome,
    operation: Operation,
    policy: RetryPolicy,
    rng: random.Random | None,
) -> Transition:
    doubted = operation.repeat == "nothing" and not getattr(outcome, "certain", True)
    if isinstance(outcome, (*_NOT_DONE, Permanent)) and not doubted:
        return _on_no_effect(old, outcome, operation, policy, rng)
    unknown = _in_state(old, UNKNOWN)
    if operation.repeat == "nothing":
        return Transition(unknown, case=cases.UNRESOLVED)
    if operation.repeat == "key":
        unknown = replace(unknown, failed_attempts=old.failed_attempts + 1)
        if unknown.failed_attempts >= policy.attempts(operation.max_attempts):
            broken = isinstance(outcome, ContractBroken)
            return Transition(unknown, case=cases.CONTRACT if broken else cases.BUDGET)
        return Transition(unknown, due_in=backoff(unknown.failed_attempts, rng, policy=policy))
    if isinstance(outcome, Duplicate):
        # "Already there" may be an earlier send of ours: see at once what is there (X6).
        return Transition(unknown, due_in=0.0)
    return Transition(unknown, due_in=backoff(1, rng, policy=policy))


def _on_no_effect(
    old: DeliveryState,
    outcome: Outcome,
    operation: Operation,
    policy: RetryPolicy,
    rng: random.Random | None,
) -> Transition:
    """This send certainly had no effect; one before it may have had."""
    counts = isinstance(outcome, Transient)
    failed = old.failed_attempts + counts
    back = _in_state(old, UNKNOWN if old.in_doubt else PENDING)
    back = replace(back, failed_attempts=failed, maybe_sent=old.in_doubt)
    ended = back if old.in_doubt else replace(back, state=FAILED)
    if isinstance(outcome, Permanent):
        return Transition(ended, case=cases.IMPOSSIBLE)
    if counts and failed >= policy.attempts(operation.max_attempts):
        return Transition(ended, case=cases.BUDGET)
    return Transition(back, due_in=_pause(outcome, max(failed, 1), policy, rng))


def _on_lookup(
    old: DeliveryState,
    outcome: Outcome,
    operation: Operation,
    policy: RetryPolicy,
    rng: random.Random | None,
) -> Transition:
    if isinstance(outcome, NotFound):
        early = operation.settle_seconds - old.sent_age if old.sent_age is not None else 0.0
        if early > 0:
            # The lost call may still arrive: "not found" proves nothing yet.
            return Transition(old, due_in=early)
        resend = replace(_in_state(old, PENDING), maybe_sent=False, in_doubt=False)
        return Transition(resend, due_in=0.0)
    if isinstance(outcome, _NOT_DONE):
        return Transition(old, due_in=_pause(outcome, old.step_count, policy, rng))
    if old.step_count >= policy.asks(operation.max_attempts):
        broken = isinstance(outcome, (ContractBroken, Permanent))
        return Transition(old, case=cases.CONTRACT if broken else cases.UNRESOLVED)
    return Transition(old, due_in=backoff(old.step_count, rng, policy=policy))


def _on_poll(
    old: DeliveryState,
    outcome: Outcome,
    operation: Operation,
    policy: RetryPolicy,
    rng: random.Random | None,
) -> Transition:
    if isinstance(outcome, Duplicate):
        return Transition(_in_state(old, UNKNOWN), due_in=0.0)
    if isinstance(outcome, _NOT_DONE):
        return Transition(old, due_in=_pause(outcome, old.step_count, policy, rng))
    if old.step_count < policy.asks(operation.max_attempts):
        return Transition(old, due_in=backoff(old.step_count, rng, policy=policy))
    if isinstance(outcome, NotFound):
        # It had been received and is no longer found under its reference: look it up by our own
        # key.
        return Transition(_in_state(old, UNKNOWN), due_in=0.0)
    # The provider has it, so it is not failed; polling continues at a reduced rate, and a case
    # draws attention to it.
    return Transition(old, due_in=policy.poll_ceiling_seconds, case=cases.CONTRACT)


def _on_receipt(
    old: DeliveryState,
    outcome: Outcome,
    operation: Operation,
    policy: RetryPolicy,
    rng: random.Random | None,
) -> Transition:
    """Fetching a receipt never changes what was decided; it is repeated until there is one."""
    if _is_receipt(outcome):
        return Transition(old)
    if isinstance(outcome, Waiting):
        delay = poll_delay(old.step_count, outcome.poll_after, policy.poll_ceiling_seconds)
        return Transition(old, due_in=delay)
    if isinstance(outcome, _NOT_DONE):
        return Transition(old, due_in=_pause(outcome, old.step_count, policy, rng))
    if old.step_count < policy.asks(operation.max_attempts):
        return Transition(old, due_in=backoff(old.step_count, rng, policy=policy))
    return Transition(old, due_in=policy.poll_ceiling_seconds)


def _is_receipt(outcome: Outcome) -> bool:
    """Return whether the step brought the receipt itself, not only word of it."""
    return isinstance(outcome, Accepted) and bool(outcome.artefacts)


_OnOutcome: TypeAlias = Callable[
    [DeliveryState, Outcome, Operation, RetryPolicy, random.Random | None], Transition
]
_ON_OUTCOME: dict[Step, _OnOutcome] = {
    "send": _on_send,
    "lookup": _on_lookup,
    "poll": _on_poll,
    "webhook": _on_poll,
}


def _in_state(old: DeliveryState, state: str) -> DeliveryState:
    if state == old.state:
        return old
    return replace(old, state=state, step_count=0)


def _with_reference(old: DeliveryState, outcome: Outcome) -> DeliveryState:
    reference = getattr(outcome, "reference", "")
    return replace(old, reference=reference) if reference else old


def _pause(outcome: Outcome, attempt: int, policy: RetryPolicy, rng: random.Random | None) -> float:
    asked = getattr(outcome, "retry_after", None)
    return asked if asked is not None else backoff(attempt, rng, policy=policy)


# -- what is recorded about a step -----------------------------------------------------------------


def status_on_claim(step: Step, new: DeliveryState) -> Finding:
    """Return the status while a step is running."""
    if step == "send":
        return Finding("exchange.sending", args={"attempt": str(new.send_count)})
    if step == "receipt":
        return Finding("exchange.fetching_receipt")
    return Finding("exchange.looking_up" if step == "lookup" else "exchange.polling")


def status_on_outcome(step: Step, outcome: Outcome, reference: str = "") -> Finding:
    """Return the status after a step. ``reference`` is the provider's where one was known before."""
    reference = getattr(outcome, "reference", "") or reference
    if step == "receipt":
        code = "exchange.receipt" if _is_receipt(outcome) else "exchange.receipt_pending"
        return Finding(code, args={"reference": reference})
    if isinstance(outcome, Waiting):
        code = {"lookup": "exchange.found", "poll": "exchange.undecided"}.get(
            step, "exchange.received"
        )
        return Finding(code, args={"reference": reference})
    if isinstance(outcome, Accepted):
        return Finding("exchange.accepted", args={"reference": reference})
    if isinstance(outcome, (Rejected, Permanent)):
        found = findings_of(outcome) or ()
        text = "; ".join(item.text for item in found)
        return Finding(f"exchange.{outcome.code}", args={"findings": text})
    return _status_on_trouble(step, outcome)


def _status_on_trouble(step: Step, outcome: Outcome) -> Finding:
    if isinstance(outcome, Duplicate):
        return Finding("exchange.duplicate")
    detail = {"detail": getattr(outcome, "reason", "")}
    if isinstance(outcome, (NotFound, AuthFailed, RateLimited)):
        return Finding(f"exchange.{outcome.code}", args=detail)
    if step == "send" and not isinstance(outcome, Transient):
        return Finding("exchange.no_response", args=detail)
    return Finding("exchange.unavailable", args=detail)


def findings_of(outcome: Outcome) -> tuple[Finding, ...] | None:
    """Return the provider's reasons of a verdict; None where the outcome is no verdict."""
    if isinstance(outcome, (Accepted, Rejected)):
        return outcome.findings
    return (outcome.finding,) if isinstance(outcome, Permanent) else None
