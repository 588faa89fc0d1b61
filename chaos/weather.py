"""What breaks around the processes while they work: the database, the provider's network, Odoo's own workers."""

import threading
import time
from collections import Counter
from collections.abc import Callable

from sandbox.client import ControlClient

from .cluster import Cluster
from .crew import Prefork
from .plan import Plan

_TICK = 0.1


class Weather:
    """A thread that breaks things by the plan until it is told to be calm."""

    def __init__(self, plan: Plan, cluster: Cluster, control: ControlClient, odoo: Prefork | None):
        self.counts: Counter[str] = Counter()
        self.trouble: list[str] = []
        self._plan, self._cluster, self._control, self._odoo = plan, cluster, control, odoo
        self._outages = plan.storm("outage lasts")
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._blow, name="weather")

    def begin(self) -> None:
        self._thread.start()

    def calm(self) -> None:
        """Return when whatever was broken works again."""
        self._end.set()
        if self._thread.is_alive():
            self._thread.join()
        self._control.up("reference")

    def _blow(self) -> None:
        acts: dict[str, Callable[[], bool]] = {"database": self._crash, "outage": self._outage}
        if self._odoo:
            acts |= {"cron worker": self._odoo.kill_dispatcher, "server": self._restart}
        pauses = {what: self._plan.storm(what) for what in acts}
        due = {what: time.monotonic() + pause.next() for what, pause in pauses.items()}
        while not self._end.wait(_TICK):
            for what, act in acts.items():
                if time.monotonic() >= due[what] and not self._end.is_set():
                    self._do(what, act)
                    due[what] = time.monotonic() + pauses[what].next()

    def _do(self, what: str, act: Callable[[], bool]) -> None:
        try:
            self.counts[what] += act()
        except Exception as error:
            self.trouble.append(f"{what}: {type(error).__name__}: {error}")

    def _crash(self) -> bool:
        self._cluster.crash()
        self._cluster.start()
        return True

    def _outage(self) -> bool:
        self._control.down("reference")
        self._end.wait(self._outages.next())
        self._control.up("reference")
        return True

    def _restart(self) -> bool:
        self._odoo.restart()
        return True
