"""Ends the process it lives in at the boundary its fate names: SIGKILL, in the very thread that gets there. Some
processes are only stopped there, all their threads, until their parent lets them go on.
"""

import ctypes
import functools
import importlib
import json
import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

from .boundaries import BEFORE, DISPATCHER, Boundary
from .plan import Fate

_PR_SET_PDEATHSIG = 1


class Journal:
    """Lines of JSON that outlive the process that wrote them; one write each, so that lines of many do not mix."""

    def __init__(self, path: Path):
        self.path = path

    def note(self, event: str, **details: Any) -> None:
        line = json.dumps({"event": event, "at": round(time.monotonic(), 3), **details})
        handle = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(handle, f"{line}\n".encode())
        finally:
            os.close(handle)

    def read(self) -> list[dict[str, Any]]:
        """What was noted; a last line cut by a kill is left out."""
        if not self.path.exists():
            return []
        text = self.path.read_text("utf-8")
        return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]


class Doom:
    """``calm`` is a file: once it exists nobody dies any more."""

    def __init__(self, who: str, fate: Fate, journal: Journal, calm: Path):
        self._who, self._fate, self._journal, self._calm = who, fate, journal, calm
        self._left = fate.occurrence
        self._lock = threading.Lock()

    def reach(self, boundary: str) -> None:
        """The process is at this boundary now; it may not come back from this call."""
        if boundary != self._fate.boundary:
            return
        with self._lock:
            self._left -= 1
            if self._left or self._calm.exists():
                return
            stalls = bool(self._fate.stall)
            self._journal.note("stalled" if stalls else "killed", who=self._who, where=boundary)
            os.kill(os.getpid(), signal.SIGSTOP if stalls else signal.SIGKILL)

    def arm(self, registry: Any) -> None:
        """Wrap the one method at whose boundary this process ends."""
        for boundary in DISPATCHER:
            if boundary.name == self._fate.boundary:
                self._wrap(_class_of(boundary, registry), boundary)

    def _wrap(self, owner: type | None, boundary: Boundary) -> None:
        if owner is None:
            return
        method = getattr(owner, boundary.method)

        @functools.wraps(method)
        def wrapped(self_: Any, *arguments: Any, **named: Any) -> Any:
            seen = (self_, *arguments)
            if boundary.moment == BEFORE and boundary.only_if(seen, None):
                self.reach(boundary.name)
            result = method(self_, *arguments, **named)
            if boundary.moment != BEFORE and boundary.only_if(seen, result):
                self.reach(boundary.name)
            return result

        setattr(owner, boundary.method, wrapped)


def _class_of(boundary: Boundary, registry: Any) -> type | None:
    module, _colon, name = boundary.place.partition(":")
    if name:
        return getattr(importlib.import_module(module), name)
    return registry.models.get(boundary.place)


def die_with_parent() -> None:
    """A child whose parent was killed is killed too; nothing is left behind."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
