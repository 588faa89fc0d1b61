"""Logs made of nothing, and packages of them, for tests of the verifier."""

import base64
import io
import json
from datetime import datetime, timezone
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from odoo.addons.finance_audit.core.canonical import canonical_bytes
from odoo.addons.finance_audit.core.note import Checkpoint, sign, verifier_key
from odoo.addons.finance_audit.core.package import PackageWriter, encoded, proof_row
from odoo.addons.finance_audit.core.signing import signing_with
from odoo.addons.finance_audit.core.tree import Frontier, TiledTree, leaf_hash

ORIGIN = "finance-audit/0000-11/company/3"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(31) + b"\x01")
FOREIGN = Ed25519PrivateKey.from_private_bytes(bytes(31) + b"\x02")
MADE = "2026-03-05T10:00:00+00:00"


def entry(number, **more):
    return canonical_bytes(
        {"uid": UUID(int=number), "summary": f"Entry {number}.", "company_id": 3, **more}
    )


def vkey(key=KEY, origin=ORIGIN):
    return verifier_key(origin, key.public_key().public_bytes_raw())


class Log:
    """Entries, and a signed checkpoint after each of `seals`."""

    def __init__(self, entries, seals, key=KEY, origin=ORIGIN, extensions=()):
        self.entries, self.seals = list(entries), list(seals)
        self.key, self.origin, self.extensions = key, origin, extensions
        self.leaves = [leaf_hash(line) for line in self.entries]
        self.notes = [self.note(size) for size in self.seals]
        self.anchors, self.erasable, self.positions = [], [], None

    def note(self, size, **changes):
        frontier = Frontier()
        frontier.extend(self.leaves[:size])
        stated = {"origin": self.origin, "root": frontier.root(), **changes}
        moment = datetime(2026, 3, 3, 9, 0, size % 60, tzinfo=timezone.utc).isoformat()
        head = Checkpoint(size=size, extensions=(f"time {moment}", *self.extensions), **stated)
        return sign(head.text(), self.origin, signing_with([self.key]))

    def package(self, folder="company-3", **manifest):
        """The bytes of a zip."""
        out = io.BytesIO()
        writer = PackageWriter(out)
        part = self.positions is not None
        (self._part if part else self._whole)(writer, folder)
        writer.rows(f"{folder}/checkpoints.ndjson", self.notes)
        writer.rows(f"{folder}/anchors.ndjson", self.anchors)
        writer.rows(f"{folder}/erasable.ndjson", self.erasable)
        writer.text(f"{folder}/keys.txt", vkey(self.key, self.origin) + "\n")
        log = {
            "directory": folder,
            "origin": self.origin,
            "kind": "partial" if part else "complete",
            "entries": len(self.positions) if part else len(self.entries),
        }
        writer.close({"created_at": MADE, "logs": [log], **manifest}, "", "")
        return out.getvalue()

    def _whole(self, writer, folder):
        writer.lines(f"{folder}/entries.ndjson", self.entries)
        writer.chunks(f"{folder}/leaves.bin", self.leaves)

    def _part(self, writer, folder):
        size = self.seals[-1]
        tree = TiledTree(size, lambda start, end: self.leaves[start:end])
        writer.lines(f"{folder}/entries.ndjson", (self.entries[at] for at in self.positions))
        writer.rows(
            f"{folder}/proofs.ndjson",
            (proof_row(at, tree.inclusion(at)) for at in self.positions),
        )
        writer.rows(
            f"{folder}/consistency.ndjson",
            ({"size": at, "path": encoded(tree.consistency(at))} for at in self.seals[:-1]),
        )


def b64(data):
    return base64.b64encode(data).decode()


def rows(data):
    return [json.loads(line) for line in data.splitlines()]
