#!/usr/bin/env python3
"""Verify an exported audit package: what is proven, what is not, and the first bad entry.

    python3 verify_audit.py PACKAGE --key auditor.vkey --anchor received/ --tsa-ca authority.pem

One file, Python 3.10 or newer and the package `cryptography`; no Odoo, no network, no database.
Formats: RFC 6962 (tree and proofs), C2SP signed-note and tlog-checkpoint, RFC 3161 over RFC 5652
(timestamps). Exit codes: 0 nothing is damaged, 1 something is, 2 the package cannot be read.

All of it is in one file so that an auditor can copy and read it. It shares no code with the addon that writes
packages: a mistake there cannot repeat itself here.
"""

# It reads JSON of any origin and checks what it finds at runtime, so types are checked in the basic mode.
# pyright: basic
# The numbers are those of the formats.
# ruff: noqa: PLR2004
# A command line program without Odoo. # pylint: disable=print-used,bad-builtin-groupby

from __future__ import annotations

import argparse
import base64
import hmac
import json
import re
import sys
import zipfile
import zlib
from datetime import datetime, timezone
from hashlib import sha256
from itertools import groupby
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

FORMAT = "finance-audit-package/1"
BLOCK, MAX_LINE = 1 << 20, 16 << 20
# Most bytes that one file of keys, notes or the manifest may have, and most rows that are kept in memory.
MAX_FILE, MAX_ROWS = 8 << 20, 2_000_000
SIGNATURE_LINE = re.compile("\u2014 (\\S+) (\\S+)")


class Damage(Exception):
    """Evidence contradicts itself. `code` is stable, the sentence is for readers; `place` names the entry."""

    def __init__(self, code, sentence, **place):
        self.code, self.place = code, place
        super().__init__(f"[{code}] {sentence}")


class Line(str):  # noqa: SLOT000
    """A sentence of the report, with the code and the arguments that it was made of."""

    def __new__(cls, code, sentence, **args):
        line = super().__new__(cls, sentence)
        line.__dict__.update(code=code, args=args)
        return line


# Raised for damaged bytes by the readers of zip, JSON, base64 and certificates.
UNREADABLE = (OSError, ValueError, LookupError, TypeError, AttributeError, RuntimeError)
UNREADABLE += (zipfile.BadZipFile, zlib.error, EOFError)
UNREADABLE += (x509.InvalidVersion, x509.DuplicateExtension, x509.UnsupportedGeneralNameType)
UNREADABLE += (UnsupportedAlgorithm, InvalidSignature)


def shown(text, limit=2000):
    """Text of any origin as it may be printed: nothing that moves a cursor, begins a line or hides other text."""
    text = "".join(
        char if char.isprintable() else char.encode("unicode_escape", "backslashreplace").decode()
        for char in str(text)
    )
    return text if len(text) <= limit else f"{text[:limit]}…"


def exact_base64(text):
    """Decode; refuse a non-canonical encoding of the same bytes."""
    raw = base64.b64decode(text, validate=True)
    if base64.b64encode(raw).decode() != text:
        raise ValueError(f"{text[:40]!r} is not the base64 of its bytes")
    return raw


# -- Merkle tree (RFC 6962, section 2.1; subtrees as in the Merkle tree certificates draft) ---------


def leaf_hash(data):
    return sha256(b"\x00" + data).digest()


def node_hash(left, right):
    return sha256(b"\x01" + left + right).digest()


class Tree:
    """Grows by whole lists of leaf hashes, keeps only the roots of complete subtrees."""

    def __init__(self):
        self.size, self.peaks = 0, []

    def extend(self, nodes):
        self.size += len(nodes)
        level = 0
        while nodes:
            if level == len(self.peaks):
                self.peaks.append(None)
            if self.peaks[level] is not None:
                nodes = [self.peaks[level], *nodes]
            self.peaks[level] = nodes[-1] if len(nodes) % 2 else None
            each = iter(nodes)  # zip leaves out the odd one, which waits as a peak
            nodes = [sha256(b"\x01" + a + b).digest() for a, b in zip(each, each)]  # noqa: B905
            level += 1

    def root(self):
        found = None
        for peak in filter(None, self.peaks):
            found = peak if found is None else node_hash(peak, found)
        return sha256(b"").digest() if found is None else found


def is_subtree(start, end):
    """Whether [start, end) is a subtree: `start` is a multiple of its size rounded up to a power of two."""
    return 0 <= start < end and start % (1 << (end - start - 1).bit_length()) == 0


def verify_inclusion(position, size, leaf, path, root):
    """Whether `path` leads from the leaf at `position` to the root of a tree of `size`."""
    if not 0 <= position < size or any(len(node) != 32 for node in (leaf, *path)):
        return False
    last, found = size - 1, leaf
    for node in path:
        if not last:
            return False
        if position & 1 or position == last:
            found = node_hash(node, found)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            found = node_hash(found, node)
        position, last = position >> 1, last >> 1
    return not last and hmac.compare_digest(found, root)


