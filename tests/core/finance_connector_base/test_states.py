"""The state machine of exchanges: what each outcome leads to, and what it never leads to."""

import itertools

import pytest
from odoo.addons.finance_connector_base.core import states
from odoo.addons.finance_connector_base.core.outcomes import (
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
from odoo.addons.finance_connector_base.core.protocol import Operation

LOOKUP = Operation("op", repeat="lookup", max_attempts=3)
NOTHING = Operation("op", repeat="nothing", max_attempts=3)
FINDING = Finding("X", "x")
OUTCOMES = (
    Accepted("1"),
    Waiting("1"),
    Rejected((FINDING,)),
    Duplicate(),
    Transient("t"),
    RateLimited("r"),
    AuthFailed("a"),
    Unknown("u"),
    NotFound(),
    ContractBroken("c"),
    Permanent(FINDING),
)
STATE_OF_STEP = {"send": states.SENDING, "lookup": states.UNKNOWN, "poll": states.WAITING}


@pytest.mark.parametrize(
    ("step", "outcome", "operation", "attempts"),
    list(itertools.product(("send", "lookup", "poll"), OUTCOMES, (LOOKUP, NOTHING), (1, 3))),
)
def test_every_outcome_leads_to_an_allowed_state(step, outcome, operation, attempts):
    old = STATE_OF_STEP[step]
    new = states.next_state(step, outcome, operation, attempts)
    if new != old:
        states.check_transition(old, new)


@pytest.mark.parametrize("outcome", [Unknown("reset"), ContractBroken("html"), Duplicate()])
@pytest.mark.parametrize("attempts", [1, 3, 99])
def test_x5_not_knowing_after_a_send_is_unknown_and_never_resent(outcome, attempts):
    assert states.next_state("send", outcome, LOOKUP, attempts) == states.UNKNOWN


def test_x5_unknown_is_resent_only_after_the_provider_denied_having_it():
    assert states.next_state("lookup", NotFound(), LOOKUP, 1) == states.PENDING
    resent = [
        outcome
        for outcome in OUTCOMES
        if states.next_state("lookup", outcome, LOOKUP, 1) == states.PENDING
    ]
    assert resent == [NotFound()]


def test_x5_not_found_is_not_believed_before_the_effect_had_time_to_appear():
    assert states.next_state("lookup", NotFound(), LOOKUP, 1, settled=False) == states.UNKNOWN


def test_x5_a_provider_that_is_away_does_not_end_the_question():
    assert states.next_state("lookup", Transient("away"), LOOKUP, 99) == states.UNKNOWN
    assert states.next_state("poll", Transient("away"), LOOKUP, 99) == states.WAITING


def test_x7_without_lookup_a_person_decides_and_nothing_is_resent():
    reached = {
        states.next_state("lookup", outcome, NOTHING, attempts)
        for outcome in OUTCOMES
        for attempts in (1, 3)
    }
    assert states.PENDING not in reached
    assert states.next_state("lookup", NotFound(), NOTHING, 3) == states.FAILED


def test_x8_certain_failures_are_retried_within_the_budget_and_rejections_never():
    assert states.next_state("send", Transient("t"), LOOKUP, 2) == states.PENDING
    assert states.next_state("send", Transient("t"), LOOKUP, 3) == states.FAILED
    assert states.next_state("send", Rejected((FINDING,)), LOOKUP, 1) == states.REJECTED
    assert states.PENDING not in states.TRANSITIONS[states.REJECTED]


def test_nothing_leaves_a_state_in_which_the_provider_holds_the_document():
    assert states.TRANSITIONS[states.ACCEPTED] == frozenset()


def test_a_change_outside_the_table_is_refused_by_name():
    with pytest.raises(states.ForbiddenTransition, match="accepted → pending"):
        states.check_transition(states.ACCEPTED, states.PENDING)


def test_every_state_has_a_label_and_a_row():
    assert {name for name, _label in states.LABELS} == set(states.TRANSITIONS)
    assert set().union(*states.TRANSITIONS.values()) <= set(states.TRANSITIONS)
