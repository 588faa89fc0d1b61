"""A6: the offline verifier finds every kind of tampering, says which, and names the entry."""

import io
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from uuid import UUID

import pytest
from audit_logs import FOREIGN, ORIGIN, Log, b64, entry, vkey
from hypothesis import given, settings
from hypothesis import strategies as st
from odoo.addons.finance_audit.core import verify_audit
from odoo.addons.finance_audit.core.tree import leaf_hash

ENTRIES = [entry(number) for number in range(1, 41)]
SEALS = (3, 10, 11, 40)
FOLDER = "company-3"


def log(**changes):
    return Log(**{"entries": ENTRIES, "seals": SEALS, **changes})


def run(data, tmp_path, *words):
    """Exit code and output of the file as a program, on the package as a zip."""
    place = tmp_path / "package.zip"
    place.write_bytes(data)
    return call(place, *words)


def call(place, *words):
    done = subprocess.run(
        [sys.executable, "-I", verify_audit.__file__, str(place), *words],
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.stderr
    return done.returncode, done.stdout


def report(data, keys=(), anchors=()):
    settings_ = verify_audit.Settings(keys)
    settings_.anchors = [verify_audit.Head(note) for note in anchors]
    for head in settings_.anchors:
        head.used = False
    return verify_audit.verify(io.BytesIO(data), settings_)


@pytest.fixture(autouse=True)
def from_memory(monkeypatch):
    """Let `verify` also take a file in memory; the program itself is run on real files."""
    opened = verify_audit.Package.__init__

    def take(self, place):
        if not isinstance(place, io.BytesIO):
            return opened(self, place)
        self.place, self.zip = None, zipfile.ZipFile(place)
        self.manifest = json.loads(self.open("manifest.json").read())
        return None

    monkeypatch.setattr(verify_audit.Package, "__init__", take)


def damage(data, **received):
    return " ".join(report(data, **received).damage)


def edited(data, name, change):
    """The package with one file changed."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        for item in old.namelist():
            content = old.read(item)
            new.writestr(item, change(content) if item == f"{FOLDER}/{name}" else content)
    return out.getvalue()


def with_lines(data, change):
    """The package with other lines of entries."""
    return edited(
        data,
        "entries.ndjson",
        lambda content: b"".join(line + b"\n" for line in change(content.splitlines())),
    )


# -- what is sound ---------------------------------------------------------------------------------


def test_a6_a_sound_package_is_proven_with_only_the_file_and_the_public_key(tmp_path):
    (tmp_path / "auditor.vkey").write_text(vkey())
    (tmp_path / "received.note").write_text(log().notes[1])
    words = ("--key", str(tmp_path / "auditor.vkey"), "--anchor", str(tmp_path / "received.note"))
    code, text = run(log().package(), tmp_path, *words)
    assert code == 0, text
    assert "all 40 entries are unchanged" in text
    assert "signed by a key you provided" in text
    assert "1 checkpoints kept outside agree" in text


def test_a6_an_unpacked_package_is_proven_too(tmp_path):
    with zipfile.ZipFile(io.BytesIO(log().package())) as package:
        package.extractall(tmp_path)
    assert call(tmp_path)[0] == 0
    # The verifier that travels in the package is this one.
    assert (tmp_path / "verify_audit.py").read_text() == Path(verify_audit.__file__).read_text()


def test_a8_what_is_not_proven_is_said(tmp_path):
    code, text = run(log().package(), tmp_path)
    assert code == 0
    unproven = text.partition("NOT PROVEN")[2]
    for words in ("who signed", "rewritten as a whole", "no timestamp"):
        assert words in unproven


def test_a6_what_cannot_be_read_is_no_success(tmp_path):
    assert run(b"no zip", tmp_path)[0] == 2
    assert call(tmp_path / "absent")[0] == 2


def test_a6_an_empty_log_is_proven_empty():
    assert not damage(Log([], [0]).package())


@given(st.lists(st.integers(1, 40), unique=True, min_size=1).map(sorted))
@settings(max_examples=25, deadline=None)
def test_a6_any_checkpoints_of_a_sound_log_are_accepted(seals):
    entries = ENTRIES[: seals[-1]]
    assert not damage(Log(entries, seals).package(), anchors=[Log(entries, seals).note(seals[0])])


# -- tampering with entries ------------------------------------------------------------------------

TAMPERING = {
    "changed": (lambda lines: [*lines[:4], lines[4].replace(b"Entry", b"Fntry"), *lines[5:]], 5),
    "deleted": (lambda lines: lines[:4] + lines[5:], 5),
    "deleted last": (lambda lines: lines[:-1], None),
    "reordered": (lambda lines: [*lines[:4], lines[5], lines[4], *lines[6:]], 5),
    "inserted": (lambda lines: [*lines[:4], entry(99), *lines[4:]], 5),
    "added": (lambda lines: [*lines, entry(99)], 41),
}


@pytest.mark.parametrize("kind", TAMPERING)
def test_a6_tampering_with_entries_is_named_with_the_first_bad_entry(kind, tmp_path):
    change, position = TAMPERING[kind]
    data = with_lines(log().package(), change)
    expected = "log.truncated" if position is None else f"entry.{kind}"
    code, text = run(data, tmp_path)
    assert code == 1
    assert f"[{expected}]" in text
    if position:
        assert f"entry {position} (id " in text


def test_a6_an_entry_is_also_named_by_its_id():
    data = with_lines(log().package(), lambda lines: [*lines[:4], lines[5], *lines[6:]])
    assert f"entry 5 (id {UUID(int=6)})" in damage(data)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_a6_every_flipped_bit_of_a_stored_file_is_noticed(data):
    package = log().package()
    name = data.draw(st.sampled_from(["entries.ndjson", "leaves.bin", "checkpoints.ndjson"]))

    def flip(content):
        place = data.draw(st.integers(0, len(content) - 1))
        bit = 1 << data.draw(st.integers(0, 7))
        return content[:place] + bytes([content[place] ^ bit]) + content[place + 1 :]

    # Signatures are judged with the key that the auditor holds, not the one in the package.
    assert damage(edited(package, name, flip), keys=[vkey()])


def test_a6_a_changed_list_of_leaf_hashes_does_not_accuse_the_entries():
    data = edited(log().package(), "leaves.bin", lambda content: b"\x00" * 32 + content[32:])
    assert "[leaves.changed]" in damage(data)


def test_a6_entries_rewritten_with_their_leaf_hashes_do_not_give_the_signed_root():
    forged = log()
    forged.entries[4] = entry(99)
    forged.leaves[4] = leaf_hash(forged.entries[4])
    assert "[root.differs] entries 4 to 10" in damage(forged.package())


def test_a6_a_block_boundary_does_not_matter(monkeypatch):
    monkeypatch.setattr(verify_audit, "BLOCK", 50)
    assert not damage(log().package())
    change, _position = TAMPERING["changed"]
    assert "entry 5 (id" in damage(with_lines(log().package(), change))


# -- tampering with the whole log ------------------------------------------------------------------


def test_a5_a_log_resigned_with_a_foreign_key_is_refused():
    data = log(key=FOREIGN).package()
    assert not damage(data)  # undetectable without knowing the key
    assert "[key.foreign]" in damage(data, keys=[vkey()])


def test_a5_a_foreign_signature_under_the_right_key_id_is_refused():
    forged = log(key=FOREIGN)
    genuine = re.search("\u2014 \\S+ (\\S{6})", log().notes[-1])[1]
    forged.notes = [re.sub("(\u2014 \\S+ )\\S{5}", rf"\g<1>{genuine[:5]}", n) for n in forged.notes]
    assert damage(forged.package(), keys=[vkey()])


def test_a5_a_log_replaced_as_a_whole_contradicts_what_was_kept_outside():
    other = Log([entry(number, forged=True) for number in range(1, 41)], SEALS)
    received = [log().notes[0]]
    assert not damage(other.package(), keys=[vkey()])  # the forger had the private key
    assert "[anchor.contradicts]" in damage(other.package(), keys=[vkey()], anchors=received)


def test_a5_a_rewritten_tail_contradicts_what_was_kept_outside():
    other = Log([*ENTRIES[:20], *[entry(n, forged=True) for n in range(21, 41)]], SEALS)
    assert not damage(other.package(), anchors=[log().notes[1]])
    assert "[anchor.contradicts]" in damage(other.package(), anchors=[log().notes[3]])


def test_a5_a_truncated_or_rolled_back_log_is_shorter_than_what_was_kept_outside():
    shorter = Log(ENTRIES[:11], SEALS[:3])
    assert not damage(shorter.package(), keys=[vkey()])
    found = damage(shorter.package(), keys=[vkey()], anchors=[log().notes[-1]])
    assert "[log.rolled_back]" in found
    assert "checkpoint 40 was anchored, the log in the package ends at 11" in found


def test_a5_an_anchor_in_the_package_counts_as_well():
    shorter = Log(ENTRIES[:11], SEALS[:3])
    shorter.anchors = [{"note": log().notes[-1]}]
    assert "[log.rolled_back]" in damage(shorter.package())


def test_a5_a_checkpoint_younger_than_the_package_is_no_accusation():
    shorter = Log(ENTRIES[:11], SEALS[:3])
    data = shorter.package(created_at="2026-03-03T08:00:00+00:00")
    found = report(data, anchors=[log().notes[-1]])
    assert not found.damage
    assert any("more recent than this package" in line for line in found.unproven)


def test_a5_a_log_of_another_origin_leaves_the_received_checkpoint_unproven():
    found = report(log(origin="other/log").package(), anchors=[log().notes[0]])
    assert any("has no such log" in line for line in found.unproven)


# -- copies ----------------------------------------------------------------------------------------


def copied(cited):
    """A log whose database was copied after entry 10."""
    original = log(entries=ENTRIES[:10], seals=SEALS[:2])
    copy = log(origin="finance-audit/2222-33/company/3", extensions=(f"continues {cited}",))
    copy.notes = original.notes + copy.notes[2:]
    data = copy.package()
    keys = f"{vkey()}\n{vkey(origin=copy.origin)}\n".encode()
    data = edited(data, "keys.txt", lambda _content: keys)
    return data, original


def test_a2_a_copy_cites_the_checkpoint_it_began_with():
    original = log()
    head = verify_audit.Head(original.notes[1])
    data, original = copied(f"{ORIGIN} 10 {b64(head.root)}")
    found = report(data)
    assert not found.damage
    assert any(f"copy of {ORIGIN}" in line for line in found.unproven)


def test_a2_a_copy_that_cites_something_else_is_refused():
    data, _original = copied(f"{ORIGIN} 9 {b64(bytes(32))}")
    assert "[origin.changed]" in damage(data)


# -- parts of a log --------------------------------------------------------------------------------


def part(positions=(0, 7, 39), **changes):
    made = log(**changes)
    made.positions = list(positions)
    return made


def test_a6_a_part_is_proven_entry_by_entry(tmp_path):
    code, text = run(part().package(), tmp_path, "--key", vkey())
    assert code == 0, text
    assert "3 entries are unchanged parts of the log of 40 entries" in text
    assert "that the part is complete" in text.partition("NOT PROVEN")[2]


def test_a6_a_changed_entry_of_a_part_is_named():
    data = with_lines(part().package(), lambda ls: [ls[0], ls[1].replace(b"E", b"F"), ls[2]])
    assert f"[entry.changed] entry 8 (id {UUID(int=8)})" in damage(data)


def test_a6_a_missing_entry_of_a_part_is_noticed():
    assert "[entry.deleted]" in damage(with_lines(part().package(), lambda lines: lines[:2]))


@pytest.mark.parametrize("name", ["proofs.ndjson", "consistency.ndjson"])
def test_a6_a_changed_proof_is_noticed(name):
    def change(content):
        place = content.index(b'"path": ["') + 12
        return (
            content[:place]
            + (b"A" if content[place : place + 1] != b"A" else b"B")
            + content[place + 1 :]
        )

    assert damage(edited(part().package(), name, change))


def test_a5_a_part_of_a_rewritten_log_contradicts_what_was_kept_outside():
    other = [entry(number, forged=True) for number in range(1, 41)]
    found = damage(part(entries=other).package(), anchors=[log().notes[1]])
    assert "[anchor.contradicts]" in found
    assert not damage(part().package(), anchors=[log().notes[1]])


# -- erasable parts (A7) ---------------------------------------------------------------------------


def with_part(text, disclosed):
    import hmac
    from hashlib import sha256

    salt = b"s" * 32
    entries = list(ENTRIES)
    digest = hmac.new(salt, text.encode(), sha256).hexdigest()
    entries[4] = entry(5, sensitive_hash="\\x" + digest)
    made = log(entries=entries)
    if disclosed is not None:
        made.erasable = [{"position": 4, "salt": b64(salt), "part": disclosed}]
    return made


def test_a7_a_disclosed_part_is_proven_and_an_erased_one_does_no_harm():
    found = report(with_part('{"name":"Ana"}', '{"name":"Ana"}').package())
    assert not found.damage
    assert any("1 disclosed erasable parts" in line for line in found.proven)
    assert not damage(with_part('{"name":"Ana"}', None).package())


def test_a7_a_disclosed_part_that_was_changed_is_noticed():
    assert "[erasable.changed]" in damage(with_part('{"name":"Ana"}', '{"name":"Eva"}').package())


def changed_manifest(data, change):
    """The package with another manifest."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(made, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "manifest.json":
                manifest = json.loads(content)
                change(manifest)
                content = json.dumps(manifest).encode()
            new.writestr(name, content)
    return made.getvalue()


@pytest.mark.parametrize(
    "text", ["\x1b[2J\x1b[HRESULT: intact", "a\nPROVEN\n  - all", "\u202eintact", "\r"]
)
def test_f15_foreign_text_neither_moves_the_cursor_nor_begins_a_line(text):
    printed = verify_audit.shown(text)
    assert printed.isprintable()
    report_ = verify_audit.Report()
    report_.damage.append(text)
    assert verify_audit.shown(printed) == printed


def test_f15_a_damaged_entry_cannot_print_a_result_of_its_own(tmp_path):
    text = "\x1b[2J\x1b[H\nRESULT: intact"
    bad = changed_manifest(
        log().package(), lambda manifest: manifest["logs"][0].update(directory=text)
    )
    code, printed = run(bad, tmp_path)
    assert code
    assert "\x1b" not in printed
    assert [line for line in printed.splitlines() if line.startswith("RESULT")] == [
        "RESULT: DAMAGED"
    ]


def test_f15_a_log_whose_key_was_given_and_that_is_missing_is_not_proven(tmp_path):
    other = vkey(origin="finance-connect/audit/other/9")
    code, printed = run(log().package(), tmp_path, "--key", vkey(), "--key", other)
    assert code == 0
    assert "finance-connect/audit/other/9" in printed.partition("NOT PROVEN")[2]


def test_f15_a_log_taken_from_the_manifest_is_not_proven(tmp_path):
    bad = changed_manifest(log().package(), lambda manifest: manifest["logs"].clear())
    _code, printed = run(bad, tmp_path)
    assert FOLDER in printed.partition("NOT PROVEN")[2]
    assert "PROVEN\n" not in printed.partition("NOT PROVEN")[0]


@pytest.mark.parametrize("name", ["manifest.json", f"{FOLDER}/keys.txt"])
def test_f15_a_file_that_grows_beyond_its_limit_is_not_read(name, tmp_path):
    made = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(log().package())) as old,
        zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for each in old.namelist():
            new.writestr(each, old.read(each) + (b" " * (64 << 20) if each == name else b""))
    code, printed = run(made.getvalue(), tmp_path)
    assert code in (1, 2)
    assert "bytes" in printed


def test_f15_a_lack_of_memory_is_a_package_that_cannot_be_read(monkeypatch, capsys, tmp_path):
    def lack(*_arguments):
        raise MemoryError

    monkeypatch.setattr(verify_audit, "verify", lack)
    assert verify_audit.main([str(tmp_path)]) == 2
    assert "Traceback" not in capsys.readouterr().out
