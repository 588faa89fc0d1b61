"""The evidence package: a zip that an auditor verifies with `verify_audit.py`, which is in it.

    manifest.json  README.txt  summary.html  verify_audit.py
    <log>/entries.ndjson       exact bytes, one entry per line (canonical JSON has no line ends)
    <log>/leaves.bin           complete log: 32 bytes for each entry, as sealed
    <log>/proofs.ndjson        part of a log: position and inclusion path, line by line
    <log>/consistency.ndjson   part of a log: proofs from earlier checkpoints
    <log>/checkpoints.ndjson   signed notes, in order
    <log>/anchors.ndjson       anchored notes with their timestamps
    <log>/keys.txt             public keys
    <log>/erasable.ndjson      disclosed erasable parts

Everything is written in one pass, so that memory use does not depend on the size.
"""

from __future__ import annotations

import base64
import json
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, Any

FORMAT = "finance-audit-package/1"
VERIFIER = Path(__file__).with_name("verify_audit.py")
# A higher level gains little, and a million entries must not take minutes.
_LEVEL = 1
_BUFFER = 1 << 20


class PackageWriter:
    """Writes the files one after another; `close` ends with manifest, verifier and instructions."""

    def __init__(self, stream: IO[bytes]):
        self._zip = zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL)

    def chunks(self, name: str, parts: Iterable[bytes]) -> int:
        """Write byte strings one after another; return how many there were."""
        count = length = 0
        waiting: list[bytes] = []
        with self._zip.open(name, "w", force_zip64=True) as out:
            for part in parts:
                count += 1
                waiting.append(part)
                length += len(part)
                if length >= _BUFFER:
                    out.write(b"".join(waiting))
                    waiting, length = [], 0
            out.write(b"".join(waiting))
        return count

    def lines(self, name: str, lines: Iterable[bytes]) -> int:
        """Write each with a line end."""
        return self.chunks(name, (line + b"\n" for line in lines))

    def rows(self, name: str, rows: Iterable[Any]) -> int:
        """Write each as one line of JSON."""
        return self.lines(name, (json.dumps(row, ensure_ascii=False).encode() for row in rows))

    def text(self, name: str, text: str) -> None:
        """Write a text file."""
        self._zip.writestr(name, text.encode())

    def close(self, manifest: Mapping[str, Any], instructions: str, summary: str) -> None:
        """Write manifest, instructions, summary and verifier, and close the package."""
        self.text("manifest.json", json.dumps({"format": FORMAT, **manifest}, indent=1))
        self.text("README.txt", instructions)
        self.text("summary.html", summary)
        self.text("verify_audit.py", VERIFIER.read_text(encoding="utf-8"))
        self._zip.close()


def proof_row(position: int, path: Iterable[bytes]) -> dict[str, Any]:
    """Return a line of proofs.ndjson."""
    return {"position": position, "path": encoded(path)}


def encoded(path: Iterable[bytes]) -> list[str]:
    """Return hashes in the form of the package."""
    return [base64.b64encode(node).decode() for node in path]
