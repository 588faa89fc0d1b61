"""Threads that perform claimed steps at providers, as many at once as there are slots. No ORM, no
cursor in here.

The dispatcher's own thread submits claims and collects results as they come; a slow call holds its
own slot and nothing else.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from odoo.addons.finance_audit.core.bounded_http import CallScope

from ..http.client import ProviderClient, Report
from ..protocol import Call, Feed, Step
from ..security.masking import MaskingFilter
from .boundaries import reached
from .outcomes import Accepted, Transient, Unknown

_logger = logging.getLogger(__name__)
_logger.addFilter(MaskingFilter())

#: A batch of results is complete with so many, or so long after the first one.
_BATCH_SIZE = 64
_BATCH_SECONDS = 0.03
#: Sending threads of a process at most. A thread that an earlier run has left behind (it waits for
#: the resolution of a name, say) takes the place of one.
MAX_THREADS = 256
#: Odoo limits the address space of a process, and the usual 8 MB of each of 192 threads fill it.
_STACK_BYTES = 1024 * 1024
_thread_count = 0
_thread_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Claim:
    """A claimed step as plain values, for a sending thread.

    ``token`` is the fencing token: the result counts only while the exchange still carries it (X4).
    """

    connection_id: int
    exchange_id: int
    attempt_id: int
    token: str
    step: Step
    call: Call
    client: ProviderClient
    worker_id: int | None = None
    #: The call it travels in with others, empty for none.
    batch: str = ""
    #: Public part of the resources under which the step is taken, by name (P3).
    resources: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])

    @property
    def tokens(self) -> tuple[str, ...]:
        """The fencing tokens of the task."""
        return (self.token,)


@dataclass(frozen=True, slots=True)
class ClaimBatch:
    """Claimed sends that travel in one call; each keeps its own token and outcome."""

    id: str
    claims: tuple[Claim, ...]

    @property
    def connection_id(self) -> int:
        """The connection of all of them."""
        return self.claims[0].connection_id

    @property
    def worker_id(self) -> int | None:
        """The worker that claimed them."""
        return self.claims[0].worker_id

    @property
    def tokens(self) -> tuple[str, ...]:
        """The fencing tokens of the task."""
        return tuple(claim.token for claim in self.claims)


@dataclass(frozen=True, slots=True)
class Preparation:
    """Obtain the resources that claims of a connection wait for."""

    connection_id: int
    client: ProviderClient
    names: tuple[str, ...]
    tokens: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Probe:
    """A call without effect to a provider whose breaker is open."""

    connection_id: int
    client: ProviderClient
    tokens: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Release:
    """Give up what a connection holds at its provider, in this order; the client is used for nothing
    else.
    """

    connection_id: int
    client: ProviderClient
    names: tuple[str, ...]
    tokens: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FeedRead:
    """A claimed page of a feed. The page counts only while the feed still carries ``token``."""

    connection_id: int
    client: ProviderClient
    feed_id: int
    feed: Feed
    cursor: str
    token: str
    attempt_id: int = 0
    tokens: tuple[str, ...] = ()


#: What a slot carries, and what is known about its parts afterwards.
Task = Claim | ClaimBatch | FeedRead | Preparation | Probe | Release
Result = tuple[Claim | FeedRead | Preparation | Probe | Release, Report]


def perform(task: Task) -> list[Result]:
    """Run one call in a sending thread. An unforeseen error counts as an unknown outcome (X5)."""
    try:
        if isinstance(task, Probe):
            return [(task, task.client.probe())]
        if isinstance(task, Preparation):
            return [(task, task.client.prepare(task.names) or Report(Accepted("")))]
        if isinstance(task, Release):
            return _perform_release(task)
        if isinstance(task, FeedRead):
            return [(task, task.client.feed(task.feed.name, task.cursor))]
        return _perform_batch(task) if isinstance(task, ClaimBatch) else _perform_claim(task)
    except Exception as error:
        _logger.exception("a call through connection %s failed unexpectedly", task.connection_id)
        return _same(task, Report(Unknown(f"{type(error).__name__} in the adapter")))


def _perform_claim(task: Claim) -> list[Result]:
    if task.step == "send":
        reached("before_send")
    report = task.client.perform(task.step, task.call, task.resources)
    reached("after_send" if task.step == "send" else "after_status_check")
    return [(task, report)]


def _perform_batch(task: ClaimBatch) -> list[Result]:
    reached("before_send")
    first, calls = task.claims[0], tuple(claim.call for claim in task.claims)
    reports = first.client.perform_batch(calls, first.resources)
    reached("after_send")
    return [(claim, reports[claim.call.key]) for claim in task.claims]


def _perform_release(task: Release) -> list[Result]:
    """Return a result for each call; one at least, since a task has a result."""
    try:
        reports = [task.client.release(name) for name in task.names]
    finally:
        task.client.close()
    called = [(task, report) for report in reports if report]
    return [*called] or [(task, Report(Accepted("")))]


def _same(task: Task, report: Report) -> list[Result]:
    """Return the same report for every part of a task."""
    if isinstance(task, ClaimBatch):
        return [(claim, report) for claim in task.claims]
    return [(task, report)]


def live_threads() -> int:
    """Return how many sending threads this process has, those of ended runs included."""
    return _thread_count


def _forget_threads() -> None:
    """Start anew in a forked process, which has none of its parent's threads."""
    global _thread_count, _thread_lock
    _thread_count, _thread_lock = 0, threading.Lock()


