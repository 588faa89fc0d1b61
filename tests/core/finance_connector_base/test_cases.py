"""R30: what a person may decide, from the situation of the exchange alone."""

import itertools

import pytest
from odoo.addons.finance_connector_base.core import cases
from odoo.addons.finance_connector_base.core.cases import Situation, allowed, target
from odoo.addons.finance_connector_base.core.delivery import states

REPEATS = ("key", "lookup", "nothing")
VERDICTS = ("poll", "immediate")


def every_situation():
    flags = (False, True)
    for state, (
        kind,
        _label,
    ), sent, repeat, verdict, reference, asking, claimed in itertools.product(
        (name for name, _label in states.LABELS),
        cases.KINDS,
        flags,
        REPEATS,
        VERDICTS,
        flags,
        flags,
        flags,
    ):
        yield Situation(state, kind, sent, repeat, verdict, reference, asking, claimed)


SITUATIONS = list(every_situation())


def test_every_decision_leads_to_a_state_the_table_allows():
    for situation in SITUATIONS:
        for decision in allowed(situation):
            new = target(decision, situation)
            assert new == situation.state or new in states.TRANSITIONS[situation.state], (
                decision,
                situation,
            )


def test_nothing_is_decided_while_a_step_is_being_taken():
    assert not any(allowed(situation) for situation in SITUATIONS if situation.is_claimed)


def test_x7_a_second_sending_that_may_be_a_second_effect_is_always_an_override():
    for situation in SITUATIONS:
        for decision, is_override in allowed(situation).items():
            if situation.is_uncertain and target(decision, situation) == states.PENDING:
                assert is_override or situation.state == states.HELD, (decision, situation)


def test_x5_an_effect_that_may_exist_is_given_up_only_by_an_override():
    for situation in SITUATIONS:
        decisions = allowed(situation)
        if cases.CANCEL in decisions:
            assert decisions[cases.CANCEL] == situation.is_uncertain, situation


def test_x8_a_rejected_document_is_never_sent_again():
    for situation in SITUATIONS:
        if situation.state == states.REJECTED and not situation.is_claimed:
            assert allowed(situation) == {cases.DISMISS: True}


def test_a_person_alone_never_makes_an_exchange_accepted_without_an_override():
    for situation in SITUATIONS:
        for decision, is_override in allowed(situation).items():
            if target(decision, situation) == states.ACCEPTED:
                assert is_override, situation


def test_damaged_content_is_never_sent():
    for situation in SITUATIONS:
        if situation.kind == cases.DAMAGED:
            assert not {cases.RETRY, cases.SEND_AGAIN} & set(allowed(situation)), situation


def test_during_a_lookup_sending_again_is_not_allowed():
    situation = Situation(states.UNKNOWN, cases.UNRESOLVED, True, "lookup", is_asking=True)
    assert cases.SEND_AGAIN not in allowed(situation)
    assert allowed(situation)[cases.RETRY] is False


@pytest.mark.parametrize(
    ("repeat", "reference", "goes_to"),
    [
        ("lookup", False, states.UNKNOWN),
        ("key", False, states.UNKNOWN),
        ("nothing", True, states.WAITING),
    ],
)
def test_trying_again_asks_first_where_an_effect_may_exist(repeat, reference, goes_to):
    situation = Situation(
        states.FAILED, cases.BUDGET, maybe_sent=True, repeat=repeat, has_reference=reference
    )
    assert cases.RETRY in allowed(situation)
    assert target(cases.RETRY, situation) == goes_to


def test_a_provider_that_cannot_be_asked_leaves_only_what_the_person_knows():
    situation = Situation(states.UNKNOWN, cases.UNRESOLVED, True, "nothing", "immediate")
    assert allowed(situation) == {cases.SEND_AGAIN: True, cases.ADOPT: True, cases.CANCEL: True}


def test_what_never_left_is_sent_or_cancelled_without_a_reason():
    situation = Situation(states.FAILED, cases.BUDGET)
    decisions = allowed(situation)
    assert (decisions[cases.RETRY], decisions[cases.CANCEL]) == (False, False)
    assert target(cases.RETRY, situation) == states.PENDING


def test_each_decision_has_an_end_that_has_a_name():
    assert set(cases.RESOLUTION_OF) == {name for name, _label in cases.DECISIONS}
    assert set(cases.RESOLUTION_OF.values()) <= {name for name, _label in cases.RESOLUTIONS}
