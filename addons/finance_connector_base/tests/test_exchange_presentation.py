"""What users read about an exchange: codes and arguments are stored, sentences are made when they
are read.
"""

import itertools
from unittest.mock import patch

from lxml import html
from odoo.exceptions import AccessError
from odoo.tests import TransactionCase, tagged

from ..core import cases
from ..core.delivery import outcomes, states
from ..core.delivery.transitions import DeliveryState, status_on_claim, status_on_outcome
from ..core.finding import Finding
from .common_operations import OperationsCase


@tagged("post_install", "-at_install")
class TestExchangeStatus(OperationsCase):
    def test_every_status_after_a_step_has_a_sentence_with_all_its_arguments(self):
        finding = Finding.of_provider("code", "message")
        results = (
            outcomes.Accepted("R"),
            outcomes.Waiting("R"),
            outcomes.Rejected((finding,)),
            outcomes.Duplicate("R"),
            outcomes.Transient("t"),
            outcomes.RateLimited("t"),
            outcomes.AuthFailed("t"),
            outcomes.Unknown("t"),
            outcomes.NotFound(),
            outcomes.ContractBroken("t"),
            outcomes.Permanent(finding),
        )
        steps = ("send", "lookup", "poll", "webhook")
        found = [status_on_outcome(*pair) for pair in itertools.product(steps, results)]
        found += [status_on_claim(step, DeliveryState(states.PENDING)) for step in steps[:3]]
        messages = self.env["finance.finding"]._messages()
        for status in found:
            with self.subTest(code=status.code):
                self.assertIn(status.code, messages)
                self.assertNotIn("…", self.env["finance.finding"]._render(status)[0])

    def test_a_status_is_stored_as_a_code_and_rendered_for_the_reader(self):
        exchange = self.enqueue()
        exchange._transition(states.SENDING, Finding("exchange.sending", args={"attempt": "3"}))
        self.assertEqual(exchange.status_code, "exchange.sending")
        self.assertEqual(exchange.status_args, {"attempt": "3"})
        self.patch(
            type(self.env["finance.finding"]),
            "_messages",
            lambda _self: {"exchange.sending": ("Envoi, essai %(attempt)s", "")},
        )
        self.env.registry.clear_cache()
        self.addCleanup(self.env.registry.clear_cache)
        exchange.invalidate_recordset()
        self.assertEqual(exchange.status_text, "Envoi, essai 3")
        self.assertIn("Envoi, essai 3", self.timeline(exchange, shown=()))

    def test_a_sentence_of_an_older_version_is_shown_as_it_was_stored(self):
        exchange = self.enqueue()
        exchange._transition(states.HELD, "Held by Somebody")
        self.assertEqual(exchange.status_code, "text")
        self.assertEqual(exchange.status_text, "Held by Somebody")

    def test_an_audit_entry_keeps_code_and_arguments_beside_its_summary(self):
        exchange = self.enqueue()
        (entry,) = self.entries(exchange)
        self.assertTrue(entry.summary)
        self.assertIn('"exchange.queued"', entry.canonical_text)

    def test_the_reason_of_an_attempt_is_found_by_its_text(self):
        exchange = self.enqueue()
        args = {"reason_code": "text", "reason_args": {"text": "connection reset"}}
        call = self.call(exchange, "unknown", **args)
        self.call(exchange, "accepted")
        self.env.flush_all()
        self.assertEqual(call.reason_text, "connection reset")
        mine = [("exchange_id", "=", exchange.id)]
        found = call.search([*mine, ("reason_text", "ilike", "RESET")])
        self.assertEqual(found, call)

    def timeline(self, exchange, shown=("exchange.sending",)):
        """Return the timeline, without the entries that a call replaces."""
        presentation = "odoo.addons.finance_connector_base.models.finance_exchange_presentation"
        with patch(f"{presentation}._SHOWN_AS_CALL", shown):
            exchange.invalidate_recordset(["audit_timeline"])
            return str(exchange.audit_timeline)


