"""The processes of a run: the process host, the sandbox, a real prefork server of Odoo. Each is known by its pid."""

import contextlib
import dataclasses
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg2

from tools.dev import ports, run
from tools.dev.errors import Problem
from tools.dev.odoo_run import Runtime
from tools.dev.paths import PROJECT
from tools.dev.processes import Server

from .plan import Plan

_LIMITS = {"max_cron_threads": "2", "workers": "1", "limit_time_real_cron": "120"}


@dataclasses.dataclass(frozen=True)
class Stage:
    """What all processes of a run need to know."""

    runtime: Runtime
    plan: Plan
    database: str
    sandbox_url: str
    folder: Path

    def config(self, name: str, **overrides: str) -> Path:
        values = {
            "db_name": self.database,
            "dbfilter": f"^{self.database}$",
            "logfile": str(run.log_file(f"chaos-{name}")),
            "http_interface": ports.HOST,
            "log_level": "warn",
            **overrides,
        }
        return self.runtime.write_config(f"chaos-{name}", values)


class HostProcess:
    """The process that forks those that are killed."""

    def __init__(self, stage: Stage):
        values = {
            "config": stage.config("host"),
            "database": stage.database,
            "engine": stage.plan.engine,
            "sandbox": stage.sandbox_url,
            "folder": stage.folder,
            "seed": stage.plan.seed,
            "exchanges": stage.plan.exchanges,
        }
        self._command = [sys.executable, "-m", "tools.chaos.process_host"]
        self._command += [f"--{name}={value}" for name, value in values.items()]
        self._environment = stage.runtime.environment()
        self._log = run.log_file("chaos-host-output")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("wb") as out:
            self._process = subprocess.Popen(
                run.die_with_parent(self._command),
                cwd=PROJECT,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
            )

    def check(self) -> None:
        """It lives.

        :raises Problem: it has ended by itself.
        """
        if self._process is None or self._process.poll() is not None:
            raise Problem("The process host has ended.", f"Full output: {self._log}")

    def end(self) -> None:
        """Kill it; the kernel kills its children with it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()


class Prefork:
    """Odoo as it runs in production: master, HTTP worker, cron workers."""

    def __init__(self, stage: Stage):
        http, gevent = ports.free(2)
        config = stage.config("odoo", http_port=str(http), gevent_port=str(gevent), **_LIMITS)
        self.url = f"http://{ports.HOST}:{http}"
        self._dsn = stage.runtime.server.dsn(stage.database)
        self._server = Server(
            "chaos-odoo-output",
            stage.runtime.command(config=config),
            stage.runtime.environment(),
            f"{self.url}/web/health",
        )

    def start(self) -> None:
        self._server.start()

    def stop(self) -> None:
        self._server.kill()

    def restart(self) -> None:
        """A power cut of the whole server, and its return."""
        self._server.kill()
        self._server.start()

    def kill_dispatcher(self) -> bool:
        """End a cron worker that is dispatching at this moment; whether there was one."""
        for pid in self._dispatching():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                return True
        return False

    def _dispatching(self) -> Iterator[int]:
        """Children of our own master among the processes of registered dispatcher workers."""
        try:
            with contextlib.closing(psycopg2.connect(self._dsn)) as connection:
                cursor = connection.cursor()
                cursor.execute("SELECT name FROM finance_dispatcher_worker ORDER BY id DESC")
                pids = [int(row[0].rpartition("/")[2]) for row in cursor.fetchall()]
        except psycopg2.Error:
            return
        yield from (pid for pid in pids if _parent(pid) == self._server.pid)


def _parent(pid: int) -> int | None:
    try:
        status = Path("/proc", str(pid), "stat").read_text("ascii", "replace")
    except OSError:
        return None
    return int(status.rpartition(")")[2].split()[1])


def sandbox(runtime: Runtime, port: int) -> Server:
    """The provider, with its oracle; it is never killed, since what it held could then no longer be determined."""
    return Server(
        "chaos-sandbox",
        [sys.executable, "-m", "sandbox", f"--port={port}", "--log-level=error"],
        runtime.environment(),
        f"http://{ports.HOST}:{port}/control/health",
    )
