"""A1: what the bytes of an entry contain."""

import json
from datetime import datetime, timezone
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from odoo.addons.finance_audit.core.entry import Actor, Facts, Subject, entry_bytes
from odoo.addons.finance_audit.core.errors import ActionRefused, FloatRefused, OutcomeRefused

UID = UUID("00000000-0000-4000-8000-000000000001")
NOW = datetime(2026, 3, 3, 9, 30, 0, 1, tzinfo=timezone.utc)
ACTOR = Actor(user_id=1, real_user_id=7, login="ana", source="ui")


def written(**values):
    return json.loads(entry_bytes(Facts(**{"action": "a.b", "actor": ACTOR, **values}), UID, NOW))


def test_a1_the_bytes_hold_every_column_and_the_details():
    entry = written(
        action="exchange.accepted",
        outcome="success",
        summary="Accepted.",
        record=Subject("finance.exchange", 5, "EX/5"),
        document=Subject("account.move", 9, "INV/9"),
        company_id=3,
        correlation_id="c-1",
        details={"total": Decimal("12.30")},
    )
    assert entry == {
        "format": "finance-audit-entry/1",
        "uid": str(UID),
        "created_at": "2026-03-03T09:30:00.000001+00:00",
        "company_id": 3,
        "user_id": 1,
        "real_user_id": 7,
        "user_login": "ana",
        "source": "ui",
        "action": "exchange.accepted",
        "outcome": "success",
        "summary": "Accepted.",
        "record_model": "finance.exchange",
        "record_id": 5,
        "record_name": "EX/5",
        "document_model": "account.move",
        "document_id": 9,
        "document_name": "INV/9",
        "correlation_id": "c-1",
        "details": {"total": "12.30"},
    }


def test_a1_what_is_not_known_is_said_to_be_null():
    entry = written()
    empty = ("company_id", "record_model", "record_id", "document_name", "correlation_id")
    assert [entry[key] for key in empty] == [None] * len(empty)
    assert entry["details"] == {}


@pytest.mark.parametrize("action", ["accepted", "Exchange.accepted", "a.", ".a", "a b.c", "", None])
def test_an_action_id_is_dotted_and_lower_case(action):
    with pytest.raises(ActionRefused):
        Facts(action=action, actor=ACTOR)


@pytest.mark.parametrize("outcome", ["ok", "", None, "SUCCESS"])
def test_an_outcome_is_one_of_four(outcome):
    with pytest.raises(OutcomeRefused):
        Facts(action="a.b", actor=ACTOR, outcome=outcome)


def test_a1_floats_in_details_are_refused():
    with pytest.raises(FloatRefused) as caught:
        written(details={"rate": 0.2})
    assert caught.value.path == "details.rate"


@given(st.text(st.characters()), st.dictionaries(st.text(st.characters()), st.text()))
def test_text_that_postgresql_cannot_hold_does_not_stop_the_business(summary, details):
    entry = written(summary=summary + "\x00\ud800", details={**details, "answer": "\x00"})
    assert entry["summary"].endswith("\ufffd\ufffd")
    assert entry["details"]["answer"] == "\ufffd"
    assert "\x00" not in json.dumps(entry, ensure_ascii=False)
