"""The client of one connection: drive the protocol's conversations and return what they result in.

Plain values in, plain values out. ``ProviderClient`` joins protocol, transport and resources;
``ClientPool`` keeps one client per connection in a process, so that sockets outlive one run of the
dispatcher.

The client, not the adapter, decides what a broken conversation means for the effect (X5, P1):

======================================================  ==================================
where it breaks                                         outcome
======================================================  ==================================
before the marked request, or it was not sent           ``Transient``: nothing happened
the marked request got no response                      ``Unknown``
after the marked request, anything but a return         ``Unknown``
a second marked request, or one in a step without       ``ContractBroken``, before it is
effect                                                  sent
======================================================  ==================================

In a step without effect, a response that the adapter cannot read is ``ContractBroken``.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Callable, Generator, Hashable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..conversation import Answer, Ask, Context, Obtained, Page, Resource
from ..delivery.outcomes import Accepted, AuthFailed, ContractBroken, Outcome, Transient, Unknown
from ..delivery.windows import declared
from ..finding import storable_text
from ..protocol import LIMITS, Call, ProviderProtocol, Step, Window
from ..security.masking import forms_of, hide
from .resources import MemoryResources, ResourceStore
from .transport import ForbiddenAddress, Transport
from .wire import HttpRequest, HttpResponse, NoAnswer, NotSent

_UNAUTHORIZED = 401
#: Requests of one conversation; a protocol that asks for more goes round in circles.
MAX_REQUESTS = 50
#: Seconds one conversation may take, whatever its requests are allowed.
MAX_SECONDS = 60.0
#: A resource that needs a resource that needs a resource is the most that is followed.
_MAX_DEPTH = 3
_MAX_HEADER = 200


@dataclass(frozen=True, slots=True)
class Report:
    """Result of one step, as an attempt stores it; ``body`` is the raw last response, empty when
    there was none.

    ``request_id`` and ``api_version`` are what the provider said of itself, ``wire_sha256`` the
    hash of the body of the request that carried the effect. ``limit`` is the group of rate windows
    the last request drew from. ``value`` is the result of a query or of a feed.
    """

    outcome: Outcome
    seconds: float = 0.0
    status: int = 0
    body: bytes = b""
    content_type: str = ""
    method: str = ""
    url: str = ""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    request_id: str = ""
    api_version: str = ""
    wire_sha256: str = ""
    limit: str = ""
    value: Answer | Page | None = None


@dataclass(slots=True)
class _Trace:
    """What happened in a conversation so far."""

    may_effect: bool
    deadline: float
    request: HttpRequest | None = None
    response: HttpResponse | None = None
    limit: str = ""
    seconds: float = 0.0
    number: int = 0
    effect: HttpRequest | None = None
    secrets: set[str] = field(default_factory=set[str])


class _Ended(Exception):
    """The conversation cannot go on; the outcome says what is certain about the effect."""

    def __init__(self, outcome: Outcome):
        super().__init__(outcome.code)
        self.outcome = outcome


class ProviderClient:
    """One connection's protocol, transport and resources, shared by the sending threads."""

    def __init__(
        self,
        protocol: ProviderProtocol,
        transport: Transport,
        resources: ResourceStore | None = None,
        clock: Callable[[], float] = time.time,
        random: Callable[[int], bytes] = os.urandom,
        secrets: tuple[str, ...] = (),
    ):
        """``secrets`` are hidden in what is kept of a response: some providers echo them in an error."""
        self.protocol = protocol
        self._secrets = secrets
        self._transport = transport
        self._resources = resources or MemoryResources(clock)
        self._clock = clock
        self._random = random

    # -- steps -------------------------------------------------------------------------------------

    def perform(self, step: Step, call: Call) -> Report:
        """Run one step of one exchange."""
        trace = self._trace(may_effect=step == "send")
        needs = self.protocol.needs(step, call)
        return self._run(
            lambda: self.protocol.converse(step, call, self._context(needs)), trace, Outcome, needs
        )

    def perform_batch(self, calls: tuple[Call, ...]) -> dict[str, Report]:
        """Send several calls in one conversation; return a report per key.

        A key the provider did not answer is unknown; an answer for a key that was not sent is
        ignored. Only the first report carries the body of the response.
        """
        trace = self._trace(may_effect=True)
        needs = self.protocol.needs("send", calls[0])
        outcomes: dict[str, Outcome] = {}

        def conversation() -> Generator[Ask, HttpResponse, Outcome]:
            answered: Any = yield from self.protocol.converse_batch(calls, self._context(needs))
            if isinstance(answered, Outcome):
                return answered
            outcomes.update(
                {key: item for key, item in answered.items() if isinstance(item, Outcome)}
            )
            return Unknown("the response does not mention this document")

        report = self._run(conversation, trace, Outcome, needs)
        bare = replace(report, body=b"")
        reports = {
            call.key: replace(bare, outcome=outcomes.get(call.key, report.outcome))
            for call in calls
        }
        first = calls[0].key
        reports[first] = replace(reports[first], body=report.body)
        return reports

    def query(
        self, operation: str, payload: Mapping[str, Any], seconds: float = MAX_SECONDS
    ) -> Report:
        """Ask a question without effect, within ``seconds``; the report's ``value`` is the answer."""
        trace = self._trace(may_effect=False, seconds=seconds)
        return self._run(
            lambda: self.protocol.query(operation, payload, self._context(())), trace, Answer
        )

    def feed(self, name: str, cursor: str) -> Report:
        """Read one page of a feed; the report's ``value`` is the page."""
        trace = self._trace(may_effect=False)
        return self._run(lambda: self.protocol.feed(name, cursor, self._context(())), trace, Page)

    def probe(self) -> Report:
        """Call the provider without effect, to check address and credentials."""
        trace = self._trace(may_effect=False)
        return self._run(lambda: self.protocol.probe(self._context(())), trace, Outcome)

    def close(self) -> None:
        """Close idle sockets."""
        self._transport.close()

    def windows(self) -> tuple[Window, ...]:
        """Return the rate windows that hold: as the provider reported them in the resource ``limits``,
        else as declared.
        """
        if not self.protocol.has_resource(LIMITS):
            return self.protocol.windows
        kept = self._resources.get(LIMITS)
        return declared(self.protocol.windows, kept.public.get("windows") if kept else None)

    # -- resources ---------------------------------------------------------------------------------

    def needs(self, step: Step, call: Call) -> tuple[str, ...]:
        """Return the resources that must be in place before a step is claimed."""
        return self.protocol.needs(step, call)

    def missing(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Return those of the named resources that are not in place."""
        return tuple(name for name in names if self._resources.get(name) is None) if names else ()

    def public(self, names: tuple[str, ...]) -> dict[str, dict[str, Any]]:
        """Return the public part of the named resources that are in place."""
        kept = {name: self._resources.get(name) for name in names} if names else {}
        return {
            name: {**resource.public, "generation": resource.generation}
            for name, resource in kept.items()
            if resource
        }

    def prepare(self, names: tuple[str, ...]) -> Report | None:
        """Obtain the named resources; return the report of the one that failed, or None."""
        for name in names:
            trace = self._trace(may_effect=False)
            try:
                self._resource(name, 0, trace, depth=0)
            except _Ended as ended:
                return self._report(ended.outcome, trace)
        return None

    def _resource(self, name: str, refused: int, trace: _Trace, depth: int) -> Resource:
        if depth >= _MAX_DEPTH:
            raise _Ended(ContractBroken(f"resource {name} needs itself"))
        kept = self._resources.get(name)
        if kept and kept.generation > refused:
            return kept

        def obtain(old: Resource | None) -> Obtained | Outcome:
            # A trace of its own: these responses hold secrets and are evidence of nothing.
            inner = _Trace(may_effect=False, deadline=trace.deadline)
            result = self._drive(
                lambda: self.protocol.obtain(name, old, self._context(())),
                inner,
                Obtained,
                depth=depth + 1,
            )
            trace.seconds += inner.seconds
            return result

        renewed = self._resources.renew(name, refused, obtain)
        if isinstance(renewed, (Unknown, ContractBroken)):
            # Obtaining a resource has no effect, so nothing is in doubt.
            renewed = Transient(renewed.reason)
        if isinstance(renewed, Outcome):
            raise _Ended(renewed)
        return renewed

    def _context(self, needs: tuple[str, ...]) -> Context:
        kept = {name: self._resources.get(name) for name in needs}
        return Context(
            self._clock(), self._random, {name: item for name, item in kept.items() if item}
        )

    # -- driving a conversation --------------------------------------------------------------------

    def _trace(self, *, may_effect: bool, seconds: float = MAX_SECONDS) -> _Trace:
        return _Trace(may_effect, time.monotonic() + seconds)

    def _run(
        self,
        begin: Callable[[], Generator[Ask, HttpResponse, Any]],
        trace: _Trace,
        wanted: type,
        needs: tuple[str, ...] = (),
    ) -> Report:
        result = self._drive(begin, trace, wanted, needs)
        if isinstance(result, (Answer, Page)):
            return replace(self._report(Accepted(""), trace), value=result)
        return self._report(result, trace)

    def _drive(
        self,
        begin: Callable[[], Generator[Ask, HttpResponse, Any]],
        trace: _Trace,
        wanted: type,
        needs: tuple[str, ...] = (),
        depth: int = 0,
    ) -> Any:
        """Return what the conversation returns, or the outcome of where it broke."""
        conversation = None
        try:
            conversation = begin()
            result = self._converse(conversation, trace, needs, depth)
        except _Ended as ended:
            return _certain(trace, ended.outcome)
        except ForbiddenAddress as error:
            return _certain(trace, Transient(f"address not allowed: {error}"))
        except Exception as error:  # noqa: BLE001 - the adapter's code on a provider's bytes
            return _unread(trace, f"{type(error).__name__} while reading the response")
        finally:
            _close(conversation)
        if isinstance(result, (wanted, Outcome)):
            return result
        return _unread(trace, f"the protocol returned a {type(result).__name__}")

    def _converse(
        self,
        conversation: Generator[Ask, HttpResponse, Any],
        trace: _Trace,
        needs: tuple[str, ...],
        depth: int,
    ) -> Any:
        try:
            ask = next(conversation)
            while True:
                ask = conversation.send(self._answer(ask, trace, needs, depth))
        except StopIteration as stop:
            return stop.value

    def _answer(self, ask: Ask, trace: _Trace, needs: tuple[str, ...], depth: int) -> HttpResponse:
        if ask.effect and not trace.may_effect:
            raise _Ended(ContractBroken("the protocol marks an effect in a step without one"))
        if ask.effect and trace.effect:
            raise _Ended(ContractBroken("the protocol marks a second effect"))
        trace.number += 1
        if trace.number > MAX_REQUESTS:
            raise _Ended(_unread(trace, "too many requests in one step"))
        answer = self._authorized(ask, trace, needs, depth)
        if isinstance(answer, HttpResponse):
            trace.response = answer
            return answer
        if ask.effect and isinstance(answer, NotSent):
            trace.effect = None
        raise _Ended(Transient(answer.reason))

    def _authorized(
        self, ask: Ask, trace: _Trace, needs: tuple[str, ...], depth: int
    ) -> HttpResponse | NotSent | NoAnswer:
        """Send with the credentials the request asks for; after one 401 they are renewed once.

        A 401 comes before processing (RFC 9110 §15.5.2), so sending again after it doubles nothing.
        A resource that had to be in place before the claim is not exchanged on the way: the step is
        taken again with the next one (P2).
        """
        name = ask.auth
        if not name or not (name in needs or self.protocol.has_resource(name)):
            return self._send(ask, ask.request, trace)
        refused = 0
        for _try in range(2):
            resource = self._resource(name, refused, trace, depth)
            trace.secrets.update(resource.secret.values())
            request = self.protocol.authorize(ask.request, resource)
            answer = self._send(ask, request, trace)
            if not (isinstance(answer, HttpResponse) and answer.status == _UNAUTHORIZED):
                return answer
            trace.response = answer
            self._resources.refuse(name, resource.generation)
            refused = resource.generation
            if ask.effect:
                trace.effect = None
            if name in needs:
                raise _Ended(Transient(f"the {name} has ended (HTTP 401)"))
        raise _Ended(AuthFailed("the provider refuses a token it has just issued (HTTP 401)"))

    def _send(
        self, ask: Ask, request: HttpRequest, trace: _Trace
    ) -> HttpResponse | NotSent | NoAnswer:
        left = trace.deadline - time.monotonic()
        if left <= 0:
            return NotSent("the time for this step is over")
        if request.seconds_in_all > left:
            request = replace(request, total=left)
        trace.request, trace.limit = ask.request, ask.limit
        if ask.effect:
            trace.effect = request
        answer = self._transport.send(request)
        trace.seconds += answer.seconds
        return answer

    def _report(self, outcome: Outcome, trace: _Trace) -> Report:
        forms = forms_of((*self._secrets, *trace.secrets))
        return hide(self._full_report(outcome, trace), forms)

    def _full_report(self, outcome: Outcome, trace: _Trace) -> Report:
        request, response = trace.request, trace.response
        report = Report(
            outcome,
            trace.seconds,
            method=request.method if request else "",
            url=request.url if request else "",
            wire_sha256=hashlib.sha256(trace.effect.body or b"").hexdigest()
            if trace.effect
            else "",
            limit=trace.limit,
        )
        if response is None:
            return report
        headers, protocol = response.headers, self.protocol
        request_ids = (headers.get(name, "") for name in protocol.request_id_headers)
        extra = {name: headers[name] for name in protocol.kept_headers if headers.get(name)}
        return replace(
            report,
            status=response.status,
            body=response.kept_body(),
            content_type=headers.get("content-type", ""),
            headers={**response.kept_headers(), **extra},
            request_id=storable_text(next(filter(None, request_ids), ""), _MAX_HEADER),
            api_version=storable_text(headers.get(protocol.api_version_header, ""), _MAX_HEADER),
        )


def _certain(trace: _Trace, outcome: Outcome) -> Outcome:
    """Return what is certain about the effect where the conversation ended without returning."""
    if trace.effect and not isinstance(outcome, (Unknown, ContractBroken)):
        return Unknown(getattr(outcome, "reason", ""))
    return outcome


def _unread(trace: _Trace, reason: str) -> Outcome:
    """Return the outcome of a protocol that failed on what it was given."""
    if trace.effect:
        status = f"HTTP {trace.response.status}: " if trace.response else ""
        return Unknown(f"{status}{reason}")
    if trace.may_effect:
        return Transient(reason)
    return ContractBroken(f"HTTP {trace.response.status}: {reason}" if trace.response else reason)


def _close(conversation: Generator[Ask, HttpResponse, Any] | None) -> None:
    """End an abandoned generator; one that refuses to end has nothing to say any more."""
    try:
        if conversation is not None:
            conversation.close()
    except Exception:  # noqa: BLE001, S110 - the adapter's code; the outcome stands already
        pass


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
