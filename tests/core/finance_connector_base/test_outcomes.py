"""Outcomes are made of what a provider sent: whatever that is, they can be stored."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from odoo.addons.finance_connector_base.core.delivery import outcomes
from odoo.addons.finance_connector_base.core.delivery.outcomes import (
    MAX_PAUSE_SECONDS,
    Accepted,
    AuthFailed,
    Duplicate,
    RateLimited,
    Rejected,
    Transient,
    Waiting,
)
from odoo.addons.finance_connector_base.core.finding import MAX_TEXT, Finding


def _texts(values):
    return [values["code"], *values.get("args", {}).values(), values.get("item", "")]


@given(text=st.text(alphabet=st.characters(exclude_categories=()), max_size=50))
def test_every_text_of_an_outcome_can_be_stored(text):
    for value in (
        Accepted(text).reference,
        Waiting(text).reference,
        Rejected((), text).reference,
        Duplicate(text).reference,
        AuthFailed(text).reason,
        *_texts(Finding.of_provider(text, text, item=text, hint=text).to_json()),
    ):
        assert "\x00" not in value
        assert json.loads(json.dumps(value).encode("utf-8")) == value.encode("utf-8").decode()


def test_a_text_is_cut():
    assert len(AuthFailed("x" * 10 * MAX_TEXT).reason) == MAX_TEXT


@pytest.mark.parametrize("seconds", [math.inf, 1e300, 3e11, 10**400, -1, -math.inf])
def test_a_pause_is_bounded(seconds):
    for outcome in (Transient("t", seconds), RateLimited("r", seconds)):
        assert outcome.retry_after is None or 0 <= outcome.retry_after <= MAX_PAUSE_SECONDS
    assert 0 <= Waiting("r", seconds).poll_after <= MAX_PAUSE_SECONDS


def test_a_pause_that_is_no_number_is_none():
    assert RateLimited("r", math.nan).retry_after is None
    assert RateLimited("r", "soon").retry_after is None
    assert RateLimited("r").retry_after is None
    assert Waiting("r", math.nan).poll_after == Waiting("r").poll_after


def test_each_kind_of_outcome_has_one_code_and_a_label():
    # By name: a slotted dataclass replaces the class it is made of, which lives on for a while.
    kinds = {kind.__name__ for kind in outcomes.Outcome.__subclasses__()}
    codes = [code for code, _label in outcomes.LABELS]
    assert len(codes) == len(set(codes)) == len(kinds) + 1
    assert {*outcomes.CALL_ERRORS, *outcomes.REFUSALS} <= set(codes)
