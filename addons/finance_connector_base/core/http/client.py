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

import contextlib
import hashlib
import os
import threading
import time
from collections.abc import Callable, Generator, Hashable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..conversation import TOKEN, Answer, Ask, Context, Obtained, Page, Resource
from ..delivery.outcomes import (
    Accepted,
    AuthFailed,
    ContractBroken,
    Duplicate,
    Outcome,
    RateLimited,
    Transient,
    Unknown,
    Waiting,
    is_declared,
)
from ..delivery.windows import declared
from ..finding import storable_text
from ..inbound import BadPage, checked_page
from ..protocol import LIMITS, Call, ProviderProtocol, Step, Window
from ..security.masking import forms_of, hide, in_documents, known_forms, remember
from .resources import MemoryResources, ResourceStore
from .sign_ins import FixedCredentials
from .transport import ForbiddenAddress, Transport
from .wire import CertificateRefused, HttpRequest, HttpResponse, NoAnswer, NotSent

_UNAUTHORIZED = 401
#: Requests of one conversation; a protocol that asks for more goes round in circles.
MAX_REQUESTS = 50
#: Seconds one conversation may take, whatever its requests are allowed.
MAX_SECONDS = 60.0
#: A resource that needs a resource that needs a resource is the most that is followed.
_MAX_DEPTH = 3
#: What may stand in place of a resource: nothing happened, and the step is taken again later.
_NOT_OBTAINED = (AuthFailed, RateLimited, Transient)
#: Outcomes of an effect; a query, a feed or a resource has a value of its own instead.
_OF_AN_EFFECT = (Accepted, Waiting, Duplicate)

#: Public part of the resources under which a step was claimed, by name.
Claimed = Mapping[str, Mapping[str, Any]]
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
    #: Resources that had to be in place, by name; they are not exchanged on the way.
    held: Mapping[str, Resource] = field(default_factory=dict[str, Resource])
    #: Resources whose credentials were put on requests, by name.
    used: dict[str, Resource] = field(default_factory=dict[str, Resource])
    #: Names of the resources that are being obtained.
    obtaining: tuple[str, ...] = ()
    secrets: set[str] = field(default_factory=set[str])


