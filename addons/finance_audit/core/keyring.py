"""Key rings and authenticated encryption, shared by the audit log and by the vault of credentials.

A ring is a text of lines ``name:base64 of 32 bytes``; blank lines and ``#`` comments are skipped. Keys never
enter the database. The first active key is the newest: it encrypts. To rotate, put a new line first. A line
marked ``name:base64:retired`` is no longer used for new data but still decrypts what it encrypted.

Encryption is AES-256-GCM (NIST SP 800-38D). The associated data binds a ciphertext to its place.
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

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
_NONCE_BYTES = 12
_RETIRED = "retired"


class KeyRingError(Exception):
    """Base of the errors of this module. Messages never contain a key or a secret."""


class NoKey(KeyRingError):
    """No usable key ring is configured; the message names the setting or the line to correct."""


class UnknownKey(KeyRingError):
    """The data was encrypted under a key that is not in the ring."""


class Unreadable(KeyRingError):
    """The ciphertext belongs to another place, or was changed."""


@dataclass(frozen=True)
class KeyRing:
    """Keys by name, newest first, and the names of those that are not retired."""

    keys: Mapping[str, bytes] = field(repr=False)
    active: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> KeyRing:
        """Read the lines of a ring.

        :raises NoKey: a line is malformed, or no line holds an active key.
        """
        keys: dict[str, bytes] = {}
        active: list[str] = []
        for number, raw in enumerate(text.splitlines(), 1):
            line = raw.strip()
            if not line or line.startswith("#"):
                continue
            name, key, retired = _parse_line(line, number)
            keys[name] = key
            if not retired:
                active.append(name)
        if not active:
            raise NoKey("the key ring contains no active key")
        return cls(keys, (*active,))

    def newest(self) -> tuple[str, bytes]:
        """Return name and key for new data."""
        return self.active[0], self.keys[self.active[0]]

    def key(self, name: str) -> bytes:
        """Return the key of this name, active or retired.

        :raises UnknownKey: the ring has no such key.
        """
        if name not in self.keys:
            raise UnknownKey(f"key '{name}' is not in the key ring of this server")
        return self.keys[name]


@dataclass(frozen=True)
class KeySource:
    """Where a server's ring is configured: two environment variables and an option of ``odoo.conf``."""

    variable: str
    file_variable: str
    file_option: str

    def load(self, option_file: str | None, generated: Path | None = None) -> KeyRing:
        """Return the ring of the variable, of the configured file, or of `generated`, in this order.

        `option_file` is the value of the option. A ring at `generated` is created at first use.

        :raises NoKey: nothing is configured, or what is configured cannot be read. A configured file that
            is missing is never replaced by a new ring.
        """
        inline = os.environ.get(self.variable)
        if inline:
            return KeyRing.parse(inline)
        configured = os.environ.get(self.file_variable) or option_file
        path = Path(configured) if configured else generated
        if not path:
            raise NoKey(f"set {self.file_variable} or {self.file_option} to the path of a key ring")
        try:
            if not configured:
                _generate(path)
            text = path.read_text(encoding="ascii")
        except (OSError, UnicodeDecodeError) as error:
            reason = type(error).__name__
            raise NoKey(f"the key ring {path} cannot be read ({reason})") from error
        return KeyRing.parse(text)


def encrypt(key: bytes, plain: bytes, associated: bytes) -> str:
    """Return the base64 of nonce and ciphertext."""
    nonce = os.urandom(_NONCE_BYTES)
    sealed = AESGCM(key).encrypt(nonce, plain, associated)
    return base64.b64encode(nonce + sealed).decode()


def decrypt(key: bytes, encoded: str, associated: bytes) -> bytes:
    """Return what `encrypt` was given.

    :raises Unreadable: other associated data, another key, or a changed ciphertext.
    """
    try:
        raw = base64.b64decode(encoded, validate=True)
        return AESGCM(key).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], associated)
    except (InvalidTag, ValueError) as error:
        raise Unreadable("the ciphertext belongs to another place or was changed") from error


def new_line(name: str) -> str:
    """Return the line of a new random key."""
    return f"{name}:{base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()}\n"


def _parse_line(line: str, number: int) -> tuple[str, bytes, bool]:
    name, _colon, rest = line.partition(":")
    encoded, _colon, state = rest.partition(":")
    try:
        key = base64.b64decode(encoded.strip(), validate=True)
    except (binascii.Error, ValueError):  # ValueError: text outside of ASCII
        key = b""
    if (
        not name.strip()
        or not name.isascii()
        or len(key) != KEY_BYTES
        or state.strip() not in ("", _RETIRED)
    ):
        raise NoKey(f"line {number} of the key ring is not 'name:base64 of {KEY_BYTES} bytes'")
    return name.strip(), key, bool(state.strip())


def _generate(path: Path) -> None:
    """Create a ring of one key unless the file exists. Of two processes, exactly one ring remains."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as out:
        out.write(new_line(f"generated-{datetime.now(timezone.utc):%Y%m%d}"))
    try:
        # Another process may have been faster: its ring is used.
        with contextlib.suppress(FileExistsError):
            os.link(temporary, path)
    finally:
        temporary.unlink()
