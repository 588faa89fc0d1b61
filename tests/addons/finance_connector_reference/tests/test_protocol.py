"""Each operation against the sandbox: what an answer means, and what a lost one leaves to ask."""

import dataclasses
import json

from odoo.addons.finance_connector_base.core.delivery.outcomes import (
    Accepted,
    AuthFailed,
    ContractBroken,
    Duplicate,
    NotFound,
    Permanent,
    RateLimited,
    Rejected,
    Transient,
    Unknown,
    Waiting,
)
from odoo.addons.finance_connector_base.core.protocol import Call
from odoo.addons.finance_connector_base.secret_store import new_client
from odoo.tests import tagged

from .common import ReferenceCase

EVERY = ("document", "filing", "filing_now", "notice", "chain")
ASKED = ("filing", "filing_now", "chain")


@tagged("post_install", "-at_install")
class TestReferenceProtocol(ReferenceCase):
    def setUp(self):
        super().setUp()
        self.client = new_client(self.connection)
        self.addCleanup(self.client.close)

    def call(self, operation, number="D-1", sequence=1, content=None):
        parameters = {"number": number, "chain": "A", "sequence": sequence}
        body = {"number": number, "sequence": sequence, "previous": ""}
        return Call(operation, number, content or json.dumps(body).encode(), parameters)

    def perform(self, step, call):
        return self.client.perform(step, call).outcome

    def test_the_probe_tells_a_wrong_key_from_a_wrong_address(self):
        self.assertIsInstance(self.client.probe().outcome, Accepted)
        self.control.set_client("reference", "reference", "another-key")
        self.assertIsInstance(self.client.probe().outcome, AuthFailed)
        self.connection.base_url = f"{self.control.url}/afnor"
        self.assertIsInstance(new_client(self.connection).probe().outcome, ContractBroken)

    def test_every_operation_has_its_effect_once(self):
        for operation in EVERY:
            with self.subTest(operation=operation):
                self.control.reset()
                outcome = self.perform("send", self.call(operation))
                (received,) = self.control.oracle("reference")
                self.assertEqual(outcome, Accepted(received["reference"]))

    def test_a_late_verdict_is_polled(self):
        self.control.verdict("late", looks=1)
        call = self.call("filing")
        taken = self.perform("send", call)
        self.assertIsInstance(taken, Waiting)
        call = dataclasses.replace(call, reference=taken.reference)
        self.assertIsInstance(self.perform("poll", call), Waiting)
        self.assertEqual(self.perform("poll", call), Accepted(taken.reference))

    def test_a_lost_answer_is_found_by_asking(self):
        for operation in ASKED:
            with self.subTest(operation=operation):
                self.control.reset()
                call = self.call(operation)
                self.assertIsInstance(self.perform("lookup", call), NotFound)
                self.control.fault("drop_after", provider="reference")
                self.assertIsInstance(self.perform("send", call), Unknown)
                (received,) = self.control.oracle("reference")
                self.assertEqual(self.perform("lookup", call), Accepted(received["reference"]))

    def test_a_repeat_under_a_key_is_answered_as_the_first(self):
        call = self.call("document")
        first = self.perform("send", call)
        self.assertEqual(self.perform("send", call), first)
        self.assertIsInstance(self.perform("send", self.call("document", content=b"x")), Permanent)
        self.assertEqual(self.control.summary("reference")["received"], 1)

    def test_a_repeat_is_a_duplicate_where_the_provider_knows_it(self):
        for operation in ASKED:
            with self.subTest(operation=operation):
                self.control.reset()
                first = self.perform("send", self.call(operation))
                again = self.perform("send", self.call(operation))
                self.assertIsInstance(again, Duplicate)
                self.assertEqual(again.reference, first.reference)

    def test_x6_what_somebody_else_filed_is_not_ours(self):
        self.perform("send", self.call("filing", content=b'{"number": "D-1", "theirs": 1}'))
        outcome = self.perform("lookup", self.call("filing"))
        self.assertEqual([finding.code for finding in outcome.findings], ["taken"])

    def test_a_refusal_brings_its_reasons_also_by_asking(self):
        reason = {"code": "amount", "message": "Wrong amount"}
        self.control.verdict("reject", provider="reference", reasons=[reason])
        call = self.call("filing_now")
        for step in ("send", "lookup"):
            outcome = self.perform(step, call)
            self.assertIsInstance(outcome, Rejected)
            self.assertEqual([finding.code for finding in outcome.findings], ["amount"])

    def test_a_record_out_of_order_is_rejected(self):
        outcome = self.perform("send", self.call("chain", sequence=2))
        self.assertEqual([finding.code for finding in outcome.findings], ["out_of_order"])

    def test_failures_before_the_effect_are_distinguished(self):
        self.control.fault("status", status=503, retry_after=7)
        self.assertEqual(self.perform("send", self.call("filing")).retry_after, 7)
        self.control.fault("status", status=429, retry_after=9)
        self.assertEqual(self.perform("send", self.call("filing")).code, RateLimited("").code)
        self.control.fault("status", status=503)
        self.assertIsInstance(self.perform("lookup", self.call("filing")), Transient)
        self.assertEqual(self.control.oracle("reference"), [])
