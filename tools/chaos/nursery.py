"""Loads Odoo once, founds the companies, and bears processes that are killed, one after the other, until the run ends.

``python -m chaos.nursery`` is started by the harness. A child is a fork with the registry in memory, as the workers
of Odoo's prefork server are, so that a new one is at work in milliseconds. Each line of children has a process of its
own that bears, watches and kills; the clock of a whole line may be wrong.
"""

import argparse
import datetime as dt
import importlib
import logging
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
from odoo import SUPERUSER_ID, api
from odoo.modules.registry import Registry

from .company import found
from .doom import Doom, Journal, die_with_parent
from .plan import CALM, FOUNDED, GO, JOURNAL, STOP, Fate, Line, Plan

_logger = logging.getLogger(__name__)
_LOOK = 0.02


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tools.chaos.nursery")
    for name in ("config", "database", "engine", "sandbox"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--folder", type=Path, required=True)
    for name in ("seed", "exchanges"):
        parser.add_argument(f"--{name}", type=int, required=True)
    return parser.parse_args()


class Nursery:
    """What all lines share; ``folder`` holds the journal and the files by which the harness speaks."""

    def __init__(self, chosen: argparse.Namespace):
        self.folder, self.sandbox = chosen.folder, chosen.sandbox
        self.plan = Plan(chosen.seed, chosen.exchanges, chosen.engine)
        self.journal = Journal(chosen.folder / JOURNAL)
        self.registry = Registry(chosen.database)

    def said(self, word: str) -> bool:
        return (self.folder / word).exists()

    def found(self) -> None:
        with self.registry.cursor() as cr:
            found(api.Environment(cr, SUPERUSER_ID, {}), self.sandbox)
        self.journal.note(FOUNDED)

    def begin(self) -> None:
        """A process for each line; all end with this one."""
        while not self.said(GO):
            time.sleep(_LOOK)
        # A connection shared by two processes would mix their words.
        odoo.sql_db.close_all()
        children = [self._fork(line) for line in self.plan.crew()]
        for child in children:
            os.waitpid(child, 0)

    def _fork(self, line: Line) -> int:
        pid = os.fork()
        if not pid:
            die_with_parent()
            Lineage(self, line).run()
            os._exit(0)
        return pid


class Lineage:
    """One line of processes, each living until its fate."""

    def __init__(self, nursery: Nursery, line: Line):
        self.nursery, self.line = nursery, line
        self.plan, self.journal, self.registry = nursery.plan, nursery.journal, nursery.registry
        self._live = importlib.import_module(f"tools.chaos.{line.role}").live

    def run(self) -> None:
        """Bear, watch, bear the next."""
        if self.line.skew:
            wrong = dt.datetime.now(dt.timezone.utc).replace(tzinfo=None)
            freeze_time(wrong + dt.timedelta(seconds=self.line.skew), tick=True).start()
        incarnation = 0
        while not self.nursery.said(STOP):
            fate = self.plan.fate(self.line, incarnation)
            pid = os.fork()
            if not pid:
                os._exit(self._be_born(incarnation, fate))
            self._watch(pid, fate)
            time.sleep(0 if self.nursery.said(CALM) else fate.pause)
            incarnation += 1

    def _be_born(self, incarnation: int, fate: Fate) -> int:
        """The child."""
        die_with_parent()
        random.seed(f"{self.plan.seed}:{self.line.who}:{incarnation}")
        doom = Doom(self.line.who, fate, self.journal, self.nursery.folder / CALM)
        doom.arm(self.registry)
        try:
            self._live(self, doom)
        except Exception:
            _logger.exception("%s broke", self.line.who)
            self.journal.note("broke", who=self.line.who)
        return 1

    def _watch(self, pid: int, fate: Fate) -> None:
        """Wait for the child's end; bring it about when its time is over."""
        if self._ended(pid, fate):
            return
        if not self.nursery.said(STOP):
            self.journal.note("killed", who=self.line.who, where="at random")
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)

    def _ended(self, pid: int, fate: Fate) -> bool:
        """Whether the child ended by itself, or at its boundary, within the time; in the calm there is no end to it."""
        end = time.monotonic() + fate.seconds
        while not self.nursery.said(STOP):
            changed, status = os.waitpid(pid, os.WNOHANG | os.WUNTRACED)
            if changed and os.WIFSTOPPED(status):
                self._stall(pid, fate.stall)
            elif changed:
                return True
            if time.monotonic() > end and not self.nursery.said(CALM):
                return False
            time.sleep(_LOOK)
        return False

    def _stall(self, pid: int, seconds: float) -> None:
        """As when a machine stands still: to the child no time has passed."""
        time.sleep(seconds)
        os.kill(pid, signal.SIGCONT)


def main() -> None:
    chosen = options()
    odoo.tools.config.parse_config(["--config", chosen.config, "--no-http"], setup_logging=True)
    odoo.service.server.load_server_wide_modules()
    nursery = Nursery(chosen)
    nursery.found()
    nursery.begin()


if __name__ == "__main__":
    sys.exit(main())
