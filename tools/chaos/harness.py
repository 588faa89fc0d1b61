"""One run: put everything up, inject faults until the documents are delivered, let it recover, look at what is held."""

import base64
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
from tools.dev import console, ports
from tools.dev.errors import Problem

from . import cluster, companies
from .fault_injector import Journal
from .fault_schedule import FaultSchedule
from .plan import (
    COMPANIES,
    CONNECTIONS,
    GO,
    ISSUE_EVERY,
    JOURNAL,
    PARTY,
    QUIET,
    READY,
    Plan,
)
from .processes import HostProcess, Prefork, Stage, sandbox

_TICK = 0.25
#: Fault injection ends when so many of the documents are decided, or when its time is over.
_FAULTS_UNTIL = 0.92
#: After that everything must be decided within this time; a killed worker of Odoo keeps a feed for 90 s and an inbound
#: document for two minutes.
_RECOVERY_SECONDS = 150.0
_READY_SECONDS = 120.0
_PROGRESS = """
SELECT (SELECT count(*) FROM finance_reference_document),
       (SELECT count(*) FROM finance_exchange WHERE state NOT IN ('accepted', 'rejected') OR claim_token IS NOT NULL
            OR notification_pending OR (state = 'accepted' AND next_step_at IS NOT NULL))
       + (SELECT count(*) FROM finance_case WHERE state = 'open')
       + (SELECT count(*) FROM finance_inbound WHERE state <> 'processed')
"""
_RECEIVED = "SELECT count(*) FROM finance_inbound"


@dataclasses.dataclass
class Run:
    """What is left to look at when a run is over."""

    plan: Plan
    dsn: str
    control: ControlClient
    folder: Path
    schedule: FaultSchedule
    seconds: float = 0.0
    fault_seconds: float = 0.0
    #: Documents put into the feeds so far.
    issued: int = 0

    @property
    def journal(self) -> Journal:
        return Journal(self.folder / JOURNAL)


@contextlib.contextmanager
def performed(plan: Plan, fault_seconds: float, synchronous_commit: str = "on") -> Iterator[Run]:
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
        schedule = FaultSchedule(plan, server, control, odoo)
        run = Run(plan, runtime.server.dsn(database), control, folder, schedule)
        with _processes(stage, run, odoo) as host:
            _inject_faults(run, host, fault_seconds)
            _recover(run, host)
        yield run


def _instruct(plan: Plan, control: ControlClient) -> None:
    """Tell the provider its accounts, what to spoil and what to refuse."""
    for place in range(COMPANIES * CONNECTIONS):
        control.set_client("reference", companies.account(place), f"{companies.API_KEY}{place}")
    for verdict in plan.verdicts():
        control.verdict(**verdict)
    control.settings("reference", parties={PARTY: "Known"}, feed_overlap=2)


@contextlib.contextmanager
def _processes(stage: Stage, run: Run, odoo: Prefork | None) -> Iterator[HostProcess]:
    host = HostProcess(stage)
    with contextlib.ExitStack() as stack:
        stack.callback(host.end)
        with console.step("Companies, connections, workers"):
            host.start()
            _until_ready(run, host)
        if odoo:
            stack.callback(odoo.stop)
            with console.step("Odoo server"):
                odoo.start()
            _call_back(stage, run.control, odoo.url)
        yield host


def _until_ready(run: Run, host: HostProcess) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while not any(line["event"] == READY for line in run.journal.read()):
        host.check()
        if time.monotonic() > deadline:
            raise Problem("The companies were not created in time.", "See the logs named chaos-*.")
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
        webhook_secret=companies.WEBHOOK_SECRET,
        webhook_copies=2,
        webhook_delay=0.3,
    )


def _inject_faults(run: Run, host: HostProcess, seconds: float) -> None:
    for fault in run.plan.faults():
        run.control.fault(**fault)
    started = time.monotonic()
    (run.folder / GO).touch()
    run.schedule.begin()
    try:
        while time.monotonic() < started + seconds:
            run.schedule.inject()
            _issue(run, time.monotonic() - started)
            made, left = _progress(run)
            is_issued = run.issued >= run.plan.issued
            if is_issued and made >= run.plan.exchanges and left <= made * (1 - _FAULTS_UNTIL):
                break
            host.check()
            time.sleep(_TICK)
    finally:
        (run.folder / QUIET).touch()
        run.schedule.stop()
        run.control.clear_faults()
    run.fault_seconds = time.monotonic() - started


def _recover(run: Run, host: HostProcess) -> None:
    """Nothing breaks any more: whatever is not decided now is stuck."""
    started = time.monotonic()
    while time.monotonic() < started + _RECOVERY_SECONDS:
        made, left = _progress(run)
        if made >= run.plan.exchanges and not left and _is_received(run):
            break
        host.check()
        time.sleep(_TICK)
    run.seconds = run.fault_seconds + time.monotonic() - started


def _issue(run: Run, elapsed: float) -> None:
    """Put documents into the feeds of the accounts, as many as the time asks for."""
    while run.issued < min(run.plan.issued, elapsed / ISSUE_EVERY):
        place, name, content = run.plan.inbound(run.issued)
        run.control.issue(
            "reference",
            kind="report",
            number=name,
            content=base64.b64encode(content).decode(),
            account=companies.account(place),
        )
        run.issued += 1


def _is_received(run: Run) -> bool:
    """Return whether as many items are stored as the provider has; which ones is checked later."""
    with contextlib.closing(psycopg2.connect(run.dsn)) as connection:
        cursor = connection.cursor()
        cursor.execute(_RECEIVED)
        return cursor.fetchone()[0] >= len(offered(run.control))


def offered(control: ControlClient) -> dict[tuple[str, str], str]:
    """Return what the provider's feeds hold: account and id → SHA-256, empty for a status."""
    items = {
        (item["seller"], item["reference"]): item["sha256"] for item in control.issued("reference")
    }
    for item in control.oracle("reference"):
        if item["state"] != "pending":
            items[item["seller"], f"{item['reference']}:{item['state']}"] = ""
    return items


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
