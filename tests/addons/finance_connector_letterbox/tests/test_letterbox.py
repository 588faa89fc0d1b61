"""The adapter keeps the contract, and the dispatcher delivers letters through it."""

import itertools

from odoo.addons.finance_audit.core.address import NetworkPolicy
from odoo.addons.finance_connector_base.core.http.transport import Transport
from odoo.addons.finance_connector_base.core.protocol import Call
from odoo.addons.finance_connector_base.tests.conformance import Subject, examine
from odoo.addons.finance_connector_base.tests.provider_case import ProviderCase
from odoo.tests import tagged

from ..core.letterbox import Letterbox
from .letterbox_server import KEY, LetterboxServer


@tagged("post_install", "-at_install")
class TestLetterbox(ProviderCase):
    def setUp(self):
        super().setUp()
        self.box = self.enterContext(LetterboxServer())

    def test_the_adapter_keeps_the_contract(self):
        box, numbers = self.box, itertools.count(1)

        def letter(operation):
            number = next(numbers)
            return Call(operation, f"letter-{number}", b"Dear %d" % number)

        def fill():
            for number in range(12):
                box.report(f"L-{number}", "delivered")
            return {status["id"] for status in box.statuses}

        def restore():
            box.refused.clear()
            box.omitted.clear()

        subject = Subject(
            protocol=lambda: Letterbox(box.url, KEY),
            transport=lambda: Transport("sandbox", NetworkPolicy(sandbox=True)),
            operations=self.env["finance.adapter.letterbox"]._operations,
            call=letter,
            effects=lambda call: box.posted.get(call.key, 0),
            reference=lambda call: box.letters.get(call.key, {}).get("letter", ""),
            secrets=(KEY,),
            other=lambda call: Call(call.operation, call.key, b"Somebody else's letter"),
            omit=box.omitted.update,
            reject=lambda call: box.refused.add(call.key),
            fill={"statuses": fill},
            queries={"number": {"number": "12"}},
            restore=restore,
        )
        self.assertEqual([str(problem) for problem in examine(subject)], [])

    def test_letters_are_delivered(self):
        connection = self.connect("letterbox", self.box.url, api_key=KEY)
        partners = self.env["res.partner"].create([{"name": f"Reader {n}"} for n in range(12)])
        exchanges = [partner._post_letter(connection, b"Dear reader") for partner in partners]
        self.box.refused.add(exchanges[0].idempotency_key)
        self.dispatch()
        self.assertEqual({exchange.state for exchange in exchanges}, {"waiting"})
        self.dispatch()
        self.assertEqual(exchanges[1].state, "accepted")
        self.assertEqual(
            exchanges[1].reference, self.box.letters[exchanges[1].idempotency_key]["letter"]
        )
        self.assertEqual(partners[1].letter_status, "accepted")
        self.assertEqual(exchanges[0].state, "rejected")
        self.assertIn("stamp", exchanges[0].status_text)

    def test_a_lost_answer_is_looked_up(self):
        connection = self.connect("letterbox", self.box.url, api_key=KEY)
        self.box.lost_answers = 1
        partner = self.env["res.partner"].create({"name": "Reader"})
        exchange = partner._post_letter(connection, b"Dear reader")
        self.dispatch()
        self.assertEqual(exchange.state, "unknown")
        self.dispatch()
        self.assertEqual(exchange.state, "accepted")
        self.assertEqual(self.box.posted, {exchange.idempotency_key: 1})
        self.assertEqual(exchange.attempt_ids.sorted("id").mapped("step"), ["send", "lookup"])

    def test_a_status_reaches_the_partner(self):
        connection = self.connect("letterbox", self.box.url, api_key=KEY)
        partner = self.env["res.partner"].create({"name": "Reader"})
        partner._post_letter(connection, b"Dear reader")
        self.dispatch(rounds=4)
        self.assertEqual(partner.letter_report, "delivered")

    def test_a_number_is_checked(self):
        connection = self.connect("letterbox", self.box.url, api_key=KEY)
        self.assertEqual(self.ask(connection, "number", {"number": "12"}).code, "exists")
        self.assertEqual(self.ask(connection, "number", {"number": "x"}).code, "does_not_exist")