def verify_consistency(older, size, path, old_root, root):
    """Whether the tree of `size` begins with the `older` leaves that had `old_root`."""
    return older > 0 and verify_subtree(0, older, size, path, old_root, root)


def verify_subtree(start, end, size, path, old_root, root):
    """Whether leaves [start, end) with `old_root` are a subtree of the tree of `size` with `root`."""
    if 0 <= start == end <= size:
        return not path and old_root == sha256(b"").digest()
    if not is_subtree(start, end) or end > size or any(len(node) != 32 for node in path):
        return False
    first, second, last = start, end - 1, size - 1
    while first != second and (second == last or second & 1):
        first, second, last = first >> 1, second >> 1, last >> 1
    path = [old_root, *path] if first == second else list(path)
    if not path:
        return False
    old = new = path.pop(0)
    for node in path:
        if not last:
            return False
        if second & 1 or second == last:
            old = node_hash(node, old) if first < second else old
            new = node_hash(node, new)
            while not second & 1 and second:
                first, second, last = first >> 1, second >> 1, last >> 1
        else:
            new = node_hash(new, node)
        first, second, last = first >> 1, second >> 1, last >> 1
    return not last and old == old_root and new == root


# -- signed notes and checkpoints (C2SP signed-note, tlog-checkpoint) --------------------------------


class Head:
    """A checkpoint: its contents, its note and the keys that signed it."""

    def __init__(self, note):
        self.note = note
        #: Verifier keys whose signature holds, once they are determined.
        self.by = set()
        #: It was received outside the package, from somebody else than the one who exported it.
        self.from_outside = False
        text, gap, signatures = note.rpartition("\n\n")
        self.text = f"{text}\n"
        try:
            if not gap:
                raise ValueError("no signature")
            self.origin, size, root, *self.extensions = text.split("\n")
            self.size, self.root = int(size), exact_base64(root)
            if not self.origin or str(self.size) != size or len(self.root) != 32:
                raise ValueError("no origin, size and root")
            *lines, end = signatures.split("\n")
            if end:
                raise ValueError("no line end")
            self.signatures = [_signature(line) for line in lines]
        except ValueError as error:
            raise Damage("checkpoint.unreadable", f"{note[:60]!r}: {error}") from error

    def extension(self, word):
        """The rest of the extension line that begins with `word`."""
        found = (line[len(word) + 1 :] for line in self.extensions if line.startswith(f"{word} "))
        return next(found, None)

    def logs(self):
        """The logs that the database had when this was signed, with their sizes; none in older checkpoints."""
        found = {}
        for item in (self.extension("logs") or "").split():
            name, colon, size = item.rpartition(":")
            if not colon or not name or not size.isascii() or not size.isdigit() or len(size) > 18:
                raise Damage("checkpoint.unreadable", f"{item[:60]!r} does not name a log")
            found[name] = int(size)
        return found

    def signers(self, keys):
        """The verifier keys whose signature holds; an invalid one is damage, an unknown one is ignored."""
        good = set()
        for name, key_id, signature in self.signatures:
            key = keys.get((name, key_id))
            if key:
                try:
                    key.public.verify(signature, self.text.encode())
                except InvalidSignature:
                    where = f"checkpoint {self.size} of {self.origin}"
                    raise Damage("signature.bad", f"{where} was not signed by {key.text}") from None
                good.add(key.text)
        return good


class Key:
    """A verifier key `name+key id+base64(type and public key)`."""

    def __init__(self, text):
        self.text = text
        self.name, _plus, rest = text.partition("+")
        stated, _plus, encoded = rest.partition("+")  # base64 may have more of them
        try:
            raw = exact_base64(encoded)
            self.id = sha256(self.name.encode() + b"\n" + raw).digest()[:4]
            if raw[:1] != b"\x01" or self.id.hex() != stated:
                raise ValueError
            self.public = ed25519.Ed25519PublicKey.from_public_bytes(raw[1:])
        except ValueError:
            raise Damage(
                "key.unreadable", f"{text[:60]!r} is not an Ed25519 verifier key"
            ) from None


def read_keys(lines):
    """Keys by name and id, from lines of text."""
    keys = (Key(line.strip()) for line in lines if line.strip() and not line.startswith("#"))
    return {(key.name, key.id): key for key in keys}


def _signature(line):
    found = SIGNATURE_LINE.fullmatch(line)
    raw = exact_base64(found[2]) if found else b""
    if not found or len(raw) < 5:
        raise ValueError(f"{line[:40]!r} is not a signature line")
    return found[1], raw[:4], raw[4:]


# -- timestamps (RFC 3161; DER as in X.690) ----------------------------------------------------------

HASHES = {
    "608648016503040201": hashes.SHA256,
    "608648016503040202": hashes.SHA384,
    "608648016503040203": hashes.SHA512,
}
MESSAGE_DIGEST = "2a864886f70d010904"
CONTENT_TYPE = "2a864886f70d010903"
SIGNED_DATA = "2a864886f70d010702"
#: id-ct-TSTInfo (RFC 3161, section 2.4.2).
TST_INFO = "2a864886f70d0109100104"
#: ESSCertID (RFC 2634) and ESSCertIDv2 (RFC 5816): the signature covers which certificate signed.
SIGNING_CERTIFICATE = "2a864886f70d010910020c"
SIGNING_CERTIFICATE_V2 = "2a864886f70d010910022f"
RSA_PSS = "2a864886f70d01010a"