class _Masked:
    """Owns what is masked in logs of one generation of a resource."""

    def __init__(self, generation: int):
        self.generation = generation


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
        self._masked: dict[str, _Masked] = {}
        self._fixed = _fixed_credentials(protocol)
        if self._fixed:
            # Put together from the secrets, and therefore none of their forms.
            _name, value = self._fixed.header()
            self._secrets += (value,)
            owner = self._masked[""] = _Masked(0)
            remember(owner, [value])
        self._transport = transport
        self._resources = resources or MemoryResources(clock)
        self._clock = clock
        self._random = random

    # -- steps -------------------------------------------------------------------------------------

    def perform(self, step: Step, call: Call, claimed: Claimed | None = None) -> Report:
        """Run one step of one exchange.

        ``claimed`` is the public part of the resources that the attempt names: the step is taken
        under these or not at all (P3). None: no attempt names any; what is missing is obtained.
        """
        trace = self._trace(may_effect=step == "send")

        def conversation() -> Generator[Ask, HttpResponse, Any]:
            context = self._hold(self.protocol.needs(step, call), claimed, trace)
            return (yield from self.protocol.converse(step, call, context))

        return self._run(conversation, trace, Outcome)

    def perform_batch(
        self, calls: tuple[Call, ...], claimed: Claimed | None = None
    ) -> dict[str, Report]:
        """Send several calls in one conversation; return a report per key. ``claimed``: see
        ``perform``.

        A key the provider did not answer is unknown; an answer for a key that was not sent is
        ignored. Only the first report carries the body of the response.
        """
        trace = self._trace(may_effect=True)
        outcomes: dict[str, Outcome] = {}

        def conversation() -> Generator[Ask, HttpResponse, Outcome]:
            context = self._hold(self.protocol.needs("send", calls[0]), claimed, trace)
            answered: Any = yield from self.protocol.converse_batch(calls, context)
            if isinstance(answered, Outcome):
                return answered
            outcomes.update({key: item for key, item in answered.items() if is_declared(item)})
            return Unknown("the response does not mention this document")

        report = self._run(conversation, trace, Outcome)
        bare = replace(report, body=b"")
        reports = {
            call.key: replace(bare, outcome=outcomes.get(call.key, report.outcome))
            for call in calls
        }
        for item in outcomes.values():
            self._refuse_ended(item, trace)
        first = calls[0].key
        reports[first] = replace(reports[first], body=report.body)
        # The outcome of a single document has not been part of a report so far.
        return hide(reports, self._forms(trace))

    def query(
        self, operation: str, payload: Mapping[str, Any], seconds: float = MAX_SECONDS
    ) -> Report:
        """Ask a question without effect, within ``seconds``; the report's ``value`` is the answer."""
        trace = self._trace(may_effect=False, seconds=seconds)
        return self._run(
            lambda: self.protocol.query(operation, payload, self._context({})), trace, Answer
        )

    def feed(self, name: str, cursor: str) -> Report:
        """Read one page of a feed; the report's ``value`` is the page, with bounded values.

        A page that cannot be kept is a breach of contract (``core.inbound``).
        """
        trace = self._trace(may_effect=False)
        report = self._run(lambda: self.protocol.feed(name, cursor, self._context({})), trace, Page)
        if not isinstance(report.value, Page):
            return report
        try:
            page = checked_page(report.value)
            if hide(page.cursor, in_documents(self._forms(trace))) != page.cursor:
                # Hidden, it would be the position of another page.
                raise BadPage("the position of the feed contains a secret")
            return replace(report, value=page)
        except BadPage as error:
            return replace(report, outcome=ContractBroken(str(error)), value=None)

    def probe(self) -> Report:
        """Call the provider without effect, to check address and credentials."""
        trace = self._trace(may_effect=False)
        return self._run(lambda: self.protocol.probe(self._context({})), trace, Outcome)

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

    def reports_limits(self) -> bool:
        """Return whether the provider reports its own rate windows, as the resource ``limits``."""
        return self.protocol.has_resource(LIMITS)

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
                self._resource(name, 0, trace)
            except _Ended as ended:
                return self._report(ended.outcome, trace)
        return None

    def release(self, name: str) -> Report | None:
        """Give a resource up at the provider, where that takes a conversation, and use it no more;
        return its report, None where there was nothing to do.
        """
        resource, protocol = self._resources.get(name), self.protocol
        if resource is None:
            return None
        trace = self._trace(may_effect=False)
        trace.held = {name: resource}
        conversation = protocol.release(name, resource, self._context(trace.held))
        self._resources.refuse(name, resource.generation)
        return self._run(lambda: conversation, trace, Outcome) if conversation else None

    def _hold(self, names: tuple[str, ...], claimed: Claimed | None, trace: _Trace) -> Context:
        """Return the context of a step with the resources it needs, which stay the same until its
        end.

        Another generation than the claimed one is another session, which no attempt names: nothing
        is sent in it.
        """
        held: dict[str, Resource] = {}
        for name in names:
            resource = (
                self._resource(name, 0, trace) if claimed is None else self._resources.get(name)
            )
            if resource is None or (
                claimed is not None
                and resource.generation != claimed.get(name, {}).get("generation")
            ):
                raise _Ended(Transient(f"the {name} ended before the call was started"))
            held[name] = resource
        trace.held = held
        return self._context(held)

    def _resource(self, name: str, refused: int, trace: _Trace) -> Resource:
        if name in trace.obtaining or len(trace.obtaining) >= _MAX_DEPTH:
            raise _Ended(ContractBroken(f"resource {name} needs itself"))
        kept = self._resources.get(name)
        if kept and kept.generation > refused:
            return kept

        def obtain(old: Resource | None) -> Obtained | Outcome:
            # A trace of its own: these responses hold secrets and are evidence of nothing.
            inner = _Trace(False, trace.deadline, obtaining=(*trace.obtaining, name))
            result = self._drive(lambda: self._obtaining(name, old, inner), inner, Obtained)
            trace.seconds += inner.seconds
            self._refuse_ended(result, inner)
            return result

        renewed = self._resources.renew(name, refused, obtain)
        if isinstance(renewed, Resource):
            return renewed
        if not isinstance(renewed, _NOT_OBTAINED):
            # Obtaining a resource has no effect, so nothing is in doubt and nothing is decided.
            renewed = Transient(f"{name}: {getattr(renewed, 'reason', '') or renewed.code}")
        raise _Ended(renewed)

    def _obtaining(
        self, name: str, old: Resource | None, trace: _Trace
    ) -> Generator[Ask, HttpResponse, Any]:
        context = self._hold(self.protocol.rests_on(name), None, trace)
        return (yield from self.protocol.obtain(name, old, context))

    def _refuse_ended(self, result: object, trace: _Trace) -> None:
        """Use no more what the provider said has ended (``Outcome.ended``)."""
        for name in result.ended if isinstance(result, Outcome) else ():
            resource = trace.held.get(name) or trace.used.get(name) or self._resources.get(name)
            if resource:
                self._resources.refuse(name, resource.generation)

    def _hide_in_logs(self, resource: Resource) -> None:
        """Mask the secrets of a resource in every line of the log as long as this client lives."""
        known = self._masked.get(resource.name)
        if known is None or known.generation != resource.generation:
            owner = self._masked[resource.name] = _Masked(resource.generation)
            remember(owner, resource.secret.values())

    def _context(self, resources: Mapping[str, Resource]) -> Context:
        return Context(self._clock(), self._random, resources)

    # -- driving a conversation --------------------------------------------------------------------

    def _trace(self, *, may_effect: bool, seconds: float = MAX_SECONDS) -> _Trace:
        return _Trace(may_effect, time.monotonic() + seconds)

    def _run(
        self,
        begin: Callable[[], Generator[Ask, HttpResponse, Any]],
        trace: _Trace,
        wanted: type,
    ) -> Report:
        result = self._drive(begin, trace, wanted)
        if isinstance(result, Answer):
            answer = hide(result, self._forms(trace))
            return replace(self._report(Accepted(""), trace), value=answer)
        if isinstance(result, Page):
            return replace(self._report(Accepted(""), trace), value=result)
        self._refuse_ended(result, trace)
        return self._report(result, trace)

    def _drive(
        self,
        begin: Callable[[], Generator[Ask, HttpResponse, Any]],
        trace: _Trace,
        wanted: type,
    ) -> Any:
        """Return what the conversation returns, or the outcome of where it broke."""
        conversation = None
        try:
            conversation = begin()
            result = self._converse(conversation, trace)
        except _Ended as ended:
            return _certain(trace, ended.outcome)
        except ForbiddenAddress as error:
            return _certain(trace, Transient(f"address not allowed: {error}"))
        except Exception as error:  # noqa: BLE001 - the adapter's code on a provider's bytes
            return _unread(trace, f"{type(error).__name__} while reading the response")
        finally:
            _close(conversation)
        if _is_wanted(result, wanted):
            return result
        return _unread(trace, f"the protocol returned a {type(result).__name__}")

    def _converse(self, conversation: Generator[Ask, HttpResponse, Any], trace: _Trace) -> Any:
        try:
            ask = next(conversation)
            while True:
                ask = conversation.send(self._answer(ask, trace))
        except StopIteration as stop:
            return stop.value

    def _answer(self, ask: Ask, trace: _Trace) -> HttpResponse:
        if ask.effect and not trace.may_effect:
            raise _Ended(ContractBroken("the protocol marks an effect in a step without one"))
        if ask.effect and trace.effect:
            raise _Ended(ContractBroken("the protocol marks a second effect"))
        trace.number += 1
        if trace.number > MAX_REQUESTS:
            raise _Ended(_unread(trace, "too many requests in one step"))
        answer = self._authorized(ask, trace)
        if isinstance(answer, HttpResponse):
            trace.response = answer
            return answer
        if ask.effect and isinstance(answer, NotSent):
            trace.effect = None
        if isinstance(answer, CertificateRefused):
            raise _Ended(AuthFailed(answer.reason))
        raise _Ended(Transient(answer.reason))

    def _authorized(self, ask: Ask, trace: _Trace) -> HttpResponse | NotSent | NoAnswer:
        """Send with the credentials the request asks for; after one 401 they are renewed once.

        A 401 comes before processing (RFC 9110 §15.5.2), so sending again after it doubles nothing.
        A resource that had to be in place before the claim is not exchanged on the way: the step is
        taken again with the next one (P2).
        """
        name, held = ask.auth, trace.held.get(ask.auth)
        if held is None and not self._is_authorized_by(name):
            fixed = self._fixed if name == TOKEN else None
            return self._send(ask, fixed.put_on(ask.request) if fixed else ask.request, trace)
        refused = 0
        for _try in range(2):
            resource = held or self._resource(name, refused, trace)
            trace.used[name] = resource
            trace.secrets.update(resource.secret.values())
            self._hide_in_logs(resource)
            request = self.protocol.authorize(ask.request, resource)
            answer = self._send(ask, request, trace)
            if not (isinstance(answer, HttpResponse) and answer.status == _UNAUTHORIZED):
                return answer
            trace.response = answer
            self._resources.refuse(name, resource.generation)
            refused = resource.generation
            if ask.effect:
                trace.effect = None
            if held:
                raise _Ended(Transient(f"the {name} has ended (HTTP 401)"))
        raise _Ended(AuthFailed("the provider refuses a token it has just issued (HTTP 401)"))

    def _is_authorized_by(self, name: str) -> bool:
        """Return whether requests carry credentials of this resource; ``token`` is what a request
        names that names nothing, so a protocol without one sends none.
        """
        if not name or self.protocol.has_resource(name):
            return bool(name)
        if name == TOKEN:
            return False
        raise _Ended(ContractBroken(f"a request asks for an undeclared resource, {name}"))

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
        return hide(self._full_report(outcome, trace), self._forms(trace))

    def _forms(self, trace: _Trace) -> tuple[str, ...]:
        """Return the forms of what is hidden in the report of a step."""
        return (*forms_of((*self._secrets, *trace.secrets)), *known_forms())

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


def _fixed_credentials(protocol: ProviderProtocol) -> FixedCredentials | None:
    """Return what every request carries; a protocol that fails on it fails in its conversation."""
    with contextlib.suppress(Exception):
        found = protocol.authorization()
        return found if isinstance(found, FixedCredentials) else None
    return None


def _is_wanted(result: object, wanted: type) -> bool:
    """Return whether a conversation of this kind may return the value."""
    if wanted is Outcome:
        return is_declared(result)
    return isinstance(result, wanted) or (
        is_declared(result) and not isinstance(result, _OF_AN_EFFECT)
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
    with contextlib.suppress(Exception):
        if conversation is not None:
            conversation.close()


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
