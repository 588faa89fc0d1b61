"""Progress lines: what is being done, how long it took, how much disk it uses."""

import contextlib
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from .errors import Problem

_KILO = 1024


def line(text: str) -> None:
    """Print one line at once, also into a pipe. Progress goes to stderr, results to stdout."""
    print(text, file=sys.stderr, flush=True)


def size(count: float) -> str:
    """Return a number of bytes with a unit."""
    for unit in ("B", "kB", "MB"):
        if count < _KILO:
            return f"{count:.0f} {unit}"
        count /= _KILO
    return f"{count:.1f} GB"


def folder_size(folder: Path) -> int:
    """Bytes used by the files below a folder; links are not followed."""
    return sum(p.lstat().st_size for p in folder.rglob("*") if not p.is_dir() or p.is_symlink())


@contextlib.contextmanager
def step(what: str, folder: Path | None = None) -> Iterator[None]:
    """Announce a step, and print its time (and the folder's size) when it is done."""
    line(f"… {what}")
    start = time.monotonic()
    yield
    used = f", {size(folder_size(folder))}" if folder and folder.exists() else ""
    line(f"✓ {what} ({time.monotonic() - start:.0f} s{used})")


def need_space(folder: Path, megabytes: int, what: str) -> None:
    """Stop early, with the numbers, when the disk is too full for a step."""
    free = shutil.disk_usage(folder).free
    needed = megabytes * _KILO * _KILO
    if free < needed:
        raise Problem(
            f"{what} needs {size(needed)} free at {folder}, but only {size(free)} is free.",
            "Free some space, or set XDG_CACHE_HOME to a folder on a bigger disk.",
        )
