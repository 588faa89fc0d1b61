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

from sandbox.client import ControlClient
from tools.dev import ports, say
from tools.dev.errors import Problem

from . import cluster, company
from .crew import Nursery, Prefork, Stage, sandbox
from .doom import Journal
from .plan import CALM, COMPANIES, CONNECTIONS, FOUNDED, GO, JOURNAL, Plan
from .weather import Weather

_TICK = 0.25
#: The storm ends when so many of the documents are decided, or when its time is over.
_STORM_UNTIL = 0.92
#: After the storm everything must be decided within this time.
_CALM_SECONDS = 90.0
_READY_SECONDS = 120.0
_PROGRESS = """
SELECT (SELECT count(*) FROM finance_reference_document),
       (SELECT count(*) FROM finance_exchange WHERE state NOT IN ('accepted', 'rejected') OR claim_token IS NOT NULL
            OR owner_pending)
       + (SELECT count(*) FROM finance_case WHERE state = 'open')
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
        _instruct(plan, control)
        odoo = Prefork(stage) if plan.engine == "ours" else None
        weather = Weather(plan, server, control, odoo)
        run = Run(plan, runtime.server.dsn(database), control, folder, weather)
        with _crew(stage, run, odoo) as nursery:
            _storm(run, nursery, storm_seconds)
            _calm(run, nursery)
        yield run


def _instruct(plan: Plan, control: ControlClient) -> None:
    """Tell the provider its accounts, what to spoil and what to refuse."""
    for place in range(COMPANIES * CONNECTIONS):
        control.set_client("reference", company.account(place), f"{company.API_KEY}{place}")
    for verdict in plan.verdicts():
        control.verdict(**verdict)


@contextlib.contextmanager
def _crew(stage: Stage, run: Run, odoo: Prefork | None) -> Iterator[Nursery]:
    nursery = Nursery(stage)
    with contextlib.ExitStack() as stack:
        stack.callback(nursery.end)
        with say.step("Companies, connections, workers"):
            nursery.start()
            _until_founded(run, nursery)
        if odoo:
            stack.callback(odoo.stop)
            with say.step("Odoo server"):
                odoo.start()
            _call_back(stage, run.control, odoo.url)
        yield nursery


def _until_founded(run: Run, nursery: Nursery) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while not any(line["event"] == FOUNDED for line in run.journal.read()):
        nursery.check()
        if time.monotonic() > deadline:
            raise Problem("The companies were not founded in time.", "See the logs named chaos-*.")
        time.sleep(_TICK)


def _call_back(stage: Stage, control: ControlClient, url: str) -> None:
    """Filings are sent by webhook as well as polled: twice each, and some time after the verdict."""
    query = "SELECT name, webhook_token FROM finance_connection WHERE provider = 'reference'"
    rows = stage.runtime.server.psql(query, stage.database).splitlines()
    tokens = dict(row.split("|") for row in rows)
    control.settings(
        "reference",
        webhook_urls={name: f"{url}/finance/webhook/{token}" for name, token in tokens.items()},
        webhook_kinds=["filing"],
        webhook_secret=company.WEBHOOK_SECRET,
        webhook_copies=2,
        webhook_delay=0.3,
    )


def _storm(run: Run, nursery: Nursery, seconds: float) -> None:
    for fault in run.plan.faults():
        run.control.fault(**fault)
    started = time.monotonic()
    (run.folder / GO).touch()
    run.weather.begin()
    try:
        while time.monotonic() < started + seconds:
            run.weather.blow()
            made, left = _progress(run)
            if made >= run.plan.exchanges and left <= made * (1 - _STORM_UNTIL):
                break
            nursery.check()
            time.sleep(_TICK)
    finally:
        (run.folder / CALM).touch()
        run.weather.calm()
        run.control.clear_faults()
    run.storm_seconds = time.monotonic() - started


def _calm(run: Run, nursery: Nursery) -> None:
    """Nothing breaks any more: whatever is not decided now is stuck."""
    started = time.monotonic()
    while time.monotonic() < started + _CALM_SECONDS:
        made, left = _progress(run)
        if made >= run.plan.exchanges and not left:
            break
        nursery.check()
        time.sleep(_TICK)
    run.seconds = run.storm_seconds + time.monotonic() - started


def _progress(run: Run) -> tuple[int, int]:
    """Documents made, and what is not decided of them."""
    try:
        with contextlib.closing(psycopg2.connect(run.dsn)) as connection:
            cursor = connection.cursor()
            cursor.execute(_PROGRESS)
            made, left = cursor.fetchone()
    except psycopg2.Error:
        # The database is away at this moment.
        return 0, run.plan.exchanges
    if sys.stderr.isatty():
        print(f"\r  {made} documents, {left} open ", end="", file=sys.stderr, flush=True)
    return made, left
