"""A2: which weakness of the database's guards is noticed."""

from dataclasses import replace

import pytest
from odoo.addons.finance_audit.core.protection import (
    CONSTRAINTS,
    TRIGGERS,
    Catalogue,
    Trigger,
    judge,
)

BODIES = {"refuse_change": "RAISE", "columns_agree": "COMPARE"}
SOUND = Catalogue(
    triggers={name: Trigger(function, "A") for name, function in TRIGGERS.items()},
    functions=BODIES,
    constraints=frozenset(CONSTRAINTS),
    privileges=frozenset(),
    superuser=False,
)


def weaknesses(**changes):
    return judge(replace(SOUND, **changes), BODIES).weaknesses


def test_a2_all_guards_in_place_is_the_first_level():
    assert judge(SOUND, BODIES).level == "triggers_privileges"


def test_a2_privileges_are_not_claimed_for_a_superuser():
    assert judge(replace(SOUND, superuser=True), BODIES).level == "triggers"


@pytest.mark.parametrize("name", TRIGGERS)
def test_a2_a_missing_trigger_is_noticed(name):
    kept = {key: value for key, value in SOUND.triggers.items() if key != name}
    assert weaknesses(triggers=kept) == (f"trigger_missing:{name}",)
    assert judge(replace(SOUND, triggers=kept), BODIES).level == "lost"


@pytest.mark.parametrize("enabled", ["D", "O", "R"])  # disabled, origin only, replica only
def test_a2_a_trigger_that_does_not_always_fire_is_noticed(enabled):
    changed = {**SOUND.triggers, "entry_refuse_row": Trigger("refuse_change", enabled)}
    assert weaknesses(triggers=changed) == ("trigger_disabled:entry_refuse_row",)


def test_a2_a_trigger_that_calls_something_else_is_noticed():
    changed = {**SOUND.triggers, "entry_refuse_row": Trigger("allow_all", "A")}
    assert weaknesses(triggers=changed) == ("trigger_redirected:entry_refuse_row",)


def test_a2_a_guard_function_without_teeth_is_noticed():
    assert weaknesses(functions={**BODIES, "refuse_change": "RETURN NEW"}) == (
        "function_replaced:refuse_change",
    )


@pytest.mark.parametrize("name", CONSTRAINTS)
def test_a2_a_missing_constraint_is_noticed(name):
    kept = SOUND.constraints - {name}
    assert weaknesses(constraints=kept) == (f"constraint_missing:{name}",)


def test_a2_a_privilege_given_back_is_noticed():
    """As after restoring a dump under another role, to which it does not apply."""
    held = frozenset({"UPDATE", "DELETE"})
    assert weaknesses(privileges=held) == ("privilege_held:DELETE", "privilege_held:UPDATE")


def test_a2_a_superuser_holds_privileges_by_nature_not_by_fault():
    everything = frozenset({"UPDATE", "DELETE", "TRUNCATE"})
    assert weaknesses(privileges=everything, superuser=True) == ()
