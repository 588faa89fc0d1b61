"""Cards of connections tell depth, errors and latency of each connection alone, with few statements for all."""

from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError
from odoo.tests import tagged

from ..core.delivery import states
from .common_operations import OperationsCase


@tagged("post_install", "-at_install")
class TestConnectionHealth(OperationsCase):
    def test_depth_counts_what_is_open_and_not_what_is_done(self):
        self.enqueue(key="a")
        done = self.enqueue(key="b")
        done._transition(states.SENDING, "sending")
        done._transition(states.ACCEPTED, "accepted")
        self.assertEqual((self.connection.depth, self.connection.in_flight), (1, 0))

    def test_a_claimed_exchange_is_on_its_way(self):
        self.enqueue(key="a").write({"claim_token": "token"})
        self.assertEqual((self.connection.depth, self.connection.in_flight), (1, 1))

    def test_the_oldest_is_what_the_provider_does_not_have(self):
        old, waiting = self.enqueue(key="a"), self.enqueue(key="b")
        waiting._transition(states.SENDING, "sending")
        waiting._transition(states.WAITING, "waiting")
        self.age(old, hours=2)
        self.age(waiting, hours=50)
        self.assertEqual(self.connection.oldest_wait, "2 h")

    def test_without_anything_open_there_is_nothing_to_tell(self):
        self.assertFalse(self.connection.oldest_wait)
        self.assertEqual((self.connection.depth, self.connection.hour_calls), (0, 0))
        self.assertEqual(self.connection.hour_error_rate, 0.0)

    def test_errors_are_calls_without_a_usable_answer_of_the_last_hour(self):
        exchange = self.enqueue()
        for outcome in ("accepted", "rejected", "rate_limited", "unknown", "lost"):
            self.call(exchange, outcome)
        self.call(exchange, "transient", minutes_ago=61)
        self.call(exchange, outcome=False)
        self.assertEqual((self.connection.hour_calls, self.connection.hour_errors), (5, 2))
        self.assertAlmostEqual(self.connection.hour_error_rate, 0.4)

    def test_p95_leaves_out_calls_without_an_answer(self):
        exchange = self.enqueue()
        for latency in range(1, 101):
            self.call(exchange, latency_ms=latency * 10)
        self.call(exchange, "transient", http_status=0, latency_ms=60_000)
        self.assertEqual(self.connection.hour_p95, 950)

    def test_each_connection_has_its_own_numbers(self):
        other = self.connection.copy({"name": "Other"})
        self.call(self.enqueue(), "unknown")
        self.assertEqual((other.depth, other.hour_calls, other.hour_error_rate), (0, 0, 0.0))

    def test_all_cards_take_as_many_statements_as_one(self):
        many = self.connection
        for number in range(5):
            many |= self.connection.copy({"name": f"Connection {number}"})
        names = ["depth", "in_flight", "oldest_wait", "hour_error_rate", "hour_p95"]
        many.mapped("name")
        self.env.flush_all()
        with self.assertQueryCount(2):
            many.read(names)

    def test_a_pause_that_is_over_is_not_shown(self):
        self.throttle(not_before=self.soon(-5))
        self.assertFalse(self.connection.is_paused_by_provider)
        self.throttle(not_before=self.soon(60))
        self.assertTrue(self.connection.is_paused_by_provider)

    def test_the_cards_are_readable_by_the_roles_that_read_connections_only(self):
        for role in ("accountant", "operator", "auditor", "admin"):
            with self.subTest(role=role):
                card = self.connection.with_user(self.users[role])
                self.assertEqual(card.read(["depth", "hour_calls"])[0]["depth"], 0)
        with self.assertRaises(AccessError):
            self.connection.with_user(self.users["employee"]).read(["depth"])

    def test_the_ways_from_a_card_show_this_connection_only(self):
        for action in (self.connection.action_view_open(), self.connection.action_view_hour()):
            self.assertIn(("connection_id", "=", self.connection.id), action["domain"])

    def age(self, exchange, **age):
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE finance_exchange SET create_date = %s WHERE id = %s",
            (fields.Datetime.now() - timedelta(**age), exchange.id),
        )
