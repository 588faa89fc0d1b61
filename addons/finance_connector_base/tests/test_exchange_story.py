"""One exchange's story and what it waits for, in words."""

import re

from lxml import html
from odoo.exceptions import AccessError
from odoo.tests import tagged

from ..core import cases
from ..core.delivery import states
from .common_desk import DeskCase


@tagged("post_install", "-at_install")
class TestExchangeStory(DeskCase):
    def setUp(self):
        super().setUp()
        self.connection.state = "active"

    def test_the_story_tells_calls_states_and_cases_newest_first(self):
        exchange = self.enqueue()
        exchange._transition(states.SENDING, "Sending, try 1")
        self.call(exchange, "unknown", minutes_ago=0, http_status=0, reason="cut off")
        exchange._transition(states.UNKNOWN, "Sent, but no usable answer came", maybe_sent=True)
        case = self.open_case(exchange, cases.UNRESOLVED)
        case.with_user(self.users["operator"])._resolve(
            cases.ADOPT, reference="REF-1", reason="Seen at the provider"
        )
        told = self.sentences(exchange)
        wanted = [
            "Linked to REF-1",
            "Case closed",
            "Case opened",
            "no usable answer came",
            "Put into the outbox",
        ]
        places = [next(i for i, line in enumerate(told) if word in line) for word in wanted]
        self.assertEqual(places, sorted(places))
        self.assertTrue([line for line in told if line.startswith("Send: No answer")])

    def test_a_call_is_told_once_with_its_answer(self):
        exchange = self.enqueue()
        exchange._transition(states.SENDING, "Sending, try 1")
        self.call(exchange, "waiting", http_status=202, latency_ms=34)
        told = self.sentences(exchange)
        self.assertIn("Send: Waiting (HTTP 202 after 34 ms)", told)
        self.assertFalse([line for line in told if "try 1" in line])

    def test_a_late_answer_and_a_call_on_its_way_are_said_to_be(self):
        exchange = self.enqueue()
        self.call(exchange, is_late=True)
        self.call(exchange, outcome=False, http_status=0)
        told = self.sentences(exchange)
        self.assertTrue([line for line in told if "too late" in line])
        self.assertIn("Send: on its way", told)

    def test_other_exchanges_are_not_in_the_story(self):
        other = self.enqueue(key="other")
        self.call(other, reason="elsewhere")
        self.open_case(other)
        self.assertEqual(len(self.sentences(self.enqueue(key="mine"))), 1)

    def test_only_readers_of_the_exchange_read_its_story(self):
        exchange = self.enqueue()
        self.assertTrue(self.sentences(exchange.with_user(self.users["accountant"])))
        with self.assertRaises(AccessError):
            exchange.with_user(self.users["stranger"]).read(["audit_timeline"])
        hidden = exchange.with_user(self.users["stranger"])
        self.assertNotIn("outbox", hidden._audit_render_timeline())

    def test_answers_are_not_part_of_the_story(self):
        exchange = self.enqueue()
        self.call(exchange, response_body=b"c2VjcmV0LWFuc3dlcg==")
        self.assertNotIn("secret-answer", exchange.audit_timeline)

    def sentences(self, exchange):
        exchange.invalidate_recordset(["audit_timeline"])
        page = html.fromstring(str(exchange.audit_timeline))
        lines = page.xpath("//li/div/div")
        return [re.sub(r"\s+", " ", line.text_content()).strip() for line in lines]


