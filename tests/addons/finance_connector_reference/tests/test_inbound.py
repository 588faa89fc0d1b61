"""P5: a feed that is killed anywhere delivers every item to storage, and once to its handler."""

import base64
import hashlib
from unittest.mock import patch

from odoo import fields
from odoo.addons.finance_connector_base.core.conversation import Item, Page
from odoo.addons.finance_connector_base.core.delivery import boundaries
from odoo.addons.finance_connector_base.core.delivery.outcomes import Accepted
from odoo.addons.finance_connector_base.core.http.client import Report
from odoo.addons.finance_connector_base.core.inbound import Handler
from odoo.addons.finance_connector_base.core.security.webhook import WebhookEvent
from odoo.addons.finance_connector_base.models import finance_inbound as inbound_module
from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..core import reference_rest as rest
from .engine_case import EngineCase

DISPATCHER = "odoo.addons.finance_connector_base.models.finance_dispatcher"
#: Where a page or a document is between two commits, in order.
MOMENTS = (
    "feed_claimed",
    "before_page",
    "page_written",
    "page_committed",
    "inbound_claimed",
    "inbound_handled",
    "inbound_committed",
)


class Killed(BaseException):
    """The process ends here: no handler of exceptions runs any more."""


class InboundCase(EngineCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.connection.receives_documents = True
        cls.inbound = cls.env["finance.inbound"]

    def setUp(self):
        super().setUp()
        self.handled = []

    def issue(self, number, content=None):
        """Put a document into the feed of the provider; return its id there."""
        encoded = base64.b64encode(content or f"content of {number}".encode()).decode()
        self.control.issue("reference", kind="invoice", number=number, content=encoded)
        (found,) = [item for item in self.control.issued("reference") if item["number"] == number]
        return found["reference"]

    def handle_with(self, handle=None):
        """Register a handler of invoices; its effect is a partner, in the same transaction."""

        def effect(inbound):
            self.handled.append(inbound.provider_id)
            inbound.env["res.partner"].create({"name": f"effect of {inbound.provider_id}"})

        handlers = {("reference", "invoice"): Handler("test.effect", handle or effect)}
        model = self.env.registry["finance.inbound"]
        patcher = patch.object(model, "_inbound_handlers", lambda _self: handlers)
        patcher.start()
        self.addCleanup(patcher.stop)

    def effects(self, provider_id):
        return self.env["res.partner"].search_count([("name", "=", f"effect of {provider_id}")])

    def feed(self, name=rest.DOCUMENTS):
        return self.env["finance.feed"].search(
            [("connection_id", "=", self.connection.id), ("name", "=", name)]
        )

    def stored(self):
        return self.inbound.search([("connection_id", "=", self.connection.id)], order="id")

    def move_on(self):
        """Move time on for feeds, leases and documents."""
        self.env.flush_all()
        for statement in (
            "UPDATE finance_feed SET next_at = next_at - interval '1 hour', "
            "lease_until = lease_until - interval '1 hour'",
            "UPDATE finance_inbound SET next_at = next_at - interval '1 hour'",
            "UPDATE finance_throttle SET not_before = NULL, breaker_until = NULL, "
            "breaker_state = 'closed', breaker_failures = 0",
        ):
            self.env.cr.execute(statement)
        self.env.invalidate_all()

    def cases(self, kind):
        return self.env["finance.case"].search([("kind", "=", kind), ("state", "=", "open")])

    def page(self, *items, cursor="next", more=False):
        return Report(Accepted(""), value=Page(tuple(items), cursor, more))

    def end_killed(self, work):
        """Run what is killed on its way. Not by ``assertRaises``, which would undo the commits before."""
        try:
            work()
        except Killed:
            self.env.invalidate_all()
            return
        self.fail("nothing was killed")

    def claim_feed(self, name=rest.DOCUMENTS):
        """Claim the page of one feed, as a worker does."""
        self.env.flush_all()
        targets = self.dispatcher._sendable_connections()
        claimed = self.dispatcher._claim_feeds(targets, 64)
        self.env.invalidate_all()
        return next(task for task in claimed if task.feed.name == name)

    def commit(self, task, report):
        more = self.dispatcher._commit_pages([(task, report)])
        self.env.invalidate_all()
        return more


def item(name="X-1", content=b"one", kind="invoice", **values):
    return Item(name, kind, content, **values)


@tagged("post_install", "-at_install")
class TestFeeds(InboundCase):
    def test_p5_every_item_is_stored_as_it_was_received_and_handled_once(self):
        self.handle_with()
        names = [self.issue(f"IN-{number}") for number in range(7)]
        self.dispatch()
        found = self.stored()
        self.assertEqual(sorted(found.mapped("provider_id")), sorted(names))
        self.assertEqual(set(found.mapped("state")), {"processed"})
        self.assertEqual(set(found.mapped("handler")), {"test.effect"})
        for document in found:
            content = document._content_bytes()
            self.assertTrue(content.startswith(b"content of IN-"))
            self.assertEqual(hashlib.sha256(content).hexdigest(), document.sha256)
        self.assertEqual({self.effects(name) for name in names}, {1})
        self.move_on()
        self.dispatch()
        self.assertEqual(len(self.stored()), 7)
        self.assertEqual(len(self.handled), 7)

    def test_p5_statuses_of_our_documents_come_by_their_own_feed(self):
        self.document("document", "D-1")
        self.dispatch()
        self.move_on()
        self.dispatch()
        (status,) = self.stored()
        self.assertEqual((status.kind, status.feed_name), ("status", rest.STATUSES))

    def test_p5_a_page_of_a_worker_that_lost_its_claim_is_discarded(self):
        late = self.claim_feed()
        self.move_on()
        task = self.claim_feed()
        self.assertNotEqual(task.token, late.token)
        self.assertFalse(self.commit(late, self.page(item(), cursor="late")))
        self.assertFalse(self.stored())
        self.assertEqual(self.feed().cursor, "")
        self.commit(task, self.page(item("X-2"), cursor="mine"))
        self.assertEqual(self.stored().provider_id, "X-2")
        self.assertEqual(self.feed().cursor, "mine")
        attempts = self.env["finance.exchange.attempt"].search(
            [("token", "in", [late.token, task.token])], order="id"
        )
        self.assertEqual(attempts.mapped("is_late"), [True, False])
        self.assertEqual(attempts.mapped("step"), ["feed", "feed"])

    def test_p5_a_feed_is_read_by_one_worker_at_a_time(self):
        self.claim_feed()
        targets = self.dispatcher._sendable_connections()
        self.assertEqual(self.dispatcher._claim_feeds(targets, 64), [])

    def test_p5_the_position_stays_where_the_items_cannot_be_stored(self):
        task = self.claim_feed()
        keep = type(self.inbound)._keep

        def broken(records, *args, **values):
            keep(records, *args, **values)
            raise ValueError("the disk is full")

        with patch.object(type(self.inbound), "_keep", broken), mute_logger(DISPATCHER):
            self.commit(task, self.page(item(), cursor="beyond"))
        self.assertFalse(self.stored())
        feed = self.feed()
        self.assertEqual((feed.cursor, feed.failed_attempts, feed.token), ("", 1, False))

    def test_p5_more_without_a_new_position_is_no_more(self):
        self.assertFalse(self.commit(self.claim_feed(), self.page(item(), cursor="", more=True)))
        self.move_on()
        self.assertTrue(
            self.commit(self.claim_feed(), self.page(item("X-2"), cursor="2", more=True))
        )
        again = self.page(item("X-2"), cursor="3", more=True)
        self.assertFalse(self.commit(self.claim_feed(), again))

    def test_p5_other_content_under_a_known_id_is_a_case_and_the_first_is_kept(self):
        self.commit(self.claim_feed(), self.page(item(content=b"one"), item(content=b"two")))
        document = self.stored()
        self.assertEqual(document._content_bytes(), b"one")
        (case,) = self.cases("inbound_conflict")
        for _repetition in range(2):
            self.move_on()
            self.commit(self.claim_feed(), self.page(item(content=b"two")))
        document.invalidate_recordset()
        self.assertEqual(document.other_sha256, [hashlib.sha256(b"two").hexdigest()])
        self.assertEqual(self.cases("inbound_conflict"), case)
        self.assertEqual(case.finding["args"]["kept"], document.sha256)
        self.assertEqual(case.finding["args"]["received"], hashlib.sha256(b"two").hexdigest())

    def test_p5_too_large_a_document_is_kept_by_hash_and_size(self):
        with patch("odoo.addons.finance_connector_base.core.inbound.MAX_BYTES", 4):
            self.commit(self.claim_feed(), self.page(item(content=b"12345"), item("X-2", b"1234")))
        large, small = self.stored()
        self.assertEqual((large.state, large.content, large.size), ("failed", False, 5))
        self.assertEqual(large.sha256, hashlib.sha256(b"12345").hexdigest())
        self.assertEqual(small.state, "stored")
        self.assertEqual(self.cases("inbound_failed").document_id, large.id)

    def test_p5_a_document_that_was_not_received_is_kept_as_failed_and_the_feed_goes_on(self):
        about = {"flowType": "SupplierInvoice"}
        page = self.page(item(content=None, parameters=about), item("X-2"))
        self.commit(self.claim_feed(), page)
        missing, other = self.stored()
        self.assertEqual((missing.state, other.state), ("failed", "stored"))
        self.assertFalse(missing.content or missing.sha256 or missing.size)
        self.assertEqual(missing.parameters, about)
        self.assertEqual(missing.result["code"], "inbound.not_received")
        self.assertEqual(self.cases("inbound_failed").document_id, missing.id)
        self.assertEqual(self.feed().cursor, "next")
        with self.assertRaises(UserError):
            missing.action_process_again()
        for _repetition in range(2):
            self.move_on()
            self.commit(self.claim_feed(), page)
        self.assertFalse(self.cases("inbound_conflict"))
        self.move_on()
        self.commit(self.claim_feed(), self.page(item(content=b"small")))
        self.assertEqual(self.cases("inbound_conflict").document_id, missing.id)
        self.assertFalse(missing.content)
        comparison = self.env["finance.evidence.comparison"]
        for subject in comparison._subjects():
            if subject.model == "finance.inbound":
                comparison._compare(subject, 0)
        self.assertFalse(self.cases("tampered"))

    def test_p5_cases_about_documents_do_not_flood(self):
        most = inbound_module.MAX_CASES
        names = [f"X-{number}" for number in range(most + 20)]
        self.commit(self.claim_feed(), self.page(*(item(name, content=None) for name in names)))
        self.assertEqual(set(self.stored().mapped("state")), {"failed"})
        self.assertEqual(len(self.cases("inbound_failed")), most + 1)
        (rest,) = self.cases("inbound_failed").filtered(lambda case: not case.document_id)
        self.assertEqual(rest.connection_id, self.connection)
        self.move_on()
        self.commit(self.claim_feed(), self.page(*(item(name, content=b"2") for name in names)))
        self.assertEqual(len(self.cases("inbound_conflict")), most + 1)
        self.assertEqual(len(self.cases("inbound_failed")), most + 1)

    def test_p5_ten_thousand_contents_under_one_id_are_one_document_and_one_case(self):
        for page in range(10):
            others = (item(content=f"{page} {number}".encode()) for number in range(1000))
            self.commit(self.claim_feed(), self.page(*others))
            self.move_on()
        self.assertEqual(self.stored()._content_bytes(), b"0 0")
        self.assertEqual(len(self.stored().other_sha256), 20)
        self.assertEqual(len(self.cases("inbound_conflict")), 1)
        entries = self.env["finance.audit.entry"].search_count(
            [("record_model", "=", "finance.inbound"), ("record_id", "=", self.stored().id)]
        )
        self.assertLess(entries, 50)

    def test_p5_a_feed_without_end_waits_when_the_limit_of_a_day_is_reached(self):
        self.patch(inbound_module, "DAY_DOCUMENTS", 5)
        for number in range(2):
            names = [f"{number}-{place}" for place in range(3)]
            page = self.page(*map(item, names), cursor=str(number), more=True)
            more = self.commit(self.claim_feed(), page)
            self.assertEqual(more, not number)
            if not number:
                self.move_on()
        feed = self.feed()
        self.assertEqual((len(self.stored()), feed.cursor, feed.failed_attempts), (3, "0", 0))
        self.assertGreater(feed.next_at, fields.Datetime.add(fields.Datetime.now(), minutes=30))
        self.assertEqual(self.cases("feed").finding["code"], "feed.suspended")
        self.patch(inbound_module, "DAY_DOCUMENTS", 6)
        self.move_on()
        self.assertTrue(self.commit(self.claim_feed(), page))
        self.assertEqual(len(self.stored()), 6)
        self.assertFalse(self.cases("feed"))

    def test_p5_the_limit_of_a_day_counts_bytes_too(self):
        self.patch(inbound_module, "DAY_BYTES", 10)
        self.commit(self.claim_feed(), self.page(item("A", b"123456"), cursor="1"))
        self.move_on()
        self.commit(self.claim_feed(), self.page(item("B", b"123456"), cursor="2"))
        self.assertEqual(self.stored().mapped("provider_id"), ["A"])
        self.assertEqual(self.feed().cursor, "1")

    def test_p5_a_hostile_page_is_the_failure_of_its_own_feed(self):
        other = self.another_connection()
        other.receives_documents = True
        for hostile in (
            item(""),
            item("a\0b"),
            item("x" * 10_000),
            item(kind="virus"),
            item(content="text"),
            item(parameters={"a": "x" * 100_000}),
            "no item",
        ):
            protocol = rest.ReferenceRest
            real = protocol.feed

            def feed(records, name, cursor, context, hostile=hostile, real=real):
                if records.base_url and name == rest.DOCUMENTS and records.api_key:
                    yield from ()
                    return Page((item("good"), hostile), "beyond")
                return (yield from real(records, name, cursor, context))

            with patch.object(protocol, "feed", feed):
                self.move_on()
                self.dispatch()
            self.assertFalse(self.stored())
            self.assertEqual(self.feed().cursor, "")
            self.assertTrue(self.feed().failed_attempts)
            self.assertEqual(self.feed(rest.STATUSES).failed_attempts, 0)
        self.assertEqual(self.cases("feed").mapped("connection_id"), self.connection | other)
        self.move_on()
        self.dispatch()
        self.assertFalse(self.cases("feed"))
        self.assertEqual(self.feed().failed_attempts, 0)

    def test_p5_a_feed_draws_from_throttle_breaker_and_windows(self):
        self.connection.throttle_ids.sudo().write({"not_before": "2100-01-01"})
        self.env.flush_all()
        self.assertEqual(
            self.dispatcher._claim_feeds(self.dispatcher._sendable_connections(), 64), []
        )
        self.move_on()
        self.connection.max_parallel = 1
        self.env.flush_all()
        targets = self.dispatcher._sendable_connections()
        self.assertEqual(len(self.dispatcher._claim_feeds(targets, 64)), 1)
        self.document("document", "D-1")
        # The page in flight is the one call that may be in flight.
        self.assertEqual(self.claim().claims, [])

    def test_p5_a_refusal_for_too_many_calls_is_a_pause_and_no_failure(self):
        self.fault("status", "feedDocuments", status=429, retry_after=600)
        self.dispatch()
        self.assertEqual(self.feed().failed_attempts, 0)
        self.assertGreater(self.feed().next_at, self.feed(rest.STATUSES).read_at)


@tagged("post_install", "-at_install")
class TestHandling(InboundCase):
    def test_p5_without_a_handler_there_is_one_case_for_the_kind(self):
        for number in range(3):
            self.issue(f"IN-{number}")
        self.dispatch()
        self.assertEqual(set(self.stored().mapped("state")), {"unhandled"})
        (case,) = self.cases("inbound_unhandled")
        self.issue("IN-4")
        self.move_on()
        self.dispatch()
        self.assertEqual(self.cases("inbound_unhandled"), case)
        self.handle_with()
        first = self.stored()[0]
        first.action_process_again()
        self.dispatch()
        self.assertEqual(first.state, "processed")
        self.assertTrue(self.cases("inbound_unhandled"))
        self.stored().filtered(lambda one: one.state == "unhandled").action_process_again()
        self.dispatch()
        self.assertEqual(set(self.stored().mapped("state")), {"processed"})
        self.assertFalse(self.cases("inbound_unhandled"))

    def test_p5_a_handler_that_raises_is_retried_and_then_a_case(self):
        def effect(inbound):
            inbound.env["res.partner"].create({"name": f"effect of {inbound.provider_id}"})
            self.handled.append(inbound.provider_id)
            raise ValueError("not today")

        self.handle_with(effect)
        name = self.issue("IN-1")
        with mute_logger(DISPATCHER):
            self.dispatch()
            self.assertEqual(self.stored().state, "stored")
            self.assertEqual(len(self.handled), 1)
            for _attempt in range(inbound_module.MAX_ATTEMPTS):
                self.move_on()
                self.dispatch()
        self.assertEqual(self.stored().state, "failed")
        self.assertEqual(len(self.handled), inbound_module.MAX_ATTEMPTS)
        self.assertEqual(self.effects(name), 0)
        self.assertEqual(len(self.cases("inbound_failed")), 1)
        self.handle_with()
        self.stored().action_process_again()
        self.dispatch()
        self.assertEqual((self.stored().state, self.effects(name)), ("processed", 1))
        self.assertFalse(self.cases("inbound_failed"))

    def test_p5_a_poisoned_document_keeps_no_other_back(self):
        poisoned = self.issue("IN-1")

        def effect(inbound):
            if inbound.provider_id == poisoned:
                raise ValueError("not this one")

        self.handle_with(effect)
        self.issue("IN-2")
        with mute_logger(DISPATCHER):
            self.dispatch()
        self.assertEqual(sorted(self.stored().mapped("state")), ["processed", "stored"])

    def test_p5_many_documents_of_one_connection_keep_no_other_back(self):
        other = self.another_connection()
        first = [item(f"A-{number}") for number in range(300)]
        self.inbound._keep(self.connection, first, feed_name=rest.DOCUMENTS)
        self.inbound._keep(other, [item("B-1")], feed_name=rest.DOCUMENTS)
        self.env.flush_all()
        for _attempt in range(40):
            number, _attempts = self.inbound._claim_one()
            if self.inbound.browse(number).connection_id == other:
                return
        self.fail("the other connection waits behind all documents of the first")

    def test_p5_two_workers_that_hold_the_same_document_handle_it_once(self):
        self.handle_with()
        self.commit(self.claim_feed(), self.page(item()))
        first = self.inbound._claim_one()
        self.move_on()
        second = self.inbound._claim_one()
        self.assertEqual(first[0], second[0])
        self.dispatcher._handle_inbound(*second)
        self.dispatcher._handle_inbound(*first)
        self.env.invalidate_all()
        self.assertEqual((self.stored().state, self.effects("X-1")), ("processed", 1))

    def test_p5_a_handler_that_ends_the_process_is_not_started_for_ever(self):
        def effect(_inbound):
            self.handled.append(1)
            raise Killed

        self.handle_with(effect)
        self.commit(self.claim_feed(), self.page(item()))
        for _attempt in range(inbound_module.MAX_ATTEMPTS):
            self.move_on()
            self.end_killed(self.dispatcher._process_inbound)
        self.move_on()
        self.dispatcher._process_inbound()
        self.env.invalidate_all()
        self.assertEqual(len(self.handled), inbound_module.MAX_ATTEMPTS)
        self.assertEqual(self.stored().state, "failed")

    def test_p5_a_transition_leaves_an_entry_each(self):
        self.handle_with()
        self.issue("IN-1")
        self.dispatch()
        entries = self.env["finance.audit.entry"].search(
            [("record_model", "=", "finance.inbound"), ("record_id", "=", self.stored().id)],
            order="id",
        )
        self.assertEqual(entries.mapped("action"), ["inbound.stored", "inbound.processed"])


@tagged("post_install", "-at_install")
class TestKills(InboundCase):
    def kill_at(self, moment):
        """End the process where the moment is reached for the first time."""

        def observer(name):
            if name == moment and not self.killed:
                self.killed = True
                raise Killed

        self.killed = False
        return boundaries.observe(observer)

    def test_p5_a_kill_at_any_moment_loses_nothing_and_doubles_nothing(self):
        self.handle_with()
        for moment in MOMENTS:
            with self.subTest(moment=moment):
                names = [self.issue(f"{moment}-{number}") for number in range(3)]
                self.move_on()
                stop = self.kill_at(moment)
                try:
                    self.end_killed(self.dispatch)
                finally:
                    stop()
                for _round in range(2):
                    self.move_on()
                    self.dispatch()
                mine = self.stored().filtered(lambda one, names=names: one.provider_id in names)
                self.assertEqual(sorted(mine.mapped("provider_id")), sorted(names))
                self.assertEqual(set(mine.mapped("state")), {"processed"})
                self.assertEqual([self.effects(name) for name in names], [1, 1, 1])


@tagged("post_install", "-at_install")
class TestWebhookDocuments(InboundCase):
    def receive(self, event, scheme="standard"):
        """A message of the provider with one event, as its adapter reads it."""
        protocol, adapter = rest.ReferenceRest, type(self.connection._adapter())
        with (
            patch.object(protocol, "verify_webhook", lambda *_given: "message-1"),
            patch.object(protocol, "read_webhook", lambda *_given: (event,)),
            patch.object(adapter, "_webhook_scheme", scheme),
        ):
            self.env["finance.webhook.event"]._receive(self.connection, {}, b"{}")
            self.env.flush_all()
            self.env["finance.webhook.event"]._process_due()
        self.env.invalidate_all()
        return self.connection.webhook_event_ids

    def test_p5_a_pushed_document_ends_in_the_same_table_as_a_pulled_one(self):
        event = self.receive(WebhookEvent(items=(item("X-1"),)))
        self.assertEqual((event.state, self.stored().webhook_event_id), ("processed", event))
        self.commit(self.claim_feed(), self.page(item("X-1"), item("X-2")))
        self.assertEqual(self.stored().mapped("provider_id"), ["X-1", "X-2"])

    def test_p5_what_a_bearer_message_carries_is_not_believed(self):
        self.dispatch()
        self.assertGreater(self.feed().next_at, self.feed().read_at)
        event = self.receive(WebhookEvent(items=(item("X-1"),)), "bearer")
        self.assertEqual(event.state, "processed")
        self.assertFalse(self.stored())
        self.assertTrue(self.feed().is_requested)
        self.assertTrue(self.claim_feed())

    def test_p5_what_is_requested_while_a_page_is_read_is_read_after_it(self):
        task = self.claim_feed()
        self.receive(WebhookEvent(feed=rest.DOCUMENTS))
        self.commit(task, self.page())
        self.assertTrue(self.claim_feed())

    def test_p5_a_hostile_document_is_the_failure_of_its_event(self):
        with mute_logger("odoo.addons.finance_connector_base.models.finance_webhook_event"):
            event = self.receive(WebhookEvent(items=(item("X-1"), item(""))))
        self.assertEqual((event.state, event.failures), ("received", 1))
        self.assertFalse(self.stored())
