"""Locks between processes: they vanish with their process, so none can be left behind."""

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
    """Take a lock without waiting; False when another process is in the way."""
    try:
        fcntl.flock(handle, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextlib.contextmanager
def exclusive(path: Path, what: str) -> Iterator[None]:
    """Only one process at a time gets in; the others say that they wait."""
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
        """Leave; True when nobody else uses the server, so that it may be stopped."""
        last = try_lock(self._handle, fcntl.LOCK_EX)
        fcntl.flock(self._handle, fcntl.LOCK_UN)
        return last

    def close(self) -> None:
        """Give the file back."""
        self._handle.close()
