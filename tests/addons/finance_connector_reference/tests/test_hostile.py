"""P7: whatever a provider answers is handled by the table, and concerns its own connection only."""

from odoo.addons.finance_connector_base.core.delivery import states
from odoo.tests import tagged

from .common import API_KEY
from .hostile_case import HostileCase


@tagged("post_install", "-at_install")
class TestHostile(HostileCase):
    def hostile_connection(self, name, url):
        return self.env["finance.connection"].create(
            {
                "name": f"Hostile {name}",
                "provider": "reference",
                "environment": "sandbox",
                "base_url": url,
                "reference_api_key": API_KEY,
            }
        )

    def hostile_document(self, connection, name):
        return self.env["finance.reference.document"]._send(connection, "filing", name).exchange_id

    def test_p7_every_bad_answer_ends_in_a_state_of_the_table(self):
        self.assertGreaterEqual(len(self.hostile.urls), 40)
        bad = self.check_all_bad_answers()
        for name, kind in self.hostile.kinds.items():
            with self.subTest(name):
                if kind.tls in ("self_signed", "wrong_host", "expired"):
                    self.assertEqual(bad[name].state, states.PENDING)
                    self.assertNotIn(name, self.hostile.requests)
                if kind.is_slow or kind.reset:
                    # It may have arrived: its status is checked before it is sent again.
                    self.assertEqual(bad[name].state, states.UNKNOWN)

    def test_f12_pages_of_other_servers_are_not_kept(self):
        connection = self.hostile_connection("page", self.hostile.urls["html_200"])
        connection.sudo().write({"state": "active", "sealed_database": connection._database_uuid()})
        exchange = self.hostile_document(connection, "page")
        self.dispatch()
        self.assertFalse(any(exchange.attempt_ids.mapped("response_body")))
        self.assertEqual(exchange.attempt_ids[0].response_headers["body-bytes"], "57")

    def test_p7_a_test_of_the_connection_ends_with_a_finding(self):
        for name in (
            "html_200",
            "empty_200",
            "json_deep",
            "retry_huge",
            "json_nul",
            "gzip_bomb",
            "reset_before",
        ):
            with self.subTest(name):
                connection = self.hostile_connection(name, self.hostile.urls[name])
                with self.short_calls():
                    connection.action_test()
                self.assertEqual(connection.last_test_result, "failed")
                self.assertTrue(connection.last_test_message)

    def test_f5_a_slow_provider_opens_its_breaker(self):
        connection = self.hostile_connection("slow", self.hostile.urls["drip_body"])
        connection.sudo().write({"state": "active", "sealed_database": connection._database_uuid()})
        for number in range(5):
            self.hostile_document(connection, f"slow-{number}")
        good = self.good_document("good")
        with self.short_calls():
            self.dispatch()
        self.assertEqual(good.state, states.ACCEPTED)
        self.assertEqual(connection.throttle_ids.breaker_state, "open")
