"""Verification of inbound webhook messages, and the events they carry.

``verify_standard_webhook`` follows the public Standard Webhooks specification 1.0.0: HMAC-SHA256
over
``id.timestamp.body`` on the raw body, a tolerance for the time, any number of signatures (the
sender's rotation) and
of secrets (ours), compared in constant time. ``verify_bearer`` is for providers that authenticate
by HTTP alone
(RFC 6750): the body is then not protected, so its content is never trusted without a status check
at the provider.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets as random_secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from ..conversation import Item
from ..delivery.outcomes import Outcome

Reason = Literal["unsupported", "no_secret", "missing_header", "bad_header", "stale", "mismatch"]

#: Seconds a message may be older or younger than our clock says; what is outside is a replay or a
#: wrong clock.
TOLERANCE = 300
#: Bytes of a symmetric secret, by the specification.
_SECRET_SIZES = range(24, 65)
_SECRET_PREFIX = "whsec_"  # noqa: S105 (a public prefix)
_SCHEME = "v1,"
#: Digits of a Unix time until the year 33658.
_TIMESTAMP_DIGITS = 12
_MAX_ID = 200

#: What is kept of a message's headers. Never credentials; the signature proves where the body came
#: from.
KEPT_HEADERS = (
    "content-type",
    "user-agent",
    "webhook-id",
    "webhook-signature",
    "webhook-timestamp",
    "x-request-id",
)
_MAX_HEADER = 1000
#: Events of one message, and bytes that they may take together: each is stored with the message.
MAX_EVENTS = 1000
MAX_EVENT_BYTES = 32 * 1024 * 1024


class WebhookRefused(Exception):
    """The message is not authentic, or cannot be shown to be. ``reason`` is one stable word."""

    def __init__(self, reason: Reason, detail: str = ""):
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class WebhookEvent:
    """One event of a message, about one exchange or about something that comes in.

    The exchange is named by the provider's ``reference`` or by our idempotency ``key``. Without an
    ``outcome`` the
    event only announces a change: a status check follows. ``sha256`` is the hash of the bytes the
    event refers to,
    where the provider sends it: a verdict on other bytes than ours is not applied (X6).
    ``dedupe_key`` is the same
    for every delivery of the same event; if empty it is derived from the message's id, or from its
    bytes.

    ``items`` are documents that the message itself carries; they are stored only where the message
    is signed. ``feed`` names a feed that has something new and is read at once.
    """

    reference: str = ""
    key: str = ""
    outcome: Outcome | None = None
    dedupe_key: str = ""
    sha256: str = ""
    items: tuple[Item, ...] = ()
    feed: str = ""


class BadMessage(Exception):
    """A message was read as something that is not a bounded number of events."""


def checked_events(found: Iterable[Any], size: int) -> tuple[WebhookEvent, ...]:
    """Return what an adapter read from a message, with texts that can be stored.

    An identifier is kept as it is or not at all: a shortened one could be that of another exchange.

    :param size: bytes of the message
    :raises BadMessage: it holds anything else, or more events than are kept.
    """
    events: list[WebhookEvent] = []
    for event in found:
        if not isinstance(event, WebhookEvent):
            raise BadMessage("no event")
        events.append(
            replace(
                event,
                reference=_identifier(event.reference),
                key=_identifier(event.key),
                dedupe_key=_text(event.dedupe_key),
                sha256=_text(event.sha256),
                feed=_identifier(event.feed),
                items=tuple(event.items),
            )
        )
        if len(events) > MAX_EVENTS or len(events) * size > max(MAX_EVENT_BYTES, size):
            raise BadMessage("too many events")
    return tuple(events)


def _text(given: Any) -> str:
    """Return a text; providers also send numbers where their adapter passes on what they sent."""
    return given if isinstance(given, str) else "" if given is None else str(given)


def _identifier(given: Any) -> str:
    text = plain(_text(given))
    return text if len(text) <= _MAX_ID else ""


def verify_standard_webhook(
    headers: Mapping[str, str],
    body: bytes,
    secrets: Iterable[str],
    now: float,
    tolerance: int = TOLERANCE,
) -> str:
    """Return the id of a message that one of ``secrets`` signed; header names are lower case.

    :raises WebhookRefused: with the reason; it does not reveal which secret was tried.
    """
    message_id = _header(headers, "webhook-id")
    timestamp = _header(headers, "webhook-timestamp")
    given = _header(headers, "webhook-signature").split()
    # The signed text joins its parts by full stops: with one in the id, another split of it would
    # be as valid.
    if "." in message_id or len(message_id) > _MAX_ID:
        raise WebhookRefused("bad_header", "webhook-id")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= _TIMESTAMP_DIGITS):
        raise WebhookRefused("bad_header", "webhook-timestamp")
    keys = [key for secret in secrets if (key := _secret_bytes(secret))]
    if not keys:
        raise WebhookRefused("no_secret")
    if not _any_matches(keys, f"{message_id}.{timestamp}.".encode() + body, given):
        raise WebhookRefused("mismatch")
    if abs(now - int(timestamp)) > tolerance:
        raise WebhookRefused("stale")
    return message_id


def verify_bearer(headers: Mapping[str, str], secrets: Iterable[str]) -> None:
    """Accept the request when its bearer token is one of ``secrets``.

    :raises WebhookRefused: with the reason.
    """
    known = [secret for secret in secrets if secret]
    if not known:
        raise WebhookRefused("no_secret")
    scheme, _, token = _header(headers, "authorization").partition(" ")
    if scheme.lower() != "bearer":
        raise WebhookRefused("bad_header", "authorization")
    # Every secret is compared, so that the duration does not reveal which one nearly matched.
    if not any([_same(secret, token.strip()) for secret in known]):  # noqa: C419
        raise WebhookRefused("mismatch")


def refuse_unknown(headers: Mapping[str, str], body: bytes) -> None:
    """Refuse a message to an unknown URL, at the same cost as for a known one."""
    signed = f"{headers.get('webhook-id', '')}.{headers.get('webhook-timestamp', '')}.".encode()
    given = headers.get("webhook-signature", "").split() or [_SCHEME]
    _any_matches([random_secrets.token_bytes(32)], signed + body, given)
    raise WebhookRefused("mismatch", "unknown address")


def is_standard_secret(secret: str) -> bool:
    """Return whether ``secret`` is of the form and size the Standard Webhooks specification asks for."""
    return secret.startswith(_SECRET_PREFIX) and bool(_secret_bytes(secret))


def kept_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the listed harmless headers of a message, of bounded length."""
    return {name: plain(headers[name])[:_MAX_HEADER] for name in KEPT_HEADERS if headers.get(name)}


