"""The life of an exchange: what each outcome leads to, and what it never leads to."""

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from odoo.addons.finance_connector_base.core.delivery import life, states
from odoo.addons.finance_connector_base.core.delivery.life import Life
from odoo.addons.finance_connector_base.core.delivery.outcomes import (
    Accepted,
    AuthFailed,
    ContractBroken,
    Duplicate,
    Finding,
    NotFound,
    Permanent,
    RateLimited,
    Rejected,
    Transient,
    Unknown,
    Waiting,
)
from odoo.addons.finance_connector_base.core.delivery.retry import RetryPolicy
from odoo.addons.finance_connector_base.core.protocol import Operation

LOOKUP = Operation("op", repeat="lookup", max_attempts=3)
NOTHING = Operation("op", repeat="nothing", max_attempts=3)
KEY = Operation("op", repeat="key", max_attempts=3)
OPERATIONS = (LOOKUP, NOTHING, KEY)
FINDING = Finding("X", "x")
OUTCOMES = (
    Accepted("1"),
    Waiting("1"),
    Rejected((FINDING,)),
    Duplicate(),
    Transient("t"),
    Transient("t", retry_after=7.0),
    RateLimited("r"),
    RateLimited("r", retry_after=7.0),
    AuthFailed("a"),
    Unknown("u"),
    NotFound(),
    ContractBroken("c"),
    Permanent(FINDING),
)
NOT_KNOWING = (Unknown("reset"), ContractBroken("html"), Duplicate())


def sending(operation=LOOKUP, **values):
    return life.begun(Life(states.PENDING, **values), "send")


def unknown(steps=1, **values):
    return Life(states.UNKNOWN, send_count=1, step_count=steps, maybe_sent=True, **values)


def waiting(steps=1):
    return Life(states.WAITING, send_count=1, step_count=steps, maybe_sent=True, reference="1")


LIVES = (
    ("send", sending()),
    ("send", life.begun(unknown(), "send")),
    ("lookup", unknown(sent_age=99.0)),
    ("lookup", unknown(steps=3, sent_age=99.0)),
    ("lookup", unknown(sent_age=0.0)),
    ("poll", waiting()),
    ("poll", waiting(steps=3)),
    ("webhook", waiting()),
)


@pytest.mark.parametrize(
    ("start", "outcome", "operation"), list(itertools.product(LIVES, OUTCOMES, OPERATIONS))
)
def test_every_outcome_leads_to_an_allowed_state_with_a_next_step_or_a_person(
    start, outcome, operation
):
    step, old = start
    turn = life.after(old, step, outcome, operation)
    if turn.life.state != old.state:
        states.check_transition(old.state, turn.life.state)
    if turn.life.state in (states.ACCEPTED, states.REJECTED, states.FAILED):
        assert turn.due_in is None
    else:
        # Nothing is ever stuck: a next step is due, or somebody is asked.
        assert turn.due_in is not None or turn.case is not None
    if turn.due_in is not None:
        assert turn.due_in >= 0


@pytest.mark.parametrize("outcome", NOT_KNOWING)
@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("tries", [0, 2, 99])
def test_x5_not_knowing_after_a_send_is_unknown_whatever_the_budget(outcome, operation, tries):
    turn = life.after(sending(tries=tries), "send", outcome, operation)
    assert turn.life.state == states.UNKNOWN
    assert turn.life.maybe_sent


def test_x5_unknown_is_resent_only_after_the_provider_denied_having_it():
    resent = [
        outcome
        for outcome in OUTCOMES
        if life.after(unknown(sent_age=99.0), "lookup", outcome, LOOKUP).life.state
        == states.PENDING
    ]
    assert resent == [NotFound()]
    assert not life.after(unknown(sent_age=99.0), "lookup", NotFound(), LOOKUP).life.maybe_sent


def test_x5_not_found_is_not_believed_before_the_effect_had_time_to_appear():
    turn = life.after(unknown(sent_age=1.0), "lookup", NotFound(), LOOKUP)
    assert turn.life.state == states.UNKNOWN
    assert turn.due_in == pytest.approx(LOOKUP.settle_seconds - 1.0)


def test_x5_a_provider_that_is_away_does_not_end_the_question():
    for away in (Transient("away"), RateLimited("r"), AuthFailed("a")):
        assert life.after(unknown(steps=99), "lookup", away, LOOKUP).due_in is not None
        assert life.after(waiting(steps=99), "poll", away, LOOKUP).due_in is not None


def test_x5_a_refused_repetition_does_not_disprove_the_first_sending():
    doubt = life.begun(unknown(), "send")
    turn = life.after(doubt, "send", Transient("refused"), KEY)
    assert turn.life.state == states.UNKNOWN
    assert turn.life.maybe_sent
    assert not life.after(sending(), "send", Transient("refused"), KEY).life.maybe_sent


