"""P5: statuses and invoices that come in from the platform are stored, by feed and by webhook."""

import base64
import json

from odoo.tests import tagged

from ..core.flow_feed import FEED
from .sandbox_case import SandboxCase

BEARER = "what-the-platform-was-given"
INVOICE = """<?xml version="1.0" encoding="UTF-8"?>
<Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"
 xmlns:cac="urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"
 xmlns:cbc="urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2">
<cbc:ID>{number}</cbc:ID><cbc:IssueDate>2026-11-25</cbc:IssueDate>
<cbc:InvoiceTypeCode>380</cbc:InvoiceTypeCode>
<cac:AccountingSupplierParty><cac:Party><cac:PartyLegalEntity>
<cbc:CompanyID schemeID="0002">123456789</cbc:CompanyID></cac:PartyLegalEntity></cac:Party>
</cac:AccountingSupplierParty></Invoice>"""


@tagged("post_install", "-at_install")
class TestInbound(SandboxCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.connection.receives_documents = True
        cls.connection.webhook_secret = BEARER

    def receive(self, number):
        content = INVOICE.format(number=number).encode()
        self.control.issue(
            "afnor",
            content=base64.b64encode(content).decode(),
            flowSyntax="UBL",
            name=f"{number}.xml",
        )
        return content

    def stored(self):
        return self.env["finance.inbound"].search(
            [("connection_id", "=", self.connection.id)], order="id"
        )

    def feed(self):
        return self.env["finance.feed"].search([("connection_id", "=", self.connection.id)])

    def test_p5_flows_are_stored_as_they_were_received(self):
        contents = {self.receive(f"S-{number}") for number in range(10)}
        self.dispatch()
        documents = self.stored()
        self.assertEqual({item._content_bytes() for item in documents}, contents)
        self.assertEqual(set(documents.mapped("kind")), {"invoice"})
        self.assertEqual(set(documents.mapped("state")), {"unhandled"})
        self.assertEqual(documents[0].parameters["flowType"], "SupplierInvoice")
        self.assertEqual(self.feed().name, FEED)
        self.assertGreater(self.feed().next_at, self.feed().read_at)

    def test_p5_a_webhook_lets_the_feed_be_read_and_is_not_believed(self):
        self.dispatch()
        self.receive("S-1")
        self.dispatch()
        self.assertFalse(self.stored(), "the feed is not due")
        forged = {"flowInfo": {"flowId": "F-1", "flowDirection": "In"}}
        self.env["finance.webhook.event"]._receive(
            self.connection,
            {"authorization": f"Bearer {BEARER}"},
            json.dumps(forged).encode(),
        )
        self.dispatch()
        self.assertEqual(self.connection.webhook_event_ids.state, "processed")
        self.dispatch()
        self.assertEqual(len(self.stored()), 1)
        self.assertNotEqual(self.stored().provider_id, "F-1")

    def test_p5_a_connection_that_receives_nothing_reads_nothing(self):
        self.connection.receives_documents = False
        self.receive("S-1")
        self.dispatch()
        self.assertFalse(self.stored() or self.feed())