class Der:
    """One value: its tag, its content, its whole encoding."""

    def __init__(self, data):
        try:
            self.tag, length, at = data[0], data[1], 2
            if length & 0x80:
                at += length & 0x7F
                length = int.from_bytes(data[2:at], "big")
            if len(data) < at + length or at > 8:
                raise IndexError
        except IndexError:
            raise Damage("timestamp.bad", "the timestamp is truncated or not DER") from None
        self.body, self.whole, self.rest = (
            data[at : at + length],
            data[: at + length],
            data[at + length :],
        )

    def items(self):
        found, rest = [], self.body
        while rest:
            found.append(Der(rest))
            rest = found[-1].rest
        return found

    def at(self, *path):
        """Follow indexes down."""
        here = self
        for index in path:
            items = here.items()
            if index >= len(items):
                raise Damage("timestamp.bad", "the timestamp is incomplete")
            here = items[index]
        return here


class Timestamp:
    """The token of a time-stamping authority: `certificate` states that `imprint` existed at `time`."""

    def __init__(self, response):
        answer = Der(response)
        content = (
            answer.at(1) if answer.at(0).tag == 0x30 else answer
        )  # a response, or a bare token
        signed = content.at(1, 0)
        if answer.at(0).tag == 0x30 and answer.at(0, 0).body not in (b"\x00", b"\x01"):
            raise Damage("timestamp.bad", "the authority did not grant the timestamp")
        if content.at(0).body.hex() != SIGNED_DATA or signed.at(2, 0).body.hex() != TST_INFO:
            raise Damage("timestamp.bad", "the signed content is not a timestamp")
        info_bytes = signed.at(2, 1, 0).body
        info = Der(info_bytes)
        self.imprint, self.algorithm = info.at(2, 1).body, info.at(2, 0, 0).body.hex()
        self.nonce = next(
            (int.from_bytes(i.body, "big") for i in info.items()[5:] if i.tag == 2), None
        )
        self.time = _time(info.at(4).body.decode("ascii", "replace"))
        parts = {item.tag: item for item in signed.items()[3:]}
        if 0xA0 not in parts or 0x31 not in parts:
            raise Damage("timestamp.bad", "the timestamp has no certificate or no signer")
        self.chain = [
            x509.load_der_x509_certificate(c.whole) for c in parts[0xA0].items() if c.tag == 0x30
        ]
        self._check_signature(parts[0x31].at(0), info_bytes)

    def _check_signature(self, signer, info_bytes):
        attributes = signer.at(3)
        if attributes.tag != 0xA0:
            raise Damage("timestamp.bad", "the timestamp has no signed attributes")
        digest = _hash(signer.at(2, 0).body.hex())
        if len({a.at(0).body for a in attributes.items()}) != len(attributes.items()):
            raise Damage("timestamp.bad", "a signed attribute of the timestamp is repeated")
        stated = {a.at(0).body.hex(): a.at(1, 0).body for a in attributes.items()}
        if stated.get(CONTENT_TYPE, b"").hex() != TST_INFO:
            raise Damage("timestamp.bad", "the signature does not state that this is a timestamp")
        if stated.get(MESSAGE_DIGEST) != _digest(digest, info_bytes):
            raise Damage("timestamp.bad", "the timestamp's content was changed after it was signed")
        serial = int.from_bytes(signer.at(1, 1).body, "big")
        named = [
            c
            for c in self.chain
            if c.serial_number == serial and c.issuer.public_bytes() == signer.at(1, 0).whole
        ]
        if not named:
            raise Damage("timestamp.bad", "the certificate of the timestamp's signer is missing")
        self.certificate = named[0]
        self._check_named(stated)
        signed = b"\x31" + attributes.whole[1:]  # RFC 5652, section 5.4: signed as SET OF
        pss = signer.at(4, 0).body.hex() == RSA_PSS
        _verify(self.certificate.public_key(), signer.at(5).body, signed, digest, pss)

    def _check_named(self, stated):
        """Check that the signed attributes name the certificate by its hash."""
        encoded = self.certificate.public_bytes(serialization.Encoding.DER)
        if SIGNING_CERTIFICATE_V2 in stated:
            first = Der(stated[SIGNING_CERTIFICATE_V2]).at(0)
            named, algorithm = first.items(), hashes.SHA256()
            if named and named[0].tag == 0x30:  # stated where it is not SHA-256
                algorithm, named = _hash(named[0].at(0).body.hex()), named[1:]
        elif SIGNING_CERTIFICATE in stated:
            # RFC 2634 fixes SHA-1 here; the signature itself uses another hash.
            named, algorithm = Der(stated[SIGNING_CERTIFICATE]).at(0).items(), hashes.SHA1()  # noqa: S303
        else:
            raise Damage("timestamp.bad", "the signature does not name its certificate")
        if not named or named[0].body != _digest(algorithm, encoded):
            raise Damage("timestamp.bad", "the signature names another certificate")

    def covers(self, note):
        """Whether the timestamp is of this note."""
        return self.imprint == _digest(_hash(self.algorithm), note.encode())

    def trusted(self, authorities):
        """Whether the signer may stamp and a certificate of `authorities` issued it, valid at that time."""
        if not _may_stamp(self.certificate):
            return False
        here = self.certificate
        for depth in range(6):
            if not here.not_valid_before_utc <= self.time <= here.not_valid_after_utc:
                return False
            if here in authorities or any(_issued(here, one, depth) for one in authorities):
                return True
            above = [one for one in self.chain if one != here and _issued(here, one, depth)]
            if not above:
                return False
            here = above[0]
        return False


