"""How an adapter describes one provider: operations as data, conversations from values to values.

Contract version 2. A protocol object is built by the adapter from a connection's settings in the
dispatcher's own thread and is then used by sending threads. It therefore holds plain values only:
no records, no cursor, no environment.

A simple provider implements the pair ``build``/``interpret``, one request per step. One that needs
several requests, sessions, batches, receipts, feeds or queries overrides the conversation of that
step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from .conversation import (
    TOKEN,
    Ask,
    BatchConversation,
    Context,
    Conversation,
    FeedConversation,
    QueryConversation,
    Resource,
    ResourceConversation,
)
from .delivery.outcomes import (
    AuthFailed,
    ContractBroken,
    Outcome,
    RateLimited,
    Transient,
    Unknown,
)
from .http.sign_ins import FixedCredentials, JwtAssertion
from .http.wire import HttpRequest, HttpResponse
from .security.webhook import WebhookEvent, WebhookRefused

Step = Literal["send", "lookup", "poll", "receipt", "query", "feed", "probe", "webhook"]
CONTRACT_VERSION = 2
#: The resource whose public part holds the provider's own limits as ``windows``.
LIMITS = "limits"

_SERVER_ERROR = 500
_TOO_MANY_REQUESTS = 429
_UNAVAILABLE = 503


@dataclass(frozen=True, slots=True)
class Batch:
    """How many calls of an operation one conversation may send.

    ``same`` names the parameters that all calls of one batch share; ``max_bytes`` bounds the sum of
    their payloads.
    """

    max_items: int
    max_bytes: int = 16 * 1024 * 1024
    same: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Window:
    """At most ``calls`` calls in any ``seconds``, for one group of operations.

    A provider may set several windows for one group: per second, minute and hour.
    """

    group: str
    calls: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Feed:
    """One stream of items that a provider offers for pulling, read every ``every_seconds``.

    ``limit`` names the group of rate windows that its pages draw from.
    """

    name: str
    every_seconds: float = 60.0
    limit: str = ""


@dataclass(frozen=True, slots=True)
class Operation:
    """One effect a provider offers.

    ``repeat`` says how the provider recognises a second sending: ``key`` (it honours our idempotency key), ``lookup``
    (it can be asked what it holds) or ``nothing`` (only a person may decide to send again). ``settle_seconds`` is how
    long after a lost call its effect may still appear: before that, "not found" proves nothing; the default suits
    providers that refuse a second filing by themselves, others need the longest time a call may last. ``verdict`` says
    whether the provider decides later and can be polled (``poll``) or decides in its answer (``immediate``).
    ``verdict_hours`` is the time after which a missing verdict is raised as a case; a retry policy may override it.
    ``batch`` says that several calls may be sent at once. ``receipt`` says that the provider gives a receipt after
    acceptance, fetched by a step of its own; a case is opened where it is still missing after ``receipt_hours``.
    ``limit`` and ``status_limit`` name the groups of rate windows that sends, and lookups, polls and receipts, draw from.
    """

    name: str
    repeat: Literal["key", "lookup", "nothing"]
    ordered: bool = False
    max_attempts: int = 8
    settle_seconds: float = 5.0
    verdict: Literal["poll", "immediate"] = "poll"
    verdict_hours: float = 24.0
    batch: Batch | None = None
    receipt: bool = False
    receipt_hours: float = 24.0
    limit: str = ""
    status_limit: str = ""


@dataclass(frozen=True, slots=True)
class Query:
    """One question without effect that a provider answers.

    ``limit`` names the group of rate windows that it draws from.
    """

    name: str
    limit: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """What one step of one exchange needs, as plain values. ``payload`` are the stored bytes (X1).

    ``resources`` is the public part of the resources under which the last send was made, by name:
    a lost send in a session is looked up in that session (P3).
    """

    operation: str
    key: str
    payload: bytes
    parameters: Mapping[str, Any] = field(default_factory=dict[str, Any])
    reference: str = ""
    correlation_id: str = ""
    resources: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    """OAuth 2.0 client credentials grant (RFC 6749 §4.4); the secret never appears in ``repr``."""

    token_url: str
    client_id: str
    client_secret: str = field(repr=False)
    scope: str = ""


#: Ready-made sign-ins: put on requests as they are, or obtaining a token.
SignIn = FixedCredentials | ClientCredentials | JwtAssertion


class ProviderProtocol:
    """Base class of provider protocols. Every method is pure: it neither opens sockets nor reads clocks."""

    #: Response headers kept as evidence beside the usual ones, in lower case.
    kept_headers: tuple[str, ...] = ()
    #: Response headers that hold the provider's own id of a request, the first present counts.
    request_id_headers: tuple[str, ...] = ("x-request-id", "request-id", "x-correlation-id")
    #: The response header that names the version of the provider's API, if it sends one.
    api_version_header: str = ""
    #: Rate windows the provider's documentation names.
    windows: tuple[Window, ...] = ()

    # -- authentication and resources --------------------------------------------------------------

    def authorization(self) -> SignIn | None:
        """Return the sign-in of this account, or None: ``Basic`` and ``ApiKey`` are put on each
        request, ``ClientCredentials`` and ``JwtAssertion`` obtain the bearer token it carries.
        """
        return None

    def needs(self, step: Step, call: Call) -> tuple[str, ...]:
        """Return the names of the resources that must be in place before this step is claimed.

        Their public part is committed with the attempt (P3). Resources that are only credentials of
        a request need not be named: they are obtained when the first request asks for them.
        """
        return ()

    def rests_on(self, name: str) -> tuple[str, ...]:
        """Return the names of the resources that obtaining a resource reads, which are put in place
        first: a session is encrypted for the provider's key, for instance.
        """
        return ()

    def obtain(self, name: str, old: Resource | None, context: Context) -> ResourceConversation:
        """Return the conversation that obtains a resource: an ``Obtained`` value, or the outcome
        that says why there is none. ``old`` is the one before, which may have ended.

        :raises LookupError: the protocol has no resource of this name.
        """
        grant = self.authorization()
        if name != TOKEN or grant is None or isinstance(grant, FixedCredentials):
            raise LookupError(name)
        from .http.oauth import obtain_token

        return obtain_token(grant, context)

    def release(self, name: str, resource: Resource, context: Context) -> Conversation | None:
        """Return the conversation that gives a resource up, None where it simply ends."""
        return None

    def authorize(self, request: HttpRequest, resource: Resource) -> HttpRequest:
        """Return the request with a resource's credentials; a bearer token by default."""
        return request.with_header("Authorization", f"Bearer {resource.secret['token']}")

    def has_resource(self, name: str) -> bool:
        """Return whether requests with ``auth=name`` carry credentials of a resource."""
        return name == TOKEN and isinstance(self.authorization(), ClientCredentials | JwtAssertion)

    # -- conversations -----------------------------------------------------------------------------

    def converse(self, step: Step, call: Call, context: Context) -> Conversation:
        """Return the conversation of one step of one exchange (send, lookup, poll, receipt)."""
        response = yield Ask(self.build(step, call), effect=step == "send")
        return self.interpret(step, call, response)

    def converse_batch(self, calls: tuple[Call, ...], context: Context) -> BatchConversation:
        """Return the conversation that sends several calls: outcomes by key. A key that is missing
        counts as unknown.
        """
        raise NotImplementedError

    def query(
        self, operation: str, payload: Mapping[str, Any], context: Context
    ) -> QueryConversation:
        """Return the conversation of a question without effect: an ``Answer``, or the outcome that
        says why there is none.
        """
        raise NotImplementedError

    def feed(self, name: str, cursor: str, context: Context) -> FeedConversation:
        """Return the conversation that reads one page of a feed; ``cursor`` is empty at first.

        The cursor behind a page must repeat rather than omit: an item that comes again is recognised
        by its ``provider_id``.
        """
        raise NotImplementedError

    def probe(self, context: Context) -> Conversation:
        """Return a conversation without effect that shows whether address and credentials are
        right: ``Accepted`` when they are.
        """
        response = yield Ask(self.build_probe())
        return self.interpret_probe(response)

    # -- one request per step ----------------------------------------------------------------------

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

    # -- webhooks ----------------------------------------------------------------------------------

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
