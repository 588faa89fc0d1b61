"""Secrets at rest: bound to their place, unreadable without the key."""

import base64
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from odoo.addons.finance_connector_base.core.security.keys import ENVIRONMENT_FILE, load_key_ring
from odoo.addons.finance_connector_base.core.security.vault import (
    KeyRing,
    NoKey,
    UnknownKey,
    Unreadable,
    associated_data,
)

HERE = associated_data("db-1", "sandbox", "finance.credential", "r-1", "client_secret")


def ring(*ids):
    return KeyRing({key_id: os.urandom(32) for key_id in ids})


@given(st.text())
def test_a_secret_comes_back_and_its_ciphertext_does_not_show_it(secret):
    keys = ring("k1")
    stored = keys.encrypt(secret, HERE)
    assert keys.decrypt(stored, HERE) == secret
    assert len(secret) < 4 or secret not in stored


@pytest.mark.parametrize("part", range(5))
def test_a_ciphertext_moved_to_another_place_does_not_open(part):
    places = ["db-1", "sandbox", "finance.credential", "r-1", "client_secret"]
    keys = ring("k1")
    stored = keys.encrypt("secret", associated_data(*places))
    places[part] += "x"
    with pytest.raises(Unreadable):
        keys.decrypt(stored, associated_data(*places))


def test_a_changed_ciphertext_does_not_open():
    keys = ring("k1")
    head, _colon, body = keys.encrypt("secret", HERE).rpartition(":")
    raw = bytearray(base64.b64decode(body))
    raw[-1] ^= 1
    with pytest.raises(Unreadable):
        keys.decrypt(f"{head}:{base64.b64encode(bytes(raw)).decode()}", HERE)


def test_a_key_can_be_rotated_without_losing_old_secrets():
    old = ring("k1")
    stored = old.encrypt("secret", HERE)
    rotated = KeyRing({"k2": os.urandom(32), **old.keys})
    assert rotated.decrypt(stored, HERE) == "secret"
    assert rotated.encrypt("secret", HERE).startswith("v1:k2:")
    with pytest.raises(UnknownKey, match="k1"):
        ring("k2").decrypt(stored, HERE)


def test_the_same_secret_is_never_stored_twice_alike():
    keys = ring("k1")
    assert keys.encrypt("secret", HERE) != keys.encrypt("secret", HERE)


@pytest.mark.parametrize("text", ["", "# only a comment", "k1", "k1:short", "k1:!!!!", ":AAAA"])
def test_a_broken_key_ring_is_named_without_showing_it(text):
    with pytest.raises(NoKey) as caught:
        KeyRing.parse(text)
    assert "!!!!" not in str(caught.value)


def test_a_key_ring_is_read_from_the_file_that_the_environment_names(tmp_path, monkeypatch):
    path = tmp_path / "ring"
    path.write_text("# ours\nk1: " + base64.b64encode(bytes(32)).decode() + "\n")
    monkeypatch.delenv("FINANCE_CONNECT_KEYS", raising=False)
    monkeypatch.setenv(ENVIRONMENT_FILE, str(path))
    assert load_key_ring().keys == {"k1": bytes(32)}
    monkeypatch.delenv(ENVIRONMENT_FILE)
    with pytest.raises(NoKey, match=ENVIRONMENT_FILE):
        load_key_ring()


def test_the_key_ring_does_not_print_its_keys():
    assert "b'" not in repr(ring("k1"))