def dedupe_key(event: WebhookEvent, message_id: str | None, body: bytes, position: int) -> str:
    """Return the key by which the database rejects a repetition; always short and storable."""
    origin = message_id or f"sha256:{hashlib.sha256(body).hexdigest()}"
    key = event.dedupe_key or (f"{origin}#{position}" if position else origin)
    if len(key) <= _MAX_ID and key == plain(key):
        return key
    return f"sha256:{hashlib.sha256(key.encode('utf-8', 'surrogatepass')).hexdigest()}"


def plain(text: str) -> str:
    """Return ``text`` without what PostgreSQL cannot store (NUL, lone surrogates)."""
    return text.encode("utf-8", "replace").decode().replace("\0", "")


def _header(headers: Mapping[str, str], name: str) -> str:
    value = headers.get(name, "").strip()
    if not value:
        raise WebhookRefused("missing_header", name)
    return value


def _secret_bytes(secret: str) -> bytes:
    """Return the key of a ``whsec_`` secret; empty when it is malformed or of the wrong size."""
    try:
        key = base64.b64decode(secret.strip().removeprefix(_SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return b""
    return key if len(key) in _SECRET_SIZES else b""


def _any_matches(keys: list[bytes], signed: bytes, given: list[str]) -> bool:
    """Return whether any key made any of the given signatures; every pair is compared."""
    expected = [base64.b64encode(hmac.digest(key, signed, "sha256")).decode() for key in keys]
    candidates = [item.removeprefix(_SCHEME) for item in given if item.startswith(_SCHEME)]
    return any([_same(ours, theirs) for ours in expected for theirs in candidates])  # noqa: C419


def _same(ours: str, theirs: str) -> bool:
    return hmac.compare_digest(ours.encode(), theirs.encode("utf-8", "replace"))
