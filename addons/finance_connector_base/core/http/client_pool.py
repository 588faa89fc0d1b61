"""Couriers kept per process, so that sockets and tokens live longer than one run of the dispatcher."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable

from .client import Courier


class CourierPool:
    """One courier per connection; a changed setting (another ``version``) makes a new one."""

    def __init__(self):
        self._lock = threading.Lock()
        self._couriers: dict[Hashable, tuple[Hashable, Courier]] = {}

    def get(self, key: Hashable, version: Hashable, build: Callable[[], Courier]) -> Courier:
        """The courier of ``key`` built for ``version``; an outdated one is closed and replaced."""
        with self._lock:
            known = self._couriers.get(key)
            if known and known[0] == version:
                return known[1]
            if known:
                known[1].close()
            courier = build()
            self._couriers[key] = (version, courier)
            return courier