@tagged("post_install", "-at_install")
class TestExchangeTimeline(OperationsCase):
    def setUp(self):
        super().setUp()
        self.connection.state = "active"

    def test_calls_entries_and_cases_are_in_one_timeline_newest_first(self):
        exchange = self.enqueue()
        exchange._transition(states.SENDING, Finding("exchange.sending"))
        self.call(exchange, "unknown", minutes_ago=5, http_status=0)
        exchange._transition(states.UNKNOWN, Finding("exchange.no_response"), maybe_sent=True)
        case = self.open_case(exchange, cases.UNRESOLVED)
        case.with_user(self.users["operator"])._resolve(
            cases.ADOPT, reference="REF-1", reason="Seen at the provider"
        )
        actions = self.actions(exchange)
        wanted = [
            self.label("case.opened"),
            self.label("exchange.unknown"),
            self.label("exchange.queued"),
            self.env._("Call to the provider"),
        ]
        places = [actions.index(label) for label in wanted]
        self.assertEqual(places, sorted(places))
        self.assertNotIn(self.label("exchange.sending"), actions)

    def test_a_late_response_and_a_running_call_are_marked(self):
        exchange = self.enqueue()
        late = self.call(exchange, is_late=True)
        running = self.call(exchange, outcome=False, http_status=0)
        plain = self.call(exchange)
        texts = {exchange._call_text(call) for call in (late, running, plain)}
        self.assertEqual(len(texts), 3)
        for text in texts:
            self.assertIn(text, str(exchange.audit_timeline))

    def test_other_exchanges_are_not_in_the_timeline(self):
        other = self.enqueue(key="other")
        self.call(other)
        self.open_case(other)
        self.assertEqual(self.actions(self.enqueue(key="mine")), [self.label("exchange.queued")])

    def test_only_readers_of_the_exchange_read_its_timeline(self):
        exchange = self.enqueue()
        self.assertTrue(self.actions(exchange.with_user(self.users["accountant"])))
        hidden = exchange.with_user(self.users["employee"])
        with self.assertRaises(AccessError):
            hidden.read(["audit_timeline"])
        self.assertNotIn(self.label("exchange.queued"), hidden._audit_render_timeline())

    def test_response_bodies_are_not_part_of_the_timeline(self):
        exchange = self.enqueue()
        self.call(exchange, response_body=b"c2VjcmV0LWFuc3dlcg==")
        self.assertNotIn("secret-answer", exchange.audit_timeline)

    def label(self, action):
        return self.env["finance.audit.entry"]._action_labels()[action]

    def actions(self, exchange):
        """Return the labels of what the timeline shows, in its order."""
        exchange.invalidate_recordset(["audit_timeline"])
        page = html.fromstring(str(exchange.audit_timeline))
        labels = {*self.env["finance.audit.entry"]._action_labels().values()}
        labels.add(self.env._("Call to the provider"))
        shown = [[text.strip() for text in item.itertext()] for item in page.xpath("//li")]
        return [next((text for text in texts if text in labels), "") for texts in shown]


