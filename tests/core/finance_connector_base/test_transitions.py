"""The delivery of an exchange: what each outcome leads to, and what it never leads to."""

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from odoo.addons.finance_connector_base.core import cases
from odoo.addons.finance_connector_base.core.delivery import states, transitions
from odoo.addons.finance_connector_base.core.delivery.outcomes import (
    Accepted,
    AuthFailed,
    ContractBroken,
    Duplicate,
    NotFound,
    Permanent,
    RateLimited,
    Rejected,
    Transient,
    Unknown,
    Waiting,
)
from odoo.addons.finance_connector_base.core.delivery.retry import RetryPolicy
from odoo.addons.finance_connector_base.core.delivery.transitions import DeliveryState
from odoo.addons.finance_connector_base.core.finding import Finding
from odoo.addons.finance_connector_base.core.protocol import Operation

LOOKUP = Operation("op", repeat="lookup", max_attempts=3)
NOTHING = Operation("op", repeat="nothing", max_attempts=3)
KEY = Operation("op", repeat="key", max_attempts=3)
OPERATIONS = (LOOKUP, NOTHING, KEY)
FINDING = Finding.of_provider("X", "x")
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
    return transitions.on_claim(DeliveryState(states.PENDING, **values), "send")


def unknown(steps=1, **values):
    return DeliveryState(states.UNKNOWN, send_count=1, step_count=steps, maybe_sent=True, **values)


def waiting(steps=1):
    return DeliveryState(
        states.WAITING, send_count=1, step_count=steps, maybe_sent=True, reference="1"
    )


STATES = (
    ("send", sending()),
    ("send", transitions.on_claim(unknown(), "send")),
    ("lookup", unknown(sent_age=99.0)),
    ("lookup", unknown(steps=3, sent_age=99.0)),
    ("lookup", unknown(sent_age=0.0)),
    ("poll", waiting()),
    ("poll", waiting(steps=3)),
    ("webhook", waiting()),
)


@pytest.mark.parametrize(
    ("start", "outcome", "operation"), list(itertools.product(STATES, OUTCOMES, OPERATIONS))
)
def test_every_outcome_leads_to_an_allowed_state_with_a_next_step_or_a_person(
    start, outcome, operation
):
    step, old = start
    transition = transitions.on_outcome(old, step, outcome, operation)
    if transition.new.state != old.state:
        states.check_transition(old.state, transition.new.state)
    if transition.new.state in (states.ACCEPTED, states.REJECTED, states.FAILED):
        assert transition.due_in is None
    else:
        # Nothing is ever stuck: a next step is due, or somebody is asked.
        assert transition.due_in is not None or transition.case is not None
    if transition.due_in is not None:
        assert transition.due_in >= 0


@pytest.mark.parametrize("outcome", NOT_KNOWING)
@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("failed_attempts", [0, 2, 99])
def test_x5_not_knowing_after_a_send_is_unknown_whatever_the_budget(
    outcome, operation, failed_attempts
):
    transition = transitions.on_outcome(
        sending(failed_attempts=failed_attempts), "send", outcome, operation
    )
    assert transition.new.state == states.UNKNOWN
    assert transition.new.maybe_sent


def test_x5_unknown_is_resent_only_after_the_provider_denied_having_it():
    resent = [
        outcome
        for outcome in OUTCOMES
        if transitions.on_outcome(unknown(sent_age=99.0), "lookup", outcome, LOOKUP).new.state
        == states.PENDING
    ]
    assert resent == [NotFound()]
    assert not transitions.on_outcome(
        unknown(sent_age=99.0), "lookup", NotFound(), LOOKUP
    ).new.maybe_sent


def test_x5_not_found_is_not_believed_before_the_effect_had_time_to_appear():
    transition = transitions.on_outcome(unknown(sent_age=1.0), "lookup", NotFound(), LOOKUP)
    assert transition.new.state == states.UNKNOWN
    assert transition.due_in == pytest.approx(LOOKUP.settle_seconds - 1.0)


def test_x5_a_provider_that_is_away_does_not_end_the_question():
    for away in (Transient("away"), RateLimited("r"), AuthFailed("a")):
        assert transitions.on_outcome(unknown(steps=99), "lookup", away, LOOKUP).due_in is not None
        assert transitions.on_outcome(waiting(steps=99), "poll", away, LOOKUP).due_in is not None


def test_x5_a_refused_repetition_does_not_disprove_the_first_sending():
    doubt = transitions.on_claim(unknown(), "send")
    transition = transitions.on_outcome(doubt, "send", Transient("refused"), KEY)
    assert transition.new.state == states.UNKNOWN
    assert transition.new.maybe_sent
    assert not transitions.on_outcome(sending(), "send", Transient("refused"), KEY).new.maybe_sent


def test_x5_the_key_is_the_question_where_the_provider_honours_it():
    assert transitions.next_step(states.UNKNOWN, KEY) == "send"
    assert transitions.next_step(states.UNKNOWN, LOOKUP) == "lookup"
    assert transitions.on_outcome(sending(), "send", Unknown("reset"), KEY).due_in is not None


