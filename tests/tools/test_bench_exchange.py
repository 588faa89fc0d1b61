"""What the exchange benchmark counts: a figure of it is worth no more than its stub and its arithmetic."""

import os
import threading
import time
import urllib.error
import urllib.request
from types import SimpleNamespace

import pytest

from tools.benchmarks.exchange import command, passes, watch
from tools.benchmarks.exchange.engines import ENGINES, LATENCIES
from tools.benchmarks.exchange.setting import Stub
from tools.dev import ports


@pytest.fixture
def stub():
    runtime = SimpleNamespace(environment=lambda: {"PATH": "/usr/bin"})
    made = Stub(runtime, ports.free(1)[0])
    made.server.start()
    yield made
    made.server.stop()


def post(stub, number):
    request = urllib.request.Request(f"{stub.url}/documents/b/{number}", data=b"<invoice/>")
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.status


def test_stub_counts_a_repeat_as_a_second_effect(stub):
    for number in ("b-1", "b-2", "b-2"):
        assert post(stub, number) == 201
    assert stub.oracle("b")["effects"] == {"b-1": 1, "b-2": 2}


def test_stub_says_what_it_holds(stub):
    post(stub, "b-1")
    with urllib.request.urlopen(f"{stub.url}/documents/b/b-1", timeout=10) as answer:
        assert b"R-b-1" in answer.read()
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(f"{stub.url}/documents/b/b-2", timeout=10)


def test_process_with_a_call_in_flight_is_found(stub):
    """It is the one that the benchmark kills."""
    stub.answer_after(1.0)
    caller = threading.Thread(target=post, args=(stub, "b-1"))
    caller.start()
    while not stub.oracle("b")["flying"]:
        assert caller.is_alive()
    found = watch.holder(os.getpid(), stub.oracle("b")["flying"]["b-1"])
    caller.join()
    assert found.pid == os.getpid()
    assert not stub.oracle("b")["flying"]


def finished_run(effects, finished):
    """Return what a run reports when the stub saw these effects and the database so many answers."""
    first = time.time() - 2
    setting = SimpleNamespace(
        fill=lambda *_: None,
        server=SimpleNamespace(pid=os.getpid()),
        finished=lambda _batch: finished,
        stub=SimpleNamespace(oracle=lambda _batch: {"effects": effects, "first": first}),
    )
    return passes.run(setting, "b", 3)


def test_run_counts_duplicates_and_losses(monkeypatch):
    monkeypatch.setattr(passes, "LIMIT", 0)
    clean = finished_run({"1": 1, "2": 1, "3": 1}, 3)
    assert (clean.duplicates, clean.losses) == (0, 0)
    assert clean.rate == pytest.approx(1.5, rel=0.2)
    assert finished_run({"1": 1, "2": 2, "3": 1}, 3).duplicates == 1
    assert finished_run({"1": 1, "2": 1, "3": 1}, 2).losses == 1
    # Believed to be finished, but never seen by the provider.
    assert finished_run({"1": 1, "2": 1}, 3).losses == 1


def test_table_compares_ours_with_each_of_the_others():
    rates = {"queue_job": 10, "naive": 5, "ours": 100}
    results = {
        engine.name: command.Result(
            {latency: passes.Speed(rates[engine.name], 1.0, 0, 0, 0.5) for latency in LATENCIES},
            passes.Kill(1, 0, 0, 8.0),
            SimpleNamespace(total_mb=300.0),
        )
        for engine in ENGINES
    }
    rows = command.table(results).splitlines()
    assert rows[1].split()[-4:] == ["10.0", "×", "20.0", "×"]
