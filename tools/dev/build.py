"""Folders of the cache that are built once: under a lock, into a temporary folder, renamed when complete."""

import contextlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from . import console, locks
from .errors import Problem


def remove(folder: Path) -> None:
    """Delete a folder tree or a link to one, if there is any."""
    if folder.is_symlink():
        folder.unlink()
    elif folder.exists():
        shutil.rmtree(folder)


@contextlib.contextmanager
def _disk_errors(what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Problem(f"{what}: {error}") from error


def once(folder: Path, what: str, megabytes: int, make: Callable[[Path], None]) -> Path:
    """Build `folder` by `make(temporary folder)` unless it is there already."""
    if folder.is_dir():
        return folder
    with locks.exclusive(folder.parent / f".{folder.name}.lock", what):
        if folder.is_dir():
            return folder
        console.need_space(folder.parent, megabytes, what)
        temporary = folder.parent / f".{folder.name}.partial"
        with _disk_errors(what):
            remove(temporary)
            temporary.mkdir(parents=True)
            with console.step(what, temporary):
                make(temporary)
            temporary.replace(folder)
    return folder
