"""Secrets at rest: bound to their place, unreadable without the key. Key rings are tested with the audit log."""

import base64
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from odoo.addons.finance_audit.core.keyring import KeyRing, NoKey, UnknownKey, Unreadable
from odoo.addons.finance_connector_base.core.security.vault import (
    ENVIRONMENT_FILE,
    ENVIRONMENT_KEYS,
    SOURCE,
    associated_data,
    decrypt,
    encrypt,
)

HERE = associated_data("db-1", "sandbox", "finance.credential", "r-1", "client_secret")
#: Written by release 1 under the key of the bytes 0 to 31.
OF_RELEASE_1 = "v1:k1:qXT9oYsYrkqO8D03Og0mld3tmayYO5xguifZPqY4QnjlgFIRbIBzn0k="


def ring(*names, **kept):
    keys = {**{name: os.urandom(32) for name in names}, **kept}
    return KeyRing(keys, (*keys,))


@given(st.text())
def test_a_secret_comes_back_and_its_ciphertext_does_not_show_it(secret):
    keys = ring("k1")
    stored = encrypt(keys, secret, HERE)
    assert decrypt(keys, stored, HERE) == secret
    assert len(secret) < 4 or secret not in stored


def test_what_release_1_stored_is_still_read():
    assert decrypt(ring("k2", k1=bytes(range(32))), OF_RELEASE_1, HERE) == "s3cret – ü"


@pytest.mark.parametrize("part", range(5))
def test_a_ciphertext_moved_to_another_place_does_not_open(part):
    places = ["db-1", "sandbox", "finance.credential", "r-1", "client_secret"]
    keys = ring("k1")
    stored = encrypt(keys, "secret", associated_data(*places))
    places[part] += "x"
    with pytest.raises(Unreadable):
        decrypt(keys, stored, associated_data(*places))


def test_a_changed_ciphertext_does_not_open():
    keys = ring("k1")
    head, _colon, body = encrypt(keys, "secret", HERE).rpartition(":")
    raw = bytearray(base64.b64decode(body))
    raw[-1] ^= 1
    with pytest.raises(Unreadable):
        decrypt(keys, f"{head}:{base64.b64encode(bytes(raw)).decode()}", HERE)


@pytest.mark.parametrize("stored", ["", "v1", "v1:k1", "v2:k1:AAAA", "v1:k1:!", "v1:k1:AAAA"])
def test_what_is_no_ciphertext_is_refused(stored):
    with pytest.raises((Unreadable, UnknownKey)):
        decrypt(ring("k1"), stored, HERE)


def test_a_key_can_be_rotated_without_losing_old_secrets():
    old = ring("k1")
    stored = encrypt(old, "secret", HERE)
    rotated = ring("k2", **old.keys)
    assert decrypt(rotated, stored, HERE) == "secret"
    assert encrypt(rotated, "secret", HERE).startswith("v1:k2:")
    with pytest.raises(UnknownKey, match="k1"):
        decrypt(ring("k2"), stored, HERE)


def test_the_same_secret_is_never_stored_twice_alike():
    keys = ring("k1")
    assert encrypt(keys, "secret", HERE) != encrypt(keys, "secret", HERE)


def test_the_key_ring_is_read_from_the_file_that_the_environment_names(tmp_path, monkeypatch):
    path = tmp_path / "ring"
    path.write_text("# ours\nk1: " + base64.b64encode(bytes(32)).decode() + "\n")
    monkeypatch.delenv(ENVIRONMENT_KEYS, raising=False)
    monkeypatch.setenv(ENVIRONMENT_FILE, str(path))
    assert SOURCE.load(None).keys == {"k1": bytes(32)}
    monkeypatch.delenv(ENVIRONMENT_FILE)
    with pytest.raises(NoKey, match=ENVIRONMENT_FILE):
        SOURCE.load(None)
