"""The e-invoice follows its exchange wherever that may go: one that could not is notified again for ever."""

import pytest
from odoo.addons.finance_connector_base.core.delivery import states
from odoo.addons.finance_einvoice.core import lifecycle


def meanings(on_acceptance):
    return {state: lifecycle.state_of(state, on_acceptance) for state, _label in states.LABELS}


@pytest.mark.parametrize("on_acceptance", [lifecycle.FILED, lifecycle.ACCEPTED])
@pytest.mark.parametrize(
    ("old", "new"),
    [(old, new) for old, following in states.TRANSITIONS.items() for new in sorted(following)],
)
def test_every_change_of_the_exchange_is_a_change_the_e_invoice_may_make(old, new, on_acceptance):
    meaning = meanings(on_acceptance)
    if None not in (meaning[old], meaning[new]) and meaning[old] != meaning[new]:
        lifecycle.check_transition(meaning[old], meaning[new])


def test_filed_is_not_accepted():
    assert lifecycle.state_of("accepted", lifecycle.FILED) == "filed"
    assert lifecycle.state_of("accepted", lifecycle.ACCEPTED) == "accepted"


def test_e11_filed_may_still_be_accepted_or_rejected_and_nothing_else():
    assert lifecycle.TRANSITIONS[lifecycle.FILED] == {lifecycle.ACCEPTED, lifecycle.REJECTED}


def test_e6_each_state_is_free_open_or_held():
    groups = (lifecycle.FREE, lifecycle.OPEN, lifecycle.HELD)
    assert sorted(state for group in groups for state in group) == sorted(
        state for state, _label in lifecycle.LABELS
    )
    assert {lifecycle.FILED, lifecycle.ACCEPTED} == lifecycle.HELD


def test_a_change_that_the_table_does_not_name_is_refused():
    with pytest.raises(lifecycle.ForbiddenTransition):
        lifecycle.check_transition(lifecycle.FILED, lifecycle.DRAFT)
