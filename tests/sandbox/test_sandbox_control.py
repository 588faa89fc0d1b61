"""The control API: switches, limits, the journal, reset, and clear refusals."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
import requests
from flow_client import FlowClient
from flow_contract import Contract

from sandbox.client import ControlClient, ControlError
from sandbox.control import ROUTES
from sandbox.faults import AFTER_EFFECT, BEFORE_EFFECT, ITEM_FAULTS
from sandbox.providers import PROVIDERS
from sandbox.server import SandboxThread
from sandbox.verdicts import OUTCOMES

ROOT = Path(__file__).resolve().parents[2]


def test_down_closes_connections_at_once(flows: FlowClient, control: ControlClient) -> None:
    assert flows.token
    control.down("afnor")
    for call in (flows.create, flows.health, flows.ask_token):
        with pytest.raises(requests.ConnectionError):
            call()
    assert control.oracle("afnor") == []
    assert {each["outcome"] for each in control.requests()[1:]} == {"dropped"}
    control.up()
    assert flows.create().status_code == 202


def test_down_uses_up_no_fault(flows: FlowClient, control: ControlClient) -> None:
    assert flows.token
    control.fault("status", operation="getHealth", status=503)
    control.down()
    with pytest.raises(requests.ConnectionError):
        flows.health()
    control.up()
    assert flows.health().status_code == 503


def test_a_rate_limit_says_when_to_come_back(flows: FlowClient, control: ControlClient) -> None:
    control.limit("afnor", per_second=0.1, burst=3)
    answers = [flows.search(trackingId="x") for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert 8 <= int(answers[-1].headers["Retry-After"]) <= 10
    assert flows.health().status_code == 200, "supervision is not limited"
    assert flows.ask_token().status_code == 200, "tokens are not limited"
    control.no_limit("afnor")
    assert flows.search(trackingId="x").status_code == 200


def test_a_limited_call_has_no_effect(flows: FlowClient, control: ControlClient) -> None:
    control.limit("afnor", per_second=0.1, burst=1)
    assert [flows.create().status_code for _ in range(3)] == [202, 429, 429]
    assert control.summary("afnor")["received"] == 1


def test_the_bucket_fills_again(flows: FlowClient, control: ControlClient) -> None:
    control.limit("afnor", per_second=20, burst=1)
    assert flows.search(trackingId="x").status_code == 200
    deadline = time.monotonic() + 10
    while flows.search(trackingId="x").status_code == 429:
        assert time.monotonic() < deadline
        threading.Event().wait(0.02)


def test_the_journal_tells_what_was_called(flows: FlowClient, control: ControlClient) -> None:
    flow_id = flows.created(trackingId="t")
    flows.get(flow_id)
    flows.search(trackingId="t")
    flows.send("unknown", "GET", "/nowhere", checked=False)
    journal = control.requests()
    assert [(each["operation"], each["status"]) for each in journal] == [
        ("token", 200),
        ("createFlow", 202),
        ("getFlow", 200),
        ("searchFlow", 200),
        ("unknown", 404),
    ]
    assert [each["tracking_id"] for each in journal] == [None, "t", "t", "t", None]
    assert control.counts("afnor") == {
        "token": 1,
        "createFlow": 1,
        "getFlow": 1,
        "searchFlow": 1,
        "unknown": 1,
    }


def test_the_journal_can_be_filtered(flows: FlowClient, control: ControlClient) -> None:
    for number in range(4):
        flows.created(trackingId=f"t{number}")
    assert len(control.requests(operation="createFlow")) == 4
    assert len(control.requests(operation="getFlow")) == 0
    assert len(control.requests(tracking_id="t1")) == 1
    assert [each["tracking_id"] for each in control.requests(limit=2)] == ["t2", "t3"]
    for wrong in ({"limit": 0}, {"limit": "x"}, {"colour": "red"}):
        with pytest.raises(ControlError, match="400"):
            control.requests(**wrong)


def test_the_journal_shows_faults_and_lost_answers(
    flows: FlowClient, control: ControlClient
) -> None:
    control.fault("drop_after", operation="createFlow")
    with pytest.raises(requests.ConnectionError):
        flows.create()
    (entry,) = control.requests(operation="createFlow")
    assert (entry["fault"], entry["outcome"], entry["status"]) == ("drop_after", "dropped", None)


def test_no_call_was_made_can_be_asserted(flows: FlowClient, control: ControlClient) -> None:
    assert control.counts("afnor") == {}
    flows.ask_token()
    assert control.counts("afnor") == {"token": 1}
    control.clear_requests()
    assert (control.counts("afnor"), control.requests()) == ({}, [])


def test_reset_forgets_everything(flows: FlowClient, control: ControlClient) -> None:
    control.fault("status", status=503, operation="getFlow")
    control.verdict("reject")
    control.default_verdict("never")
    control.settings("afnor", max_file_bytes=1, webhook_url="http://127.0.0.1:9/")
    control.limit("afnor", per_second=1)
    control.advance(1000)
    control.set_client("afnor", "other", "x")
    control.down()
    control.reset()
    assert control.faults() == []
    assert control.verdicts()["rules"] == []
    assert control.verdicts()["default"]["verdict"] == "accept"
    assert control.settings("afnor") == {
        "flow_version": "1.1.0",
        "max_file_bytes": 20_000_000,
        "webhook_bearer": None,
        "webhook_url": None,
    }
    assert control._call("GET", "providers")["afnor"]["limit"] is None
    assert control.advance(0)["ahead"] == 0
    assert control._call("GET", "clients/afnor")["clients"] == ["sandbox-client"]
    assert flows.acknowledgement(flows.created()) == {"status": "Ok"}


def test_reset_ends_all_tokens(flows: FlowClient, control: ControlClient) -> None:
    assert flows.token
    control.reset()
    assert flows.create().status_code == 401


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "faults", []),
        ("POST", "faults", "text"),
        ("POST", "down", {"provider": "unknown"}),
        ("POST", "down", {"colour": "red"}),
        ("POST", "clock", {"advance": -1}),
        ("POST", "clock", {}),
        ("PUT", "limits/afnor", {"per_second": 0}),
        ("PUT", "limits/afnor", {}),
        ("PUT", "tokens/afnor", {"lifetime": 0}),
        ("PUT", "clients/afnor/x", {}),
        ("PATCH", "settings/afnor", {"colour": "red"}),
        ("PATCH", "settings/afnor", {"max_file_bytes": "many"}),
        ("PATCH", "settings/unknown", {}),
        ("PUT", "verdicts/default", {"verdict": "maybe"}),
        ("POST", "decisions/afnor/x", {"outcome": "maybe"}),
    ],
)
def test_a_wrong_control_request_says_what_is_wrong(
    method: str, path: str, body: object, control: ControlClient
) -> None:
    response = requests.request(method, f"{control.url}/control/{path}", json=body, timeout=10)
    assert response.status_code in (400, 404)
    assert all(isinstance(error, str) and error for error in response.json()["errors"])
    assert response.json()["errors"]


def test_a_control_body_must_be_json(control: ControlClient) -> None:
    response = requests.post(f"{control.url}/control/faults", data=b"{", timeout=10)
    assert (response.status_code, "not JSON" in response.text) == (400, True)


def test_health_names_the_providers(control: ControlClient) -> None:
    names = [provider.name for provider in PROVIDERS]
    assert control._call("GET", "health") == {"status": "ok", "providers": names}


def test_wait_ready_gives_up(unused_port: int) -> None:
    with pytest.raises(TimeoutError):
        ControlClient(f"http://127.0.0.1:{unused_port}").wait_ready(timeout=0.2)


@pytest.fixture
def unused_port() -> int:
    with SandboxThread() as briefly:
        return int(briefly.url.rpartition(":")[2])


def test_the_manual_names_every_fault_verdict_setting_and_path() -> None:
    manual = (ROOT / "docs" / "sandbox.md").read_text("utf-8")
    settings = [name for provider in PROVIDERS for name in provider.default_settings]
    for name in (*BEFORE_EFFECT, *AFTER_EFFECT, *ITEM_FAULTS, *OUTCOMES, *settings):
        assert f"`{name}`" in manual, name
    for route in ROUTES:
        first_two = "/".join(route.path.split("/")[:3])
        assert first_two in manual, route.path


def test_two_sandboxes_do_not_know_each_other(
    flows: FlowClient, any_contract: Contract | None
) -> None:
    flow_id = flows.created()
    with SandboxThread() as other, ControlClient(other.url) as control:
        assert control.oracle("afnor") == []
        with FlowClient(other.url, any_contract) as other_client:
            assert other_client.get(flow_id).status_code == 404
