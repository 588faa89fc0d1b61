"""What is examined, and the means to watch it: a protocol under observation, a breakable network."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
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
    """An adapter and the simulation of its provider.

    The first six are required. Everything below them is optional: what is not given is not examined.
    """

    #: Makes the protocol, with the simulation's address and good credentials.
    protocol: Callable[[], Any]
    #: Makes the transport: ``Transport("sandbox", NetworkPolicy(sandbox=True))``.
    transport: Callable[[], Any]
    #: What the adapter declares as ``_operations``.
    operations: Sequence[Operation]
    #: Makes a valid document of an operation, by its name; a new key and new bytes each time.
    call: Callable[[str], Call]
    #: Counts how often the provider took this document, whether or not the client got an answer.
    effects: Callable[[Call], int]
    #: Returns the provider's own reference of this document, empty where it has none.
    reference: Callable[[Call], str]
    #: Texts that may appear in no address, representation or reason.
    secrets: Sequence[str] = ()
    #: Returns a document with the key of the given one and other bytes.
    other: Callable[[Call], Call] | None = None
    #: Ends all sessions and tokens at the provider.
    revoke: Callable[[], Any] | None = None
    #: Makes the provider take the documents of these keys, but leave them out of responses to batches.
    omit: Callable[[Sequence[str]], Any] | None = None
    #: Makes the provider reject this document once it arrives: at once, or by the verdict of a poll.
    reject: Callable[[Call], Any] | None = None
    #: Feed → function that adds items to it and returns the ids of all items it has.
    fill: Mapping[str, Callable[[], set[str]]] = field(default_factory=dict)
    #: Query → a payload that the provider answers.
    queries: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    #: Undoes ``omit``, ``reject`` and other faults; called before each part of the examination.
    restore: Callable[[], Any] = _nothing

    def operation(self, name: str) -> Operation:
        """Return an operation by name."""
        return next(item for item in self.operations if item.name == name)


class Broken(Exception):
    """Raised inside a conversation, in the place of an error of the adapter."""


def _place_of(error: Exception) -> str:
    """Return type, file and line of an exception; its text may hold what a provider sent."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {Path(frame.filename).name}, line {frame.lineno}"


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
        #: The last exception that the adapter raised by itself, with file and line.
        self.error = ""
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
        except StopIteration:
            raise
        except Exception as error:
            self.error = _place_of(error)
            raise
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

    def explain(self, outcome: Any) -> str:
        """Return an outcome for the author: its code, its reason, and the exception of the adapter."""
        given = getattr(outcome, "reason", "") or ", ".join(
            finding.code for finding in getattr(outcome, "findings", ())
        )
        details = "; ".join(filter(None, (given, self.watched.error)))
        return f"{outcome.code} ({details})" if details else outcome.code

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
