"""Evidence in words: what a person sees of action ids and details."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from odoo.addons.finance_audit.core.readable import humanise, readable

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=15,
)


@pytest.mark.parametrize(
    ("identifier", "words"),
    [
        ("exchange.accepted", "Exchange: accepted"),
        ("tax_rule.sent_again", "Tax rule: sent again"),
        ("audit.protection.lost", "Audit: protection › lost"),
        ("configuration", "Configuration"),
        ("", ""),
    ],
)
def test_an_action_id_reads_as_words(identifier, words):
    assert humanise(identifier) == words


@pytest.mark.parametrize(
    ("details", "lines"),
    [
        ({}, []),
        ({"total_amount": "12.30"}, [("Total amount", "12.30")]),
        ({"changes": {"name": {"before": "A", "after": None}}}, [("Changes › Name", "A → –")]),
        ({"changes": {"key": "cleared"}}, [("Changes › Key", "cleared")]),
        ({"active": {"before": True, "after": False}}, [("Active", "yes → no")]),
        ({"user": {"id": 3, "name": "Ana"}}, [("User", "Ana")]),
        ({"user": {"id": 3, "login": "ana"}}, [("User", "ana")]),
        ({"codes": ["A", "B"]}, [("Codes", "A, B")]),
        (
            {"errors": [{"code": "1"}, {"code": "2"}]},
            [("Errors 1 › Code", "1"), ("Errors 2 › Code", "2")],
        ),
        (
            {"journals": {"before": [], "after": [{"id": 1, "name": "Sales"}]}},
            [("Journals", "– → Sales")],
        ),
        ({"nothing": [], "none": None}, [("Nothing", "–"), ("None", "–")]),
    ],
)
def test_details_read_as_lines(details, lines):
    assert list(readable(details)) == lines


@given(st.dictionaries(st.text(min_size=1), json_values))
def test_whatever_the_details_every_line_is_text(details):
    lines = list(readable(details))
    assert all(isinstance(part, str) for line in lines for part in line)
    assert len(lines) >= len(details) - sum(value in ({}, []) for value in details.values())