@pytest.mark.parametrize("outcome", NOT_KNOWING)
def test_x7_without_key_and_lookup_a_person_decides_and_nothing_is_due(outcome):
    transition = transitions.on_outcome(sending(), "send", outcome, NOTHING)
    assert (transition.due_in, transition.case) == (None, cases.UNRESOLVED)


def test_x7_a_503_is_not_believed_where_a_repeat_would_go_unnoticed():
    said = Transient("HTTP 503", certain=False)
    assert transitions.on_outcome(sending(), "send", said, NOTHING).case == cases.UNRESOLVED
    for operation in (LOOKUP, KEY):
        assert (
            transitions.on_outcome(sending(), "send", said, operation).new.state == states.PENDING
        )
    assert (
        transitions.on_outcome(sending(), "send", Transient("refused"), NOTHING).due_in is not None
    )


def test_x7_what_a_dead_worker_sent_waits_for_a_decision_where_no_lookup_exists():
    assert transitions.on_worker_lost(sending(), NOTHING).case == cases.UNRESOLVED
    assert transitions.on_worker_lost(sending(), NOTHING).due_in is None
    for operation in (LOOKUP, KEY):
        transition = transitions.on_worker_lost(sending(), operation)
        assert (transition.new.state, transition.due_in, transition.case) == (
            states.UNKNOWN,
            0.0,
            None,
        )


def test_x5_a_lost_question_is_asked_again():
    assert transitions.on_worker_lost(waiting(), LOOKUP).new == waiting()
    assert transitions.on_worker_lost(unknown(), LOOKUP).due_in == 0.0


def test_x6_already_there_is_looked_up_at_once():
    transition = transitions.on_outcome(sending(), "send", Duplicate("9"), LOOKUP)
    assert (transition.new.state, transition.due_in, transition.new.reference) == (
        states.UNKNOWN,
        0.0,
        "9",
    )


def test_x8_certain_failures_are_retried_within_the_budget_then_a_person_is_asked():
    assert (
        transitions.on_outcome(sending(failed_attempts=1), "send", Transient("t"), LOOKUP).new.state
        == states.PENDING
    )
    last = transitions.on_outcome(sending(failed_attempts=2), "send", Transient("t"), LOOKUP)
    assert (last.new.state, last.case) == (states.FAILED, cases.BUDGET)
    longer = RetryPolicy(max_attempts=9)
    transition = transitions.on_outcome(
        sending(failed_attempts=2), "send", Transient("t"), LOOKUP, longer
    )
    assert transition.new.state == states.PENDING


def test_x8_too_many_calls_and_refused_credentials_use_up_no_budget():
    for outcome in (RateLimited("r"), AuthFailed("a")):
        transition = transitions.on_outcome(sending(failed_attempts=2), "send", outcome, LOOKUP)
        assert (transition.new.state, transition.new.failed_attempts) == (states.PENDING, 2)


def test_x8_a_rejection_is_final_and_goes_to_a_person():
    transition = transitions.on_outcome(sending(), "send", Rejected((FINDING,)), LOOKUP)
    assert (transition.new.state, transition.due_in, transition.case) == (
        states.REJECTED,
        None,
        cases.REJECTED,
    )


def test_x8_retry_after_goes_before_any_backoff():
    for outcome in (RateLimited("r", 77.0), Transient("t", 77.0)):
        for step, old in (("send", sending()), ("lookup", unknown()), ("poll", waiting())):
            assert transitions.on_outcome(old, step, outcome, LOOKUP).due_in == 77.0


@given(
    failed_attempts=st.integers(0, 40),
    base=st.floats(0.5, 10),
    ceiling=st.floats(10, 2000),
    seed=st.integers(),
)
def test_x8_the_pause_is_drawn_below_the_exponential_ceiling(failed_attempts, base, ceiling, seed):
    policy = RetryPolicy(base_seconds=base, ceiling_seconds=ceiling, max_attempts=99)
    transition = transitions.on_outcome(
        sending(failed_attempts=failed_attempts),
        "send",
        Transient("t"),
        LOOKUP,
        policy,
        random.Random(seed),
    )
    assert 0 < transition.due_in <= min(ceiling, base * 2**failed_attempts)


def test_what_the_provider_has_taken_is_asked_on_slowly_when_answers_are_unreadable():
    transition = transitions.on_outcome(waiting(steps=3), "poll", ContractBroken("html"), LOOKUP)
    assert (transition.new.state, transition.case) == (states.WAITING, cases.CONTRACT)
    assert transition.due_in == RetryPolicy().poll_ceiling_seconds


def test_no_step_is_taken_from_a_final_state():
    for state in (states.FINAL - {states.ACCEPTED}) | {states.HELD, states.SENDING}:
        with pytest.raises(ValueError, match="no step"):
            transitions.next_step(state, LOOKUP)
