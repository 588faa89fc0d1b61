"""Ends the process it lives in at the boundary its kill plan names: SIGKILL, in the very thread that reaches it. Some
processes are only suspended there, all their threads, until their parent resumes them.
"""

import ctypes
import json
import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

from .plan import KillPlan

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


class FaultInjector:
    """Kills or suspends this process once. ``quiet`` is a file: while it exists nothing is injected any more."""

    def __init__(self, who: str, plan: KillPlan, journal: Journal, quiet: Path):
        self._who, self._plan, self._journal, self._quiet = who, plan, journal, quiet
        self._left = plan.occurrence
        self._lock = threading.Lock()

    def reach(self, boundary: str) -> None:
        """Note that the process is at this boundary; the call may not return."""
        if boundary != self._plan.boundary:
            return
        with self._lock:
            self._left -= 1
            if self._left or self._quiet.exists():
                return
            stalls = bool(self._plan.stall)
            self._journal.note("stalled" if stalls else "killed", who=self._who, where=boundary)
            os.kill(os.getpid(), signal.SIGSTOP if stalls else signal.SIGKILL)

    def arm(self) -> None:
        """Observe the boundaries that the code under test reports; Odoo is loaded when this is called."""
        from odoo.addons.finance_connector_base.core.delivery import boundaries

        boundaries.observe(self.reach)


def die_with_parent() -> None:
    """Ask the kernel to kill this process when its parent is gone, so that nothing is left behind."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
