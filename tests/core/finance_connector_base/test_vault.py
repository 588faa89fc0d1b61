"""Secrets at rest: bound to their place, unreadable without the key. Key rings are tested with the audit log."""

import base64
import os
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from odoo.addons.finance_audit.core.keyring import (
    KeyRing,
    KeyRingError,
    NoKey,
    UnknownKey,
    Unreadable,
)
from odoo.addons.finance_audit.core.keys import RingKeys
from odoo.addons.finance_connector_base.core.security.vault import (
    ENVIRONMENT_FILE,
    ENVIRONMENT_KEYS,
    SOURCE,
    binding_of,
    decrypt,
    decrypt_former,
    encrypt,
    origin_of,
)

PLACE = {
    "database": "db-1",
    "environment": "sandbox",
    "connection": "c-1",
    "company": 1,
    "credential": "client_secret",
    "addresses": {"base_url": "https://a.example/v1", "token_url": "https://b.example:8443"},
}
HERE = binding_of(**PLACE)
FORMER = "db-1|sandbox|finance.credential|r-1|client_secret"
#: Written by release 1 under the key of the bytes 0 to 31.
OF_RELEASE_1 = "v1:k1:qXT9oYsYrkqO8D03Og0mld3tmayYO5xguifZPqY4QnjlgFIRbIBzn0k="


def ring(*names, **kept):
    keys = {**{name: os.urandom(32) for name in names}, **kept}
    return RingKeys(KeyRing(keys, (*keys,)))


@given(st.text())
def test_a_secret_comes_back_and_its_ciphertext_does_not_show_it(secret):
    keys = ring("k1")
    stored = encrypt(keys, secret, HERE)
    assert decrypt(keys, stored, HERE) == secret
    assert len(secret) < 4 or secret not in stored


def test_what_release_1_stored_is_still_read():
    old = KeyRing({"k2": bytes(32), "k1": bytes(range(32))}, ("k2", "k1"))
    assert decrypt_former(old, OF_RELEASE_1, FORMER) == "s3cret – ü"
    with pytest.raises(Unreadable):
        decrypt(ring("k1"), OF_RELEASE_1, HERE)


@pytest.mark.parametrize(
    "other",
    [
        {"database": "db-2"},
        {"environment": "production"},
        {"connection": "c-2"},
        {"company": 2},
        {"credential": "api_key"},
        {"addresses": {**PLACE["addresses"], "base_url": "http://a.example/v1"}},
        {"addresses": {**PLACE["addresses"], "base_url": "https://evil.example/v1"}},
        {"addresses": {**PLACE["addresses"], "token_url": "https://b.example"}},
        {"addresses": {**PLACE["addresses"], "token_url": ""}},
        {"addresses": {"base_url": "https://a.example/v1"}},
        {"addresses": {"base_url": "https://b.example:8443", "token_url": "https://a.example"}},
    ],
)
def test_f6_a_ciphertext_moved_to_another_place_does_not_open(other):
    keys = ring("k1")
    stored = encrypt(keys, "secret", HERE)
    with pytest.raises(Unreadable):
        decrypt(keys, stored, binding_of(**{**PLACE, **other}))


def test_f6_another_path_at_the_same_origin_opens():
    keys = ring("k1")
    stored = encrypt(keys, "secret", HERE)
    same = {"base_url": "HTTPS://A.example:443/v2", "token_url": "https://b.example:8443/x"}
    assert decrypt(keys, stored, binding_of(**{**PLACE, "addresses": same})) == "secret"


@pytest.mark.parametrize(
    "address",
    ["a.example", "ftp://a.example", "https://user@a.example", "https://", "https://a:99999999"],
)
def test_f6_what_is_no_origin_binds_nothing(address):
    with pytest.raises(Unreadable):
        origin_of(address)


def test_f6_an_address_is_read_as_the_sender_reads_it():
    assert origin_of("http://127.0.0.2:8346\\@127.0.0.1/token") != "http://127.0.0.1:80"


def test_a_changed_ciphertext_does_not_open():
    keys = ring("k1")
    head, _colon, body = encrypt(keys, "secret", HERE).rpartition(":")
    raw = bytearray(base64.b64decode(body))
    raw[-1] ^= 1
    with pytest.raises(Unreadable):
        decrypt(keys, f"{head}:{base64.b64encode(bytes(raw)).decode()}", HERE)


@pytest.mark.parametrize("stored", ["", "v2", "v2:k1", "v1:k1:AAAA", "v2:k1:!", "v2:k1:AAAA"])
def test_what_is_no_ciphertext_is_refused(stored):
    with pytest.raises((Unreadable, UnknownKey)):
        decrypt(ring("k1"), stored, HERE)


def test_a_key_can_be_rotated_without_losing_old_secrets():
    old = ring("k1")
    stored = encrypt(old, "secret", HERE)
    rotated = ring("k2", **old._ring.keys)
    assert decrypt(rotated, stored, HERE) == "secret"
    assert encrypt(rotated, "secret", HERE).startswith("v2:k2:")
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


def test_no_mutation_of_a_ciphertext_opens_wrongly():
    keys, chance = ring("k1"), random.Random(20261125)
    stored = encrypt(keys, "secret", HERE).encode()
    alphabet = bytes(range(32, 127)) + b"\0\xff\n"
    for _round in range(4000):
        mutated = bytearray(stored)
        for _change in range(chance.choice((1, 1, 1, 2, 5))):
            place = chance.randrange(len(mutated))
            kind = chance.choice(("replace", "remove", "insert", "cut"))
            if kind == "replace":
                mutated[place] = chance.choice(alphabet)
            elif kind == "insert":
                mutated.insert(place, chance.choice(alphabet))
            elif kind == "remove" and len(mutated) > 1:
                del mutated[place]
            elif len(mutated) > 1:
                del mutated[max(place, 1) :]
        text = bytes(mutated).decode("latin-1")
        if text == stored.decode():
            continue
        try:
            opened = decrypt(keys, text, HERE)
        except KeyRingError:
            continue
        # Base64 has several writings of the same bytes; any other would be a forgery.
        assert (opened, content_of(text)) == ("secret", content_of(stored.decode()))


def content_of(stored):
    head, _colon, body = stored.rpartition(":")
    return head, base64.b64decode(body)