def _may_stamp(certificate):
    """Whether the certificate is for timestamps alone (RFC 3161, section 2.3), and may sign."""
    try:
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
        if not usage.critical or list(usage.value) != [ExtendedKeyUsageOID.TIME_STAMPING]:
            return False
    except (x509.ExtensionNotFound, ValueError):
        return False
    use = _key_usage(certificate)
    return use is None or use.digital_signature or use.content_commitment


def _key_usage(certificate):
    try:
        return certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return None


def _issued(certificate, issuer, below):
    """Whether an authority issued the certificate and may have so many authorities below it (RFC 5280, 4.2.1.9)."""
    try:
        certificate.verify_directly_issued_by(issuer)
        limits = issuer.extensions.get_extension_for_class(x509.BasicConstraints).value
        use = _key_usage(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm, x509.ExtensionNotFound):
        return False
    fits = limits.path_length is None or limits.path_length >= below
    return limits.ca and fits and (use is None or use.key_cert_sign)


def _time(text):
    found = re.fullmatch(r"(\d{14})(?:\.(\d{1,6})\d*)?Z", text)
    if not found:
        raise Damage("timestamp.bad", f"{text[:30]!r} is not a time")
    moment = datetime.strptime(found[1], "%Y%m%d%H%M%S").replace(tzinfo=timezone.utc)
    return moment.replace(microsecond=int((found[2] or "0").ljust(6, "0")))


def _hash(oid):
    if oid not in HASHES:
        raise Damage("timestamp.bad", f"hash function {oid} is not accepted")
    return HASHES[oid]()


def _digest(algorithm, data):
    state = hashes.Hash(algorithm)
    state.update(data)
    return state.finalize()


def _verify(key, signature, data, digest, pss):
    try:
        if isinstance(key, rsa.RSAPublicKey):
            pad = padding.PSS(padding.MGF1(digest), padding.PSS.AUTO) if pss else padding.PKCS1v15()
            key.verify(signature, data, pad, digest)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, data, ec.ECDSA(digest))
        else:
            raise Damage(
                "timestamp.bad", "a timestamp signed with a key of this kind is not accepted"
            )
    except InvalidSignature:
        raise Damage("timestamp.bad", "the signature of the timestamp is invalid") from None


# -- the package -------------------------------------------------------------------------------------


class Package:
    """A directory or a zip file with a manifest and one folder for each log."""

    def __init__(self, place):
        self.place = Path(place)
        self.zip = None if self.place.is_dir() else zipfile.ZipFile(self.place)
        self.manifest = json.loads(self.read("manifest.json"))
        logs = self.manifest["logs"]
        folders = [log["directory"] for log in logs]
        if len(set(folders)) != len(folders) or any(_leads_out(name) for name in folders):
            raise ValueError("the manifest names a folder twice, or one outside of the package")
        if self.manifest.get("format") != FORMAT:
            raise ValueError(f"format {self.manifest.get('format')!r} is not {FORMAT}")

    def open(self, name):
        return self.zip.open(name) if self.zip else (self.place / name).open("rb")

    # pylint: disable-next=method-required-super
    def read(self, name, limit=MAX_FILE):
        """The bytes of a small file, however little of the zip it takes."""
        with self.open(name) as stream:
            data = stream.read(limit + 1)
        if len(data) > limit:
            raise ValueError(f"{name} has more than {limit} bytes")
        return data

    def folders(self):
        """The folders of logs that are in the package, whatever the manifest says."""
        if self.zip:
            names = [Path(name).parts for name in self.zip.namelist()]
        else:
            names = [path.relative_to(self.place).parts for path in self.place.glob("*/*")]
        return {parts[0] for parts in names if len(parts) > 1}

    def has(self, name):
        return name in self.zip.namelist() if self.zip else (self.place / name).is_file()

    def lines(self, name):
        """The lines of a file, in lists of about a megabyte, without line ends."""
        tail = b""
        with self.open(name) as stream:
            while block := stream.read(BLOCK):
                lines = block.split(b"\n")
                lines[0] = tail + lines[0]
                tail = lines.pop()
                if len(tail) > MAX_LINE:
                    raise Damage("package.unreadable", f"a line of {name} is too long")
                if lines:
                    yield lines
        if tail:
            yield [tail]

    def rows(self, name):
        """The JSON lines of a file that may be absent."""
        for lines in self.lines(name) if self.has(name) else ():
            for line in lines:
                try:
                    yield json.loads(line)
                except ValueError:
                    raise Damage(
                        "package.unreadable", f"{name}: {line[:60]!r} is not JSON"
                    ) from None


