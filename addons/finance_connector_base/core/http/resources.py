"""Where the resources of one connection are kept: tokens, sessions, keys that all workers share.

A store decides who obtains a resource and when it is renewed; how it is obtained is a conversation
of the protocol. The store used by the dispatcher is a table (``finance.resource``); the one in here
keeps resources in memory, for a client without a database.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from typing import Protocol

from ..conversation import Obtained, Resource
from ..delivery.outcomes import Outcome, Transient

#: A resource is renewed this many seconds before it ends, so that it does not end on the way.
MARGIN_SECONDS = 30.0
#: How long a caller waits for another one that is obtaining the resource.
WAIT_SECONDS = 45.0

Obtain = Callable[[Resource | None], Obtained | Outcome]


class ResourceStore(Protocol):
    """The resources of one connection."""

    def get(self, name: str) -> Resource | None:
        """Return the resource if it is in place and not about to end."""
        ...

    def renew(self, name: str, refused: int, obtain: Obtain) -> Resource | Outcome:
        """Return a resource newer than generation ``refused`` (0: any), obtained by one caller at a
        time; or the outcome that says why there is none.
        """
        ...

    def refuse(self, name: str, generation: int) -> None:
        """Note that the provider refused this generation, so that it is used no more."""
        ...


def usable_until(resource: Resource) -> float:
    """Return the Unix time until which a resource may be put on a new request."""
    if resource.expires_at is None:
        return float("inf")
    return resource.expires_at


def margin(lifetime: float) -> float:
    """Return how long before its end a resource of this lifetime is renewed."""
    return min(MARGIN_SECONDS, lifetime / 2)


@contextmanager
def waiting(renewing: threading.Lock, name: str) -> Generator[Transient | None, None, None]:
    """Hold the lock of a resource while it is obtained; the outcome of having waited in vain.

    Two resources that rest on each other, obtained at the same moment, would wait for ever.
    """
    if not renewing.acquire(timeout=WAIT_SECONDS):
        yield Transient(f"another call is obtaining the {name}")
        return
    try:
        yield None
    finally:
        renewing.release()


class MemoryResources:
    """A store within one process."""

    def __init__(self, clock: Callable[[], float] = time.time, kept: Iterable[Resource] = ()):
        """``kept``: what is in place from the start."""
        self._clock = clock
        self._lock = threading.Lock()
        self._renewing: dict[str, threading.Lock] = {}
        self._kept: dict[str, Resource] = {item.name: item for item in kept}
        self._failed: dict[str, tuple[float, Outcome]] = {}

    def get(self, name: str) -> Resource | None:
        """Return the resource if it is in place and not about to end."""
        resource = self._kept.get(name)
        return resource if resource and usable_until(resource) > self._clock() else None

    def renew(self, name: str, refused: int, obtain: Obtain) -> Resource | Outcome:
        """Return a resource newer than generation ``refused``; see ``ResourceStore``."""
        asked_at = self._clock()
        with self._lock:
            renewing = self._renewing.setdefault(name, threading.Lock())
        with waiting(renewing, name) as failure:
            return failure or self._renew(name, refused, obtain, asked_at)

    def _renew(
        self, name: str, refused: int, obtain: Obtain, asked_at: float
    ) -> Resource | Outcome:
        kept = self.get(name)
        if kept and kept.generation > refused:
            return kept
        failed_at, failure = self._failed.get(name, (0.0, None))
        if failure and failed_at >= asked_at:
            # It failed for all that waited for it; a slow endpoint holds none of them longer.
            return failure
        old = self._kept.get(name)
        obtained = obtain(old)
        if isinstance(obtained, Outcome):
            self._failed[name] = (self._clock(), obtained)
            return obtained
        self._failed.pop(name, None)
        generation = max(refused, old.generation if old else 0) + 1
        self._kept[name] = kept_resource(name, generation, obtained, self._clock())
        return self._kept[name]

    def refuse(self, name: str, generation: int) -> None:
        """Note that the provider refused this generation."""
        kept = self._kept.get(name)
        if kept and kept.generation == generation:
            self._kept[name] = Resource(name, generation, expires_at=0.0)


def kept_resource(name: str, generation: int, obtained: Obtained, now: float) -> Resource:
    """Return an obtained resource as it is kept; it ends a margin before the provider ends it."""
    life = obtained.lifetime
    ends = None if life is None else now + life - margin(life)
    return Resource(name, generation, dict(obtained.secret), dict(obtained.public), ends)
