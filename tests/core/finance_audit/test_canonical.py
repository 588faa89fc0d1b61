"""A1: the exact bytes of an entry. RFC 8785, with the project's rule that amounts are strings."""

import json
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from types import MappingProxyType
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from odoo.addons.finance_audit.core.canonical import MAX_DEPTH, canonical_bytes
from odoo.addons.finance_audit.core.errors import FloatRefused, ValueRefused

text = st.text(st.characters(exclude_categories=["Cs"]))
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | text
    | st.decimals(allow_nan=False, allow_infinity=False)
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner) | st.dictionaries(text, inner), max_leaves=20
)


def test_a1_members_are_sorted_by_utf16_code_units_and_unspaced():
    # RFC 8785, section 3.2.3: U+1F600 (surrogates D83D…) sorts before U+FB33.
    value = {"\ufb33": 1, "\U0001f600": 2, "b": [True, None], "a": {}}
    expected = '{"a":{},"b":[true,null],"\U0001f600":2,"\ufb33":1}'
    assert canonical_bytes(value) == expected.encode()


def test_a1_only_what_must_be_escaped_is_escaped():
    # RFC 8785, section 3.2.2.2.
    assert canonical_bytes('€$\x0f\nA\'B"\\"/') == b'"\xe2\x82\xac$\\u000f\\nA\'B\\"\\\\\\"/"'


@pytest.mark.parametrize(
    ("amount", "expected"),
    [("1.10", "1.10"), ("1E+3", "1000"), ("-0.005", "-0.005"), ("12345678901234567890.12",) * 2],
)
def test_a1_amounts_are_strings_with_their_scale(amount, expected):
    assert canonical_bytes({"amount": Decimal(amount)}) == f'{{"amount":"{expected}"}}'.encode()


@pytest.mark.parametrize("value", [0.1, 1.0, float("nan"), {"a": [{"b": 2.5}]}])
def test_a1_floats_are_refused(value):
    with pytest.raises(FloatRefused, match=r"\[audit\.float\]"):
        canonical_bytes(value)


def test_a1_a_refusal_names_the_place():
    with pytest.raises(FloatRefused) as caught:
        canonical_bytes({"lines": [{"tax": Decimal(1)}, {"tax": 2.5}]})
    assert caught.value.path == "lines[1].tax"


@pytest.mark.parametrize(
    "value",
    [
        b"bytes",
        {1: "key"},
        {"set": {1}},
        2**53,
        -(2**53),
        Decimal("NaN"),
        Decimal("Infinity"),
        "half a pair \ud800",
        object(),
    ],
)
def test_a1_what_has_no_single_form_is_refused(value):
    with pytest.raises(ValueRefused):
        canonical_bytes(value)


def test_a1_endless_nesting_is_refused_before_python_gives_up():
    value = []
    for _level in range(MAX_DEPTH + 1):
        value = [value]
    with pytest.raises(ValueRefused, match="nested"):
        canonical_bytes(value)


def test_a1_times_are_written_in_utc_with_offset():
    warsaw = timezone(timedelta(hours=2))
    assert canonical_bytes(datetime(2026, 3, 29, 12, 0, tzinfo=warsaw)) == (
        b'"2026-03-29T10:00:00+00:00"'
    )
    assert canonical_bytes(datetime(2026, 3, 29, 12, 0, 0, 5)) == (
        b'"2026-03-29T12:00:00.000005+00:00"'
    )
    assert canonical_bytes(date(2026, 3, 29)) == b'"2026-03-29"'


def test_a1_other_python_values_become_plain_json():
    class Colour(Enum):
        RED = "red"

    class Word(str):
        __slots__ = ()

    uid = UUID("12345678-1234-5678-1234-567812345678")
    value = MappingProxyType({"colour": Colour.RED, "word": Word("w"), "uid": uid, "t": (1, 2)})
    assert canonical_bytes(value) == (
        b'{"colour":"red","t":[1,2],"uid":"12345678-1234-5678-1234-567812345678","word":"w"}'
    )


@given(values)
def test_a1_bytes_read_back_give_the_same_bytes(value):
    data = canonical_bytes(value)
    assert canonical_bytes(json.loads(data)) == data


@given(st.dictionaries(text, scalars))
def test_a1_order_of_keys_does_not_matter(value):
    backwards = dict(reversed(value.items()))
    assert canonical_bytes(backwards) == canonical_bytes(value)


@given(values, values)
def test_a1_different_values_have_different_bytes(one, other):
    """Compared through a reader of JSON: the bytes say all that the value says, and no more."""
    same_bytes = canonical_bytes(one) == canonical_bytes(other)
    assert same_bytes == (_typed(one) == _typed(other))


def _typed(value):
    """Tell True from 1, which Python holds equal, and write amounts as evidence does."""
    if isinstance(value, dict):
        return {key: _typed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_typed(item) for item in value]
    if isinstance(value, Decimal):
        value = format(value, "f")
    return type(value), value
