"""How an adapter describes one provider: operations as data, and pure functions from values to values.

A protocol object is built by the adapter from a connection's settings in the dispatcher's own thread and is then
used by sending threads. It therefore holds plain values only: no records, no cursor, no environment.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from .delivery.outcomes import (
    AuthFailed,
    ContractBroken,
    Outcome,
    RateLimited,
    Transient,
    Unknown,
)
from .http.wire import HttpRequest, HttpResponse
from .security.webhook import WebhookEvent, WebhookRefused

Step = Literal["send", "lookup", "poll", "webhook"]

_SERVER_ERROR = 500
_TOO_MANY_REQUESTS = 429
_UNAVAILABLE = 503


@dataclass(frozen=True, slots=True)
class Operation:
    """One effect a provider offers.

    ``repeat`` says how the provider recognises a second sending: ``key`` (it honours our idempotency key), ``lookup``
    (it can be asked what it holds) or ``nothing`` (only a person may decide to send again). ``settle_seconds`` is how
    long after a lost call its effect may still appear: before that, "not found" proves nothing; the default suits
    providers that refuse a second filing by themselves, others need the longest time a call may last. ``verdict`` says
    whether the provider decides later and can be polled (``poll``) or decides in its answer (``immediate``).
    ``verdict_hours`` is the time after which a missing verdict is raised as a case; a retry policy may override it.
    """

    name: str
    repeat: Literal["key", "lookup", "nothing"]
    ordered: bool = False
    max_attempts: int = 8
    settle_seconds: float = 5.0
    verdict: Literal["poll", "immediate"] = "poll"
    verdict_hours: float = 24.0


@dataclass(frozen=True, slots=True)
class Call:
    """What one step of one exchange needs, as plain values. ``payload`` are the stored bytes (X1)."""

    operation: str
    key: str
    payload: bytes
    parameters: Mapping[str, Any] = field(default_factory=dict[str, Any])
    reference: str = ""
    correlation_id: str = ""


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    """OAuth 2.0 client credentials grant (RFC 6749 §4.4); the secret never appears in ``repr``."""

    token_url: str
    client_id: str
    client_secret: str = field(repr=False)
    scope: str = ""


class ProviderProtocol:
    """Base class of provider protocols. Every method is pure: it neither opens sockets nor reads clocks."""

    def authorization(self) -> ClientCredentials | None:
        """The grant whose bearer token each request carries, or None."""
        return None

    def build(self, step: Step, call: Call) -> HttpRequest:
        """The request for one step of a call."""
        raise NotImplementedError

    def interpret(self, step: Step, call: Call, response: HttpResponse) -> Outcome:
        """What an answer to one step means."""
        raise NotImplementedError

    def build_probe(self) -> HttpRequest:
        """A request without effect that shows whether address and credentials are right."""
        raise NotImplementedError

    def interpret_probe(self, response: HttpResponse) -> Outcome:
        """``Accepted`` when the connection works."""
        raise NotImplementedError

    def verify_webhook(
        self, headers: Mapping[str, str], body: bytes, received_at: float
    ) -> str | None:
        """The message's own id, or None where the provider gives none; ``received_at`` is a Unix time.

        :raises WebhookRefused: the message is not shown to be the provider's; this is the default.
        """
        raise WebhookRefused("unsupported", "this provider sends no webhook events")

    def read_webhook(self, headers: Mapping[str, str], body: bytes) -> tuple[WebhookEvent, ...]:
        """What a verified message tells; read when it comes and again when it is processed, from the kept headers."""
        raise NotImplementedError


def refusal_by_status(response: HttpResponse, reason: str) -> Outcome | None:
    """What RFC 9110 alone says of a status that promises nothing was done, else None.

    401 and 403 come before any processing; 429 and 503 say "not now". Any other 5xx says nothing about the effect.
    """
    if response.status in (401, 403):
        return AuthFailed(reason)
    if response.status == _TOO_MANY_REQUESTS:
        return RateLimited(reason, response.retry_after())
    if response.status == _UNAVAILABLE:
        return Transient(reason, response.retry_after(), certain=False)
    if response.status >= _SERVER_ERROR:
        return Unknown(reason)
    return None


def unreadable(response: HttpResponse) -> ContractBroken:
    """An answer that does not follow the provider's document."""
    kind = response.headers.get("content-type", "no content type")
    return ContractBroken(f"HTTP {response.status} with an unreadable body ({kind})")