def _leads_out(name):
    return not isinstance(name, str) or Path(name).is_absolute() or ".." in Path(name).parts


def by_number(rows, name):
    """Rows by a number that each has once; their count is limited."""
    found = {}
    for row in rows:
        if row[name] in found or len(found) >= MAX_ROWS:
            raise Damage(
                "package.unreadable", f"{name} {row[name]!r} is stated twice, or there are too many"
            )
        found[row[name]] = row
    return found


class Leaves:
    """Hashes the entries in order; remembers the first that is not the one that was sealed."""

    def __init__(self, package, folder, parts):
        self._blocks = package.lines(f"{folder}/entries.ndjson")
        self._sealed = package.open(f"{folder}/leaves.bin")
        self._parts, self._ready, self._next, self.read = parts, [], 0, 0
        self.suspect, self.disclosed = None, 0

    def take(self, count):
        """The next leaf hashes, at most `count`; fewer at the end of a block, none at the end."""
        if self._next == len(self._ready):
            self._load(next(self._blocks, []))
        found = self._ready[self._next : self._next + count]
        self._next += len(found)
        return found

    def _load(self, lines):
        # The hot loop: nothing per entry but its hash.
        self._ready = [sha256(b"\x00" + line).digest() for line in lines]
        self._next = 0
        sealed = self._sealed.read(32 * len(lines))
        if sealed != b"".join(self._ready) and not self.suspect:
            self.suspect = self._first_bad(lines, sealed)
        for position in range(self.read, self.read + len(lines)) if self._parts else ():
            if position in self._parts:
                _check_part(lines[position - self.read], position, self._parts.pop(position))
                self.disclosed += 1
        self.read += len(lines)

    def _first_bad(self, lines, sealed):
        want, got = [sealed[i : i + 32] for i in range(0, len(sealed), 32)], self._ready
        at = next((i for i, (a, b) in enumerate(zip(want, got)) if a != b), len(want))  # noqa: B905
        if at < len(want) and not lines[at]:
            number = self.read + at + 1
            return Damage("entry.deleted", f"entry {number} is missing", number=number)
        line, position = lines[min(at, len(lines) - 1)], self.read + at
        where = f"{_name(line, position)} is not what was sealed at this position"
        place = _place(line, position)
        if at == len(want):
            return Damage("entry.added", f"{where}: nothing was sealed there", **place)
        moved, kept = got[at] in want[at:], want[at] in got[at:]
        code, why = {
            (True, True): ("entry.reordered", "entries were reordered"),
            (True, False): ("entry.deleted", "the entry that belongs there is missing"),
            (False, True): ("entry.inserted", "this entry was inserted"),
            (False, False): ("entry.changed", "its bytes were changed"),
        }[moved, kept]
        return Damage(code, f"{where}: {why}", **place)


def _name(line, position):
    """The name of an entry in a report: its position, counted from 1, and its id if it is readable."""
    place = _place(line, position)
    return f"entry {place['number']} (id {place.get('uid', 'unreadable')})"


def _place(line, position):
    try:
        return {"number": position + 1, "uid": str(json.loads(line)["uid"])}
    except (ValueError, KeyError, TypeError):
        return {"number": position + 1}


def _check_part(line, position, part):
    salt, text = exact_base64(part["salt"]), part["part"].encode()
    stated = json.loads(line).get("sensitive_hash")
    if stated != "\\x" + hmac.new(salt, text, sha256).hexdigest():
        raise Damage(
            "erasable.changed",
            f"the erasable part of {_name(line, position)} was changed",
            **_place(line, position),
        )


# -- what is checked ---------------------------------------------------------------------------------


class Report:
    """Sentences: proven, not proven, damaged."""

    def __init__(self):
        self.proven, self.unproven, self.damage = [], [], []

    def print(self):
        for title, lines in (
            ("DAMAGED", self.damage),
            ("PROVEN", self.proven),
            ("NOT PROVEN", self.unproven),
        ):
            if lines:
                print(title, *(f"  - {shown(line)}" for line in lines), sep="\n")
        print("RESULT:", "DAMAGED" if self.damage else "intact, as far as proven above")


