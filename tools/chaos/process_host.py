"""Loads Odoo once, creates the companies and forks worker processes that are killed, one after the other.

``python -m chaos.process_host`` is started by the harness. A child is a fork with the registry in memory, as the workers
of Odoo's prefork server are, so that a new one works within milliseconds. Each series of children has a process of
its own that forks, watches and kills; the clock of a whole series may be wrong.
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

from .companies import create_companies
from .fault_injector import FaultInjector, Journal, die_with_parent
from .plan import GO, JOURNAL, QUIET, READY, STOP, KillPlan, Plan, ProcessLine

_logger = logging.getLogger(__name__)
_LOOK = 0.02


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tools.chaos.process_host")
    for name in ("config", "database", "engine", "sandbox"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--folder", type=Path, required=True)
    for name in ("seed", "exchanges"):
        parser.add_argument(f"--{name}", type=int, required=True)
    return parser.parse_args()


class ProcessHost:
    """What all series share; ``folder`` holds the journal and the files by which the harness signals."""

    def __init__(self, chosen: argparse.Namespace):
        self.folder, self.sandbox = chosen.folder, chosen.sandbox
        self.plan = Plan(chosen.seed, chosen.exchanges, chosen.engine)
        self.journal = Journal(chosen.folder / JOURNAL)
        self.registry = Registry(chosen.database)

    def signalled(self, word: str) -> bool:
        return (self.folder / word).exists()

    def create_companies(self) -> None:
        with self.registry.cursor() as cr:
            create_companies(api.Environment(cr, SUPERUSER_ID, {}), self.sandbox)
        self.journal.note(READY)

    def begin(self) -> None:
        """A process for each line; all end with this one."""
        while not self.signalled(GO):
            time.sleep(_LOOK)
        # A connection shared by two processes would mix their messages.
        odoo.sql_db.close_all()
        children = [self._fork(line) for line in self.plan.lines()]
        for child in children:
            os.waitpid(child, 0)

    def _fork(self, line: ProcessLine) -> int:
        pid = os.fork()
        if not pid:
            die_with_parent()
            ProcessSeries(self, line).run()
            os._exit(0)
        return pid


class ProcessSeries:
    """A series of processes, each living until its kill plan ends it."""

    def __init__(self, host: ProcessHost, line: ProcessLine):
        self.host, self.line = host, line
        self.plan, self.journal, self.registry = host.plan, host.journal, host.registry
        self._live = importlib.import_module(f"tools.chaos.{line.role}").live

    def run(self) -> None:
        """Fork, watch, fork the next."""
        if self.line.skew:
            wrong = dt.datetime.now(dt.timezone.utc).replace(tzinfo=None)
            freeze_time(wrong + dt.timedelta(seconds=self.line.skew), tick=True).start()
        incarnation = 0
        while not self.host.signalled(STOP):
            kill_plan = self.plan.kill_plan(self.line, incarnation)
            pid = os.fork()
            if not pid:
                os._exit(self._child(incarnation, kill_plan))
            self._watch(pid, kill_plan)
            time.sleep(0 if self.host.signalled(QUIET) else kill_plan.pause)
            incarnation += 1

    def _child(self, incarnation: int, kill_plan: KillPlan) -> int:
        """Run in the child: do the work of its role until killed."""
        die_with_parent()
        random.seed(f"{self.plan.seed}:{self.line.who}:{incarnation}")
        injector = FaultInjector(self.line.who, kill_plan, self.journal, self.host.folder / QUIET)
        injector.arm()
        try:
            self._live(self, injector)
        except Exception:
            _logger.exception("%s failed", self.line.who)
            self.journal.note("broke", who=self.line.who)
        return 1

    def _watch(self, pid: int, kill_plan: KillPlan) -> None:
        """Wait for the child's end; bring it about when its time is over."""
        if self._ended(pid, kill_plan):
            return
        if not self.host.signalled(STOP):
            self.journal.note("killed", who=self.line.who, where="at random")
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)

    def _ended(self, pid: int, kill_plan: KillPlan) -> bool:
        """Whether the child ended by itself, or at its boundary, within the time; while no faults are injected it is not ended."""
        end = time.monotonic() + kill_plan.seconds
        while not self.host.signalled(STOP):
            changed, status = os.waitpid(pid, os.WNOHANG | os.WUNTRACED)
            if changed and os.WIFSTOPPED(status):
                self._stall(pid, kill_plan.stall)
            elif changed:
                return True
            if time.monotonic() > end and not self.host.signalled(QUIET):
                return False
            time.sleep(_LOOK)
        return False

    def _stall(self, pid: int, seconds: float) -> None:
        """As when a machine stands still: to the child no time has passed."""
        time.sleep(seconds)
        os.kill(pid, signal.SIGCONT)


def _shorten_leases() -> None:
    """Let what a killed worker had claimed be taken over within the time of a run; tokens and locks decide anyway."""
    from odoo.addons.finance_connector_base.models import finance_feed, finance_inbound

    finance_feed.LEASE_SECONDS, finance_inbound.HANDLING_SECONDS = 6.0, 3.0


def main() -> None:
    chosen = options()
    odoo.tools.config.parse_config(["--config", chosen.config, "--no-http"], setup_logging=True)
    odoo.service.server.load_server_wide_modules()
    host = ProcessHost(chosen)
    _shorten_leases()
    host.create_companies()
    host.begin()


if __name__ == "__main__":
    sys.exit(main())
