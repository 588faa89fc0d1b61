"""P4: in a batch each exchange ends in a state of its own; windows and pauses per group of calls."""

import base64
import json
import random
from collections import Counter

from odoo.addons.finance_connector_base.core.delivery import states
from odoo.addons.finance_connector_base.core.delivery.batches import batch_sizes
from odoo.addons.finance_connector_base.core.delivery.queries import QUERIES, parameters
from odoo.addons.finance_connector_base.core.protocol import Call
from odoo.addons.finance_connector_base.secret_store import new_client
from odoo.tests import tagged
from odoo.tools import mute_logger

from .engine_case import EngineCase
from .test_sessions import SignedInCase

SIZE = 1000
SEED = 20261125
HTTP = "odoo.addons.finance_connector_base.core.http.transport"


@tagged("post_install", "-at_install")
class TestBatches(EngineCase):
    def batch(self, number, prefix="B"):
        return [self.document("batch_item", f"{prefix}-{index:04d}") for index in range(number)]

    def exchanges(self, documents):
        return self.env["finance.exchange"].union(*[item.exchange_id for item in documents])

    def test_p4_a_thousand_documents_each_end_in_their_own_state(self):
        draw = random.Random(SEED)
        names = [f"B-{index:04d}" for index in range(SIZE)]
        chosen = draw.sample(names, 180)
        rejected, missing, there = (set(chosen[part : part + 60]) for part in (0, 60, 120))
        for name in sorted(rejected):
            self.control.verdict("reject", number=name)
        documents = {item.name: item for item in self.batch(SIZE)}
        self.take_before(documents[name] for name in sorted(there))
        self.control.clear_requests()
        self.fault("items_missing", "sendBatch", items=sorted(missing))
        self.dispatch()
        self.assertEqual(self.calls("sendBatch"), 1)
        wrong = {
            name: document.exchange_id.state
            for name, document in documents.items()
            if document.exchange_id.state
            != self.state_after_the_send(name, rejected, missing, there)
        }
        self.assertEqual(wrong, {})
        everything = self.exchanges(documents.values())
        # A worker that has seen nothing of a provider yet starts few lookups in one pass.
        for _round in range(8):
            self.make_due(everything.filtered(lambda item: item.state in ("unknown", "pending")))
            self.dispatch()
        wrong = {
            name: document.exchange_id.state
            for name, document in documents.items()
            if document.exchange_id.state != ("rejected" if name in rejected else "accepted")
        }
        self.assertEqual(wrong, {})
        references = everything.filtered(lambda item: item.state == "accepted").mapped("reference")
        self.assertEqual(len(set(references)), SIZE - 60)
        summary = self.control.summary("reference")
        self.assertEqual((summary["held"], summary["held_twice"]), (SIZE - 60, []))

    def take_before(self, documents):
        """The provider has these already, from a send whose answer never came."""
        calls = [
            Call("batch_item", item.name, base64.b64decode(item.exchange_id.payload))
            for item in documents
        ]
        client = new_client(self.connection)
        client.perform_batch(tuple(calls))
        client.close()

    def state_after_the_send(self, name, rejected, missing, there):
        if name in missing or name in there:
            return states.UNKNOWN
        return states.REJECTED if name in rejected else states.ACCEPTED

    def test_a_claim_locks_what_its_calls_carry(self):
        """Documents that travel alone are locked one per call although the connection offers batches."""
        for number in range(9):
            self.document("filing", f"S-{number:02d}")
        self.batch(7)
        target = self.env["finance.dispatcher"]._sendable_connections()[self.connection.id]
        sizes = batch_sizes(target.operations)
        self.env.flush_all()

        def locked(quota):
            self.env.cr.execute(
                QUERIES["claimable"],
                parameters(
                    connection=self.connection.id,
                    limit=quota * max(sizes.values()),
                    quota=quota,
                    batch_sizes=json.dumps(sizes),
                    blocked=[],
                ),
            )
            return len(self.env.cr.fetchall())

        self.assertEqual(locked(4), 4)
        # The nine fill nine calls, and one call more carries the seven of a batch.
        self.assertEqual(locked(10), 16)

    def test_p4_lost_and_repeated_items_end_accepted_once(self):
        documents = self.batch(50)
        self.fault("items_lost", "sendBatch", items=["B-000*"])
        self.dispatch()
        everything = self.exchanges(documents)
        self.assertEqual(
            Counter(everything.mapped("state")), {states.ACCEPTED: 40, states.UNKNOWN: 10}
        )
        self.fault("items_repeated", "sendBatch", items=["B-000*"])
        for _round in range(4):
            self.make_due(everything.filtered(lambda item: item.state != states.ACCEPTED))
            self.dispatch()
        self.assertEqual(set(everything.mapped("state")), {states.ACCEPTED})
        self.assertEqual({self.effects(item.name) for item in documents}, {1})

    def test_p4_a_lost_answer_leaves_all_of_them_unknown_and_each_is_looked_up(self):
        documents = self.batch(20)
        self.fault("drop_after", "sendBatch")
        with mute_logger(HTTP):
            self.dispatch()
        everything = self.exchanges(documents)
        self.assertEqual(set(everything.mapped("state")), {states.UNKNOWN})
        self.make_due(everything, throttles=True)
        self.dispatch()
        self.assertEqual(set(everything.mapped("state")), {states.ACCEPTED})
        self.assertEqual(self.calls("sendBatch"), 1)
        self.assertEqual(set(everything.mapped("send_count")), {1})

    def test_p4_a_batch_that_was_not_sent_is_sent_again(self):
        documents = self.batch(5)
        self.fault("status", "sendBatch", status=503, retry_after=1)
        self.dispatch()
        everything = self.exchanges(documents)
        self.assertEqual(set(everything.mapped("state")), {states.PENDING})
        self.make_due(everything, throttles=True)
        self.dispatch()
        self.assertEqual(set(everything.mapped("state")), {states.ACCEPTED})

    def test_p4_one_batch_is_one_call_of_the_throttle(self):
        for document in self.batch(30):
            self.control.verdict("reject", number=document.name)
        self.fault("items_missing", "sendBatch", items=["B-0000"])
        self.dispatch()
        self.assertEqual(self.throttle().breaker_failures, 0)
        attempts = self.env["finance.exchange.attempt"].search(
            [("connection_id", "=", self.connection.id)]
        )
        self.assertEqual(len(set(attempts.mapped("batch"))), 1)


