"""A4: checkpoints as signed notes."""

import base64

import pytest
from audit_logs import FOREIGN, KEY, ORIGIN, vkey
from odoo.addons.finance_audit.core import verify_audit
from odoo.addons.finance_audit.core.note import Checkpoint, NotACheckpoint, sign
from odoo.addons.finance_audit.core.signing import signing_with

HEAD = Checkpoint(ORIGIN, 7, bytes(range(32)), ("time 2026-03-03T09:00:00+00:00",))


def read(note, *keys):
    head = verify_audit.Head(note)
    return head, head.signers(verify_audit.read_keys(keys))


def test_a4_the_note_has_the_published_form():
    lines = sign(HEAD.text(), ORIGIN, signing_with([KEY])).split("\n")
    assert lines[:4] == [
        ORIGIN,
        "7",
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
        "time 2026-03-03T09:00:00+00:00",
    ]
    assert lines[4] == ""
    assert lines[5].startswith(f"\u2014 {ORIGIN} ")
    assert len(base64.b64decode(lines[5].split(" ")[2])) == 4 + 64
    assert lines[6:] == [""]


def test_a4_a_published_signed_note_verifies():
    """The example of the signed-note specification's Go implementation (golang.org/x/mod/sumdb/note)."""
    key = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    note = (
        "If you think cryptography is the answer to your problem,\n"
        "then you don't know what your problem is.\n\n"
        "\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvq"
        "fqdngotpRZb6KE6RyyBwJnAM=\n"
    )
    (found,) = verify_audit.read_keys([key]).values()
    text, _gap, line = note.rpartition("\n\n")
    name, key_id, signature = verify_audit._signature(line.rstrip("\n"))
    assert (name, key_id) == (found.name, found.id)
    found.public.verify(signature, f"{text}\n".encode())


def test_a4_a_note_verifies_with_its_key_only():
    note = sign(HEAD.text(), ORIGIN, signing_with([KEY]))
    head, by = read(note, vkey())
    assert (head.origin, head.size, head.root) == (ORIGIN, 7, HEAD.root)
    assert head.extension("time") == "2026-03-03T09:00:00+00:00"
    assert by == {vkey()}
    assert read(note, vkey(FOREIGN))[1] == set()


def test_a4_every_changed_byte_of_a_note_is_noticed():
    note = sign(HEAD.text(), ORIGIN, signing_with([KEY])).encode()
    keys = verify_audit.read_keys([vkey()])
    for place in range(len(note)):
        changed = note[:place] + bytes([note[place] ^ 1]) + note[place + 1 :]
        try:
            assert not verify_audit.Head(changed.decode("utf-8", "replace")).signers(keys)
        except verify_audit.Damage:
            continue


def test_a4_while_keys_rotate_both_sign():
    note = sign(HEAD.text(), ORIGIN, signing_with([FOREIGN, KEY]))
    assert read(note, vkey(KEY))[1] == {vkey(KEY)}
    assert read(note, vkey(FOREIGN))[1] == {vkey(FOREIGN)}


@pytest.mark.parametrize("text", ["", "o\n7\n", "\n7\nAAAA\n", "o\nx\nAAAA\n", "o\n07\nAAAA\n"])
def test_a4_what_is_no_checkpoint_is_said_to_be_none(text):
    with pytest.raises(NotACheckpoint):
        Checkpoint.parse(text)
    with pytest.raises(verify_audit.Damage, match="checkpoint.unreadable"):
        verify_audit.Head(text)


def test_a4_a_checkpoint_reads_back():
    assert Checkpoint.parse(sign(HEAD.text(), ORIGIN, signing_with([KEY]))) == HEAD


@pytest.mark.parametrize(
    "text", ["", "x", "o+0000+AAAA", vkey()[:-4], vkey().replace("+", "+0", 1)]
)
def test_a4_what_is_no_verifier_key_is_said_to_be_none(text):
    with pytest.raises(verify_audit.Damage, match="key.unreadable"):
        verify_audit.Key(text)
