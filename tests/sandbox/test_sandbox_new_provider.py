"""A provider is one class: everything else works for it without registration.

The provider of this test speaks nothing like the French one: an API key, and a code of the
client's own that makes a repeat harmless.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import requests

from sandbox.client import ControlClient
from sandbox.documents import Arrival
from sandbox.provider import Provider
from sandbox.server import SandboxThread
from sandbox.values import Call, Operation, Reply, json_reply

SANDBOX = Path(__file__).resolve().parents[2] / "sandbox"


class Parcel(Provider):
    name = "parcel"
    title = "Parcel tax"

    def operations(self) -> Sequence[Operation]:
        return (
            Operation("commit", "PUT", "/v2/documents/{code}", self.commit, self.error),
            Operation("show", "GET", "/v2/documents/{code}", self.show, self.error),
        )

    def error(self, status: int, code: str = "", message: str = "") -> Reply:
        return json_reply({"error": {"code": code or str(status)}}, status)

    def authenticate(self, call: Call) -> Reply | None:
        return None if call.headers.get("X-Api-Key") == "key" else self.error(401)

    def tracking_id(self, operation: str, call: Call) -> str | None:
        return call.params.get("code")

    def commit(self, call: Call) -> Reply:
        code = call.params["code"]
        if not self.core.oracle.get(self.name, code):
            arrival = Arrival(code, call.body, tracking_id=code, number=code)
            self.core.receive(self, arrival, [])
        return self.show(call)

    def show(self, call: Call) -> Reply:
        document = self.core.oracle.get(self.name, call.params["code"])
        if document is None:
            return self.error(404)
        return json_reply({"code": document.reference, "state": document.state})


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with SandboxThread(providers=[Parcel]) as running:
        yield running.url


@pytest.fixture
def parcel(url: str) -> Iterator[ControlClient]:
    with ControlClient(url) as control:
        control.reset()
        yield control


def put(url: str, code: str, key: str = "key") -> requests.Response:
    headers = {"X-Api-Key": key}
    return requests.put(f"{url}/parcel/v2/documents/{code}", b"{}", headers=headers, timeout=10)


def test_its_operations_are_played(url: str, parcel: ControlClient) -> None:
    assert put(url, "A").json() == {"code": "A", "state": "accepted"}
    assert put(url, "A").json() == {"code": "A", "state": "accepted"}
    assert parcel.summary("parcel")["received"] == 1
    assert parcel.counts("parcel") == {"commit": 2}


def test_its_credentials_and_errors_are_its_own(url: str, parcel: ControlClient) -> None:
    assert put(url, "A", key="wrong").json() == {"error": {"code": "401"}}
    parcel.limit("parcel", per_second=0.1, burst=1)
    assert [put(url, "A").status_code, put(url, "B").json()] == [200, {"error": {"code": "429"}}]


def test_faults_and_verdicts_work_for_it(url: str, parcel: ControlClient) -> None:
    parcel.fault("drop_after", provider="parcel", operation="commit", tracking_id="A")
    parcel.verdict("reject", provider="parcel", number="B")
    with pytest.raises(requests.ConnectionError):
        put(url, "A")
    assert put(url, "B").json()["state"] == "rejected"
    assert [each["held"] for each in parcel.oracle("parcel")] == [True, False]


def test_unknown_paths_are_answered_in_its_words(url: str, parcel: ControlClient) -> None:
    response = requests.get(f"{url}/parcel/v1/none", timeout=10)
    assert response.json() == {"error": {"code": "404"}}


def test_a_provider_that_fails_inside_answers_with_a_server_error(
    url: str,
    parcel: ControlClient,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(Parcel, "authenticate", lambda self, call: None)
    monkeypatch.setattr("sandbox.oracle.Oracle.get", lambda *_args: 1 / 0)
    assert put(url, "A").status_code == 500
    assert "commit failed" in caplog.text
    caplog.clear()


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(("." * node.level) + (node.module or ""))
    return found


def test_the_core_knows_no_provider() -> None:
    core = [*SANDBOX.glob("*.py"), *(SANDBOX / "control").glob("*.py")]
    assert len(core) > 10
    for path in core:
        source = path.read_text("utf-8").lower()
        assert "afnor" not in source and "flow service" not in source, path


def test_the_sandbox_imports_nothing_of_what_it_tests() -> None:
    for path in SANDBOX.rglob("*.py"):
        assert not imports(path) & {"odoo", "addons", "tools", "demo"}, path


def test_providers_do_not_reach_into_the_web_server() -> None:
    files = list((SANDBOX / "providers").rglob("*.py"))
    assert files
    for path in files:
        assert not imports(path) & {"aiohttp", "asyncio", "sqlite3"}, path
