"""What breaks around the processes while they work: the database, the provider's network, Odoo's own workers."""

import time
from collections import Counter
from collections.abc import Callable

from sandbox.client import ControlClient

from .cluster import Cluster
from .plan import Plan
from .processes import Prefork


class FaultSchedule:
    """Breaks things by the plan, in the harness's own thread: what a thread starts ends with the thread."""

    def __init__(self, plan: Plan, cluster: Cluster, control: ControlClient, odoo: Prefork | None):
        self.counts: Counter[str] = Counter()
        self._cluster, self._control, self._odoo = cluster, control, odoo
        self._acts: dict[str, Callable[[], bool]] = {
            "database": self._crash,
            "outage": self._cut_off,
            "outage lasts": self._reconnect,
        }
        if odoo:
            self._acts |= {"cron worker": odoo.kill_dispatcher, "server": self._restart}
        self._pauses = {what: plan.intervals(what) for what in self._acts}
        self._due: dict[str, float] = {}

    def begin(self) -> None:
        """Set when each thing breaks first: early, so that a short run sees it too."""
        now = time.monotonic()
        self._due = {what: now + pauses.next() / 2 for what, pauses in self._pauses.items()}
        self._due.pop("outage lasts")

    def inject(self) -> None:
        """Break what is due to break now."""
        for what in [what for what, due in self._due.items() if time.monotonic() >= due]:
            del self._due[what]
            self.counts[what] += self._acts[what]()
            if what != "outage lasts":
                self._due[what] = time.monotonic() + self._pauses[what].next()

    def stop(self) -> None:
        """Repair whatever was broken."""
        self._reconnect()

    def _crash(self) -> bool:
        self._cluster.crash()
        self._cluster.start()
        return True

    def _cut_off(self) -> bool:
        self._control.down("reference")
        self._due["outage lasts"] = time.monotonic() + self._pauses["outage lasts"].next()
        return True

    def _reconnect(self) -> bool:
        self._control.up("reference")
        return True

    def _restart(self) -> bool:
        self._odoo.restart()
        return True
