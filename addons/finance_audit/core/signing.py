"""The keys that sign checkpoints and encrypt erasable parts; they never enter the database.

A ring is a text of lines `name:base64 of 32 random bytes`. Every key of the ring signs, the first is
the newest. To rotate, put a new line first; when every reader has the new public key, mark the old
line `name:base64:retired`: it signs no more but still decrypts.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ENVIRONMENT_KEYS = "FINANCE_AUDIT_KEYS"
ENVIRONMENT_FILE = "FINANCE_AUDIT_KEY_FILE"
OPTION_FILE = "finance_audit_key_file"
SEED_BYTES = 32
_RETIRED = "retired"


class NoSigningKey(Exception):
    """There is no usable ring. The message says what to mend and never holds a key."""


@dataclass(frozen=True)
class Ring:
    """Seeds by name, newest first, and which of them still sign."""

    seeds: Mapping[str, bytes] = field(repr=False)
    active: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> Ring:
        """Read the lines; empty ones and those that begin with # are passed over.

        :raises NoSigningKey: a line is not of the form, or no line signs.
        """
        seeds, active = {}, []
        for number, raw in enumerate(text.splitlines(), 1):
            line = raw.strip()
            if not line or line.startswith("#"):
                continue
            name, seed, retired = _read(line, number)
            seeds[name] = seed
            if not retired:
                active.append(name)
        if not active:
            raise NoSigningKey("the audit key ring holds no key that signs")
        return cls(seeds, (*active,))

    def signers(self) -> list[Ed25519PrivateKey]:
        """Return the private keys that sign, newest first."""
        return [Ed25519PrivateKey.from_private_bytes(self.seeds[name]) for name in self.active]

    def public_keys(self) -> list[bytes]:
        """Return the public keys of those that sign."""
        return [key.public_key().public_bytes_raw() for key in self.signers()]


def _read(line: str, number: int) -> tuple[str, bytes, bool]:
    name, _colon, rest = line.partition(":")
    encoded, _colon, state = rest.partition(":")
    try:
        seed = base64.b64decode(encoded.strip(), validate=True)
    except binascii.Error:
        seed = b""
    if not name.strip() or len(seed) != SEED_BYTES or state.strip() not in ("", _RETIRED):
        raise NoSigningKey(f"line {number} of the audit key ring is not 'name:base64 of 32 bytes'")
    return name.strip(), seed, bool(state.strip())


def load(option_file: str | None, generated: Path) -> Ring:
    """Return this server's ring: of the environment, of a configured file, else of `generated`.

    `generated` is made at first use, as ssh makes its host keys: signing must not wait for somebody.

    :raises NoSigningKey: what is configured cannot be read or is no ring.
    """
    inline = os.environ.get(ENVIRONMENT_KEYS)
    if inline:
        return Ring.parse(inline)
    configured = os.environ.get(ENVIRONMENT_FILE) or option_file
    path = Path(configured) if configured else generated
    try:
        if not configured:
            _generate(path)
        return Ring.parse(path.read_text(encoding="ascii"))
    except (OSError, UnicodeDecodeError) as error:
        reason = type(error).__name__
        raise NoSigningKey(f"the audit key ring {path} cannot be read ({reason})") from error


def new_line(name: str) -> str:
    """Return the line of a fresh key."""
    return f"{name}:{base64.b64encode(secrets.token_bytes(SEED_BYTES)).decode()}\n"


def _generate(path: Path) -> None:
    """Write a ring of one key unless there is a file; a race leaves one of the two, whole."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as out:
        out.write(new_line(f"generated-{datetime.now(timezone.utc):%Y%m%d}"))
    try:
        with contextlib.suppress(FileExistsError):  # another process was faster: its ring counts
            os.link(temporary, path)
    finally:
        temporary.unlink()
