"""Carries one step of one call to the provider and brings back an outcome. Plain values in, plain values out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..delivery.outcomes import AuthFailed, ContractBroken, Outcome, Transient, Unknown
from ..protocol import Call, ProviderProtocol, Step
from .oauth import TokenCache
from .transport import ForbiddenAddress, Transport
from .wire import HttpRequest, HttpResponse, NoAnswer, NotSent

_UNAUTHORIZED = 401


@dataclass(frozen=True, slots=True)
class Report:
    """What one step did, as an attempt stores it. ``body`` is the answer as received, empty when there was none."""

    outcome: Outcome
    seconds: float = 0.0
    status: int = 0
    body: bytes = b""
    content_type: str = ""
    method: str = ""
    url: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


class Courier:
    """One connection's protocol, transport and token, shared by the sending threads."""

    def __init__(self, protocol: ProviderProtocol, transport: Transport):
        self.protocol = protocol
        self._transport = transport
        grant = protocol.authorization()
        self._tokens = TokenCache(grant) if grant else None

    def perform(self, step: Step, call: Call) -> Report:
        """Run one step. Anything unforeseen after the request was built counts as not knowing (X5)."""
        request = self.protocol.build(step, call)
        return self._run(
            request,
            effect=step == "send",
            read=lambda r: self.protocol.interpret(step, call, r),
        )

    def probe(self) -> Report:
        """Ask the provider something without effect: are address and credentials right?"""
        return self._run(
            self.protocol.build_probe(),
            effect=False,
            read=self.protocol.interpret_probe,
        )

    def close(self) -> None:
        """Close idle sockets."""
        self._transport.close()

    def _run(self, request: HttpRequest, *, effect: bool, read) -> Report:
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
            answer.body,
            answer.headers.get("content-type", ""),
            request.method,
            request.url,
            answer.kept_headers(),
        )

    def _authorized(self, request: HttpRequest) -> HttpResponse | NotSent | NoAnswer | Outcome:
        """Send with a bearer token; one 401 is answered by renewing the token once.

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


def _guarded(read, answer: HttpResponse) -> Outcome:
    """An adapter that stumbles over an answer must not lose the fact that there was one."""
    try:
        return read(answer)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        return ContractBroken(
            f"HTTP {answer.status}: {type(error).__name__} while reading the answer"
        )


def _report(request: HttpRequest, outcome: Outcome, seconds: float = 0.0) -> Report:
    return Report(outcome, seconds, method=request.method, url=request.url)
