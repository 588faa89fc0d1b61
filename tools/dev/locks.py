"""Locks between processes, which the kernel releases when their process ends.

These are calls of flock(2) and no package, because they protect the installation of the packages.
"""

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from . import console


def _open(path: Path) -> IO[str]:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.open("a")


def try_lock(handle: IO[str], how: int) -> bool:
    """Take a lock without waiting; return whether it was free."""
    try:
        fcntl.flock(handle, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextlib.contextmanager
def exclusive(path: Path, what: str) -> Iterator[None]:
    """Hold the lock while the block runs; print a line when it has to be waited for."""
    with _open(path) as handle:
        if not try_lock(handle, fcntl.LOCK_EX):
            console.line(f"… waiting for another process to finish: {what}")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


class Users:
    """Counts the processes that use a shared server, by shared locks on one file."""

    def __init__(self, path: Path) -> None:
        self._handle = _open(path)

    def enter(self) -> None:
        """Join; waits only while the last user is stopping the server."""
        fcntl.flock(self._handle, fcntl.LOCK_SH)

    def leave(self) -> bool:
        """Leave; return whether this was the last user, so that the server may be stopped."""
        last = try_lock(self._handle, fcntl.LOCK_EX)
        fcntl.flock(self._handle, fcntl.LOCK_UN)
        return last

    def close(self) -> None:
        """Give the file back."""
        self._handle.close()
