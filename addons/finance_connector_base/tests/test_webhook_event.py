"""What an event leads to: one transition of its exchange, a status check, or evidence alone."""

import base64
import hashlib
from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.addons.finance_audit.tests.common import unguarded
from odoo.tests import tagged
from odoo.tools import mute_logger
from psycopg2 import IntegrityError

from ..core import cases
from ..core.delivery import states
from ..core.security.webhook import WebhookEvent, WebhookRefused
from ..models.finance_webhook_event import MAX_FAILURES
from ..secret_store import open_secrets, webhook_secrets
from .webhook_case import CallingProvider, WebhookCase, message, signed

CANARY = "canary-of-a-message-0123456789"
QUIET = "odoo.addons.finance_connector_base.models.finance_webhook_event"


@tagged("post_install", "-at_install")
class TestWebhookReceived(WebhookCase):
    def test_it_is_stored_as_it_came(self):
        body = '{\r\n "events":  [{"reference": "é"}]} \n'.encode()
        event = self.receive(body)
        self.env.invalidate_all()
        self.assertEqual(base64.b64decode(event.body), body)
        self.assertEqual(event.body_sha256, hashlib.sha256(body).hexdigest())
        self.assertEqual((event.state, event.reference), ("received", "é"))
        self.assertEqual(event.company_id, self.company)
        self.assertLess(abs(event.received_at - fields.Datetime.now()), timedelta(minutes=1))

    def test_credentials_among_the_headers_are_not_stored(self):
        body = message(reference="r-1")
        headers = {**signed(body), "authorization": "Bearer s3cret", "cookie": "session_id=s3cret"}
        event = self.events._receive(self.connection, headers, body)
        self.assertEqual(
            set(event.headers),
            {"webhook-id", "webhook-timestamp", "webhook-signature", "content-type"},
        )

    def test_canary_a_secret_in_a_message_is_not_stored_and_its_hash_is(self):
        self.connection._set_secret("api_key", CANARY)
        writings = {
            "plain": CANARY,
            "base64": base64.b64encode(f"key={CANARY}".encode()).decode(),
            "hexadecimal": CANARY.encode().hex(),
            "escaped": "".join(f"\\u{ord(char):04x}" for char in CANARY),
            "url": "".join(f"%{ord(char):02x}" for char in CANARY),
        }
        for name, text in writings.items():
            with self.subTest(writing=name):
                body = f'{{"events": [{{"reference": "r-{name}", "note": "{text}"}}]}}'.encode()
                event = self.receive(body, f"msg-{name}")
                self.env.flush_all()
                self.env.invalidate_all()
                stored = base64.b64decode(event.body)
                self.assertNotIn(text.encode(), stored)
                self.assertEqual(event.received_sha256, hashlib.sha256(body).hexdigest())
                self.assertEqual(event.body_sha256, hashlib.sha256(stored).hexdigest())
                self.assertEqual(event.body_size, len(stored))
                self.assertIn(event.received_sha256, self.entries(event)[0].canonical_text)
                self.assertFalse(self.receive(body, f"msg-{name}"))
                self.process()
                self.assertEqual((event.reference, event.state), (f"r-{name}", "received"))
        self.env.cr.execute(
            "SELECT string_agg(row_to_json(e)::text, ' ') FROM finance_webhook_event e"
        )
        self.assertNotIn(CANARY, self.env.cr.fetchone()[0])

    def test_canary_a_short_secret_leaves_messages_as_they_are(self):
        self.connection._set_secret("api_key", "12345678")
        body = message(reference="12345678")
        event = self.receive(body)
        self.assertEqual(base64.b64decode(event.body), body)
        self.assertFalse(event.received_sha256)

    def test_f1_what_an_adapter_reads_wrongly_is_kept_for_review(self):
        for number, found in enumerate(
            (
                [None],
                [{"reference": "r"}],
                5,
                None,
                (event for event in [1 / 1, 2]),
                [WebhookEvent(items=7)],
                [WebhookEvent(f"r-{index}") for index in range(1001)],
            )
        ):
            with (
                self.subTest(number=number),
                patch.object(CallingProvider, "read_webhook", lambda *_a, found=found: found),
                mute_logger(QUIET),
            ):
                event = self.receive(message(reference="r"), f"bad-{number}")
                self.assertEqual(len(event), 1)
                self.assertEqual(event.state, "failed")
                self.assertEqual(event.result["code"], "webhook.unreadable")

    def test_f1_identifiers_that_are_no_texts_are_stored(self):
        given = (5, 10**400, "a\0b\ud800", "x" * 100_000, ["a"], None, 1.5)
        for number, value in enumerate(given):
            found = (WebhookEvent(value, value, dedupe_key=value, feed=value),)
            with (
                self.subTest(number=number),
                patch.object(CallingProvider, "read_webhook", lambda *_a, found=found: found),
                mute_logger(QUIET),
            ):
                event = self.receive(message(reference="r"), f"odd-{number}")
                self.env.flush_all()
                self.assertEqual(len(event), 1)
                self.assertLessEqual(len(event.reference or ""), 200)

    def test_f19_a_message_of_many_events_is_not_stored_with_each(self):
        body = message(*({"reference": f"r-{number}"} for number in range(40)))
        body = body[:-1] + b"," + b'"pad": "' + b"x" * 900_000 + b'"}'
        with mute_logger(QUIET):
            event = self.receive(body)
        self.assertEqual((len(event), event.state), (1, "failed"))

    def test_a_repetition_changes_nothing(self):
        exchange = self.exchange_in(states.WAITING)
        first = self.receive_event(reference="r-1", verdict="accepted")
        self.process()
        self.assertFalse(self.receive_event(reference="r-1", verdict="accepted"))
        self.assertEqual(self.process(), 0)
        self.assertEqual(self.connection.webhook_event_ids, first)
        self.assertEqual(exchange.state, states.ACCEPTED)
        self.assertEqual(
            self.entries(first).mapped("action"), ["webhook.processed", "webhook.received"]
        )

    def test_the_database_refuses_a_second_row_of_the_same_event(self):
        event = self.receive_event(reference="r-1")
        with mute_logger("odoo.sql_db"), self.assertRaises(IntegrityError), self.cr.savepoint():
            self.cr.execute(
                "INSERT INTO finance_webhook_event"
                " (connection_id, received_at, body_sha256, dedupe_key, state)"
                " SELECT connection_id, received_at, body_sha256, dedupe_key, state"
                " FROM finance_webhook_event WHERE id = %s",
                (event.id,),
            )

    def test_another_connection_may_receive_the_same_id(self):
        other = self.connection.copy({"name": "Second"})
        other.webhook_secret = webhook_secrets(open_secrets(self.connection))[0]
        self.assertTrue(self.receive_event(reference="r-1"))
        self.assertTrue(self.receive(message(reference="r-1"), connection=other))

    def test_what_is_refused_leaves_nothing(self):
        body = message(reference="r-1")
        with self.assertRaises(WebhookRefused):
            self.events._receive(self.connection, signed(body), body + b" ")
        self.assertFalse(self.connection.webhook_event_ids)

    def test_several_events_of_one_message_are_kept_apart(self):
        one = self.exchange_in(states.WAITING, "r-1", "key-1")
        two = self.exchange_in(states.WAITING, "r-2", "key-2")
        stored = self.receive(
            message(
                {"reference": "r-1", "verdict": "accepted"},
                {"reference": "r-2", "verdict": "rejected"},
            )
        )
        self.process()
        self.assertEqual(len(stored), 2)
        self.assertEqual((one.state, two.state), (states.ACCEPTED, states.REJECTED))

    def test_an_authentic_message_that_cannot_be_read_is_kept_for_a_person(self):
        with mute_logger("odoo.addons.finance_connector_base.models.finance_webhook_event"):
            event = self.receive(b"\xff not json")
        self.assertEqual(event.state, "failed")
        self.assertIn("cannot be read", event.reason)
        self.assertEqual(self.process(), 0)

    def test_a_message_without_events_is_ignored(self):
        self.assertEqual(self.receive(b'{"events": []}').state, "ignored")

    def test_references_that_no_database_can_hold_are_stored(self):
        event = self.receive(
            b'{"events": [{"reference": "a\\u0000b\\ud800", "event": "e\\u0000"}]}'
        )
        self.process()
        self.assertEqual(event.reference, "ab?")
        self.assertEqual((event.state, event.failures), ("received", 0))

    def test_its_coming_is_evidence_with_the_hash(self):
        event = self.receive_event(reference="r-1")
        entry = self.entries(event)
        self.assertEqual(entry.action, "webhook.received")
        self.assertEqual(entry.company_id, self.company)
        self.assertIn(event.body_sha256, entry.canonical_text)

    def test_the_dispatcher_is_woken(self):
        triggers = self.env["ir.cron.trigger"].search_count([])
        self.receive_event(reference="r-1")
        self.assertGreater(self.env["ir.cron.trigger"].search_count([]), triggers)