class LogCheck:
    """One log of the package against its checkpoints, the keys and the anchors."""

    def __init__(self, package, log, settings, report):
        self.package, self.log, self.report = package, log, report
        self.folder, self.settings = log["directory"], settings
        self.keys = read_keys(self._text("keys.txt")) | settings.keys
        self.last, self.heads, self.stamps = None, 0, []
        #: What its signed checkpoints state about the logs of the database: name -> size.
        self.listed = {}

    def _text(self, name):
        return self.package.read(f"{self.folder}/{name}").decode().splitlines()

    def run(self):
        try:
            complete = self.log["kind"] == "complete"
            (self._complete if complete else self._partial)()
            self._judge_signers()
            self._say_time()
        except Damage as damage:
            self._note(self.report.damage, damage.code, str(damage), **damage.place)
        except UNREADABLE as error:
            why = f"[package.unreadable] {type(error).__name__}: {error}"
            self._note(self.report.damage, "package.unreadable", why)

    def _note(self, lines, code, sentence, **args):
        lines.append(Line(code, f"{self.folder}: {sentence}", **args))

    def _proven(self, code, sentence, **args):
        self._note(self.report.proven, f"proven.{code}", sentence, **args)

    def _unproven(self, code, sentence, **args):
        self._note(self.report.unproven, f"unproven.{code}", sentence, **args)

    # checkpoints and anchors, in the order of their size

    def _checkpoints(self):
        for note in self.package.rows(f"{self.folder}/checkpoints.ndjson"):
            head = Head(note)
            head.by = head.signers(self.keys)
            if not head.by or len(head.by) != len(head.signatures):
                raise Damage("key.foreign", f"checkpoint {head.size} is signed by an unknown key")
            self._follows(head)
            for name, size in head.logs().items():
                self.listed[name] = max(size, self.listed.get(name, 0))
            self.last, self.heads = head, self.heads + 1
            yield head

    def _follows(self, head):
        before = self.last
        if before is None or before.origin == head.origin:
            if before and head.size < before.size:
                raise Damage(
                    "checkpoint.order", f"checkpoint {head.size} comes after {before.size}"
                )
            return
        cited = f"{before.origin} {before.size} {base64.b64encode(before.root).decode()}"
        if head.extension("continues") != cited:
            raise Damage(
                "origin.changed",
                f"{head.origin} does not cite the last checkpoint of {before.origin}",
            )
        self._unproven(
            "copy",
            f"up to entry {before.size} this is a copy of {before.origin}, which continues elsewhere or ended",
            size=before.size,
            origin=before.origin,
        )

    def _anchors(self):
        """Those in the package, with their timestamps; then those the auditor received."""
        origins = {self.log["origin"], *self.log.get("earlier_origins", ())}
        found = []
        for row in self.package.rows(f"{self.folder}/anchors.ndjson"):
            head = Head(row["note"])
            if row.get("token"):
                stamp = Timestamp(exact_base64(row["token"]))
                if not stamp.covers(head.note):
                    raise Damage("timestamp.bad", f"a timestamp is not of checkpoint {head.size}")
                self.stamps.append(
                    (stamp.time, head.size, stamp.trusted(self.settings.authorities), stamp)
                )
            if head.origin not in origins:
                raise Damage(
                    "anchor.foreign", f"an anchor of {head.origin!r} lies with another log"
                )
            if not head.signers(self.keys):
                raise Damage("key.foreign", f"the anchor {head.size} is signed by an unknown key")
            found.append(head)
        for head in self.settings.anchors:
            if head.origin in origins:
                head.from_outside = head.used = True
                found.append(head)
        return sorted(found, key=lambda head: head.size)

    # a complete log: the tree is built again

    def _complete(self):
        parts = by_number(self.package.rows(f"{self.folder}/erasable.ndjson"), "position")
        leaves, tree, anchors = Leaves(self.package, self.folder, parts), Tree(), self._anchors()
        held = 0
        for size, heads in groupby(self._checkpoints(), key=lambda head: head.size):
            while anchors and anchors[0].size <= size:
                held += self._reach(tree, leaves, anchors.pop(0))
            for head in heads:
                self._reach(tree, leaves, head)
        self._beyond(anchors)
        if leaves.take(1):
            raise leaves.suspect or Damage(
                "entry.added", f"entries follow after checkpoint {tree.size}"
            )
        self._proven(
            "complete",
            f"all {tree.size:,} entries are unchanged, in their order and complete up to the last of "
            f"{self.heads:,} checkpoints; every checkpoint continues the one before",
            entries=tree.size,
            checkpoints=self.heads,
        )
        self._say(leaves.disclosed, held)

    def _reach(self, tree, leaves, head):
        """Grow to the size of a checkpoint and compare roots."""
        start = tree.size
        while tree.size < head.size:
            hashes_ = leaves.take(head.size - tree.size)
            if not hashes_:
                raise leaves.suspect or Damage(
                    "log.truncated",
                    f"there are {tree.size} entries, checkpoint {head.size} was signed for more",
                )
            tree.extend(hashes_)
        outside = head.from_outside
        if tree.root() != head.root:
            if outside:
                raise leaves.suspect or self._other(head)
            raise leaves.suspect or Damage(
                "root.differs",
                f"entries {start + 1} to {head.size} do not give the root of checkpoint {head.size}",
            )
        if leaves.suspect and leaves.read <= head.size:
            raise Damage(
                "leaves.changed",
                f"the list of leaf hashes was changed, the entries were not ({leaves.suspect})",
            )
        return outside

    @staticmethod
    def _other(head):
        return Damage(
            "anchor.contradicts",
            f"the checkpoint {head.size} of {head.origin} that was kept outside has another root: the log was rewritten",
        )

    def _beyond(self, anchors):
        """Anchors larger than the log: it was shortened or rolled back, unless they are younger than the package."""
        for head in anchors:
            if head.from_outside and self._is_younger(head):
                self._unproven(
                    "newer_anchor",
                    f"your checkpoint {head.size} is more recent than this package; export again",
                    size=head.size,
                )
                continue
            raise Damage(
                "log.rolled_back",
                f"checkpoint {head.size} was anchored, the log in the package ends at {self.last.size if self.last else 0}: "
                "it was shortened, or the database was restored from an older backup",
            )

    def _is_younger(self, head):
        stated = head.extension("time")
        made = datetime.fromisoformat(self.package.manifest["created_at"])
        return bool(stated) and datetime.fromisoformat(stated) > made

    # a part of a log: every entry has its proof

    def _partial(self):
        anchors, heads = self._anchors(), list(self._checkpoints())
        if not heads:
            raise Damage("checkpoint.missing", "there is no checkpoint")
        top = max(heads, key=lambda head: head.size)
        self.last = top
        rows = by_number(self.package.rows(f"{self.folder}/consistency.ndjson"), "size")
        older = {size: row["path"] for size, row in rows.items()}
        self._beyond([head for head in anchors if head.size > top.size])
        held = sum(
            self._joins(head, top, older) for head in [*heads, *anchors] if head.size <= top.size
        )
        parts = by_number(self.package.rows(f"{self.folder}/erasable.ndjson"), "position")
        proofs = self.package.rows(f"{self.folder}/proofs.ndjson")
        count = disclosed = 0
        last_position = -1
        for line in (
            line for lines in self.package.lines(f"{self.folder}/entries.ndjson") for line in lines
        ):
            row = next(proofs, None) or {"position": -1, "path": []}
            path = [exact_base64(node) for node in row["path"]]
            if row["position"] in (None, last_position) or 0 <= row["position"] < last_position:
                raise Damage(
                    "entry.repeated",
                    f"{_name(line, row['position'])} is in the package twice or out of order",
                )
            last_position = row["position"]
            if not verify_inclusion(row["position"], top.size, leaf_hash(line), path, top.root):
                raise Damage(
                    "entry.changed",
                    f"{_name(line, row['position'])} is not in the log of checkpoint {top.size}",
                    **_place(line, row["position"]),
                )
            if row["position"] in parts:
                _check_part(line, row["position"], parts.pop(row["position"]))
                disclosed += 1
            count += 1
        if count != self.log["entries"] or next(proofs, None):
            raise Damage("entry.deleted", f"{count} entries, the manifest and the proofs name more")
        self._proven(
            "part",
            f"{count:,} entries are unchanged parts of the log of {top.size:,} entries",
            entries=count,
            size=top.size,
        )
        self._unproven("part", "that the part is complete; only a complete export proves this")
        self._say(disclosed, held)

    def _joins(self, head, top, older):
        outside = head.from_outside
        path = [exact_base64(node) for node in older.get(head.size, ())]
        same = head.size == top.size and head.root == top.root
        if same or verify_consistency(head.size, top.size, path, head.root, top.root):
            return outside
        if outside and head.size not in older and head.size != top.size:
            self._unproven(
                "anchor",
                f"that your checkpoint {head.size} belongs to this log; export everything",
                size=head.size,
            )
            return False
        if outside:
            raise self._other(head)
        raise Damage("root.differs", f"checkpoint {head.size} is not part of checkpoint {top.size}")

    # keys and times

    def _say(self, disclosed, held):
        if disclosed:
            self._proven(
                "erasable",
                f"{disclosed} disclosed erasable parts are those that were sealed",
                count=disclosed,
            )
        if held:
            self._proven(
                "anchored",
                f"{held} checkpoints kept outside agree: the log was not rewritten",
                count=held,
            )
        else:
            self._unproven(
                "rewritten",
                "that the log was not rewritten as a whole or set back; provide checkpoints that "
                "you received earlier with --anchor",
            )
        if self.log.get("unsealed"):
            count = self.log["unsealed"]
            self._unproven("unsealed", f"entries not sealed yet: {count}", count=count)

    def _judge_signers(self):
        if self.last is None:
            raise Damage("checkpoint.missing", "there is no checkpoint")
        trusted = {key.text for key in self.settings.keys.values()}
        name = f"checkpoint {self.last.size} of {self.last.origin}"
        if trusted and not self.last.by & trusted:
            raise Damage(
                "key.foreign",
                f"{name} is not signed by a key you provided: {', '.join(sorted(self.last.by))}",
            )
        if trusted:
            self._proven("signed", f"{name} is signed by a key you provided", size=self.last.size)
        else:
            signers = ", ".join(sorted(self.last.by))
            self._unproven(
                "signer",
                f"who signed; provide the key that you received separately with --key: {signers}",
            )

    def _say_time(self):
        good = [(time, size) for time, size, trusted, _stamp in self.stamps if trusted]
        if good:
            time, size = max(good)
            self._proven(
                "time",
                f"entries 1 to {size} existed at {time.isoformat()} ({len(good)} timestamps of the authority)",
                size=size,
                time=time.isoformat(" ", "minutes"),
                count=len(good),
            )
        elif self.stamps:
            count = len(self.stamps)
            self._unproven(
                "authority",
                f"who issued the {count} timestamps; provide the certificate of the authority with --tsa-ca",
                count=count,
            )
        else:
            self._unproven(
                "time", "when the entries existed; there is no timestamp of an authority"
            )


