"""Loads Odoo once and bears processes that are killed, one after the other, until the run is over.

``python -m chaos.nursery`` is started by the harness. A child is a fork with the registry in memory, as the workers
of Odoo's prefork server are, so that a new one is at work in milliseconds. The clock of all its children may be wrong
by some seconds.
"""

import argparse
import datetime as dt
import importlib
import os
import random
import signal
import sys
import time
from pathlib import Path

import odoo.service.server
import odoo.sql_db
import odoo.tools
from freezegun import freeze_time
from odoo.modules.registry import Registry

from .doom import Doom, Journal, die_with_parent
from .plan import JOURNAL, Plan

_LOOK = 0.02
#: Imported when Odoo has found its addons.
ROLES = {"worker": "work", "naive": "naive", "office": "office"}


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="chaos.nursery")
    for name in ("config", "database", "role", "who", "engine", "sandbox"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--folder", type=Path, required=True)
    for name in ("seed", "exchanges", "lane"):
        parser.add_argument(f"--{name}", type=int, required=True)
    parser.add_argument("--skew", type=float, default=0.0)
    return parser.parse_args()


class Nursery:
    """One line of processes; ``folder`` holds the journal, and the files that say "calm" and "stop"."""

    def __init__(self, chosen: argparse.Namespace):
        self.chosen = chosen
        self.plan = Plan(chosen.seed, chosen.exchanges, chosen.engine)
        self.journal = Journal(chosen.folder / JOURNAL)
        self.calm, self.stop = chosen.folder / "calm", chosen.folder / "stop"
        self.registry = Registry(chosen.database)
        self._live_out = importlib.import_module(f"chaos.{ROLES[chosen.role]}").live

    def run(self) -> None:
        """Bear, wait, bear the next."""
        incarnation = 0
        while not self.stop.exists():
            fate = self.plan.fate(self.chosen.role, self.chosen.who, incarnation)
            self._bear(incarnation, fate)
            time.sleep(0 if self.calm.exists() else fate.pause)
            incarnation += 1

    def _bear(self, incarnation: int, fate) -> None:
        # A connection shared by two processes would mix their words.
        odoo.sql_db.close_all()
        pid = os.fork()
        if not pid:
            os._exit(self._live(incarnation, fate))
        self._watch(pid, fate.seconds)

    def _live(self, incarnation: int, fate) -> int:
        """The child."""
        die_with_parent()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        random.seed(f"{self.plan.seed}:{self.chosen.who}:{incarnation}")
        doom = Doom(self.chosen.who, fate, self.journal, self.calm)
        doom.arm(self.registry)
        try:
            self._live_out(self, doom)
        except Exception:
            odoo.service.server._logger.exception("%s broke", self.chosen.who)
            self.journal.note("broke", who=self.chosen.who)
            return 1
        return 0

    def _watch(self, pid: int, seconds: float) -> None:
        """Wait for the child's end; bring it about when its time is over."""
        end = time.monotonic() + seconds
        while not os.waitpid(pid, os.WNOHANG)[0]:
            late = time.monotonic() > end and not self.calm.exists()
            if late or self.stop.exists():
                if late:
                    self.journal.note("killed", who=self.chosen.who, where="at random")
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
                return
            time.sleep(_LOOK)


def main() -> None:
    chosen = options()
    odoo.tools.config.parse_config(["--config", chosen.config, "--no-http"], setup_logging=True)
    odoo.service.server.load_server_wide_modules()
    nursery = Nursery(chosen)
    nursery.journal.note("ready", who=chosen.who)
    if chosen.skew:
        wrong = dt.datetime.now(dt.timezone.utc).replace(tzinfo=None)
        freeze_time(wrong + dt.timedelta(seconds=chosen.skew), tick=True).start()
    nursery.run()


if __name__ == "__main__":
    sys.exit(main())
