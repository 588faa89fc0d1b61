"""RFC 6962, section 2.1: hashes of leaves, with the values that log implementations agree on."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st
from odoo.addons.finance_audit.core.leaf import EMPTY_TREE_HASH, leaf_hash


def test_the_empty_tree_has_the_hash_of_nothing():
    assert EMPTY_TREE_HASH.hex() == (
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    )


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
        (b"L123456", "395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56"),
        (bytes.fromhex("00"), "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"),
    ],
)
def test_known_leaves(data, expected):
    assert leaf_hash(data).hex() == expected


@given(st.binary(max_size=200))
def test_a_leaf_is_never_the_plain_hash_nor_an_inner_node(data):
    assert leaf_hash(data) != sha256(data).digest()
    assert leaf_hash(data) != sha256(b"\x01" + data).digest()
