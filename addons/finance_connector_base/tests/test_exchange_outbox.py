"""X1 to X3: the outbox row, its bytes and its key."""

import hashlib

from odoo.addons.finance_audit.exceptions import EvidenceIsAppendOnly
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged
from odoo.tools import mute_logger
from psycopg2 import IntegrityError

from ..core.delivery import states
from ..core.delivery.states import ForbiddenTransition
from .common import ConnectorCase


@tagged("post_install", "-at_install")
class TestExchangeOutbox(ConnectorCase):
    def test_x1_the_exact_bytes_and_their_hash_are_stored(self):
        payload = "é\r\n<a/>\x00".encode()
        exchange = self.enqueue(payload)
        self.env.flush_all()
        self.env.invalidate_all()
        self.assertEqual(exchange._payload_bytes(), payload)
        self.assertEqual(exchange.payload_sha256, hashlib.sha256(payload).hexdigest())

    def test_x1_nothing_the_provider_sees_can_be_changed(self):
        exchange = self.enqueue()
        for name, value in (
            ("payload", b"eA=="),
            ("payload_sha256", "0" * 64),
            ("idempotency_key", "k"),
            ("operation", "o"),
            ("parameters", {}),
            ("connection_id", self.connection.id),
        ):
            with self.subTest(field=name), self.assertRaises(EvidenceIsAppendOnly):
                exchange.sudo().write({name: value})

    def test_x2_a_fact_that_is_rolled_back_leaves_no_exchange(self):
        with self.assertRaises(ZeroDivisionError), self.env.cr.savepoint():
            exchange = self.enqueue(key="gone")
            self.env.flush_all()
            1 / 0  # noqa: B018 (the business fact fails)
        self.assertFalse(exchange.exists())
        self.assertFalse(self.env["finance.exchange"].search([("idempotency_key", "=", "gone")]))

    def test_x3_the_database_refuses_a_second_exchange_with_the_key(self):
        self.enqueue()
        with (
            mute_logger("odoo.sql_db"),
            self.assertRaises(IntegrityError),
            self.env.cr.savepoint(),
        ):
            self.enqueue()
            self.env.flush_all()

    def test_an_operation_the_provider_does_not_offer_is_refused(self):
        partner = self.env.user.partner_id
        with self.assertRaisesRegex(ValueError, "no operation"):
            self.env["finance.exchange"]._enqueue(
                self.connection, "dance", b"x", key="k", owner=partner, document=partner
            )

    def test_exchanges_are_neither_deleted_nor_duplicated(self):
        exchange = self.enqueue().sudo()
        with self.assertRaises(UserError):
            exchange.unlink()
        with self.assertRaises(UserError):
            exchange.copy()

    def test_a_forbidden_change_of_state_is_refused_and_leaves_no_trace(self):
        exchange = self.enqueue()
        with self.assertRaises(ForbiddenTransition):
            exchange._transition(states.ACCEPTED, "by magic")
        self.assertEqual(exchange.state, states.PENDING)

    def test_a_superseded_exchange_is_marked_by_its_successor(self):
        first = self.enqueue(key="a")
        first._transition(states.SENDING, "sending")
        first._transition(states.REJECTED, "rejected")
        second = self.enqueue(key="b", supersedes=first)
        self.assertEqual(first.state, states.SUPERSEDED)
        self.assertEqual(second.supersedes_id, first)

    def test_only_operators_retry_and_cancel(self):
        exchange = self.enqueue()
        for role in ("accountant", "admin", "auditor"):
            mine = exchange.with_user(self.users[role])
            for action in ("action_retry", "action_cancel"):
                with self.subTest(role=role, action=action), self.assertRaises(AccessError):
                    getattr(mine, action)()
        exchange.with_user(self.users["operator"]).action_cancel()
        self.assertEqual(exchange.state, states.CANCELLED)

    def test_x5_a_retry_asks_first_where_an_effect_may_exist(self):
        exchange = self.enqueue()
        exchange._transition(states.SENDING, "sending", maybe_sent=True)
        exchange._transition(states.FAILED, "gave up")
        operator = exchange.with_user(self.users["operator"])
        with self.assertRaises(UserError):
            operator.action_cancel()
        operator.action_retry()
        self.assertEqual(exchange.state, states.UNKNOWN)

    def test_of_many_those_that_failed_are_tried_again(self):
        failed, pending = self.enqueue(key="a"), self.enqueue(key="b")
        failed._transition(states.SENDING, "sending")
        failed._transition(states.FAILED, "gave up")
        operator = self.users["operator"]
        with self.assertRaises(UserError):
            pending.with_user(operator).action_retry()
        action = (failed + pending).with_user(operator).action_retry()
        self.assertEqual(action["params"]["type"], "warning")
        self.assertEqual((failed.state, pending.state), (states.PENDING, states.PENDING))
        self.assertFalse(pending.status_code)

    def test_each_step_is_evidence_with_the_person_who_took_it(self):
        exchange = self.enqueue()
        exchange.with_user(self.users["operator"]).action_cancel()
        entries = self.env["finance.audit.entry"].search(
            [("record_model", "=", "finance.exchange"), ("record_id", "=", exchange.id)]
        )
        self.assertEqual(entries.mapped("action"), ["exchange.cancelled", "exchange.queued"])
        self.assertEqual(entries[0].user_id, self.users["operator"])
        self.assertEqual(set(entries.mapped("correlation_id")), {exchange.correlation_id})