# -- command line ------------------------------------------------------------------------------------


class Settings:
    """What the auditor provides: keys, anchors, certificates of authorities."""

    def __init__(self, keys=(), anchors=(), authorities=()):
        self.keys, self.anchors, self.authorities = {}, [], []
        for value in keys:
            lines = Path(value).read_text("utf-8").splitlines() if "+" not in value else [value]
            self.keys |= read_keys(lines)
        for value in anchors:
            place = Path(value)
            files = sorted(place.rglob("*.note")) if place.is_dir() else [place]
            self.anchors += [Head(file.read_text("utf-8")) for file in files]
        for head in self.anchors:
            head.used = False
            head.by = head.signers(self.keys)
        for value in authorities:
            self.authorities += x509.load_pem_x509_certificates(Path(value).read_bytes())


def log_of(origin):
    """The name of a log within its database: the last part of its origin, which copies keep."""
    return origin.rpartition("/")[2]


def _listed(checks, settings, report):
    """Compare the logs of the package with those that the signed checkpoints state; whether any does."""
    stated = {}
    heads = [head.logs() for head in settings.anchors if head.by]
    for listed in [*(check.listed for check in checks), *heads]:
        for name, size in listed.items():
            stated[name] = max(size, stated.get(name, 0))
    held = {log_of(check.log["origin"]): check for check in checks}
    for name, size in sorted(stated.items()):
        if name not in held:
            report.unproven.append(
                f"the log {name!r}: signed checkpoints state that it has at least {size} entries, "
                "the package does not contain it"
            )
        elif held[name].last and held[name].last.size < size:
            report.unproven.append(
                f"the log {name!r} after entry {held[name].last.size}: signed checkpoints of other "
                f"logs state that it has at least {size} entries"
            )
    return bool(stated)


