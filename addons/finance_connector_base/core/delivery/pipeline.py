"""Threads that carry claimed steps to providers, as many at once as there are slots. No ORM, no cursor in here.

The dispatcher's own thread puts claims in and takes answers out as they come; a slow call holds its own slot and
nothing else.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ..http.client import Report
from ..security.masking import MaskingFilter
from .claim import Claim, Probe
from .outcomes import Transient, Unknown

_logger = logging.getLogger(__name__)
_logger.addFilter(MaskingFilter())

#: A group of answers is complete with so many, or so long after the first one.
_COMPANY = 64
_COMPANY_SECONDS = 0.03

Result = tuple["Claim | Probe", Report]


def perform(task: Claim | Probe) -> Report:
    """Run one step in a sending thread. What an adapter did not foresee counts as not knowing (X5)."""
    try:
        if isinstance(task, Probe):
            return task.client.probe()
        return task.client.perform(task.step, task.call)
    except Exception as error:
        _logger.exception("a call through connection %s broke", task.connection_id)
        return Report(Unknown(f"{type(error).__name__} in the adapter"))


class Pipeline:
    """A fixed number of slots. Use as a context manager; leaving it gives up what is still on its way."""

    def __init__(self, slots: int, holds: Callable[[Any], bool] = lambda _worker: True):
        """``holds`` tells in the last moment whether the claims of a worker are still its own."""
        self.slots = slots
        self._holds = holds
        #: Calls on their way by connection id.
        self.held: Counter[Any] = Counter()
        #: Fencing tokens of the claims on their way.
        self.tokens: set[str] = set()
        self._pool = ThreadPoolExecutor(slots, thread_name_prefix="finance")
        self._done: queue.SimpleQueue[Result] = queue.SimpleQueue()

    def __enter__(self) -> Pipeline:
        return self

    def __exit__(self, *_details: object) -> None:
        # Whoever collects has waited for as long as it is worth; the provider is asked about the rest.
        self._pool.shutdown(wait=False, cancel_futures=True)

    @property
    def in_flight(self) -> int:
        """Calls on their way whose answer was not collected yet."""
        return self.held.total()

    @property
    def free(self) -> int:
        """Slots without a call."""
        return self.slots - self.in_flight

    def submit(self, tasks) -> None:
        """Start calls; each uses one slot until it is collected."""
        for task in tasks:
            self.held[task.connection_id] += 1
            self.tokens.add(task.token)
            self._pool.submit(self._carry, task)

    def collect(self, seconds: float) -> list[Result]:
        """Answers that came in; waits up to ``seconds`` for the first one, and a moment for its company.

        A group costs a few commits whatever its size, so it is worth waiting for those that are about to come.
        """
        results: list[Result] = []
        with contextlib.suppress(queue.Empty):
            results.append(self._next(seconds))
            end = time.monotonic() + _COMPANY_SECONDS
            while len(results) < self.in_flight:
                wanted = len(results) < _COMPANY
                results.append(self._next(end - time.monotonic() if wanted else 0))
        for task, _report in results:
            self.held[task.connection_id] -= 1
            self.tokens.discard(task.token)
        return results

    def _next(self, seconds: float) -> Result:
        return self._done.get(timeout=seconds) if seconds > 0 else self._done.get_nowait()

    def _carry(self, task: Claim | Probe) -> None:
        if isinstance(task, Claim) and not self._holds(task.worker_id):
            # The process stood still: somebody else may be asking about this one already, so it must not leave now.
            report = Report(Transient("the claim ran out before the call was begun"))
        else:
            report = perform(task)
        self._done.put((task, report))