@tagged("post_install", "-at_install")
class TestExchangeNext(DeskCase):
    def setUp(self):
        super().setUp()
        self.connection.state = "active"
        self.exchange = self.enqueue(chain="series")

    def test_due_now_soon_and_later(self):
        self.says("Due now")
        self.exchange.next_step_at = self.soon(13)
        self.says("Sent in 1[0-3] s")
        self.exchange.next_step_at = self.soon(600)
        self.says(r"Sent at (\S+ )?\d\d:\d\d:\d\d")
        self.exchange.write({"next_step_at": self.soon(13), "send_count": 2})
        self.says("Sent again in")

    def test_a_verdict_and_a_question_are_asked_for(self):
        self.to(states.WAITING)
        self.says("Asked for the verdict in")
        self.provider(repeat="lookup")
        other = self.enqueue(key="other")
        self.to(states.UNKNOWN, other)
        self.says("The provider is asked what it has in", other)

    def test_where_the_provider_knows_our_key_the_question_is_sending_again(self):
        self.provider(repeat="key")
        self.to(states.UNKNOWN)
        self.exchange.send_count = 1
        self.says("Sent again in")

    def test_the_breaker_and_the_providers_pause_hold_back(self):
        self.gate(breaker_state="open", breaker_until=self.soon(60))
        self.says("Held back by the breaker until")
        self.gate(breaker_state="half_open")
        self.says("one call that tries")
        self.gate(breaker_state="closed", not_before=self.soon(60))
        self.says("asked for a pause until")
        self.gate(not_before=self.soon(-1))
        self.says("Due now")

    def test_a_paused_or_blocked_connection_holds_back(self):
        self.connection.blocking_finding = {
            "code": "text",
            "severity": "error",
            "args": {"text": "The address cannot be used"},
        }
        self.says("Held back: The address cannot be used")
        self.connection.state = "paused"
        self.says("connection is not active")

    def test_a_chain_waits_for_the_one_before(self):
        second = self.enqueue(key="second", chain="series")
        apart = self.enqueue(key="apart", chain="other series")
        self.says("Waits for Document, which comes before it in chain series", second)
        self.says("Due now", apart)
        self.exchange._transition(states.SENDING, "sending")
        self.exchange._transition(states.ACCEPTED, "accepted")
        self.says("Due now", second)

    def test_people_are_waited_for(self):
        self.to(states.UNKNOWN)
        self.exchange.next_step_at = False
        self.says("Waits for a person")
        self.exchange._transition(states.FAILED, "failed")
        self.says("try again or cancel")
        held = self.enqueue(key="held")
        held._transition(states.HELD, "held")
        self.says("until an operator releases it", held)

    def test_what_is_settled_waits_for_nothing(self):
        self.to(states.ACCEPTED)
        self.assertFalse(self.exchange.next_words)

    def test_what_a_dispatcher_carries_is_on_its_way_while_it_lives(self):
        worker = self.env["finance.dispatcher.worker"]
        worker = worker.browse(worker._enter(1))
        self.exchange.write({"claim_token": "token", "worker_id": worker.id})
        self.says(re.escape(worker.name))
        self.assertEqual((worker.is_alive, worker.call_count), (True, 1))
        worker.invalidate_recordset()
        worker.alive_until = self.soon(-1)
        self.says("dispatcher is gone")
        self.assertFalse(worker.is_alive)

    def test_a_document_that_could_not_be_told_is_told_again(self):
        self.assertIn("Knows", self.exchange.told_words)
        self.exchange.owner_pending = True
        self.assertIn("next round", self.exchange.told_words)
        self.exchange.owner_next_at = self.soon(30)
        self.assertIn("again at", self.exchange.told_words)

    def test_dispatchers_are_seen_by_operators_and_admins_only(self):
        for role in ("operator", "admin"):
            self.env["finance.dispatcher.worker"].with_user(self.users[role]).search([])
        for role in ("accountant", "auditor", "stranger"):
            with self.subTest(role=role), self.assertRaises(AccessError):
                self.env["finance.dispatcher.worker"].with_user(self.users[role]).search([])

    def to(self, state, exchange=None):
        exchange = exchange or self.exchange
        exchange._transition(states.SENDING, "sending", send_count=1)
        exchange._transition(state, "moved", next_step_at=self.soon(13))

    def says(self, words, exchange=None):
        exchange = exchange or self.exchange
        exchange.invalidate_recordset(["next_words"])
        self.assertRegex(exchange.next_words, words)
