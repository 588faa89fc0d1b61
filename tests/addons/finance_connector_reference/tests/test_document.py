"""The tiny document: its bytes and its place in a chain are in the outbox, and it learns what became of it."""

import hashlib
import json

from odoo.addons.finance_connector_base.core.delivery import states
from odoo.tests import tagged

from .common import ReferenceCase


@tagged("post_install", "-at_install")
class TestReferenceDocument(ReferenceCase):
    def content(self, document):
        return json.loads(document.exchange_id._payload_bytes())

    def test_x2_a_document_and_its_exchange_are_one_transaction(self):
        with self.assertRaises(ZeroDivisionError), self.env.cr.savepoint():
            self.document("filing")
            1 / 0  # noqa: B018 (the business fact fails)
        self.assertFalse(self.env["finance.reference.document"].search([("name", "=", "D-1")]))
        self.assertFalse(self.env["finance.exchange"].search([("idempotency_key", "=", "D-1")]))

    def test_records_name_their_predecessor(self):
        first, second = (self.document("chain", name) for name in ("R-1", "R-2"))
        payload = first.exchange_id._payload_bytes()
        self.assertEqual(
            (self.content(first)["sequence"], self.content(first)["previous"]), (1, "")
        )
        self.assertEqual(self.content(second)["sequence"], 2)
        self.assertEqual(self.content(second)["previous"], hashlib.sha256(payload).hexdigest())
        self.assertEqual(second.exchange_id.parameters, {"chain": "A", "sequence": 2})
        self.assertEqual(second.exchange_id.chain, "A")

    def test_what_is_rolled_back_takes_no_place_in_the_chain(self):
        with self.assertRaises(ZeroDivisionError), self.env.cr.savepoint():
            self.document("chain", "R-1")
            1 / 0  # noqa: B018 (the business fact fails)
        self.assertEqual(self.content(self.document("chain", "R-2"))["sequence"], 1)

    def test_the_document_is_notified_of_its_exchange(self):
        document = self.document("notice")
        document.exchange_id._transition(states.SENDING, "sending")
        document._exchange_changed(document.exchange_id)
        self.assertEqual(document.state, states.SENDING)
