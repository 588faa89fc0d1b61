"""What is examined, and the means to watch it: a protocol under observation, a breakable network."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...core.conversation import Ask
from ...core.http.client import ProviderClient
from ...core.http.wire import HttpRequest, HttpResponse, NoAnswer
from ...core.protocol import Call, Operation


@dataclass(frozen=True)
class Problem:
    """One violation of the contract; ``code`` is stable, ``text`` says what is wrong."""

    property: str
    code: str
    text: str

    def __str__(self) -> str:
        return f"{self.property} {self.code}: {self.text}"


def _nothing(*_args: Any) -> None:
    """Stand for something the sandbox of the provider cannot do."""


@dataclass
class Subject:
    """An adapter and the sandbox of its provider.

    ``call`` makes a new document of an operation, never the same twice. ``effects`` counts how often
    the provider took it, whatever reached the client; ``reference`` is the provider's own reference
    of it. The rest is optional: what is not given is not examined.
    """

    protocol: Callable[[], Any]
    transport: Callable[[], Any]
    operations: Sequence[Operation]
    call: Callable[[str], Call]
    effects: Callable[[Call], int]
    reference: Callable[[Call], str]
    #: Texts that may appear in no address, representation or reason.
    secrets: Sequence[str] = ()
    #: A document with the identity of another one and other bytes.
    other: Callable[[Call], Call] | None = None
    #: Ends sessions and tokens at the provider.
    revoke: Callable[[], Any] | None = None
    #: Takes the items of these keys in the next batch, but leaves them out of its response.
    omit: Callable[[Sequence[str]], Any] | None = None
    #: Rejects the document of this key.
    reject: Callable[[Call], Any] | None = None
    #: Provider ids of the items of a feed, after some were added to it.
    fill: Mapping[str, Callable[[], set[str]]] = field(default_factory=dict)
    #: Query → payload that has an answer.
    queries: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    #: Undoes faults and verdicts of the sandbox.
    restore: Callable[[], Any] = _nothing

    def operation(self, name: str) -> Operation:
        """Return an operation by name."""
        return next(item for item in self.operations if item.name == name)


class Broken(Exception):
    """Raised inside a conversation, in the place of an error of the adapter."""


#: What a conversation may not call: module, name. The time and random numbers are given to it.
_IMPURE = frozenset(
    {
        ("time", "time"),
        ("time", "time_ns"),
        ("time", "monotonic"),
        ("time", "sleep"),
        ("posix", "urandom"),
        ("datetime", "now"),
        ("datetime", "utcnow"),
        ("date", "today"),
        ("Random", "random"),
        ("Random", "getrandbits"),
        ("socket", "connect"),
    }
)
#: The frame of the contract itself may read the clock (an HTTP date in Retry-After), and logging does.
_EXEMPT = ("core/http/wire.py", "logging/__init__.py", "conformance/subject.py")


def given_random(size: int) -> bytes:
    """Return random bytes as a context gives them, which is not to draw them."""
    return os.urandom(size)


class Watched:
    """A protocol whose conversations are watched: what they ask, what they return, what they call."""

    _CONVERSATIONS = frozenset({"converse", "converse_batch", "query", "feed", "probe"})

    def __init__(self, protocol: Any):
        self._protocol = protocol
        self.asks: list[Ask] = []
        self.impure: set[str] = set()
        self.result: Any = None
        self.has_returned = False
        self.fail_at: int | None = None
        self.obtained: list[tuple[str, Any]] = []

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._protocol, name)
        if name in self._CONVERSATIONS:
            return lambda *args: self._watch(found(*args))
        if name == "obtain":
            return lambda *args: self._watch_obtain(args[0], found(*args))
        return found

    def _watch(self, conversation: Any) -> Any:
        answer = None
        try:
            while True:
                ask = self._step(conversation, answer)
                self.asks.append(ask)
                if self.fail_at == len(self.asks):
                    raise Broken
                answer = yield ask
        except StopIteration as stop:
            self.result, self.has_returned = stop.value, True
            return stop.value
        finally:
            conversation.close()

    def _watch_obtain(self, name: str, conversation: Any) -> Any:
        answer = None
        try:
            while True:
                answer = yield self._step(conversation, answer)
        except StopIteration as stop:
            self.obtained.append((name, stop.value))
            return stop.value

    def _step(self, conversation: Any, answer: Any) -> Any:
        before = sys.getprofile()
        sys.setprofile(self._profile)
        try:
            return conversation.send(answer)
        finally:
            sys.setprofile(before)

    def _profile(self, frame: Any, event: str, called: Any) -> None:
        if event != "c_call" or frame.f_code.co_filename.endswith(_EXEMPT):
            return
        owner = getattr(called, "__self__", None)
        kind = owner if isinstance(owner, type) else type(owner)
        name = getattr(called, "__name__", "")
        for place in (
            getattr(called, "__module__", None),
            getattr(owner, "__name__", None),
            kind.__name__,
        ):
            if (place, name) in _IMPURE:
                self.impure.add(f"{place}.{name}")


class Network:
    """The way to the sandbox, with a break at the n-th request of the watched conversation (from 1).

    ``instead`` is an answer given in place of the provider's; with ``reaches`` the request arrives all
    the same.
    """

    def __init__(self, transport: Any, watched: Watched):
        self._transport = transport
        self._watched = watched
        self.break_at: int | None = None
        self.instead: Any = None
        self.reaches = False
        self.sent: list[tuple[Ask, HttpRequest]] = []
        self.requests = 0

    def send(self, request: HttpRequest) -> Any:
        """Send a request, or break it."""
        self.requests += 1
        asks = self._watched.asks
        mine = bool(asks) and _is_of(request, asks[-1])
        if mine:
            self.sent.append((asks[-1], request))
        if mine and self.break_at is not None and len(asks) == self.break_at:
            if self.reaches:
                self._transport.send(request)
            return self.instead
        return self._transport.send(request)

    def close(self) -> None:
        """Close idle sockets."""
        self._transport.close()


def _is_of(request: HttpRequest, ask: Ask) -> bool:
    asked = ask.request
    path = asked.url.split("?")[0]
    return (request.method, request.url.split("?")[0], request.body) == (
        asked.method,
        path,
        asked.body,
    )


class Trial:
    """One client of the subject, watched, on a network of its own."""

    def __init__(self, subject: Subject):
        self.subject = subject
        self.watched = Watched(subject.protocol())
        self.network = Network(subject.transport(), self.watched)
        self.client = ProviderClient(self.watched, self.network, random=given_random)  # type: ignore[arg-type]
        self.public: dict[str, dict[str, Any]] = {}

    def broken(self, at: int, answer: Any, *, reaches: bool = False) -> Trial:
        """Break the request at this place of the conversation."""
        self.network.break_at, self.network.instead, self.network.reaches = at, answer, reaches
        return self

    def failing(self, at: int) -> Trial:
        """Let the adapter fail at this request."""
        self.watched.fail_at = at
        return self

    def perform(self, step: Any, call: Call) -> Any:
        """Run a step as the dispatcher does: resources first, then under the claimed ones."""
        try:
            needs = self.client.needs(step, call)
            failed = self.client.prepare(needs)
            if failed:
                return failed
            self.public = self.client.public(needs)
            return self.client.perform(step, call, self.public)
        finally:
            self.network.close()

    @property
    def effects(self) -> list[int]:
        """Places of the requests that were marked, from 1."""
        return [place for place, ask in enumerate(self.watched.asks, 1) if ask.effect]


def response(
    status: int, body: bytes = b"", kind: str = "application/json", **headers: str
) -> HttpResponse:
    """Return a response of something in between, or of a provider that is not well."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return HttpResponse(status, {"content-type": kind, **named}, body)


LOST = NoAnswer("the connection was closed")
