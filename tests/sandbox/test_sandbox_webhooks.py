"""Webhooks on a change of the acknowledgement: documented content, few attempts, loopback only."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Iterator
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from flow_client import FlowClient
from flow_contract import Contract

from sandbox.client import ControlClient, ControlError
from sandbox.webhooks import TRIES, is_loopback

WAIT = 10


class Receiver:
    """Receive webhooks; ``answers`` are the statuses it gives, then 200."""

    def __init__(self) -> None:
        self.bodies: queue.Queue[Any] = queue.Queue()
        self.headers: queue.Queue[Message] = queue.Queue()
        self.answers: queue.Queue[int] = queue.Queue()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = 200 if receiver.answers.empty() else receiver.answers.get()
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.send_header("Location", "/elsewhere")
                self.end_headers()
                receiver.headers.put(self.headers)
                receiver.bodies.put(json.loads(body))

            def log_message(self, *_details: Any) -> None:
                """Say nothing on the terminal."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    running = Receiver()
    thread = threading.Thread(target=running.server.serve_forever)
    thread.start()
    yield running
    running.server.shutdown()
    running.server.server_close()
    thread.join()


def test_each_change_is_sent_as_documented(
    flows: FlowClient, control: ControlClient, receiver: Receiver, contract: Contract
) -> None:
    control.settings("afnor", webhook_url=receiver.url)
    control.verdict("reject", tracking_id="bad")
    for tracking in ("good", "bad"):
        flow_id = flows.created(trackingId=tracking)
        body = receiver.bodies.get(timeout=WAIT)
        assert contract.errors("WebhookCallbackContent", body) == []
        assert body["flowInfo"] == flows.flow(flow_id)


def test_the_bearer_is_the_one_way_to_authenticate_that_the_document_has(
    flows: FlowClient, control: ControlClient, receiver: Receiver, contract: Contract
) -> None:
    schemes = contract.document["components"]["securitySchemes"]
    assert [scheme["scheme"] for scheme in schemes.values()] == ["bearer"]
    for bearer, expected in (("given.by-the_client", "Bearer given.by-the_client"), (None, None)):
        control.settings("afnor", webhook_url=receiver.url, webhook_bearer=bearer)
        flows.created()
        receiver.bodies.get(timeout=WAIT)
        assert receiver.headers.get(timeout=WAIT).get("Authorization") == expected


def test_a_late_verdict_is_sent_without_a_request(
    flows: FlowClient, control: ControlClient, receiver: Receiver
) -> None:
    control.settings("afnor", webhook_url=receiver.url)
    control.verdict("late", seconds=0.2)
    flow_id = flows.created()
    expected = receiver.bodies.get(timeout=WAIT)["flowInfo"]
    assert (expected["flowId"], expected["acknowledgement"]["status"]) == (flow_id, "Ok")


def test_a_failed_webhook_is_retried(
    flows: FlowClient, control: ControlClient, receiver: Receiver
) -> None:
    for status in (500, 302):
        receiver.answers.put(status)
    control.settings("afnor", webhook_url=receiver.url)
    flows.created()
    bodies = [receiver.bodies.get(timeout=WAIT) for _ in range(3)]
    assert bodies[0] == bodies[1] == bodies[2]
    assert wait_for_tries(control, 3) == [500, 302, 200]
    assert control.webhooks()[0]["delivered"] is True


def test_tries_are_bounded(flows: FlowClient, control: ControlClient, receiver: Receiver) -> None:
    for _ in range(TRIES + 1):
        receiver.answers.put(503)
    control.settings("afnor", webhook_url=receiver.url)
    flows.created()
    assert wait_for_tries(control, TRIES) == [503] * TRIES
    assert control.webhooks()[0]["delivered"] is False
    with pytest.raises(queue.Empty):
        for _ in range(TRIES + 1):
            receiver.bodies.get(timeout=0.5)


def wait_for_tries(control: ControlClient, count: int) -> list[Any]:
    ticks = threading.Event()
    for _ in range(WAIT * 50):
        tries = control.webhooks()[0]["tries"]
        if len(tries) >= count:
            return tries
        ticks.wait(0.02)
    raise AssertionError(f"fewer than {count} tries")


def test_a_dead_receiver_disturbs_no_other_request(
    flows: FlowClient, control: ControlClient, receiver: Receiver
) -> None:
    control.settings("afnor", webhook_url="http://127.0.0.1:1/not-listening")
    assert flows.acknowledgement(flows.created()) == {"status": "Ok"}
    assert wait_for_tries(control, 1)[0] == "ClientConnectorError"


def test_without_an_address_no_webhook_is_sent(flows: FlowClient, control: ControlClient) -> None:
    flows.created()
    assert control.webhooks() == []


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/",
        "http://10.0.0.1/",
        "http://127.0.0.1.example.com/",
        "http://user@example.com:80/?x=127.0.0.1",
        "file:///etc/passwd",
        "http://[::1",
        "//127.0.0.1/",
        "",
    ],
)
def test_only_loopback_addresses_are_called(url: str, control: ControlClient) -> None:
    assert not is_loopback(url)
    if url:
        with pytest.raises(ControlError, match="loopback"):
            control.settings("afnor", webhook_url=url)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9/", "http://127.5.5.5/x", "https://[::1]:9/", "http://localhost:9/"]
)
def test_loopback_addresses_are_known(url: str) -> None:
    assert is_loopback(url)