@tagged("post_install", "-at_install")
class TestWindows(SignedInCase):
    def windows(self):
        return self.env["finance.throttle.window"].search(
            [("connection_id", "=", self.connection.id)]
        )

    def setUp(self):
        super().setUp()
        self.control.windows("reference", "send", second=1000, hour=5)
        self.control.windows("reference", "lookup", second=1000, hour=500)
        self.document("document", "first")
        self.dispatch()
        self.dispatch()

    def test_windows_come_from_the_provider_and_bound_the_sends(self):
        self.assertEqual(self.calls("getLimits"), 1)
        for number in range(10):
            self.document("document", f"D-{number}")
        self.dispatch()
        self.assertEqual(
            {(item.group_name, item.calls) for item in self.windows() if item.seconds == 3600},
            {("send", 5), ("lookup", 500)},
        )
        self.assertLessEqual(self.calls("putDocument"), 6)

    def test_a_refusal_of_lookups_does_not_stop_the_sends(self):
        self.fault("drop_after", "fileFiling")
        lost = self.document("filing_now", "lost")
        with mute_logger(HTTP):
            self.dispatch()
        self.assertEqual(lost.exchange_id.state, states.UNKNOWN)
        self.fault("status", "findFiling", status=429, retry_after=600)
        self.make_due(lost.exchange_id)
        self.dispatch()
        self.assertEqual(lost.exchange_id.state, states.UNKNOWN)
        self.assertFalse(self.throttle().not_before)
        paused = self.windows().filtered("not_before")
        self.assertEqual(set(paused.mapped("group_name")), {"lookup"})
        self.make_due(lost.exchange_id)
        sent = self.document("document", "sent")
        self.control.clear_requests()
        self.dispatch()
        self.assertEqual(sent.exchange_id.state, states.ACCEPTED)
        self.assertEqual(self.calls("findFiling"), 0)