os.register_at_fork(after_in_child=_forget_threads)


class Pipeline:
    """A fixed number of call slots. Use as a context manager; leaving it ends the calls in flight.

    The threads are daemons, and the sockets of their calls are shut down at the end: neither a run
    nor the end of a process waits for a provider.
    """

    def __init__(self, slots: int, holds: Callable[[Any], bool] = lambda _worker: True):
        """``holds`` decides at the last moment whether the claims of a worker are still its own."""
        self.slots = max(0, min(slots, MAX_THREADS - live_threads()))
        if self.slots < slots:
            _logger.warning("%s call threads are left over; %s slots", live_threads(), self.slots)
        self._holds = holds
        #: Calls in flight by connection id.
        self.held: Counter[Any] = Counter()
        #: Fencing tokens of the claims in flight.
        self.tokens: set[str] = set()
        self._scope = CallScope()
        self._tasks: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
        self._threads = 0
        self._idle = threading.Semaphore(0)
        self._done: queue.SimpleQueue[tuple[Task, list[Result]]] = queue.SimpleQueue()

    def __enter__(self) -> Pipeline:
        return self

    def __exit__(self, *_details: object) -> None:
        # The run has waited for as long as it is worth; a status check follows for the rest.
        self._scope.end()
        for _thread in range(self._threads):
            self._tasks.put(None)

    @property
    def in_flight(self) -> int:
        """Calls whose result was not collected yet."""
        return self.held.total()

    @property
    def free(self) -> int:
        """Slots without a call."""
        return self.slots - self.in_flight

    def submit(self, tasks: Iterable[Task]) -> None:
        """Start calls; each uses one slot until it is collected."""
        for task in tasks:
            self.held[task.connection_id] += 1
            self.tokens.update(task.tokens)
            self._tasks.put(task)
            self._start_thread_if_needed()

    def collect(self, seconds: float) -> list[Result]:
        """Return results; wait up to ``seconds`` for the first one, then linger briefly to batch
        results.

        A batch costs a few commits whatever its size, so it is worth waiting for those that are
        about to come.
        """
        done: list[tuple[Task, list[Result]]] = []
        with contextlib.suppress(queue.Empty):
            done.append(self._next(seconds))
            end = time.monotonic() + _BATCH_SECONDS
            while len(done) < self.in_flight:
                wanted = len(done) < _BATCH_SIZE
                done.append(self._next(end - time.monotonic() if wanted else 0))
        for task, _results in done:
            self.held[task.connection_id] -= 1
            self.tokens.difference_update(task.tokens)
        return [result for _task, results in done for result in results]

    def _next(self, seconds: float) -> tuple[Task, list[Result]]:
        return self._done.get(timeout=seconds) if seconds > 0 else self._done.get_nowait()

    def _start_thread_if_needed(self) -> None:
        """Start a thread unless one is idle or there are as many as slots.

        Where the system gives no more threads, the calls share those there are.
        """
        global _thread_count  # noqa: PLW0603 (one count per process)
        if self._idle.acquire(blocking=False) or self._threads >= max(self.slots, 1):
            return
        with _thread_lock:
            before = threading.stack_size(_STACK_BYTES)
            try:
                threading.Thread(target=self._work, name="finance-call", daemon=True).start()
            except RuntimeError:
                if not self._threads:
                    raise
                self.slots = self._threads
                _logger.warning("no more threads are available; %s slots", self.slots)
                return
            finally:
                threading.stack_size(before)
            _thread_count += 1
        self._threads += 1

    def _work(self) -> None:
        global _thread_count  # noqa: PLW0603 (one count per process)
        try:
            with self._scope.entered():
                while (task := self._tasks.get()) is not None:
                    self._carry(task)
                    self._idle.release()
        finally:
            with _thread_lock:
                _thread_count -= 1

    def _carry(self, task: Task) -> None:
        if self._scope.is_ended:
            # The result would not be collected any more, so nothing may be sent for it.
            return
        is_claim = isinstance(task, (Claim, ClaimBatch))
        if is_claim and not self._holds(task.worker_id):
            # The process was suspended: another worker may have taken the claim over, so nothing
            # may be sent now.
            expired = Report(Transient("the claim expired before the call was started"))
            self._done.put((task, _same(task, expired)))
        else:
            self._done.put((task, perform(task)))
