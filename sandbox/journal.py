"""The last requests that reached the sandbox, secrets masked, and how many there were in all."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from typing import Any

from .values import Call

KEPT = 10_000
SECRET_HEADERS = frozenset(
    ("authorization", "proxy-authorization", "cookie", "x-api-key", "sessiontoken")
)
SECRET_PARAMETERS = frozenset(
    ("access_token", "token", "client_secret", "password", "api_key", "signature")
)
SCHEMES = ("basic", "bearer", "digest")
MASK = "***"


class Journal:
    def __init__(self, kept: int = KEPT) -> None:
        self._entries: deque[dict[str, Any]] = deque(maxlen=kept)
        self._counts: dict[str, Counter[str]] = {}
        self._last = 0

    def open(self, provider: str, operation: str, call: Call, at: str) -> dict[str, Any]:
        """Record a request; the caller fills in its result."""
        self._last += 1
        entry = {
            "number": self._last,
            "at": at,
            "provider": provider,
            "operation": operation,
            "method": call.method,
            "path": call.path,
            "query": masked(call.query, SECRET_PARAMETERS),
            "headers": masked(call.headers, SECRET_HEADERS),
            "size": len(call.body),
            "status": None,
            "outcome": "open",
            "fault": None,
            "tracking_id": None,
        }
        self._entries.append(entry)
        self._counts.setdefault(provider, Counter())[operation] += 1
        return entry

    def entries(self, **wanted: str) -> Iterator[dict[str, Any]]:
        return (
            entry
            for entry in self._entries
            if all(str(entry.get(name)) == value for name, value in wanted.items())
        )

    def counts(self) -> dict[str, dict[str, int]]:
        return {provider: dict(counter) for provider, counter in self._counts.items()}

    def clear(self) -> None:
        self._entries.clear()
        self._counts.clear()


def masked(values: Any, secret: frozenset[str]) -> dict[str, str]:
    return {
        name: mask(value) if name.lower() in secret else value for name, value in values.items()
    }


def mask(value: str) -> str:
    """Hide a secret, except for the scheme of an Authorization header."""
    scheme = value.partition(" ")[0]
    return f"{scheme} {MASK}" if scheme.lower() in SCHEMES else MASK