def _missing(package, settings, report, checks):
    """Say which logs are not in the package although a key, a checkpoint or a folder shows that they exist."""
    are_listed = _listed(checks, settings, report)
    logs = package.manifest["logs"]
    origins = {
        origin for log in logs for origin in (log["origin"], *log.get("earlier_origins", ()))
    }
    for name in sorted({key.name for key in settings.keys.values()} - origins):
        report.unproven.append(
            f"the log {name!r}: you provided its key, the package does not contain it"
        )
    unlisted = package.folders() - {Path(log["directory"]).parts[0] for log in logs}
    for folder in sorted(unlisted):
        report.unproven.append(f"the folder {folder!r}: the manifest does not list it")
    if not logs:
        report.unproven.append("anything: the manifest lists no log")
    report.unproven.append(
        "that the database has no logs beyond those that the checkpoints state, which began later"
        if are_listed
        else "that the database has no further logs: compare the list of companies with the logs named above"
    )


def verify(place, settings):
    """Check a package; the report."""
    report = Report()
    package = Package(place)
    checks = [LogCheck(package, log, settings, report) for log in package.manifest["logs"]]
    for check in checks:
        check.run()
    _missing(package, settings, report, checks)
    for head in settings.anchors:
        if not head.used:
            report.unproven.append(
                f"checkpoint {head.size} of {head.origin}: the package has no such log"
            )
    return report


def main(words=None):
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("package", help="the exported zip file, or the folder it was unpacked to")
    parser.add_argument(
        "--key", action="append", default=[], help="verifier key you trust, or a file of them"
    )
    parser.add_argument(
        "--anchor",
        action="append",
        default=[],
        help="checkpoint (.note) received earlier, or a folder",
    )
    parser.add_argument(
        "--tsa-ca",
        action="append",
        default=[],
        help="certificate (PEM) of the time-stamping authority",
    )
    options = parser.parse_args(words)
    try:
        settings = Settings(options.key, options.anchor, options.tsa_ca)
        report = verify(options.package, settings)
    except (*UNREADABLE, Damage) as error:
        print(f"CANNOT BE READ: {shown(error)}\nRESULT: DAMAGED")
        return 2
    except (MemoryError, RecursionError) as error:
        print(f"CANNOT BE READ: {type(error).__name__}\nRESULT: DAMAGED")
        return 2
    report.print()
    return 1 if report.damage else 0


if __name__ == "__main__":
    sys.exit(main())
