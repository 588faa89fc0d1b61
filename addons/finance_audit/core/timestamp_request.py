"""The question to a time-stamping authority (RFC 3161, section 2.4.1), and what the answer must be."""

from __future__ import annotations

import secrets
from hashlib import sha256

from . import verify_audit

QUERY = "application/timestamp-query"
REPLY = "application/timestamp-reply"
_SHA256 = bytes.fromhex("300d06096086480165030402010500")


def request(note: str, nonce: int) -> bytes:
    """Return a TimeStampReq for the hash of the note, asking for the certificate."""
    imprint = _value(0x30, _SHA256 + _value(0x04, sha256(note.encode()).digest()))
    return _value(0x30, b"\x02\x01\x01" + imprint + _integer(nonce) + b"\x01\x01\xff")


def new_nonce() -> int:
    """Return a number that ties the answer to this question."""
    return secrets.randbits(63) | 1


def accept(answer: bytes, note: str, nonce: int) -> verify_audit.Timestamp:
    """Return the timestamp of an answer that is for this note and this question.

    :raises verify_audit.Damage: the authority refused, or answered something else.
    """
    status = verify_audit.Der(answer).at(0, 0).body
    if status not in (b"\x00", b"\x01"):  # granted, granted with modifications
        raise verify_audit.Damage("timestamp.refused", f"the authority refused: {status.hex()}")
    stamp = verify_audit.Timestamp(answer)
    if not stamp.covers(note) or stamp.nonce != nonce:
        raise verify_audit.Damage("timestamp.bad", "the answer belongs to another question")
    return stamp


def _integer(number: int) -> bytes:
    return _value(0x02, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def _value(tag: int, body: bytes) -> bytes:
    """Encode; nothing here is longer than 127 bytes, where DER needs one length byte."""
    return bytes([tag, len(body)]) + body
