"""P2 and P3: resources are obtained once and renewed once; a send in a session is found again."""

import threading

from odoo.addons.finance_connector_base import secret_store
from odoo.addons.finance_connector_base.core.conversation import Obtained
from odoo.addons.finance_connector_base.core.delivery import states
from odoo.addons.finance_connector_base.core.delivery.pipeline import perform
from odoo.addons.finance_connector_base.resource_store import DatabaseResources
from odoo.tests import tagged
from odoo.tools import SQL

from .common import ReferenceCase
from .engine_case import EngineCase

WAIT = 20


class SignedInCase(EngineCase):
    """An account that signs in by challenge and has no API key at the provider."""

    def setUp(self):
        super().setUp()
        self.control.settings("reference", api_keys=False)
        self.connection.sudo().write({"reference_account": "reference"})
        self.addCleanup(self.forget_clients)
        self.forget_clients()

    def forget_clients(self):
        """Do as a new process does, which has nothing in memory."""
        secret_store._pool._clients.clear()

    def forget_resources(self):
        self.env["finance.resource"]._drop(self.connection)
        self.env.flush_all()
        self.forget_clients()

    def claim_send(self):
        """Claim what is due; return the send among it."""
        (claim,) = (item for item in self.claim().claims if item.step == "send")
        return claim

    def send_attempt(self, document):
        return document.exchange_id.attempt_ids.filtered(lambda item: item.step == "send")


@tagged("post_install", "-at_install")
class TestSessions(SignedInCase):
    def test_p2_many_sends_take_one_sign_in_and_one_session(self):
        documents = [self.document("secret_filing", f"D-{number}") for number in range(30)]
        self.dispatch()
        self.assertEqual({item.exchange_id.state for item in documents}, {states.ACCEPTED})
        self.assertEqual(self.calls("signIn"), 1)
        self.assertEqual(self.calls("openSession"), 1)
        self.assertEqual(self.calls("sendInSession"), 30)
        held = self.control.summary("reference")
        self.assertEqual((held["held"], held["held_twice"]), (30, []))

    def test_p2_the_wire_bytes_differ_and_the_attempt_names_the_session(self):
        document = self.document("secret_filing")
        self.dispatch()
        attempt = self.send_attempt(document)
        (received,) = self.control.oracle("reference")
        self.assertEqual(received["sha256"], document.exchange_id.payload_sha256)
        self.assertEqual(attempt.resources["session"]["session"], received["attributes"]["session"])
        self.assertTrue(attempt.wire_sha256)
        self.assertNotEqual(attempt.wire_sha256, document.exchange_id.payload_sha256)

    def test_p2_a_revoked_token_is_renewed_and_nothing_is_lost_or_doubled(self):
        self.document("secret_filing", "before")
        self.dispatch()
        self.control.expire_tokens("reference")
        documents = [self.document("secret_filing", f"D-{number}") for number in range(20)]
        self.dispatch()
        for document in documents:
            self.assertEqual(document.exchange_id.state, states.ACCEPTED)
            self.assertEqual(self.effects(document.name), 1)
        resource = self.env["finance.resource"].search(
            [("connection_id", "=", self.connection.id), ("name", "=", "token")]
        )
        self.assertEqual(resource.generation, 2)

    def test_p2_an_ended_session_is_renewed_and_nothing_is_lost_or_doubled(self):
        self.document("secret_filing", "before")
        self.dispatch()
        self.control.advance(7200)
        documents = [self.document("secret_filing", f"D-{number}") for number in range(3)]
        exchanges = self.env["finance.exchange"].union(*[item.exchange_id for item in documents])
        for _round in range(3):
            self.dispatch()
            self.make_due(exchanges, throttles=True)
        self.assertEqual(set(exchanges.mapped("state")), {states.ACCEPTED})
        self.assertEqual([self.effects(item.name) for item in documents], [1, 1, 1])
        self.assertEqual(self.calls("openSession"), 2)

    def test_p2_another_key_of_the_provider_is_fetched(self):
        self.document("secret_filing", "before")
        self.dispatch()
        self.control.settings("reference", encryption_key=2)
        self.env["finance.resource"].search([("name", "=", "session")]).sudo().unlink()
        self.forget_clients()
        document = self.document("secret_filing")
        for _round in range(3):
            self.dispatch()
            self.make_due(document.exchange_id, throttles=True)
            # A failure to obtain it is not repeated by the same process within a second.
            self.forget_clients()
        self.assertEqual(document.exchange_id.state, states.ACCEPTED)

    def test_p3_a_send_is_made_in_the_session_of_its_attempt_or_not_at_all(self):
        """Between the claim and the call another worker renews the session."""
        self.document("secret_filing", "before")
        self.dispatch()
        document = self.document("secret_filing")
        claim = self.claim_send()
        self.forget_resources()
        self.env.cr.execute("SELECT generation FROM finance_resource WHERE name = 'session'")
        self.assertFalse(self.env.cr.fetchall())
        client = secret_store.pooled_client(self.connection)
        client.prepare(("session",))
        (result,) = perform(claim)
        self.dispatcher._commit_outcomes([result])
        self.env.invalidate_all()
        session = self.send_attempt(document).resources["session"]["session"]
        for received in self.control.oracle("reference"):
            if received["number"] == document.name:
                self.assertEqual(received["attributes"]["session"], session)

    def test_p3_a_lost_send_is_found_when_process_session_and_token_are_gone(self):
        self.fault("drop_after", "sendInSession")
        document = self.document("secret_filing")
        self.dispatch()
        exchange = document.exchange_id
        self.assertEqual(exchange.state, states.UNKNOWN)
        self.control.advance(7200)
        self.control.expire_tokens("reference")
        self.forget_resources()
        for _round in range(2):
            self.make_due(exchange, throttles=True)
            self.dispatch()
        self.assertEqual(exchange.state, states.ACCEPTED)
        self.assertEqual((exchange.send_count, self.effects("D-1")), (1, 1))
        self.assertEqual(self.calls("sendInSession"), 1)

    def test_p3_a_send_of_a_lost_worker_is_looked_up_in_its_session(self):
        document = self.document("secret_filing", "before")
        self.dispatch()
        document = self.document("secret_filing")
        claim = self.claim_send()
        perform(claim)
        self.dispatcher._recover_lost()
        self.forget_resources()
        for _round in range(2):
            self.make_due(document.exchange_id, throttles=True)
            self.dispatch()
        self.assertEqual(document.exchange_id.state, states.ACCEPTED)
        self.assertEqual(self.effects("D-1"), 1)


