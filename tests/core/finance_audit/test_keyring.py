"""A4: key rings and authenticated encryption, as the audit log and the vault of credentials use them."""

import base64
import json
import os
import stat

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st
from odoo.addons.finance_audit.core import erasable, keyring, signing
from odoo.addons.finance_audit.core.keyring import KeyRing, KeySource, NoKey, UnknownKey, Unreadable
from odoo.addons.finance_audit.core.keys import RingKeys
from odoo.addons.finance_audit.core.note import verifier_key

SOURCE = KeySource("TEST_KEYS", "TEST_KEY_FILE", "test_key_file")
KEY, OTHER = bytes([1] * 32), bytes([2] * 32)
ORIGIN = "finance-connect/audit/d7c5/3"


def line(name, byte, *more):
    return ":".join([name, base64.b64encode(bytes([byte] * 32)).decode(), *more])


def test_a4_the_first_active_key_is_the_newest_and_a_retired_one_signs_no_more():
    text = "\n".join(
        ["# rotated in March", line("c", 3, "retired"), line("b", 2), "", line("a", 1, "retired")]
    )
    ring = KeyRing.parse(text)
    assert ring.active == ("b",)
    assert ring.newest() == ("b", bytes([2] * 32))
    assert set(ring.keys) == {"a", "b", "c"}
    (public,) = signing.public_keys(ring)
    assert verifier_key(ORIGIN, public).startswith(f"{ORIGIN}+")


@pytest.mark.parametrize(
    "text", ["", "# none", "a:short", line("a", 1, "retired"), line("", 1), line("a", 1, "old")]
)
def test_a4_an_unusable_ring_is_refused_without_showing_it(text):
    with pytest.raises(NoKey) as caught:
        KeyRing.parse(text)
    assert "AQEBAQ" not in str(caught.value)


def test_a4_the_ring_never_shows_its_keys():
    assert "AQEB" not in repr(KeyRing.parse(line("a", 1)))
    assert "\\x01" not in repr(KeyRing.parse(line("a", 1)))


@pytest.fixture(autouse=True)
def no_environment(monkeypatch):
    for name in (SOURCE.variable, SOURCE.file_variable):
        monkeypatch.delenv(name, raising=False)


def test_a4_environment_then_file_then_option_then_a_generated_ring(tmp_path, monkeypatch):
    generated, option, named = (tmp_path / name for name in ("deep/new", "option", "named"))
    made = SOURCE.load(None, generated)
    assert stat.S_IMODE(os.stat(generated).st_mode) == 0o600
    assert SOURCE.load(None, generated) == made
    option.write_text(line("option", 1))
    assert SOURCE.load(str(option), generated).active == ("option",)
    named.write_text(line("named", 2))
    monkeypatch.setenv(SOURCE.file_variable, str(named))
    assert SOURCE.load(str(option), generated).active == ("named",)
    monkeypatch.setenv(SOURCE.variable, line("inline", 3))
    assert SOURCE.load(str(option), generated).active == ("inline",)


def test_a4_a_configured_ring_that_is_missing_is_never_replaced_by_a_new_one(tmp_path):
    with pytest.raises(NoKey, match="cannot be read"):
        SOURCE.load(str(tmp_path / "lost"), tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_without_configuration_and_without_generation_the_setting_is_named():
    with pytest.raises(NoKey, match="TEST_KEY_FILE"):
        SOURCE.load(None)


@given(st.binary(max_size=300), st.binary(max_size=40))
def test_what_is_encrypted_is_decrypted_at_its_place_only(plain, place):
    stored = keyring.encrypt(KEY, plain, place)
    assert keyring.decrypt(KEY, stored, place) == plain
    for key, where in ((OTHER, place), (KEY, place + b"x")):
        with pytest.raises(Unreadable):
            keyring.decrypt(key, stored, where)


@pytest.mark.parametrize("stored", ["", "AAAA", "no base64 !", "é"])
def test_what_is_no_ciphertext_is_refused(stored):
    with pytest.raises(Unreadable):
        keyring.decrypt(KEY, stored, b"")


def test_a7_a_part_survives_the_rotation_of_its_key_and_belongs_to_one_entry():
    old = RingKeys(KeyRing.parse(line("a", 1)))
    new = RingKeys(KeyRing.parse(f"{line('b', 2)}\n{line('a', 1, 'retired')}"))
    part = erasable.Part.of({"name": "Ana"})
    stored = erasable.encrypt(part, old, "uid-1")
    assert erasable.decrypt(stored, new, "uid-1") == part
    assert erasable.encrypt(part, new, "uid-1").startswith("2:b:")
    with pytest.raises(Unreadable):
        erasable.decrypt(stored, new, "uid-2")
    with pytest.raises(UnknownKey):
        erasable.decrypt(stored, RingKeys(KeyRing.parse(line("b", 2))), "uid-1")


def test_a7_a_part_of_the_former_release_is_still_read():
    ring = KeyRing.parse(line("a", 1))
    part = erasable.Part.of({"name": "Ana"})
    plain = json.dumps([base64.b64encode(part.salt).decode(), part.text]).encode()
    purpose = b"finance-connect audit erasable parts"
    key = HKDF(SHA256(), 32, None, purpose).derive(ring.keys["a"])
    assert (
        erasable.decrypt(f"a:{keyring.encrypt(key, plain, b'uid-1')}", RingKeys(ring), "uid-1")
        == part
    )


@pytest.mark.parametrize("text", ["é:AAAA", "k:é", "k:" + "é" * 44, "k\x00:\udc80"])
def test_f21_a_ring_outside_of_ascii_gives_the_error_of_a_ring(text):
    with pytest.raises(NoKey):
        KeyRing.parse(text)