def test_x5_the_key_is_the_question_where_the_provider_honours_it():
    assert life.step_of(states.UNKNOWN, KEY) == "send"
    assert life.step_of(states.UNKNOWN, LOOKUP) == "lookup"
    assert life.after(sending(), "send", Unknown("reset"), KEY).due_in is not None


@pytest.mark.parametrize("outcome", NOT_KNOWING)
def test_x7_without_key_and_lookup_a_person_decides_and_nothing_is_due(outcome):
    turn = life.after(sending(), "send", outcome, NOTHING)
    assert (turn.due_in, turn.case) == (None, life.UNRESOLVED)


def test_x7_a_503_is_not_believed_where_nobody_would_notice_a_repeat():
    said = Transient("HTTP 503", certain=False)
    assert life.after(sending(), "send", said, NOTHING).case == life.UNRESOLVED
    for operation in (LOOKUP, KEY):
        assert life.after(sending(), "send", said, operation).life.state == states.PENDING
    assert life.after(sending(), "send", Transient("refused"), NOTHING).due_in is not None


def test_x7_what_a_dead_worker_sent_waits_for_a_person_where_nobody_can_be_asked():
    assert life.lost(sending(), NOTHING).case == life.UNRESOLVED
    assert life.lost(sending(), NOTHING).due_in is None
    for operation in (LOOKUP, KEY):
        turn = life.lost(sending(), operation)
        assert (turn.life.state, turn.due_in, turn.case) == (states.UNKNOWN, 0.0, None)


def test_x5_a_lost_question_is_asked_again():
    assert life.lost(waiting(), LOOKUP).life == waiting()
    assert life.lost(unknown(), LOOKUP).due_in == 0.0


def test_x6_already_there_is_looked_up_at_once():
    turn = life.after(sending(), "send", Duplicate("9"), LOOKUP)
    assert (turn.life.state, turn.due_in, turn.life.reference) == (states.UNKNOWN, 0.0, "9")


def test_x8_certain_failures_are_retried_within_the_budget_then_a_person_is_asked():
    assert life.after(sending(tries=1), "send", Transient("t"), LOOKUP).life.state == states.PENDING
    last = life.after(sending(tries=2), "send", Transient("t"), LOOKUP)
    assert (last.life.state, last.case) == (states.FAILED, life.BUDGET)
    longer = RetryPolicy(max_attempts=9)
    turn = life.after(sending(tries=2), "send", Transient("t"), LOOKUP, longer)
    assert turn.life.state == states.PENDING


def test_x8_too_many_calls_and_refused_credentials_use_up_no_budget():
    for outcome in (RateLimited("r"), AuthFailed("a")):
        turn = life.after(sending(tries=2), "send", outcome, LOOKUP)
        assert (turn.life.state, turn.life.tries) == (states.PENDING, 2)


def test_x8_a_rejection_is_final_and_goes_to_a_person():
    turn = life.after(sending(), "send", Rejected((FINDING,)), LOOKUP)
    assert (turn.life.state, turn.due_in, turn.case) == (states.REJECTED, None, life.REFUSED)


def test_x8_retry_after_goes_before_any_backoff():
    for outcome in (RateLimited("r", 77.0), Transient("t", 77.0)):
        for step, old in (("send", sending()), ("lookup", unknown()), ("poll", waiting())):
            assert life.after(old, step, outcome, LOOKUP).due_in == 77.0


@given(
    tries=st.integers(0, 40),
    base=st.floats(0.5, 10),
    ceiling=st.floats(10, 2000),
    seed=st.integers(),
)
def test_x8_the_pause_is_drawn_below_the_exponential_ceiling(tries, base, ceiling, seed):
    policy = RetryPolicy(base_seconds=base, ceiling_seconds=ceiling, max_attempts=99)
    turn = life.after(
        sending(tries=tries), "send", Transient("t"), LOOKUP, policy, random.Random(seed)
    )
    assert 0 < turn.due_in <= min(ceiling, base * 2**tries)


def test_what_the_provider_has_taken_is_asked_on_slowly_when_answers_are_unreadable():
    turn = life.after(waiting(steps=3), "poll", ContractBroken("html"), LOOKUP)
    assert (turn.life.state, turn.case) == (states.WAITING, life.CONTRACT)
    assert turn.due_in == RetryPolicy().poll_ceiling_seconds


def test_no_step_is_taken_from_a_final_state():
    for state in states.FINAL | {states.HELD, states.SENDING}:
        with pytest.raises(ValueError, match="no step"):
            life.step_of(state, LOOKUP)
