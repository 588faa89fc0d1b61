"""The fast way to canonical bytes is the slow way, for every value."""

import rfc8785
from hypothesis import given
from hypothesis import strategies as st
from odoo.addons.finance_audit.core.canonical import MAX_INTEGER, json_bytes

texts = st.text(alphabet=st.characters(exclude_categories=("Cs",)))
values = st.recursive(
    st.none() | st.booleans() | st.integers(-MAX_INTEGER, MAX_INTEGER) | texts,
    lambda inner: st.lists(inner) | st.dictionaries(texts, inner),
)


@given(values)
def test_the_fast_encoder_gives_the_bytes_of_the_standard(value):
    assert json_bytes(value) == rfc8785.dumps(value)


def test_names_are_ordered_as_utf_16_beyond_the_basic_plane():
    value = {"\ufb33": 1, "\U0001f600": 2, "\u20ac": 3, "1": 4}
    assert json_bytes(value) == rfc8785.dumps(value)
    assert json_bytes(value).decode().index("\U0001f600") < json_bytes(value).decode().index(
        "\ufb33"
    )
