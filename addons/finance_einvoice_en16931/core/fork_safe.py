"""A lock that is open in every forked worker.

Odoo's prefork server forks while other threads may be validating; a lock taken at that moment would
stay closed in the child.
"""

from __future__ import annotations

import os
import threading


class ForkSafeLock:
    """`threading.Lock` as a context manager, new in every child process."""

    def __init__(self) -> None:
        self._renew()
        os.register_at_fork(after_in_child=self._renew)

    def _renew(self) -> None:
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()
