"""Every bad answer of a hostile provider is one of three values, soon, and small."""

import contextlib
import gc
import json
import socket
import threading
import time
import tracemalloc

import pytest
from odoo.addons.finance_audit.core import bounded_http
from odoo.addons.finance_audit.core.address import NetworkPolicy
from odoo.addons.finance_connector_base.core.delivery import pipeline as pipelines
from odoo.addons.finance_connector_base.core.delivery.outcomes import Accepted
from odoo.addons.finance_connector_base.core.delivery.pipeline import Claim, Pipeline
from odoo.addons.finance_connector_base.core.http.client import Report
from odoo.addons.finance_connector_base.core.http.transport import Transport
from odoo.addons.finance_connector_base.core.http.wire import (
    KEPT_BODY,
    MAX_BODY,
    HttpRequest,
    HttpResponse,
    NoAnswer,
    NotSent,
)
from odoo.addons.finance_connector_base.core.protocol import Call

from sandbox.hostile import KINDS, HostileProvider

pytestmark = pytest.mark.slow

SANDBOX = NetworkPolicy(sandbox=True)
TOTAL = 1.0


@pytest.fixture(scope="module")
def provider():
    with HostileProvider() as made:
        yield made


def post(url, **options):
    values = {"timeout": (1.0, 0.8), "total": TOTAL, **options}
    transport = Transport("sandbox", SANDBOX)
    try:
        return transport.send(HttpRequest("POST", f"{url}/x", body=b"{}", **values))
    finally:
        transport.close()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_p7_a_bad_answer_is_a_value_within_the_time(provider, kind):
    started = time.monotonic()
    answer = post(provider.urls[kind.name])
    assert time.monotonic() - started < TOTAL + 1.0
    assert isinstance(answer, HttpResponse | NotSent | NoAnswer)
    if kind.tls and kind.tls != "garbage":
        assert isinstance(answer, NotSent)
        assert not provider.requests.get(kind.name)
    if kind.is_slow or kind.reset:
        assert isinstance(answer, NoAnswer)
    if isinstance(answer, HttpResponse):
        assert len(answer.body) <= MAX_BODY
        assert all(value.isprintable() and len(value) <= 4096 for value in answer.headers.values())
        assert len(answer.kept_body()) <= KEPT_BODY
        assert answer.retry_after() is None or 0 <= answer.retry_after() <= 3600
        json.dumps(answer.json_object(), allow_nan=False)


@pytest.mark.parametrize(
    "name",
    [
        "interim_flood", "interim_103_flood", "headers_endless", "chunk_negative", "chunk_garbage",
        "body_20_mb", "body_endless", "gzip_bomb", "gzip_gzip_bomb", "switching_101", "http_09", "drip_until_close",
    ],
)  # fmt: skip
def test_p7_what_is_no_complete_response_is_none(provider, name):
    assert isinstance(post(provider.urls[name]), NoAnswer)


@pytest.mark.parametrize("name", ["drip_head", "drip_body", "drip_until_close", "silent"])
def test_f5_a_byte_now_and_then_does_not_prolong_a_call(provider, name):
    started = time.monotonic()
    assert isinstance(post(provider.urls[name], timeout=(1.0, 5.0), total=0.5), NoAnswer)
    assert time.monotonic() - started < 1.5


def test_f16_twenty_megabytes_cost_a_quarter_of_one(provider):
    tracemalloc.start()
    try:
        for name in ("body_20_mb", "body_endless", "gzip_bomb"):
            post(provider.urls[name])
        gc.collect()
        assert tracemalloc.get_traced_memory()[1] < 8 * MAX_BODY
    finally:
        tracemalloc.stop()


def test_f16_bodies_on_their_way_share_a_budget(provider, monkeypatch):
    monkeypatch.setattr(bounded_http, "_budget", bounded_http.Budget(MAX_BODY))
    slow = threading.Thread(
        target=post,
        args=(provider.urls["drip_until_close"],),
        kwargs={"timeout": (1, 3), "total": 3},
    )
    slow.start()
    while not provider.requests.get("drip_until_close"):
        pass
    deadline = time.monotonic() + 2
    answers = []
    while time.monotonic() < deadline and not any(isinstance(a, NoAnswer) for a in answers):
        answers.append(post(provider.urls["json_null"], total=0.3))
    slow.join()
    assert any(isinstance(answer, NoAnswer) and "bytes" in answer.reason for answer in answers)
    assert isinstance(post(provider.urls["json_null"]), HttpResponse)


