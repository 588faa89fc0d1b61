"""Signed notes and checkpoints: the text of a tree head.

Formats: C2SP signed-note (https://c2sp.org/signed-note) and C2SP tlog-checkpoint
(https://c2sp.org/tlog-checkpoint). The lines after the root are extensions; ours begin with a keyword.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256

# The type byte of Ed25519 in key ids and verifier keys.
ED25519 = b"\x01"


class NotACheckpoint(ValueError):
    """The text is not a checkpoint."""


@dataclass(frozen=True)
class Checkpoint:
    """A tree head: log, number of entries, root hash, and extensions."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def text(self) -> str:
        """Return the body that is signed."""
        head = (self.origin, str(self.size), base64.b64encode(self.root).decode())
        return "".join(f"{line}\n" for line in (*head, *self.extensions))

    @classmethod
    def parse(cls, note: str) -> Checkpoint:
        """Read the body of a note, signed or not, without checking its signatures.

        :raises NotACheckpoint: the first three lines are not origin, size and root.
        """
        lines = note.partition("\n\n")[0].rstrip("\n").split("\n")
        try:
            origin, size, root, *extensions = lines
            if not origin or str(int(size)) != size:
                raise NotACheckpoint(f"no origin, or {size!r} is not a size")
            return cls(origin, int(size), base64.b64decode(root, validate=True), (*extensions,))
        except ValueError as error:
            raise NotACheckpoint(str(error)) from error


def log_name(log_id: int) -> str:
    """Return how checkpoints name a log: the id of its company, or ``shared``."""
    return str(log_id or "shared")


def logs_line(sizes: Mapping[str, int]) -> str:
    """Return the extension that states which logs the database has, with their sealed sizes."""
    return " ".join(["logs", *(f"{name}:{size}" for name, size in sizes.items())])


def listed_logs(note: str) -> dict[str, int]:
    """Return the logs that a checkpoint states; none if it was signed before checkpoints stated them."""
    for line in Checkpoint.parse(note).extensions:
        if line.startswith("logs "):
            pairs = (item.rpartition(":") for item in line.split()[1:])
            return {name: int(size) for name, _colon, size in pairs}
    return {}


def key_id(name: str, public: bytes) -> bytes:
    """Return the four bytes that identify the signing key."""
    return sha256(name.encode() + b"\n" + ED25519 + public).digest()[:4]


def verifier_key(name: str, public: bytes) -> str:
    """Return the public key as the text that is handed to an auditor."""
    key = base64.b64encode(ED25519 + public).decode()
    return f"{name}+{key_id(name, public).hex()}+{key}"


def sign(text: str, name: str, signer: Callable[[bytes], Iterable[tuple[bytes, bytes]]]) -> str:
    """Return the note: the text, an empty line, one signature for each key.

    :param signer: returns public key and signature of each key; the private keys stay with it
    """
    signatures = [_signature(name, *signed) for signed in signer(text.encode())]
    return f"{text}\n{''.join(signatures)}"


def _signature(name: str, public: bytes, signature: bytes) -> str:
    signed = key_id(name, public) + signature
    return f"\u2014 {name} {base64.b64encode(signed).decode()}\n"
