"""A whole running installation: a database copied from a template, the sandbox of providers, a prefork Odoo server."""

import contextlib
import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from . import console, databases, paths, ports, rpc, run, venv
from .gateway import Gateway
from .odoo_run import Runtime
from .processes import Server

# Lets the sample data and the addons find the sandbox that was started with them.
SANDBOX_VARIABLE = "FINANCE_SANDBOX_URL"
_LOGINS = "demo/logins.json"
_ATTACH = "demo/attach.py"


@dataclasses.dataclass(frozen=True)
class Ports:
    """Ports the parts listen on; only the first one is public."""

    public: int
    sandbox: int
    http: int
    gevent: int

    @classmethod
    def free(cls) -> "Ports":
        """Any free ones, for tests."""
        return cls(*ports.free(4))

    @classmethod
    def fixed(cls, port: int) -> "Ports":
        """Return the well-known public ports, checked to be free, and any free ones for internal use."""
        public = ports.require(port, "Odoo")
        sandbox = ports.require(port + 1, "the sandbox")
        return cls(public, sandbox, *ports.free(2))


class Stack:
    """The running installation; `with running(...)` makes one."""

    def __init__(self, runtime: Runtime, database: str, where: Ports) -> None:
        self.runtime = runtime
        self.db = database
        self.url = f"http://{ports.HOST}:{where.public}"
        self.sandbox_url = f"http://{ports.HOST}:{where.sandbox}"
        self.dsn = runtime.server.dsn(database)
        self.sandbox_state = run.log_file(f"{database}-sandbox").with_suffix(".state")
        self._gateway = Gateway(where.public, where.http, where.gevent)
        self.sandbox = Server(
            f"{database}-sandbox",
            [
                str(venv.python()),
                "-m",
                "sandbox",
                f"--port={where.sandbox}",
                f"--state={self.sandbox_state}",
            ],
            runtime.environment(),
            self.sandbox_url,
        )
        self.odoo = Server(
            f"{database}-odoo",
            runtime.command(config=self._config(where)),
            {**runtime.environment(), SANDBOX_VARIABLE: self.sandbox_url},
            f"http://{ports.HOST}:{where.http}/web/health",
        )

    def _config(self, where: Ports) -> Path:
        overrides = {
            "db_name": self.db,
            "dbfilter": f"^{self.db}$",
            "http_interface": ports.HOST,
            "http_port": str(where.http),
            "gevent_port": str(where.gevent),
        }
        return self.runtime.write_config(self.db, overrides)

    def start(self) -> None:
        """Start the sandbox, point the sample's connections to it, start Odoo."""
        with console.step("Sandbox of providers"):
            self.start_sandbox()
        attach(self.runtime, self.db, self.sandbox_url)
        with console.step("Odoo server"):
            self.odoo.start()
            self._gateway.start()

    def stop(self) -> None:
        """Stop everything that was started."""
        self._gateway.close()
        self.odoo.stop()
        self.sandbox.stop()

    def rpc(self, login: str, password: str) -> rpc.Rpc:
        """Return a session of a user."""
        return rpc.Rpc(self.url, self.db, login, password)

    def restart_odoo(self) -> None:
        """Stop Odoo in good order and start it again."""
        self.odoo.stop()
        self.odoo.start()

    def kill_odoo(self) -> None:
        """End Odoo and its workers in the middle of whatever they do."""
        self.odoo.kill()

    def start_odoo(self) -> None:
        """Start Odoo after it was stopped or killed."""
        self.odoo.start()

    def stop_sandbox(self) -> None:
        """Make the providers unreachable; what they hold is kept in the state file."""
        self.sandbox.stop()

    def start_sandbox(self) -> None:
        """Start the providers, with what they held before."""
        self.sandbox.start()

    def psql(self, statement: str) -> str:
        """Run SQL beside the server; rows by line, columns separated by a bar."""
        return self.runtime.server.psql(statement, self.db)

    def logins(self) -> list[dict[str, Any]]:
        """Return the users of the sample companies: `login`, `password`, `role`."""
        return logins()


def logins() -> list[dict[str, Any]]:
    """Return the users of a sample database."""
    path = paths.PROJECT / _LOGINS
    if path.exists():
        return json.loads(path.read_text())
    return [{"login": "admin", "password": "admin", "role": "Administrator"}]


def attach(runtime: Runtime, database: str, sandbox_url: str) -> None:
    """Point the connections of a sample database to a sandbox, by the sample's own code."""
    if not (paths.PROJECT / _ATTACH).exists():
        return
    code = (
        f"import sys; sys.path.insert(0, {str(paths.PROJECT)!r})\n"
        f"from demo.attach import attach\nattach(env, {sandbox_url!r})\nenv.cr.commit()\n"
    )
    with console.step("Connections to the sandbox"):
        databases.shell(runtime, database, code)


@contextlib.contextmanager
def running(
    runtime: Runtime, database: str, where: Ports, *, kind: str = "sample"
) -> Iterator[Stack]:
    """Provide a fresh database with everything running on it, stopped at the end; the database stays."""
    databases.copy_database(runtime, kind, database)
    stack = Stack(runtime, database, where)
    stack.sandbox_state.unlink(missing_ok=True)
    try:
        stack.start()
        yield stack
    finally:
        stack.stop()
