"""A PostgreSQL server that belongs to one run, so that crashing it affects nothing else.

The server is a child of the harness, not a daemon: it ends with the harness, however that ends.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from tools.dev import build, console, databases, odoo_run, paths, postgres
from tools.dev.errors import Problem
from tools.dev.odoo_run import Runtime

#: Names the socket only; nothing listens on TCP.
_FIRST_PORT, _PORTS = 21000, 1000
_PATIENCE = 60.0
_POLL = 0.05
#: Unlike on the shared server, what was committed survives a crash of the server: it has left the server's memory
#: for the kernel's. That it also survives a power cut of the machine is PostgreSQL's own affair, and slow.
_SETTINGS = {
    "synchronous_commit": "on",
    "fsync": "off",
    "max_connections": "120",
    "shared_buffers": "128MB",
}


class Cluster(postgres.Embedded):
    """A fresh server; removed with all its data at the end."""

    def __init__(self, synchronous_commit: str = "on") -> None:
        settings = {**_SETTINGS, "synchronous_commit": synchronous_commit}
        super().__init__(f"chaos-{os.getpid()}", _FIRST_PORT + os.getpid() % _PORTS, settings)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = self.command("postgres", "-D", self.data)
        log = paths.cache() / "logs" / "chaos-postgres.log"
        with log.open("ab") as out:
            self._process = subprocess.Popen(
                _ending_with_us(command),
                cwd=self.home,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._until_ready(log)

    def _until_ready(self, log: Path) -> None:
        deadline = time.monotonic() + _PATIENCE
        while not self.answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise Problem("PostgreSQL did not start.", f"Full output: {log}")
            time.sleep(_POLL)

    def crash(self) -> None:
        """End it as a crash would, without writing anything more."""
        self._end(signal.SIGQUIT)

    def stop(self) -> None:
        self._end(signal.SIGINT)

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(how)
            self._process.wait(_PATIENCE)
            self._process = None

    def remove(self) -> None:
        build.remove(self.data)

    def remove_abandoned(self) -> None:
        """Data of runs that were killed themselves; their folders end with the process id."""
        for folder in self.home.glob("chaos-*"):
            if not Path("/proc", folder.name.rpartition("-")[2]).exists():
                build.remove(folder)


def _ending_with_us(command: list[str]) -> list[str]:
    """With the kernel's promise to stop it when we are gone; a change of user would make it forget."""
    if command[0] == "setpriv":
        return ["setpriv", "--pdeathsig", "INT", *command[1:]]
    wrapper = shutil.which("setpriv")
    return [*([wrapper, "--pdeathsig", "INT", "--"] if wrapper else []), *command]


@contextlib.contextmanager
def running(database: str, synchronous_commit: str = "on") -> Iterator[tuple[Runtime, Cluster]]:
    """A server of our own with a fresh copy of the reference template in it."""
    with odoo_run.ready() as shared:
        content = _dumped(shared, database)
        cluster = Cluster(synchronous_commit)
        cluster.prepare()
        cluster.remove_abandoned()
        try:
            with console.step("PostgreSQL of its own"):
                cluster.start()
                _restore(cluster.server, database, content)
            server = postgres.Server(
                cluster.server.host,
                cluster.server.port,
                cluster.server.user,
                "",
                cluster.server.bin,
                suffix="-chaos",
            )
            yield odoo_run.testing(Runtime(shared.odoo, server)), cluster
        finally:
            cluster.stop()
            cluster.remove()
            content.unlink(missing_ok=True)


def _dumped(shared: Runtime, database: str) -> Path:
    """The template as a file; the shared server is not touched any more after this."""
    target = paths.cache() / "config" / f"{database}.dump"
    databases.copy_database(shared, "reference", database)
    try:
        _run(shared.server, "pg_dump", "-Fc", "-Z0", "-f", str(target), database)
    finally:
        databases.drop(shared, database)
    return target


def _restore(server: postgres.Server, database: str, content: Path) -> None:
    server.psql(
        f"CREATE DATABASE \"{database}\" TEMPLATE template0 ENCODING 'UTF8' "
        "LC_COLLATE 'C' LC_CTYPE 'C'"
    )
    _run(server, "pg_restore", "--no-owner", "--exit-on-error", "-d", database, str(content))


def _run(server: postgres.Server, program: str, *words: str) -> None:
    path = str(server.bin / program) if server.bin else program
    result = subprocess.run(
        [path, *words],
        env={**os.environ, **server.environment()},
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        raise Problem(f"{program}: {result.stderr.strip()[-2000:]}")