class _Time:
    """Stands for a call that may wait a moment."""

    left = 0.05


def test_f16_bodies_of_one_provider_leave_room_for_those_of_others():
    budget, hostile, good = bounded_http.Budget(100), object(), object()
    with contextlib.ExitStack() as stack:
        for _call in range(5):
            stack.enter_context(budget.reserved(10, _Time(), hostile))
        with pytest.raises(bounded_http.CallEnded), budget.reserved(10, _Time(), hostile):
            pass
        with budget.reserved(50, _Time(), good):
            pass
    # One body may be larger than half of it, where nothing else of its owner is on its way.
    with budget.reserved(90, _Time(), hostile):
        pass


class _Client:
    """Makes its calls at one address."""

    def __init__(self, url):
        self.url, self.started, self.ended = url, threading.Semaphore(0), threading.Semaphore(0)

    def perform(self, _step, _call, _claimed=None):
        self.started.release()
        try:
            post(self.url, timeout=(1.0, 60.0), total=60.0)
        finally:
            self.ended.release()
        return Report(Accepted("x"))


def _claim(client, number):
    return Claim(1, number, number, f"t{number}", "send", Call("op", f"k{number}", b""), client)


@pytest.mark.parametrize("name", ["silent", "drip_body"])
def test_f5_leaving_the_pipeline_leaves_no_call_and_no_thread(provider, name):
    client = _Client(provider.urls[name])
    before = pipelines.live_threads()
    arrived = provider.requests.get(name, 0)
    with Pipeline(20) as pipeline:
        pipeline.submit([_claim(client, number) for number in range(20)])
        for _n in range(20):
            assert client.started.acquire(timeout=10)
        while provider.requests.get(name, 0) < arrived + 20:
            pass
        assert all(
            thread.daemon for thread in threading.enumerate() if thread.name == "finance-call"
        )
    left = time.monotonic()
    for _n in range(20):
        assert client.ended.acquire(timeout=5)
    assert time.monotonic() - left < 2.0
    while pipelines.live_threads() > before:
        assert time.monotonic() - left < 3.0


def test_f5_threads_left_over_take_the_place_of_slots():
    blocked, release = threading.Semaphore(0), threading.Event()

    class Stuck:
        """Hangs in something that no socket ends, the resolution of a name for one."""

        def perform(self, _step, _call, _claimed=None):
            blocked.release()
            release.wait(20)
            return Report(Accepted("x"))

    before = pipelines.live_threads()
    with Pipeline(100) as first:
        first.submit([_claim(Stuck(), number) for number in range(100)])
        for _n in range(100):
            assert blocked.acquire(timeout=10)
    with Pipeline(192) as second:
        assert second.slots == pipelines.MAX_THREADS - 100 - before
    release.set()
    left = time.monotonic()
    while pipelines.live_threads() > before:
        assert time.monotonic() - left < 5.0


def test_f12_a_name_is_resolved_once_and_what_was_checked_is_dialled(provider, monkeypatch):
    """DNS rebinding: the second answer of the name server would be the forbidden address."""
    port = int(provider.urls["json_null"].rpartition(":")[2].split("/")[0])
    asked = []
    original = socket.getaddrinfo

    def resolve(host, *args, **options):
        if host != "rebinding.example":
            return original(host, *args, **options)
        asked.append(host)
        place = "127.0.0.1" if len(asked) == 1 else "127.0.0.2"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (place, port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    url = f"https://rebinding.example:{port}/json_null"
    refused = Transport("production", NetworkPolicy()).send(HttpRequest("GET", url))
    assert isinstance(refused, NotSent)
    assert "not a public address" in refused.reason
    assert len(asked) == 1
