"""Values that cross the wire, and the two ways a call can fail to bring an answer."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from email.utils import parsedate_to_datetime
from typing import Any, cast

#: Seconds to connect and seconds between two received bytes; every call has both.
DEFAULT_TIMEOUT = (5.0, 30.0)
QUERY_TIMEOUT = (3.0, 8.0)
#: Longest pause a ``Retry-After`` can ask for.
MAX_RETRY_AFTER = 3600.0
#: Response headers that are kept as evidence: what identifies the call at the provider, and when it was answered.
KEPT_HEADERS = ("x-request-id", "request-id", "x-correlation-id", "retry-after", "date")
_SECONDS = re.compile(r"[0-9]{1,15}")


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One HTTP request. ``body`` holds the exact bytes to send."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes | None = None
    timeout: tuple[float, float] = DEFAULT_TIMEOUT

    def with_header(self, name: str, value: str) -> HttpRequest:
        """A copy with one header set."""
        return replace(self, headers={**self.headers, name: value})


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """One HTTP response; header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float = 0.0

    def json_object(self) -> dict[str, Any] | None:
        """The body as a JSON object, or None when it is anything else."""
        try:
            value: Any = json.loads(self.body)
        except ValueError:
            return None
        return cast("dict[str, Any]", value) if isinstance(value, dict) else None

    def retry_after(self) -> float | None:
        """Return the seconds of ``Retry-After`` (RFC 9110 §10.2.3, delta-seconds or HTTP date), or None."""
        return parse_retry_after(self.headers.get("retry-after", ""))

    def kept_headers(self) -> dict[str, str]:
        """Return the headers that are kept as evidence."""
        return {name: self.headers[name] for name in KEPT_HEADERS if self.headers.get(name)}


@dataclass(frozen=True, slots=True)
class NotSent:
    """The request certainly did not reach the provider (name not resolved, refused, TLS failed, too many at once)."""

    reason: str
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """Bytes may have left, but no complete answer came back (time-out, reset, cut body)."""

    reason: str
    seconds: float = 0.0


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