@tagged("post_install", "-at_install")
class TestExchangeNextStep(OperationsCase):
    def setUp(self):
        super().setUp()
        self.connection.state = "active"
        self.exchange = self.enqueue(chain="series")

    def test_due_now_soon_and_later(self):
        self.waits_for("next.ready")
        self.exchange.next_step_at = self.soon(13)
        self.waits_for("next.send_in", "duration")
        self.exchange.next_step_at = self.soon(600)
        self.waits_for("next.send_at", "time")
        self.exchange.write({"next_step_at": self.soon(13), "send_count": 2})
        self.waits_for("next.attempt_in", "duration")

    def test_polls_and_status_checks(self):
        self.to(states.WAITING)
        self.waits_for("next.poll_in", "duration")
        self.provider(repeat="lookup")
        other = self.enqueue(key="other")
        self.to(states.UNKNOWN, other)
        self.waits_for("next.status_check_in", "duration", exchange=other)

    def test_where_the_provider_recognises_our_key_the_status_check_is_sending_again(self):
        self.provider(repeat="key")
        self.to(states.UNKNOWN)
        self.exchange.send_count = 1
        self.waits_for("next.attempt_in", "duration")

    def test_the_breaker_and_the_providers_pause_hold_back(self):
        self.throttle(breaker_state="open", breaker_until=self.soon(60))
        self.waits_for("next.suspended", "time")
        self.throttle(breaker_state="half_open")
        self.waits_for("next.probe")
        self.throttle(breaker_state="closed", not_before=self.soon(60))
        self.waits_for("next.paused", "time")
        self.throttle(not_before=self.soon(-1))
        self.waits_for("next.ready")

    def test_a_paused_or_blocked_connection_holds_back(self):
        self.connection.blocking_finding = Finding("text", args={"text": "Blocked"}).to_json()
        self.waits_for("next.blocked", "reason")
        self.connection.state = "paused"
        self.waits_for("next.inactive")

    def test_a_chain_waits_for_the_one_before(self):
        second = self.enqueue(key="second", chain="series")
        apart = self.enqueue(key="apart", chain="other series")
        self.waits_for("next.chain", "chain", "name", exchange=second)
        self.waits_for("next.ready", exchange=apart)
        self.exchange._transition(states.SENDING, Finding("exchange.sending"))
        self.exchange._transition(states.ACCEPTED, Finding("exchange.accepted"))
        self.waits_for("next.ready", exchange=second)

    def test_decisions_are_waited_for(self):
        self.to(states.UNKNOWN)
        self.exchange.next_step_at = False
        self.waits_for("next.decide")
        self.exchange._transition(states.FAILED, Finding("exchange.unavailable"))
        self.waits_for("next.retry")
        held = self.enqueue(key="held")
        held._transition(states.HELD, Finding("exchange.held"))
        self.waits_for("next.held", exchange=held)

    def test_what_is_settled_waits_for_nothing(self):
        self.to(states.ACCEPTED)
        self.exchange.next_step_at = False
        self.assertFalse(self.exchange.next_step_text)

    def test_a_claimed_step_is_in_progress_while_its_worker_lives(self):
        worker = self.env["finance.dispatcher.worker"]
        worker = worker.browse(worker._enter(1))
        self.exchange.write({"claim_token": "token", "worker_id": worker.id})
        self.waits_for("next.in_progress", "name")
        self.assertEqual((worker.is_alive, worker.call_count), (True, 1))
        worker.invalidate_recordset()
        worker.alive_until = self.soon(-1)
        self.waits_for("next.worker_lost")
        self.assertFalse(worker.is_alive)

    def test_a_document_that_could_not_be_notified_is_notified_again(self):
        codes = [self.exchange._notification_status().code]
        self.exchange.notification_pending = True
        codes.append(self.exchange._notification_status().code)
        self.exchange.notification_next_at = self.soon(30)
        codes.append(self.exchange._notification_status().code)
        self.assertEqual(codes, ["notification.done", "notification.queued", "notification.failed"])
        self.assertTrue(self.exchange.notification_text)

    def test_workers_are_seen_by_operators_and_admins_only(self):
        for role in ("operator", "admin"):
            self.env["finance.dispatcher.worker"].with_user(self.users[role]).search([])
        for role in ("accountant", "auditor", "employee"):
            with self.subTest(role=role), self.assertRaises(AccessError):
                self.env["finance.dispatcher.worker"].with_user(self.users[role]).search([])

    def to(self, state, exchange=None):
        exchange = exchange or self.exchange
        exchange._transition(states.SENDING, Finding("exchange.sending"), send_count=1)
        exchange._transition(state, Finding("exchange.no_response"), next_step_at=self.soon(13))

    def waits_for(self, code, *args, exchange=None):
        """Assert code and arguments of what an exchange waits for, and that it can be rendered."""
        exchange = exchange or self.exchange
        exchange.invalidate_recordset(["next_step_text"])
        finding = exchange.sudo()._next_step()
        self.assertEqual((finding.code, sorted(finding.args)), (code, sorted(args)))
        self.assertIn(code, self.env["finance.finding"]._messages())
        self.assertTrue(exchange.next_step_text)


@tagged("post_install", "-at_install")
class TestTechnicalReasons(TransactionCase):
    """Operators read sentences; class names and statuses stay in the technical field."""

    def test_a_technical_reason_is_a_sentence_in_the_readers_language(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        self.env["ir.module.module"].search(
            [("name", "=", "finance_connector_base")]
        )._update_translations(["fr_FR"], overwrite=True)
        findings = self.env["finance.finding"]
        for raw in ("ProtocolError", "HTTP 503 RESOURCE_ERROR", "ConnectError: could not connect"):
            english = findings.with_context(lang="en_US")._reason_of(raw)
            french = findings.with_context(lang="fr_FR")._reason_of(raw)
            self.assertTrue(english)
            self.assertNotEqual(english, french)
            for sentence in (english, french):
                self.assertNotRegex(sentence, r"Error|HTTP|\d{3}|_")

    def test_the_providers_own_words_stay(self):
        self.assertFalse(self.env["finance.finding"]._reason_of("Refused by the platform"))
