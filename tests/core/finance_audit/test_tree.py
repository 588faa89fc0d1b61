"""A3, A6: RFC 6962 leaves, tree and proofs: public vectors, and every tree against every other."""

import base64
import json
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st
from odoo.addons.finance_audit.core import tree as merkle
from odoo.addons.finance_audit.core import verify_audit
from odoo.addons.finance_audit.core.tree import (
    EMPTY_TREE_HASH,
    Frontier,
    FrontierDamaged,
    NotInTree,
    TiledTree,
    leaf_hash,
    root_of,
)

from tools.dev import specifications

VECTORS = specifications.FOLDER / "merkle" / "testdata"
LEAVES = [leaf_hash(bytes([number])) for number in range(70)]


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


def plain_root(leaves):
    """MTH exactly as section 2.1 defines it."""
    if not leaves:
        return EMPTY_TREE_HASH
    if len(leaves) == 1:
        return leaves[0]
    middle = 1
    while middle * 2 < len(leaves):
        middle *= 2
    left, right = plain_root(leaves[:middle]), plain_root(leaves[middle:])
    return sha256(b"\x01" + left + right).digest()


# -- public vectors --------------------------------------------------------------------------------


def vector_files():
    return sorted(VECTORS.rglob("*.json"))


def judged(vector, kind):
    """What the verifier says of a public vector."""

    def decoded(text):
        return base64.b64decode(text or "")

    path = [decoded(node) for node in vector["proof"] or []]
    if kind.endswith("inclusion"):
        start, end = vector.get("start", 0), vector.get("end", vector.get("treeSize"))
        if "start" in vector and not verify_audit.is_subtree(start, end):
            return False
        leaf, root = decoded(vector["leafHash"]), decoded(vector["root"])
        return verify_audit.verify_inclusion(
            vector["leafIdx"] - start, end - start, leaf, path, root
        )
    roots = decoded(vector["root1"]), decoded(vector["root2"])
    if kind == "consistency":
        return verify_audit.verify_consistency(vector["size1"], vector["size2"], path, *roots)
    return verify_audit.verify_subtree(vector["start"], vector["end"], vector["size"], path, *roots)


@pytest.mark.skipif(not VECTORS.exists(), reason=specifications.missing("public Merkle vectors"))
@pytest.mark.parametrize(
    "kind", ["inclusion", "consistency", "subtreeinclusion", "subtreeconsistency"]
)
def test_a6_public_vectors_pass_and_mutated_ones_are_refused(kind):
    verdicts = {True: 0, False: 0}
    for path in vector_files():
        if path.relative_to(VECTORS).parts[0] == kind:
            vector = json.loads(path.read_text())
            assert judged(vector, kind) is not vector["wantErr"], path
            verdicts[vector["wantErr"]] += 1
    assert verdicts[True] > verdicts[False] > 0


# -- the tree --------------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 40), max_size=8))
def test_a3_growing_in_steps_gives_the_tree_of_the_definition(steps):
    frontier, other, size = Frontier(), verify_audit.Tree(), 0
    leaves = (LEAVES * 8)[: sum(steps)]
    for step in steps:
        fresh = leaves[size : size + step]
        frontier = Frontier(frontier.size, frontier.roots())  # as stored and taken up again
        frontier.extend(fresh)
        other.extend(fresh)
        size += step
        assert frontier.root() == plain_root(leaves[:size]) == other.root()
        assert frontier.size == other.size == size


@pytest.mark.parametrize(("size", "roots"), [(1, b""), (0, bytes(32)), (3, bytes(32)), (-1, b"")])
def test_a3_a_frontier_that_does_not_fit_its_size_is_refused(size, roots):
    with pytest.raises(FrontierDamaged):
        Frontier(size, roots)


# -- proofs ----------------------------------------------------------------------------------------


def tree(size, leaves=LEAVES):
    return TiledTree(size, lambda start, end: leaves[start:end])


@pytest.fixture(params=[4, 256])
def tile(request, monkeypatch):
    """Small tiles let small trees cross them."""
    monkeypatch.setattr(merkle, "TILE", request.param)


def test_a6_every_leaf_of_every_tree_has_a_proof_that_holds_there_only(tile):
    for size in range(1, 40):
        root, tiled = root_of(LEAVES[:size]), tree(size)
        assert tiled.root() == root
        for position in range(size):
            path = tiled.inclusion(position)
            for claimed in range(size):
                holds = verify_audit.verify_inclusion(claimed, size, LEAVES[position], path, root)
                assert holds == (claimed == position)


def test_a6_every_tree_is_proven_to_begin_with_every_smaller_one(tile):
    for size in range(1, 40):
        root, tiled = root_of(LEAVES[:size]), tree(size)
        for older in range(1, size + 1):
            path = tiled.consistency(older)
            old_root = root_of(LEAVES[:older])
            assert verify_audit.verify_consistency(older, size, path, old_root, root)
            assert not verify_audit.verify_consistency(older, size, path, EMPTY_TREE_HASH, root)
            for place, node in enumerate(path):
                broken = [*path[:place], bytes([node[0] ^ 1]) + node[1:], *path[place + 1 :]]
                assert not verify_audit.verify_consistency(older, size, broken, old_root, root)


def test_a6_a_rewritten_past_has_no_consistency_proof():
    """Whatever proof the forger computes from his own tree."""
    forged = [leaf_hash(b"forged"), *LEAVES[1:]]
    for older in (1, 5, 8, 31):
        path = tree(32, forged).consistency(older)
        roots = root_of(LEAVES[:older]), root_of(forged[:32])
        assert not verify_audit.verify_consistency(older, 32, path, *roots)


@pytest.mark.parametrize("position", [-1, 9, 10])
def test_what_is_not_in_the_tree_has_no_proof(position):
    with pytest.raises(NotInTree):
        tree(9).inclusion(position)
    with pytest.raises(NotInTree):
        tree(9).consistency(position if position != 9 else 0)


def test_a6_proofs_of_a_large_tree_cross_tiles():
    leaves = [leaf_hash(number.to_bytes(3, "big")) for number in range(5000)]
    tiled, root = tree(5000, leaves), root_of(leaves)
    for position in (0, 255, 256, 4095, 4096, 4999):
        path = tiled.inclusion(position)
        assert verify_audit.verify_inclusion(position, 5000, leaves[position], path, root)
    for older in (1, 255, 256, 257, 1000, 4096, 4999, 5000):
        path = tiled.consistency(older)
        assert verify_audit.verify_consistency(older, 5000, path, root_of(leaves[:older]), root)
