"""The client of one connection: carry out one step of one call and return its outcome.

Plain values in, plain values out. ``ProviderClient`` joins protocol, transport and token;
``ClientPool`` keeps one
client per connection in a process, so that sockets and tokens outlive one run of the dispatcher.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field

from ..delivery.outcomes import AuthFailed, ContractBroken, Outcome, Transient, Unknown
from ..protocol import Call, ProviderProtocol, Step
from .oauth import TokenCache
from .transport import ForbiddenAddress, Transport
from .wire import HttpRequest, HttpResponse, NoAnswer, NotSent

_UNAUTHORIZED = 401


@dataclass(frozen=True, slots=True)
class Report:
    """Result of one step, as an attempt stores it; ``body`` is the raw response, empty when there
    was none.
    """

    outcome: Outcome
    seconds: float = 0.0
    status: int = 0
    body: bytes = b""
    content_type: str = ""
    method: str = ""
    url: str = ""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


class ProviderClient:
    """One connection's protocol, transport and token, shared by the sending threads."""

    def __init__(self, protocol: ProviderProtocol, transport: Transport):
        self.protocol = protocol
        self._transport = transport
        grant = protocol.authorization()
        self._tokens = TokenCache(grant) if grant else None

    def perform(self, step: Step, call: Call) -> Report:
        """Run one step. Anything unforeseen after the request was built counts as an unknown
        outcome (X5).
        """
        request = self.protocol.build(step, call)
        return self._run(
            request,
            effect=step == "send",
            read=lambda r: self.protocol.interpret(step, call, r),
        )

    def probe(self) -> Report:
        """Call the provider without effect, to check address and credentials."""
        return self._run(
            self.protocol.build_probe(),
            effect=False,
            read=self.protocol.interpret_probe,
        )

    def close(self) -> None:
        """Close idle sockets."""
        self._transport.close()

    def _run(
        self, request: HttpRequest, *, effect: bool, read: Callable[[HttpResponse], Outcome]
    ) -> Report:
        try:
            answer = self._authorized(request)
        except ForbiddenAddress as error:
            return _report(request, Transient(f"address not allowed: {error}"))
        if isinstance(answer, Outcome):
            return _report(request, answer)
        if isinstance(answer, NotSent):
            return _report(request, Transient(answer.reason), seconds=answer.seconds)
        if isinstance(answer, NoAnswer):
            outcome = Unknown(answer.reason) if effect else Transient(answer.reason)
            return _report(request, outcome, seconds=answer.seconds)
        return Report(
            _guarded(read, answer),
            answer.seconds,
            answer.status,
            answer.kept_body(),
            answer.headers.get("content-type", ""),
            request.method,
            request.url,
            answer.kept_headers(),
        )

    def _authorized(self, request: HttpRequest) -> HttpResponse | NotSent | NoAnswer | Outcome:
        """Send with a bearer token; after one 401 the token is renewed once.

        A 401 comes before processing (RFC 9110 §15.5.2), so sending again after it doubles nothing.
        """
        if self._tokens is None:
            return self._transport.send(request)
        for _try in range(2):
            token = self._tokens.bearer(self._transport.send)
            if isinstance(token, Outcome):
                return token
            answer = self._transport.send(request.with_header("Authorization", f"Bearer {token}"))
            if not (isinstance(answer, HttpResponse) and answer.status == _UNAUTHORIZED):
                return answer
            self._tokens.forget(token)
        return AuthFailed("the provider refuses a token it has just issued (HTTP 401)")


def _guarded(read: Callable[[HttpResponse], Outcome], answer: HttpResponse) -> Outcome:
    """Read a response with the adapter's code; where that fails, keep the fact that there was a
    response.
    """
    try:
        return read(answer)
    except Exception as error:  # noqa: BLE001 - the adapter's code on a provider's bytes
        return ContractBroken(
            f"HTTP {answer.status}: {type(error).__name__} while reading the response"
        )


def _report(request: HttpRequest, outcome: Outcome, seconds: float = 0.0) -> Report:
    return Report(outcome, seconds, method=request.method, url=request.url)


class ClientPool:
    """One client per connection; a changed setting (another ``version``) makes a new one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._clients: dict[Hashable, tuple[Hashable, ProviderClient]] = {}

    def get(
        self, key: Hashable, version: Hashable, build: Callable[[], ProviderClient]
    ) -> ProviderClient:
        """Return the client of ``key`` built for ``version``; an outdated one is closed and
        replaced.
        """
        with self._lock:
            known = self._clients.get(key)
            if known and known[0] == version:
                return known[1]
            if known:
                known[1].close()
            client = build()
            self._clients[key] = (version, client)
            return client
