"""With --state, a killed sandbox comes back with all it had acknowledged."""

from __future__ import annotations

import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from flow_client import CLIENT, FlowClient
from flow_contract import Contract
from flow_samples import ubl

from sandbox.client import ControlClient
from sandbox.database import SCHEMA
from sandbox.server import SandboxThread

ROOT = Path(__file__).resolve().parents[2]
READY = re.compile(r"sandbox ready on (http://127\.0\.0\.1:\d+)")
Start = Callable[..., tuple[subprocess.Popen[str], str]]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts sandboxes on free ports and kills those still alive afterwards."""
    started = []

    def run(*options: str) -> tuple[subprocess.Popen[str], str]:
        command = [sys.executable, "-m", "sandbox", "--port=0", "--log-level=warning", *options]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        started.append(process)
        match = READY.match(process.stdout.readline())
        assert match, "the sandbox did not say where it listens"
        return process, match[1]

    yield run
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def kill(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait()


def test_documents_and_settings_survive_a_kill(
    start: Start, tmp_path: Path, any_contract: Contract | None
) -> None:
    state = f"--state={tmp_path / 'sandbox.db'}"
    process, url = start(state)
    control, flows = ControlClient(url).wait_ready(), FlowClient(url, any_contract)
    control.verdict("late", number="N-LATE", seconds=60)
    control.set_client("afnor", CLIENT, "new-secret")
    control.settings("afnor", max_file_bytes=5_000)
    control.limit("afnor", per_second=1000, burst=500)
    control.advance(120)
    flows.token = flows.ask_token(client_secret="new-secret").json()["access_token"]
    content = ubl("N-1")
    kept, late = flows.created(content, trackingId="t"), flows.created(ubl("N-LATE"))
    control.fault("drop_after", operation="createFlow")
    with pytest.raises(requests.ConnectionError):
        flows.create(ubl("N-LOST"))
    before = control.oracle("afnor")
    kill(process)

    _process, url = start(state)
    control, flows = ControlClient(url), FlowClient(url, any_contract)
    assert control.oracle("afnor") == before
    assert control.oracle_bytes("afnor", kept) == content
    assert control.settings("afnor")["max_file_bytes"] == 5_000
    assert control._call("GET", "providers")["afnor"]["limit"]["burst"] == 500
    assert control.advance(0)["ahead"] == 120
    assert flows.ask_token().status_code == 401
    flows.token = flows.ask_token(client_secret="new-secret").json()["access_token"]
    assert flows.reason_codes(flows.created(content)) == ["AlreadyExistingFlow"]
    assert flows.acknowledgement(late) == {"status": "Pending"}
    control.advance(60)
    assert flows.acknowledgement(late) == {"status": "Ok"}
    assert flows.flow(late)["updatedAt"] > before[-1]["updated_at"]


def test_a_document_that_fell_due_while_down_is_decided_on_return(
    start: Start, tmp_path: Path
) -> None:
    state = f"--state={tmp_path / 'sandbox.db'}"
    process, url = start(state)
    control, flows = ControlClient(url), FlowClient(url)
    control.verdict("late", seconds=0.2)
    flow_id = flows.created()
    kill(process)
    _process, url = start(state)
    control, flows = ControlClient(url), FlowClient(url)
    control.advance(1)
    assert flows.acknowledgement(flow_id) == {"status": "Ok"}


def test_reset_empties_the_state_file(start: Start, tmp_path: Path) -> None:
    state = f"--state={tmp_path / 'sandbox.db'}"
    process, url = start(state)
    control, flows = ControlClient(url), FlowClient(url)
    control.verdict("reject")
    flows.created()
    control.reset()
    kill(process)
    _process, url = start(state)
    control = ControlClient(url)
    assert control.oracle("afnor") == []
    assert control.verdicts()["rules"] == []


def test_without_a_state_file_nothing_is_left(start: Start) -> None:
    process, url = start()
    FlowClient(url).created()
    kill(process)
    _process, url = start()
    assert ControlClient(url).oracle("afnor") == []


def test_a_termination_signal_ends_it_at_once_and_cleanly(start: Start) -> None:
    process, url = start()
    control = ControlClient(url)
    control.fault("slow_body", operation="createFlow", seconds=60)
    flows = FlowClient(url)
    assert flows.token
    info = (None, '{"flowSyntax": "UBL"}', "application/json")
    files = {"flowInfo": info, "file": ("a.xml", ubl(), "application/xml")}
    flows.send("createFlow", "POST", "/flows", files=files, stream=True, checked=False)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=10) == 0


def test_a_taken_port_is_said(start: Start) -> None:
    _process, url = start()
    port = url.rpartition(":")[2]
    command = [sys.executable, "-m", "sandbox", f"--port={port}"]
    second = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=20, check=False
    )
    assert second.returncode != 0
    assert "address already in use" in second.stderr


def test_a_state_file_of_an_earlier_version_is_brought_up_to_date(tmp_path: Path) -> None:
    state = str(tmp_path / "state")
    database = sqlite3.connect(state)
    database.executescript(SCHEMA.replace("    issued INTEGER NOT NULL DEFAULT 0,\n", ""))
    assert "issued" not in [row[1] for row in database.execute("PRAGMA table_info(document)")]
    database.close()
    for _start in range(2):
        with SandboxThread(state=state) as running, ControlClient(running.url) as control:
            control.issue("reference", kind="report", number="R", content="")
    database = sqlite3.connect(state)
    assert database.execute("SELECT sum(issued) FROM document").fetchone() == (2,)
    database.close()


def test_the_command_also_listens_with_mutual_tls(start: Start, tmp_path: Path) -> None:
    _process, url = start("--tls-port", "0", "--tls-folder", str(tmp_path))
    assert {"ca.pem", "client.pem", "client.key"} <= {path.name for path in tmp_path.iterdir()}
    with ControlClient(url) as control:
        assert control.counts("reference") == {}
