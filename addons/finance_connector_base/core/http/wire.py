"""Values that cross the wire, and the two ways a call can fail to bring an answer."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from email.utils import parsedate_to_datetime
from typing import Any

#: Seconds to connect and seconds between two received bytes; every call has both.
DEFAULT_TIMEOUT = (5.0, 30.0)
QUERY_TIMEOUT = (3.0, 8.0)


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One HTTP request. ``body`` holds the exact bytes to send."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
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
            value = json.loads(self.body)
        except ValueError:
            return None
        return value if isinstance(value, dict) else None

    def retry_after(self) -> float | None:
        """Seconds of ``Retry-After`` (RFC 9110 §10.2.3, delta-seconds or HTTP date), or None."""
        return parse_retry_after(self.headers.get("retry-after", ""))


@dataclass(frozen=True, slots=True)
class NotSent:
    """The request certainly did not reach the provider (name not resolved, refused, TLS failed, too
    many at once).
    """

    reason: str
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """Bytes may have left, but no complete answer came back (time-out, reset, cut body)."""

    reason: str
    seconds: float = 0.0


def parse_retry_after(value: str) -> float | None:
    """Seconds to wait from a ``Retry-After`` header value; never negative; None when absent or
    unreadable.
    """
    value = value.strip()
    if not value:
        return None
    if value.isdigit():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=dt.timezone.utc)
    return max(0.0, (moment - dt.datetime.now(dt.timezone.utc)).total_seconds())
