"""Sets of states and outcomes are written once: what repeats them in XML is compared with the core."""

import ast
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from odoo.addons.finance_connector_base.core.delivery import boundaries, outcomes, states
from odoo.addons.finance_connector_base.core.delivery.queries import QUERIES, parameters

ADDON = Path(__file__).parents[3] / "addons" / "finance_connector_base"
STATES = {name for name, _label in states.LABELS}
DECORATIONS = {
    "success": {states.ACCEPTED},
    "danger": {states.REJECTED, states.FAILED},
    "warning": {states.UNKNOWN, states.HELD},
    "info": {states.PENDING, states.SENDING, states.WAITING},
    "muted": {states.SUPERSEDED, states.CANCELLED},
}


def view(name):
    return ET.parse(ADDON / "views" / name).getroot()


def domain(root, name):
    (found,) = [item.get("domain") for item in root.iter("filter") if item.get("name") == name]
    return ast.literal_eval(found)


def test_the_sets_are_made_of_states_and_fit_together():
    for some in (states.CLAIMABLE, states.CHAIN_BLOCKING, states.OPEN, states.ATTENTION):
        assert set(some) <= STATES
    assert set(states.OPEN) == STATES - states.FINAL
    assert {*states.CHAIN_CLAIMABLE, *states.CHAIN_FREE} == set(states.CLAIMABLE)
    assert set(states.UNCONFIRMED) < set(states.OPEN)
    # X10: what is neither settled nor at the provider keeps the rest of its chain back.
    assert set(states.CHAIN_BLOCKING) == {*states.OPEN, states.FAILED} - {states.WAITING}


def test_the_filters_of_exchanges_use_the_sets():
    root = view("finance_exchange_views.xml")
    assert domain(root, "open") == [("state", "in", states.OPEN)]


def test_the_filters_of_attempts_use_the_codes_of_outcomes():
    root = view("finance_exchange_attempt_views.xml")
    ((_field, _operator, failed),) = domain(root, "failed")
    assert set(failed) == set(outcomes.CALL_ERRORS)
    ((_field, _operator, rejected),) = domain(root, "rejected")
    assert set(rejected) == set(outcomes.REFUSALS)


@pytest.mark.parametrize("kind", DECORATIONS)
def test_every_badge_of_a_state_has_the_same_colours(kind):
    badges = [
        item
        for item in view("finance_exchange_views.xml").iter("field")
        if item.get("name") == "state" and item.get("widget") == "badge"
    ]
    assert badges
    for badge in badges:
        assert set(re.findall(r"'(\w+)'", badge.get(f"decoration-{kind}"))) == DECORATIONS[kind]


def test_statements_name_no_state_themselves():
    named = "|".join(sorted(STATES))
    for name, statement in QUERIES.items():
        assert not re.findall(rf"\bstate (?:=|IN) \(?'(?:{named})'", statement), name


def test_every_parameter_of_a_set_of_states_is_used():
    used = set(re.findall(r"%\((\w+)\)s", " ".join(QUERIES.values())))
    assert set(parameters()) <= used


def test_each_moment_is_reached_somewhere_and_no_other():
    reached = set()
    for path in (*(ADDON / "models").glob("*.py"), *(ADDON / "core").rglob("*.py")):
        calls = [
            node
            for node in ast.walk(ast.parse(path.read_text("utf-8")))
            if isinstance(node, ast.Call)
        ]
        for call in calls:
            if getattr(call.func, "id", "") == "reached":
                reached |= {
                    node.value
                    for node in ast.walk(call)
                    if isinstance(node, ast.Constant) and node.value != "send"
                }
    assert reached == set(boundaries.NAMES)


def test_a_moment_is_reported_to_observers_until_they_end():
    seen = []
    end = boundaries.observe(seen.append)
    boundaries.reached("before_send")
    end()
    boundaries.reached("after_send")
    assert seen == ["before_send"]
