"""An engine made ready: a fresh database with its addon, the provider's stub, a real prefork server of Odoo."""

import contextlib
import dataclasses
import json
import os
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg2

from tools.dev import console, databases, ports
from tools.dev.errors import Problem
from tools.dev.odoo_run import Runtime, addons_path
from tools.dev.paths import PROJECT
from tools.dev.processes import Server

from . import queue_job
from .engines import Engine

ADDONS = PROJECT / "tools" / "benchmarks" / "addons"
STUB = "BENCH_STUB_URL"
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclasses.dataclass(frozen=True)
class BenchRuntime(Runtime):
    """Odoo with the addons of the benchmark and those of queue_job, and the stub's address for every process."""

    fetched: Path
    variables: dict[str, str]

    def environment(self) -> dict[str, str]:
        libraries = [str(queue_job.libraries(self.fetched)), os.environ.get("PYTHONPATH", "")]
        path = os.pathsep.join(filter(None, libraries))
        return {**super().environment(), "PYTHONPATH": path, **self.variables}

    def write_config(self, name: str, overrides: dict[str, str] | None = None) -> Path:
        folders = [addons_path(self.odoo), str(ADDONS), str(queue_job.addons(self.fetched))]
        values = {"addons_path": ",".join(folders), "log_level": "warn", **(overrides or {})}
        return super().write_config(f"bench-{name}", values)


class Stub:
    """The provider's process and what it says of itself."""

    def __init__(self, runtime: Runtime, port: int) -> None:
        self.url = f"http://{ports.HOST}:{port}"
        command = [sys.executable, "-m", "tools.benchmarks.exchange.stub", str(port)]
        self.server = Server(
            f"bench-stub-{port}", command, runtime.environment(), f"{self.url}/documents"
        )

    def oracle(self, batch: str) -> dict[str, Any]:
        """What arrived of a batch."""
        with _DIRECT.open(f"{self.url}/oracle/{batch}", timeout=10) as answer:
            return json.load(answer)

    def answer_after(self, seconds: float) -> None:
        """Choose the latency."""
        request = urllib.request.Request(f"{self.url}/latency/{seconds}", method="PUT")
        _DIRECT.open(request, timeout=10).close()


class Setting:
    """One engine with its server running."""

    def __init__(self, runtime: BenchRuntime, engine: Engine, stub: Stub, database: str) -> None:
        self.engine, self.stub = engine, stub
        self._runtime, self._database = runtime, database
        http, gevent = ports.free(2)
        options = {
            "db_name": database,
            "http_interface": ports.HOST,
            "http_port": str(http),
            "gevent_port": str(gevent),
            **engine.options,
        }
        command = runtime.command(config=runtime.write_config(database, options))
        url = f"http://{ports.HOST}:{http}/web/health"
        self.server = Server(f"{database}-odoo", command, runtime.environment(), url)
        self._connection = psycopg2.connect(runtime.server.dsn(database))
        self._connection.autocommit = True

    def fill(self, batch: str, count: int, method: str = "_fill") -> None:
        """Make documents and hand them to the engine, committed at once."""
        code = f"env['bench.document'].{method}({batch!r}, {count})\nenv.cr.commit()\n"
        databases.shell(self._runtime, self._database, code)

    def value(self, statement: str, *values: object) -> Any:
        """The first column of the first row."""
        with self._connection.cursor() as cursor:
            cursor.execute(statement, values)
            return cursor.fetchone()[0]

    def finished(self, batch: str) -> int:
        """Documents of a batch that have got their answer, as another transaction sees it."""
        statement = "SELECT count(*) FROM bench_document WHERE batch = %s AND answer IS NOT NULL"
        return self.value(statement, batch)

    def close(self) -> None:
        """Stop the server."""
        self._connection.close()
        self.server.stop()


def drop(runtime: Runtime, database: str) -> None:
    """Remove a database. A plain DROP first: it ends an autovacuum, which FORCE may not do without more rights."""
    with contextlib.suppress(Problem):
        runtime.server.psql(f'DROP DATABASE "{database}"')
    databases.drop(runtime, database)


@contextlib.contextmanager
def ready(runtime: Runtime, engine: Engine) -> Iterator[Setting]:
    """The engine on a copy of Odoo's own modules, running; all of it is gone at the end."""
    port = ports.free(1)[0]
    variables = {STUB: f"http://{ports.HOST}:{port}", **engine.variables}
    own = BenchRuntime(runtime.odoo, runtime.server, queue_job.ensure(), variables)
    database = databases.test_database(f"bench_{engine.name}")
    with contextlib.ExitStack() as stack:
        stub = Stub(own, port)
        stack.callback(stub.server.stop)
        stub.server.start()
        stack.callback(drop, own, database)
        databases.copy_database(own, "base", database)
        with console.step(f"Addons of {engine.title}"):
            databases.install(own, database, (engine.addon,))
        setting = Setting(own, engine, stub, database)
        stack.callback(setting.close)
        setting.server.start()
        yield setting