@tagged("post_install", "-at_install")
class TestWebhookProcessed(WebhookCase):
    def test_a_verdict_moves_a_waiting_exchange(self):
        exchange = self.exchange_in(states.WAITING, notification_pending=False)
        event = self.receive_event(reference="r-1", verdict="accepted")
        self.process()
        self.assertEqual((exchange.state, event.state), (states.ACCEPTED, "processed"))
        self.assertEqual(event.exchange_id, exchange)
        self.assertTrue(exchange.notification_pending)
        self.assertFalse(exchange.next_step_at)

    def test_a_rejection_brings_its_reasons(self):
        exchange = self.exchange_in(states.WAITING)
        self.receive_event(reference="r-1", verdict="rejected")
        self.process()
        self.assertEqual(exchange.state, states.REJECTED)
        self.assertEqual(exchange.findings[0]["code"], "E1")

    def test_x5_a_verdict_resolves_not_knowing(self):
        exchange = self.exchange_in(states.UNKNOWN, reference=False)
        self.receive_event(key="key-1", reference="r-9", verdict="accepted")
        self.process()
        self.assertEqual((exchange.state, exchange.reference), (states.ACCEPTED, "r-9"))

    def test_an_event_without_a_verdict_triggers_a_status_check_now(self):
        for number, state in enumerate((states.WAITING, states.UNKNOWN)):
            with self.subTest(state=state):
                exchange = self.exchange_in(state, f"r-{number}", f"key-{number}")
                self.receive_event(f"msg_{number}", reference=f"r-{number}")
                self.process()
                self.assertEqual(exchange.state, state)
                self.assertLessEqual(exchange.next_step_at, self.events._database_time())

    def test_x7_what_cannot_be_asked_is_left_to_the_person(self):
        exchange = self.exchange_in(states.UNKNOWN, operation="notify")
        event = self.receive_event(reference="r-1")
        self.process()
        self.assertFalse(exchange.next_step_at)
        self.assertEqual(event.result["code"], "webhook.no_status_check")

    def test_x4_an_event_about_an_exchange_in_flight_waits_for_the_step(self):
        exchange = self.exchange_in(states.WAITING, claim_token="t")
        event = self.receive_event(reference="r-1", verdict="accepted")
        self.process()
        self.assertEqual((exchange.state, exchange.claim_token), (states.WAITING, "t"))
        self.assertEqual((event.state, event.tries), ("received", 1))
        exchange.claim_token = False
        self.process()
        self.assertEqual((exchange.state, event.state), (states.ACCEPTED, "processed"))

    def test_x4_an_event_about_an_exchange_not_yet_sent_waits(self):
        for number, state in enumerate((states.PENDING, states.SENDING)):
            with self.subTest(state=state):
                exchange = self.exchange_in(state, f"r-{number}", f"key-{number}")
                event = self.receive_event(
                    f"msg_{number}", reference=f"r-{number}", verdict="accepted"
                )
                self.process()
                self.assertEqual((exchange.state, event.state), (state, "received"))

    def test_x4_an_exchange_that_another_worker_holds_is_left_to_it(self):
        exchange = self.exchange_in(states.WAITING)
        event = self.receive_event(reference="r-1", verdict="accepted")
        model = self.registry["finance.exchange"]
        with patch.object(model, "try_lock_for_update", lambda records, **_kw: records.browse()):
            self.process()
        self.assertEqual((exchange.state, event.state), (states.WAITING, "received"))

    def test_a_webhook_may_overtake_the_commit_of_our_own_send(self):
        event = self.receive_event(key="key-1", reference="r-1", verdict="accepted")
        self.process()
        self.assertEqual((event.state, event.tries), ("received", 1))
        exchange = self.exchange_in(states.WAITING)
        self.process()
        self.assertEqual((exchange.state, event.state), (states.ACCEPTED, "processed"))

    def test_an_event_about_an_unknown_exchange_is_ignored_after_some_minutes(self):
        event = self.receive_event(reference="unknown", verdict="accepted")
        self.age(event, minutes=9)
        self.process()
        self.assertEqual(event.state, "received")
        self.age(event, minutes=2)
        self.process()
        self.assertEqual(event.state, "ignored")
        self.assertTrue(event.reason)

    def test_the_pause_grows_and_is_kept(self):
        event = self.receive_event(reference="unknown")
        pauses = []
        for _try in range(8):
            self.process()
            self.assertEqual(self.events._process_due(), 0)
            pauses.append(round(self.events._seconds_to_next()))
        self.assertEqual(pauses, [1, 2, 4, 8, 16, 32, 60, 60])
        self.assertEqual(event.tries, 8)

    def test_a_late_event_is_kept_and_changes_nothing(self):
        for number, state in enumerate((states.ACCEPTED, states.REJECTED, states.FAILED)):
            with self.subTest(state=state):
                exchange = self.exchange_in(state, f"r-{number}", f"key-{number}")
                before = exchange.read(
                    ["state", "status_code", "reference", "findings", "write_date"]
                )
                verdict = "accepted" if state == states.ACCEPTED else "rejected"
                event = self.receive_event(f"m{number}", reference=f"r-{number}", verdict=verdict)
                self.process()
                self.assertEqual(
                    exchange.read(["state", "status_code", "reference", "findings", "write_date"]),
                    before,
                )
                self.assertEqual(event.exchange_id, exchange)
                self.assertEqual(event.state, "processed")

    def test_a_late_event_that_contradicts_opens_a_case(self):
        exchange = self.exchange_in(states.REJECTED)
        event = self.receive_event(reference="r-1", verdict="accepted")
        self.process()
        self.assertEqual(exchange.state, states.REJECTED)
        self.assertEqual(event.result["code"], "webhook.contradiction")
        self.assertEqual(self.entries(event)[0].outcome, "warning")
        case = exchange.open_case_id
        self.assertEqual(case.kind, cases.CONTRADICTION)
        self.assertEqual(case.allowed_decisions, cases.DISMISS)
        self.assertEqual(case.what_happened, event.reason)

    def test_a_verdict_about_another_reference_is_not_believed(self):
        exchange = self.exchange_in(states.WAITING, "r-1", "key-1")
        self.receive_event(key="key-1", reference="r-other", verdict="accepted")
        self.process()
        self.assertEqual((exchange.state, exchange.reference), (states.WAITING, "r-1"))
        self.assertTrue(exchange.next_step_at)

    def test_x6_a_verdict_on_other_bytes_is_not_believed(self):
        for number, (sha256, state) in enumerate(
            ((None, states.ACCEPTED), ("0" * 64, states.UNKNOWN))
        ):
            with self.subTest(sha256=sha256):
                exchange = self.exchange_in(states.UNKNOWN, False, f"key-{number}")
                self.receive_event(
                    f"msg_{number}",
                    key=f"key-{number}",
                    verdict="accepted",
                    sha256=sha256 or exchange.payload_sha256,
                )
                self.process()
                self.assertEqual(exchange.state, state)

    def test_a_reference_that_another_exchange_holds_is_not_adopted(self):
        self.exchange_in(states.ACCEPTED, "r-1", "key-1")
        exchange = self.exchange_in(states.UNKNOWN, False, "key-2")
        self.receive_event(key="key-2", reference="r-1", verdict="accepted")
        self.process()
        self.assertEqual((exchange.state, exchange.reference), (states.UNKNOWN, False))
        self.assertTrue(exchange.next_step_at)

    def test_of_two_versions_under_one_reference_the_open_one_is_meant(self):
        old = self.exchange_in(states.REJECTED, "r-1", "key-1")
        new = self.exchange_in(states.WAITING, "r-1", "key-2")
        newest = self.exchange_in(states.REJECTED, "r-1", "key-3")
        self.receive_event(reference="r-1", verdict="accepted")
        self.process()
        self.assertEqual(new.state, states.ACCEPTED)
        self.assertEqual((old | newest).mapped("state"), [states.REJECTED] * 2)

    def test_another_connection_s_exchange_is_never_meant(self):
        exchange = self.exchange_in(states.WAITING)
        other = self.connection.copy({"name": "Second", "company_id": self.other_company.id})
        other.webhook_secret = webhook_secrets(open_secrets(self.connection))[0]
        event = self.receive(
            message(reference="r-1", key="key-1", verdict="accepted"), connection=other
        )
        self.process()
        self.assertEqual((exchange.state, event.state), (states.WAITING, "received"))
        self.assertEqual(event.company_id, self.other_company)

    def test_x10_a_poisoned_webhook_does_not_stop_the_others(self):
        exchange = self.exchange_in(states.WAITING, "r-1", "key-1")
        poisoned = self.exchange_in(states.WAITING, "r-2", "key-2")
        bad = self.receive_event("msg_bad", reference="r-2", verdict="accepted")
        good = self.receive_event("msg_good", reference="r-1", verdict="accepted")
        apply = self.registry["finance.exchange"]._apply

        def break_for_one(record, step, outcome):
            if record == poisoned:
                record.env.cr.execute("SELECT 1 / 0")
            return apply(record, step, outcome)

        with (
            mute_logger(QUIET, "odoo.sql_db"),
            patch.object(self.registry["finance.exchange"], "_apply", break_for_one),
        ):
            self.process()
            self.assertEqual((exchange.state, good.state), (states.ACCEPTED, "processed"))
            self.assertEqual((bad.state, bad.failures), ("received", 1))
            for _try in range(MAX_FAILURES):
                self.process()
        self.assertEqual((bad.state, bad.failures), ("failed", MAX_FAILURES))
        self.assertEqual(poisoned.state, states.WAITING)
        bad.with_user(self.users["operator"]).action_process_again()
        self.process()
        self.assertEqual((bad.state, poisoned.state), ("processed", states.ACCEPTED))

    def test_x1_a_body_changed_behind_the_orm_is_never_believed(self):
        exchange = self.exchange_in(states.WAITING)
        event = self.receive_event(reference="r-1", verdict="rejected")
        self.env.flush_all()
        unguarded(self.env, "finance_webhook_event")
        self.cr.execute(
            "UPDATE finance_webhook_event SET body = %s WHERE id = %s",
            (base64.b64encode(message(reference="r-1", verdict="accepted")), event.id),
        )
        self.process()
        self.assertEqual((exchange.state, event.state), (states.WAITING, "failed"))

    def test_what_an_adapter_learns_to_read_can_be_processed_again(self):
        exchange = self.exchange_in(states.WAITING)
        body = message(reference="r-1", verdict="accepted")
        with (
            mute_logger("odoo.addons.finance_connector_base.models.finance_webhook_event"),
            patch.object(CallingProvider, "read_webhook", side_effect=KeyError("events")),
        ):
            event = self.receive(body)
        self.assertEqual(event.state, "failed")
        event.with_user(self.users["operator"]).action_process_again()
        self.process()
        self.assertEqual((exchange.state, event.reference), (states.ACCEPTED, "r-1"))

    def test_what_it_led_to_stands_on_the_document_s_timeline(self):
        exchange = self.exchange_in(states.WAITING)
        event = self.receive_event(reference="r-1", verdict="accepted")
        self.process()
        entry = self.entries(event)[0]
        self.assertEqual(entry.action, "webhook.processed")
        self.assertEqual(
            (entry.document_model, entry.document_id, entry.correlation_id),
            ("res.partner", exchange.document_id, exchange.correlation_id),
        )
        self.assertIn(event.body_sha256, entry.canonical_text)

    def test_only_as_many_as_asked_for_are_taken(self):
        for number in range(3):
            self.receive_event(f"msg_{number}", reference="unknown")
        self.env.flush_all()
        self.assertEqual(self.events._process_due(limit=2), 2)
