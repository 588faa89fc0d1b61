"""Inbound callbacks: is a message really the provider's, and what does it tell?

``verify_standard_webhook`` follows the public Standard Webhooks specification 1.0.0: HMAC-SHA256 over
``id.timestamp.body`` on the raw body, a tolerance for the time, any number of signatures (the sender's rotation) and
of secrets (ours), compared in constant time. ``verify_bearer`` is for providers that authenticate by HTTP alone
(RFC 6750): the body is then not protected, so nothing it says may be believed without asking the provider.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets as random_secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from ..delivery.outcomes import Outcome

Reason = Literal["unsupported", "no_secret", "missing_header", "bad_header", "stale", "mismatch"]

#: Seconds a message may be older or younger than our clock says; what is outside is a replay or a wrong clock.
TOLERANCE = 300
#: Bytes of a symmetric secret, by the specification.
_SECRET_SIZES = range(24, 65)
_SECRET_PREFIX = "whsec_"  # noqa: S105 (a public prefix)
_SCHEME = "v1,"
#: Digits of a Unix time until the year 33658.
_TIMESTAMP_DIGITS = 12
_MAX_ID = 200

#: What is kept of a message's headers. Never credentials; the signature proves where the body came from.
KEPT_HEADERS = (
    "content-type",
    "user-agent",
    "webhook-id",
    "webhook-signature",
    "webhook-timestamp",
    "x-request-id",
)
_MAX_HEADER = 1000


class CallbackRefused(Exception):
    """The message is not the provider's, or cannot be shown to be. ``reason`` is one stable word."""

    def __init__(self, reason: Reason, detail: str = ""):
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class CallbackNews:
    """One thing a message tells about one exchange.

    The exchange is named by the provider's ``reference`` or by our idempotency ``key``. Without an ``outcome`` the
    message only says that something happened: the provider is asked. ``sha256`` is that of the bytes the provider
    speaks of, where it tells: a verdict on other bytes than ours is not ours (X6). ``dedupe_key`` is the same for a
    repetition of the same news; left empty it is made of the message's id, or of its bytes.
    """

    reference: str = ""
    key: str = ""
    outcome: Outcome | None = None
    dedupe_key: str = ""
    sha256: str = ""


def verify_standard_webhook(
    headers: Mapping[str, str],
    body: bytes,
    secrets: Iterable[str],
    now: float,
    tolerance: int = TOLERANCE,
) -> str:
    """The id of a message that one of ``secrets`` signed; header names are lower case.

    :raises CallbackRefused: with the reason; which secret was tried is not told.
    """
    message_id = _header(headers, "webhook-id")
    timestamp = _header(headers, "webhook-timestamp")
    given = _header(headers, "webhook-signature").split()
    # The signed text joins its parts by full stops: with one in the id, another split of it would be as valid.
    if "." in message_id or len(message_id) > _MAX_ID:
        raise CallbackRefused("bad_header", "webhook-id")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= _TIMESTAMP_DIGITS):
        raise CallbackRefused("bad_header", "webhook-timestamp")
    keys = [key for secret in secrets if (key := _secret_bytes(secret))]
    if not keys:
        raise CallbackRefused("no_secret")
    if not _any_matches(keys, f"{message_id}.{timestamp}.".encode() + body, given):
        raise CallbackRefused("mismatch")
    if abs(now - int(timestamp)) > tolerance:
        raise CallbackRefused("stale")
    return message_id


def verify_bearer(headers: Mapping[str, str], secrets: Iterable[str]) -> None:
    """Accept the request when its bearer token is one of ``secrets``.

    :raises CallbackRefused: with the reason.
    """
    known = [secret for secret in secrets if secret]
    if not known:
        raise CallbackRefused("no_secret")
    scheme, _, token = _header(headers, "authorization").partition(" ")
    if scheme.lower() != "bearer":
        raise CallbackRefused("bad_header", "authorization")
    # No early end: how long it takes says nothing about which secret was nearly met.
    if not any([_same(secret, token.strip()) for secret in known]):  # noqa: C419
        raise CallbackRefused("mismatch")


def refuse_unknown(headers: Mapping[str, str], body: bytes) -> None:
    """Refuse a message to an address nobody has, after the work that a known address would have cost."""
    signed = f"{headers.get('webhook-id', '')}.{headers.get('webhook-timestamp', '')}.".encode()
    given = headers.get("webhook-signature", "").split() or [_SCHEME]
    _any_matches([random_secrets.token_bytes(32)], signed + body, given)
    raise CallbackRefused("mismatch", "unknown address")


def is_standard_secret(secret: str) -> bool:
    """Whether ``secret`` is of the form and size the Standard Webhooks specification asks for."""
    return secret.startswith(_SECRET_PREFIX) and bool(_secret_bytes(secret))


def kept_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The named safe headers of a message, of bounded length."""
    return {name: plain(headers[name])[:_MAX_HEADER] for name in KEPT_HEADERS if headers.get(name)}


def dedupe_key(news: CallbackNews, message_id: str | None, body: bytes, position: int) -> str:
    """What the database recognises a repetition by; always short and storable."""
    origin = message_id or f"sha256:{hashlib.sha256(body).hexdigest()}"
    key = news.dedupe_key or (f"{origin}#{position}" if position else origin)
    if len(key) <= _MAX_ID and key == plain(key):
        return key
    return f"sha256:{hashlib.sha256(key.encode('utf-8', 'surrogatepass')).hexdigest()}"


def plain(text: str) -> str:
    """``text`` without what PostgreSQL cannot store (NUL, lone surrogates)."""
    return text.encode("utf-8", "replace").decode().replace("\0", "")


def _header(headers: Mapping[str, str], name: str) -> str:
    value = headers.get(name, "").strip()
    if not value:
        raise CallbackRefused("missing_header", name)
    return value


def _secret_bytes(secret: str) -> bytes:
    """The key of a ``whsec_`` secret; empty when it is damaged or too short to be one."""
    try:
        key = base64.b64decode(secret.strip().removeprefix(_SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return b""
    return key if len(key) in _SECRET_SIZES else b""


def _any_matches(keys: list[bytes], signed: bytes, given: list[str]) -> bool:
    """Whether any key made any of the given signatures; every pair is compared."""
    expected = [base64.b64encode(hmac.digest(key, signed, "sha256")).decode() for key in keys]
    candidates = [item.removeprefix(_SCHEME) for item in given if item.startswith(_SCHEME)]
    return any([_same(ours, theirs) for ours in expected for theirs in candidates])  # noqa: C419


def _same(ours: str, theirs: str) -> bool:
    return hmac.compare_digest(ours.encode(), theirs.encode("utf-8", "replace"))
