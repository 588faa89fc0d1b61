"""One run: put everything up, let it storm until the documents are through, calm down, look at what is held."""

import contextlib
import dataclasses
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg2

from devtools import databases, paths, ports, say
from devtools.errors import Problem
from sandbox.client import ControlClient

from . import cluster, company
from .crew import WORKERS, Nursery, Prefork, Stage, sandbox
from .doom import Journal
from .plan import COMPANIES, CONNECTIONS, JOURNAL, Plan
from .weather import Weather

_TICK = 0.25
#: The storm ends when so many of the documents are decided, or when its time is over.
_STORM_UNTIL = 0.97
#: After the storm everything must be decided within this time.
_CALM_SECONDS = 90.0
_READY_SECONDS = 120.0
_PROGRESS = """
SELECT (SELECT count(*) FROM finance_reference_document),
       (SELECT count(*) FROM finance_exchange WHERE state NOT IN ('accepted', 'rejected') OR claim_token IS NOT NULL
            OR owner_pending)
"""


@dataclasses.dataclass
class Run:
    """What is left to look at when a run is over."""

    plan: Plan
    dsn: str
    control: ControlClient
    folder: Path
    weather: Weather
    seconds: float = 0.0
    storm_seconds: float = 0.0
    died: list[str] = dataclasses.field(default_factory=list)

    @property
    def journal(self) -> Journal:
        return Journal(self.folder / JOURNAL)


@contextlib.contextmanager
def performed(plan: Plan, storm_seconds: float, synchronous_commit: str = "on") -> Iterator[Run]:
    """A run to its end; the database and the oracle can be asked while the block lasts."""
    database = f"fc_chaos_{os.getpid()}"
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="chaos-")))
        runtime, server = stack.enter_context(cluster.running(database, synchronous_commit))
        port = ports.free(1)[0]
        provider = sandbox(runtime, port)
        stack.callback(provider.stop)
        provider.start()
        stage = Stage(runtime, plan, database, f"http://{ports.HOST}:{port}", folder)
        control = stack.enter_context(ControlClient(stage.sandbox_url))
        _found(stage, control)
        odoo = Prefork(stage) if plan.engine == "ours" else None
        if odoo:
            _call_back(stage, control, odoo.url)
        run = Run(
            plan,
            runtime.server.dsn(database),
            control,
            folder,
            Weather(plan, server, control, odoo),
        )
        with _crew(stage, odoo) as nurseries:
            _storm(run, nurseries, storm_seconds)
            _calm(run, nurseries)
        yield run


def _found(stage: Stage, control: ControlClient) -> None:
    for place in range(COMPANIES * CONNECTIONS):
        control.set_client("reference", company.account(place), f"{company.API_KEY}{place}")
    code = (
        f"import sys; sys.path.insert(0, {str(paths.PROJECT)!r})\n"
        f"from chaos.company import found\nfound(env, {stage.sandbox_url!r})\nenv.cr.commit()\n"
    )
    with say.step("Companies and connections"):
        databases.shell(stage.runtime, stage.database, code)
    for fault in stage.plan.faults():
        control.fault(**fault)
    for verdict in stage.plan.verdicts():
        control.verdict(**verdict)


def _call_back(stage: Stage, control: ControlClient, url: str) -> None:
    """Filings are told by callback as well as polled: twice each, and some time after the verdict."""
    query = "SELECT name, callback_token FROM finance_connection WHERE provider = 'reference'"
    rows = stage.runtime.server.psql(query, stage.database).splitlines()
    tokens = dict(row.split("|") for row in rows)
    control.settings(
        "reference",
        webhook_urls={name: f"{url}/finance/callback/{token}" for name, token in tokens.items()},
        webhook_kinds=["filing"],
        webhook_secret=company.CALLBACK_SECRET,
        webhook_copies=2,
        webhook_delay=0.3,
    )


@contextlib.contextmanager
def _crew(stage: Stage, odoo: Prefork | None) -> Iterator[list[Nursery]]:
    role = "worker" if odoo else "naive"
    nurseries = [Nursery(stage, role, who, lane, skew) for who, lane, skew in WORKERS]
    nurseries.append(Nursery(stage, "office", "office"))
    with contextlib.ExitStack() as stack:
        if odoo:
            stack.callback(odoo.stop)
            with say.step("Odoo server"):
                odoo.start()
        for nursery in nurseries:
            stack.callback(nursery.end)
            nursery.start()
        yield nurseries
        (stage.folder / "stop").touch()


def _storm(run: Run, nurseries: list[Nursery], seconds: float) -> None:
    _until_ready(run, nurseries)
    started = time.monotonic()
    run.weather.begin()
    try:
        while time.monotonic() < started + seconds:
            made, left = _progress(run)
            say_progress(run, made, left)
            if made >= run.plan.exchanges and left <= made * (1 - _STORM_UNTIL):
                break
            _check_alive(run, nurseries)
            time.sleep(_TICK)
    finally:
        (run.folder / "calm").touch()
        run.weather.calm()
        run.control.clear_faults()
    run.storm_seconds = time.monotonic() - started


def _calm(run: Run, nurseries: list[Nursery]) -> None:
    """Nothing breaks any more: whatever is not decided now is stuck."""
    started = time.monotonic()
    while time.monotonic() < started + _CALM_SECONDS:
        made, left = _progress(run)
        say_progress(run, made, left)
        if made >= run.plan.exchanges and not left:
            break
        _check_alive(run, nurseries)
        time.sleep(_TICK)
    run.seconds = run.storm_seconds + time.monotonic() - started


def _until_ready(run: Run, nurseries: list[Nursery]) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    with say.step("Workers and office"):
        while len(run.journal.read()) < len(nurseries):
            _check_alive(run, nurseries)
            if run.died or time.monotonic() > deadline:
                raise Problem(f"Not ready: {run.died}", "See the logs named chaos-*.")
            time.sleep(_TICK)


def _check_alive(run: Run, nurseries: list[Nursery]) -> None:
    run.died = [nursery.who for nursery in nurseries if not nursery.alive()]


def _progress(run: Run) -> tuple[int, int]:
    """Documents made and exchanges not decided; what was known last while the database is away."""
    try:
        with contextlib.closing(psycopg2.connect(run.dsn)) as connection:
            cursor = connection.cursor()
            cursor.execute(_PROGRESS)
            return cursor.fetchone()
    except psycopg2.Error:
        return 0, run.plan.exchanges


def say_progress(run: Run, made: int, left: int) -> None:
    """One line that is written over, for people who watch."""
    if sys.stderr.isatty():
        print(f"\r  {made} documents, {left} open ", end="", file=sys.stderr, flush=True)