@tagged("post_install", "-at_install")
class TestResourceStore(ReferenceCase):
    """With cursors of its own, as workers have them: the lock of a row is what is tested."""

    def setUp(self):
        super().setUp()
        with self.registry.cursor() as cr:
            values = {
                "name": f"Store {self.id()}",
                "provider": "reference",
                "environment": "sandbox",
                "base_url": f"{self.control.url}/reference",
            }
            self.connection_id = self.env(cr=cr)["finance.connection"].create(values).id
        self.addCleanup(self.remove)

    def remove(self):
        with self.registry.cursor() as cr:
            for table in ("finance_resource", "finance_throttle"):
                cr.execute(
                    SQL(
                        "DELETE FROM %s WHERE connection_id = %s",
                        SQL.identifier(table),
                        self.connection_id,
                    )
                )
            cr.execute("DELETE FROM finance_connection WHERE id = %s", (self.connection_id,))

    def store(self, basis="basis"):
        """Return a store as another process has it."""
        return DatabaseResources(
            self.env.cr.dbname,
            self.connection_id,
            (basis,),
            seal=lambda _name, text: text[::-1],
            unseal=lambda _name, text: text[::-1],
        )

    def test_p2_one_of_two_workers_obtains_and_the_other_uses_it(self):
        obtained, started = [], threading.Barrier(2, timeout=WAIT)

        def obtain(_old):
            obtained.append(threading.current_thread().name)
            return Obtained({"token": f"t{len(obtained)}"}, lifetime=600)

        def work(results):
            store = self.store()
            started.wait()
            results.append(store.renew("token", 0, obtain))

        results = []
        threads = [threading.Thread(target=work, args=(results,)) for _n in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(WAIT)
        self.assertEqual(len(obtained), 1)
        self.assertEqual({item.generation for item in results}, {1})
        # A process that starts later reads what the others have obtained.
        self.assertEqual(self.store().get("token").secret, {"token": "t1"})

    def test_p2_a_refused_one_is_renewed_once_whoever_is_refused(self):
        made = []

        def obtain(_old):
            made.append(1)
            return Obtained({"token": f"t{len(made)}"}, lifetime=600)

        one, other = self.store(), self.store()
        first = one.renew("token", 0, obtain)
        self.assertEqual(other.renew("token", 0, obtain).secret, first.secret)
        for store in (one, other):
            store.refuse("token", first.generation)
            self.assertEqual(store.renew("token", first.generation, obtain).generation, 2)
        self.assertEqual(len(made), 2)

    def test_p2_resources_under_other_credentials_are_not_in_place(self):
        self.store().renew("token", 0, lambda _old: Obtained({"token": "t"}, lifetime=600))
        self.assertIsNone(self.store("other").get("token"))

    def test_p2_a_worker_that_dies_while_obtaining_leaves_nothing_behind(self):
        def dies(_old):
            raise KeyError("killed")

        with self.assertRaises(KeyError):
            self.store().renew("token", 0, dies)
        kept = self.store().renew("token", 0, lambda _old: Obtained({"token": "t"}, lifetime=600))
        self.assertEqual(kept.generation, 1)
