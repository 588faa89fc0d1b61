"""Values that cross the wire, and the two ways a call can fail to bring an answer."""

from __future__ import annotations

import datetime as dt
import hashlib
import itertools
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from email.utils import parsedate_to_datetime
from fnmatch import fnmatchcase
from typing import Any, cast

from ..finding import storable_text

#: Seconds to connect and seconds between two received bytes; every call has both.
DEFAULT_TIMEOUT = (5.0, 30.0)
QUERY_TIMEOUT = (3.0, 8.0)
#: Longest time of a whole call, from the resolution of the name to the last byte of the body.
MAX_SECONDS = 60.0
#: Largest body of a response; an operation that fetches documents declares more.
MAX_BODY = 256 * 1024
#: Part of a body that is kept as evidence, beside size and hash of all of it.
KEPT_BODY = 64 * 1024
#: Longest pause a ``Retry-After`` can ask for.
MAX_RETRY_AFTER = 3600.0
#: Media types whose bodies are kept as evidence: what interfaces of providers respond with.
DATA_TYPES = (
    "application/json",
    "application/*+json",
    "application/xml",
    "text/xml",
    "application/*+xml",
)
#: Response headers that are kept as evidence: what identifies the call at the provider, and when it was answered.
KEPT_HEADERS = ("x-request-id", "request-id", "x-correlation-id", "retry-after", "date")
_MAX_HEADER = 4096
_MAX_DEPTH = 64
#: Lists, objects and their elements of one JSON text: each takes many times its length in memory.
_MAX_VALUES = 250_000
_SECONDS = re.compile(r"[0-9]{1,15}")
# A string, also one that does not end, or a bracket; takes linear time whatever the text.
_PARTS = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)|[\[{,]', re.DOTALL)
_QUOTE = ord('"')
_BRACKETS = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)|[\[\]{}]', re.DOTALL)


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One HTTP request. ``body`` holds the exact bytes to send.

    ``total`` are the seconds the whole call may take (by default what two reads at the limit of
    ``timeout`` take, at most a minute), ``max_body`` the bytes of a response, ``expected_types`` the
    media types of responses whose bodies are evidence. ``accepts_oversize``: a larger body is a response
    without it (``HttpResponse.is_oversize``) instead of none, so that one document among many can be
    passed over.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes | None = None
    timeout: tuple[float, float] = DEFAULT_TIMEOUT
    total: float | None = None
    max_body: int = MAX_BODY
    expected_types: tuple[str, ...] = DATA_TYPES
    accepts_oversize: bool = False

    @property
    def seconds_in_all(self) -> float:
        """Return the seconds after which the call is ended, whatever it waits for."""
        return min(2 * sum(self.timeout), MAX_SECONDS) if self.total is None else self.total

    def with_header(self, name: str, value: str) -> HttpRequest:
        """A copy with one header set."""
        return replace(self, headers={**self.headers, name: value})


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """One HTTP response; header names are lower case, values printable and bounded.

    ``is_oversize``: the body was larger than the request permits and is left out.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float = 0.0
    expected_types: tuple[str, ...] = DATA_TYPES
    is_oversize: bool = False

    def __post_init__(self) -> None:
        """Clean the headers: adapters read them, and some are stored."""
        cleaned = {
            storable_text(name, _MAX_HEADER).lower(): storable_text(value, _MAX_HEADER)
            for name, value in self.headers.items()
        }
        object.__setattr__(self, "headers", cleaned)

    @property
    def media_type(self) -> str:
        """Return the type of the body without parameters, lower case; empty where none was given."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def json_object(self) -> dict[str, Any] | None:
        """Return the body as a JSON object, or None when it is anything else."""
        value = parse_json(self.body)
        return cast("dict[str, Any]", value) if isinstance(value, dict) else None

    def retry_after(self) -> float | None:
        """Return the seconds of ``Retry-After`` (RFC 9110 §10.2.3, delta-seconds or HTTP date), or None."""
        return parse_retry_after(self.headers.get("retry-after", ""))

    def kept_headers(self) -> dict[str, str]:
        """Return the headers that are kept as evidence, and size and hash of the body."""
        kept = {name: self.headers[name] for name in KEPT_HEADERS if self.headers.get(name)}
        if self.body and self.kept_body() != self.body:
            kept["body-bytes"] = str(len(self.body))
            kept["body-sha256"] = hashlib.sha256(self.body).hexdigest()
        return kept

    def kept_body(self) -> bytes:
        """Return the part of the body that is kept as evidence.

        Nothing of another type than the operation expects: that is a page of something in between,
        or of a server that should not have been called, and no evidence.
        """
        expected = any(fnmatchcase(self.media_type, kind) for kind in self.expected_types)
        return self.body[:KEPT_BODY] if expected else b""


@dataclass(frozen=True, slots=True)
class NotSent:
    """The request certainly did not reach the provider (name not resolved, refused, TLS failed, too many at once)."""

    reason: str
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class CertificateRefused(NotSent):
    """The provider ended the handshake because of the client certificate, or because there was none."""


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """Bytes may have left, but no complete answer came back (time-out, reset, cut body)."""

    reason: str
    seconds: float = 0.0


def parse_json(body: bytes) -> Any:
    """Return the value of a JSON text (RFC 8259), or None where it is none that everybody reads alike.

    Refused: other encodings than UTF-8, duplicate names, ``NaN`` and ``Infinity``, numbers no machine
    can hold, and more values or deeper nesting than any interface has. A byte order mark is ignored (section 8.1).
    """
    if _has_too_many_values(body) or _depth(body) > _MAX_DEPTH:
        return None
    try:
        return json.loads(
            body.decode("utf-8-sig"),
            object_pairs_hook=_unique,
            parse_constant=_refuse,
            parse_float=_finite,
        )
    except (ValueError, RecursionError, OverflowError):
        return None


def bounded_number(value: Any, lowest: float, highest: float) -> float | None:
    """Return a number from outside within its bounds; None where it is no number, or not a finite one."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return float(min(max(value, lowest), highest))


def _depth(body: bytes) -> int:
    """Return how deep brackets are nested, without the recursion that a parser needs; deeper than
    permitted is deep enough.
    """
    depth = deepest = 0
    for found in _BRACKETS.finditer(body):
        bracket = found.group()
        if bracket in b"[{":
            depth += 1
            deepest = max(deepest, depth)
            if deepest > _MAX_DEPTH:
                return deepest
        elif bracket in b"]}":
            depth -= 1
    return deepest


def _has_too_many_values(body: bytes) -> bool:
    """Return whether there are more values and containers than are held in memory."""
    if sum(map(body.count, (b",", b"[", b"{"))) <= _MAX_VALUES:
        return False
    # Some of these may be in strings.
    outside = (1 for found in _PARTS.finditer(body) if body[found.start()] != _QUOTE)
    return next(itertools.islice(outside, _MAX_VALUES, None), None) is not None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        raise ValueError("duplicate name")
    return values


def _refuse(name: str) -> Any:
    raise ValueError(name)


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value


def parse_retry_after(value: str) -> float | None:
    """Return the seconds of a ``Retry-After`` header value, 0 to an hour; None when absent or unreadable."""
    value = value.strip()
    if value.isascii() and value.isdigit():
        # A number with more digits than any pause has is one that is too long.
        return min(float(value), MAX_RETRY_AFTER) if _SECONDS.fullmatch(value) else MAX_RETRY_AFTER
    try:
        moment = parsedate_to_datetime(value)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=dt.timezone.utc)
        seconds = (moment - dt.datetime.now(dt.timezone.utc)).total_seconds()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return min(max(0.0, seconds), MAX_RETRY_AFTER)
