"""Does the person who posts wait for the dispatcher? The same invoices with nothing pending, with 100,000 exchanges
pending, and with the provider down; a real server dispatches in all three databases meanwhile.
"""

import contextlib
import dataclasses

from tools.dev import console, databases, odoo_run, paths, ports, stack, venv
from tools.dev.processes import Server

from . import queue_job
from .memory import PENDING
from .setting import STUB, BenchRuntime, Stub, drop

NEITHER, BACKLOG, DOWN = "neither", "pending", "down"
TITLES = {
    NEITHER: "nothing pending",
    BACKLOG: f"{PENDING} exchanges pending",
    DOWN: "provider down",
}
#: The backlog's provider takes so many calls a second, so that the backlog stays while invoices are posted.
_RATE = 1.0
_BACKLOG = f"""
env["bench.document"]._fill_backlog("many", {PENDING})
env["finance.connection"].search([("provider", "=", "bench")]).rate_per_second = {_RATE}
env.cr.commit()
"""


@dataclasses.dataclass(frozen=True)
class Place:
    """One of the three databases with a sandbox of its own."""

    kind: str
    database: str
    sandbox: Server
    url: str


def _place(runtime: BenchRuntime, kind: str, closing: contextlib.ExitStack) -> Place:
    port = ports.free(1)[0]
    database = databases.test_database(f"bench_{kind}")
    state = paths.cache() / "logs" / f"{database}.state"
    state.unlink(missing_ok=True)
    command = [str(venv.python()), "-m", "sandbox", f"--port={port}", f"--state={state}"]
    url = f"http://{ports.HOST}:{port}"
    sandbox = Server(f"{database}-sandbox", command, runtime.environment(), url)
    closing.callback(state.unlink, missing_ok=True)
    closing.callback(sandbox.stop)
    sandbox.start()
    closing.callback(drop, runtime, database)
    databases.copy_database(runtime, "sample", database)
    databases.install(runtime, database, ("bench_ours",))
    stack.attach(runtime, database, url)
    return Place(kind, database, sandbox, url)


def _dispatching(runtime: BenchRuntime, places: list[Place]) -> Server:
    """A server whose scheduled actions run in all the databases."""
    http, gevent = ports.free(2)
    options = {
        "db_name": ",".join(place.database for place in places),
        "http_interface": ports.HOST,
        "http_port": str(http),
        "gevent_port": str(gevent),
        "workers": "1",
        "max_cron_threads": str(len(places)),
    }
    command = runtime.command(config=runtime.write_config("posting", options))
    url = f"http://{ports.HOST}:{http}/web/health"
    return Server("bench-posting-odoo", command, runtime.environment(), url)


def main(runtime: odoo_run.Runtime) -> str:
    """A table."""
    port = ports.free(1)[0]
    variables = {STUB: f"http://{ports.HOST}:{port}"}
    own = BenchRuntime(runtime.odoo, runtime.server, queue_job.ensure(), variables)
    with contextlib.ExitStack() as closing:
        stub = Stub(own, port)
        closing.callback(stub.server.stop)
        stub.server.start()
        places = [_place(own, kind, closing) for kind in TITLES]
        by_kind = {place.kind: place for place in places}
        with console.step(TITLES[BACKLOG]):
            databases.shell(own, by_kind[BACKLOG].database, _BACKLOG)
        by_kind[DOWN].sandbox.stop()
        odoo = _dispatching(own, places)
        closing.callback(odoo.stop)
        odoo.start()
        return _table(_post(own, places), places)


def _post(runtime: BenchRuntime, places: list[Place]) -> list[list[str]]:
    names = [place.database for place in places]
    code = (
        f"import sys; sys.path.insert(0, {str(paths.PROJECT)!r})\n"
        f"from tools.benchmarks.exchange.posting_rounds import main\nmain({names!r})\n"
    )
    with console.step("Posting in turns"):
        output = databases.shell(runtime, names[0], code)
    return [line.split("|") for line in output.splitlines() if "|" in line]


def _table(rows: list[list[str]], places: list[Place]) -> str:
    titles = {place.database: TITLES[place.kind] for place in places}
    lines = [f"{'creating and posting an e-invoice':<36}{'ms':>8}{'ratio':>8}"]
    lines += [f"{titles[name]:<36}{median:>8}{ratio:>8}" for name, median, ratio in rows]
    return "\n".join(lines)
