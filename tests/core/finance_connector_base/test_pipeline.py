"""The sending threads: a slow call holds its own slot and nothing else; nothing gets lost in them."""

import threading
from dataclasses import replace

from odoo.addons.finance_connector_base.core.delivery.outcomes import Accepted, Transient, Unknown
from odoo.addons.finance_connector_base.core.delivery.pipeline import Claim, Pipeline, Probe
from odoo.addons.finance_connector_base.core.http.client import Report
from odoo.addons.finance_connector_base.core.protocol import Call

WAIT = 10


class StubClient:
    """A client whose calls end when the test says so."""

    def __init__(self):
        self.slow = threading.Event()

    def perform(self, _step, call, _claimed=None):
        if call.key == "slow":
            assert self.slow.wait(WAIT)
        if call.key == "broken":
            raise KeyError("odd answer")
        return Report(Accepted(call.key))

    def probe(self):
        return Report(Accepted("probe"))


def claim(client, key, connection=1):
    return Claim(connection, 1, 1, f"token-{key}", "send", Call("op", key, b""), client)


def test_a_slow_call_does_not_hold_back_the_others():
    client = StubClient()
    with Pipeline(4) as pipeline:
        pipeline.submit([claim(client, "slow"), claim(client, "a"), claim(client, "b")])
        seen = set()
        while len(seen) < 2:
            seen |= {task.call.key for task, _report in pipeline.collect(WAIT)}
        assert seen == {"a", "b"}
        assert (pipeline.in_flight, pipeline.free) == (1, 3)
        client.slow.set()
        ((task, report),) = pipeline.collect(WAIT)
        assert (task.call.key, report.outcome) == ("slow", Accepted("slow"))
        assert pipeline.in_flight == 0


def test_x5_an_adapter_that_breaks_counts_as_not_knowing():
    with Pipeline(1) as pipeline:
        pipeline.submit([claim(StubClient(), "broken")])
        ((_task, report),) = pipeline.collect(WAIT)
    assert isinstance(report.outcome, Unknown)


def test_calls_are_counted_by_connection_and_nothing_is_waited_for_without_them():
    with Pipeline(4) as pipeline:
        assert pipeline.collect(0) == []
        pipeline.submit([claim(StubClient(), "a", connection=7), Probe(8, StubClient())])
        assert pipeline.held == {7: 1, 8: 1}
        done = []
        while len(done) < 2:
            done += pipeline.collect(WAIT)
        assert pipeline.held.total() == 0


def test_x4_the_tokens_on_their_way_are_known():
    client = StubClient()
    with Pipeline(4) as pipeline:
        pipeline.submit([claim(client, "slow"), claim(client, "a")])
        assert pipeline.tokens == {"token-slow", "token-a"}
        pipeline.collect(WAIT)
        assert pipeline.tokens == {"token-slow"}
        client.slow.set()
        pipeline.collect(WAIT)
        assert pipeline.tokens == set()


def test_x4_a_call_whose_claim_ran_out_is_not_begun():
    class Refusing(StubClient):
        def perform(self, _step, call, _claimed=None):
            raise AssertionError(f"{call.key} was sent")

    with Pipeline(2, holds=lambda worker: worker == "alive") as pipeline:
        pipeline.submit([replace(claim(Refusing(), "stale"), worker_id="gone")])
        ((_task, report),) = pipeline.collect(WAIT)
        assert isinstance(report.outcome, Transient)
        pipeline.submit([replace(claim(StubClient(), "fresh"), worker_id="alive")])
        ((_task, report),) = pipeline.collect(WAIT)
        assert report.outcome == Accepted("fresh")
