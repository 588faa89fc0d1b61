"""The life of one exchange: what a step begins from, what its outcome leads to. Pure; the models only store it.

A send that may have had an effect is followed by nothing but a question to the provider (X5) – or, where the
provider honours our idempotency key, by the same bytes under the same key, which is the question. Where neither is
possible a person decides (X7). A refusal on the document's merits is never repeated (X8).
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from ..cases import BUDGET, CONTRACT, IMPOSSIBLE, UNRESOLVED
from ..cases import REJECTED as REFUSED
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
from .states import (
    ACCEPTED,
    FAILED,
    PENDING,
    REJECTED,
    SENDING,
    UNKNOWN,
    WAITING,
)

#: The effect certainly did not happen; the provider or the way to it is the trouble.
_NOT_DONE = (Transient, RateLimited, AuthFailed)


@dataclass(frozen=True, slots=True)
class Life:
    """The moving part of an exchange. ``sent_age``: seconds since the last send by the database's clock.

    ``tries`` counts sends that failed since a person last decided; ``step_count`` the steps of the present kind;
    ``in_doubt`` says that a send before the present one may have had an effect.
    """

    state: str
    send_count: int = 0
    tries: int = 0
    step_count: int = 0
    maybe_sent: bool = False
    in_doubt: bool = False
    reference: str = ""
    sent_age: float | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """What happens next: the new life, seconds until the next step (None: nothing by itself), a case for a person."""

    life: Life
    due_in: float | None = None
    case: str | None = None


def step_of(state: str, operation: Operation) -> Step:
    """The step to take from a state that is due.

    :raises ValueError: nothing is taken from this state.
    """
    if state == PENDING or (state == UNKNOWN and operation.repeat == "key"):
        return "send"
    if state == UNKNOWN:
        return "lookup"
    if state == WAITING:
        return "poll"
    raise ValueError(f"no step is taken from {state!r}")


def begun(life: Life, step: Step) -> Life:
    """The life while a step is on its way; to be committed before any byte leaves (X4)."""
    if step != "send":
        return replace(life, step_count=life.step_count + 1)
    return replace(
        life,
        state=SENDING,
        send_count=life.send_count + 1,
        step_count=0,
        in_doubt=life.state == UNKNOWN,
        maybe_sent=True,
        sent_age=0.0,
    )


def lost(life: Life, operation: Operation) -> Turn:
    """The worker that carried the step is gone: whether a send arrived is not known (X5)."""
    if life.state != SENDING:
        return Turn(life, due_in=0.0)
    unknown = replace(life, state=UNKNOWN, step_count=0)
    if operation.repeat == "nothing":
        return Turn(unknown, case=UNRESOLVED)
    return Turn(unknown, due_in=0.0)


def after(
    life: Life,
    step: Step,
    outcome: Outcome,
    operation: Operation,
    policy: RetryPolicy = DEFAULT_POLICY,
    rng: random.Random | None = None,
) -> Turn:
    """What one step's outcome leads to."""
    life = _with_reference(life, outcome)
    if isinstance(outcome, Accepted):
        return Turn(_moved(life, ACCEPTED))
    if isinstance(outcome, Rejected):
        return Turn(_moved(life, REJECTED), case=REFUSED)
    if isinstance(outcome, Waiting):
        polls = life.step_count if life.state == WAITING else 0
        delay = poll_delay(polls, outcome.poll_after, policy.poll_ceiling_seconds)
        return Turn(_moved(life, WAITING), due_in=delay)
    return _AFTER[step](life, outcome, operation, policy, rng)


def _after_send(life, outcome, operation, policy, rng):
    doubted = operation.repeat == "nothing" and not getattr(outcome, "certain", True)
    if isinstance(outcome, (*_NOT_DONE, Permanent)) and not doubted:
        return _after_no_effect(life, outcome, operation, policy, rng)
    unknown = _moved(life, UNKNOWN)
    if operation.repeat == "nothing":
        return Turn(unknown, case=UNRESOLVED)
    if operation.repeat == "key":
        unknown = replace(unknown, tries=life.tries + 1)
        if unknown.tries >= policy.attempts(operation.max_attempts):
            return Turn(unknown, case=CONTRACT if isinstance(outcome, ContractBroken) else BUDGET)
        return Turn(unknown, due_in=backoff(unknown.tries, rng, policy=policy))
    if isinstance(outcome, Duplicate):
        # "Already there" may be an earlier sending of ours: see at once what is there (X6).
        return Turn(unknown, due_in=0.0)
    return Turn(unknown, due_in=backoff(1, rng, policy=policy))


def _after_no_effect(life, outcome, operation, policy, rng):
    """This send certainly did nothing; one before it may have."""
    counts = isinstance(outcome, Transient)
    tries = life.tries + counts
    back = _moved(life, UNKNOWN if life.in_doubt else PENDING)
    back = replace(back, tries=tries, maybe_sent=life.in_doubt)
    if isinstance(outcome, Permanent):
        return Turn(back if life.in_doubt else replace(back, state=FAILED), case=IMPOSSIBLE)
    if counts and tries >= policy.attempts(operation.max_attempts):
        return Turn(back if life.in_doubt else replace(back, state=FAILED), case=BUDGET)
    return Turn(back, due_in=_pause(outcome, max(tries, 1), policy, rng))


def _after_lookup(life, outcome, operation, policy, rng):
    if isinstance(outcome, NotFound):
        early = operation.settle_seconds - life.sent_age if life.sent_age is not None else 0.0
        if early > 0:
            # The lost call may still arrive: "not found" proves nothing yet.
            return Turn(life, due_in=early)
        return Turn(replace(_moved(life, PENDING), maybe_sent=False, in_doubt=False), due_in=0.0)
    if isinstance(outcome, _NOT_DONE):
        return Turn(life, due_in=_pause(outcome, life.step_count, policy, rng))
    if life.step_count >= policy.asks(operation.max_attempts):
        broken = isinstance(outcome, (ContractBroken, Permanent))
        return Turn(life, case=CONTRACT if broken else UNRESOLVED)
    return Turn(life, due_in=backoff(life.step_count, rng, policy=policy))


def _after_poll(life, outcome, operation, policy, rng):
    if isinstance(outcome, Duplicate):
        return Turn(_moved(life, UNKNOWN), due_in=0.0)
    if isinstance(outcome, _NOT_DONE):
        return Turn(life, due_in=_pause(outcome, life.step_count, policy, rng))
    if life.step_count < policy.asks(operation.max_attempts):
        return Turn(life, due_in=backoff(life.step_count, rng, policy=policy))
    if isinstance(outcome, NotFound):
        # It had been taken, and is no longer known under its reference: ask by our own key.
        return Turn(_moved(life, UNKNOWN), due_in=0.0)
    # The provider has it, so it is not failed; it is asked on, slowly, and a person may look.
    return Turn(life, due_in=policy.poll_ceiling_seconds, case=CONTRACT)


_AFTER = {
    "send": _after_send,
    "lookup": _after_lookup,
    "poll": _after_poll,
    "webhook": _after_poll,
}


def _moved(life: Life, state: str) -> Life:
    if state == life.state:
        return life
    return replace(life, state=state, step_count=0)


def _with_reference(life: Life, outcome: Outcome) -> Life:
    reference = getattr(outcome, "reference", "")
    return replace(life, reference=reference) if reference else life


def _pause(outcome, attempt, policy, rng):
    asked = getattr(outcome, "retry_after", None)
    return asked if asked is not None else backoff(attempt, rng, policy=policy)
