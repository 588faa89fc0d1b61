"""The table of states: what may follow what."""

import pytest
from odoo.addons.finance_connector_base.core.delivery import states


def test_nothing_leaves_a_state_in_which_the_provider_holds_the_document():
    assert states.TRANSITIONS[states.ACCEPTED] == frozenset()


def test_x8_a_rejected_exchange_is_only_ever_superseded():
    assert states.TRANSITIONS[states.REJECTED] == {states.SUPERSEDED}


def test_x5_what_the_provider_has_taken_never_fails():
    assert states.FAILED not in states.TRANSITIONS[states.WAITING]


def test_a_change_outside_the_table_is_refused_by_name():
    with pytest.raises(states.ForbiddenTransition, match="accepted → pending"):
        states.check_transition(states.ACCEPTED, states.PENDING)


def test_every_state_has_a_label_and_a_row_in_the_table():
    assert {name for name, _label in states.LABELS} == set(states.TRANSITIONS)
    assert {name for row in states.TRANSITIONS.values() for name in row} <= set(states.TRANSITIONS)
