"""The event address over HTTP: verified on the raw bytes, stored, answered at once, never guessed."""

import base64
import hmac
import logging
import os
import socket
from unittest.mock import patch

from odoo.tests import HttpCase, tagged
from odoo.tests.common import HOST, TEST_CURSOR_COOKIE_NAME, release_test_lock
from odoo.tools import mute_logger

from ..controllers.webhook import MAX_BODY
from ..core.delivery import states
from ..core.protocol import ProviderProtocol
from ..core.security import webhook as webhook_core
from ..core.security.vault import ENVIRONMENT_KEYS
from .webhook_case import WebhookCase, message, signed

LOGGER = "odoo.addons.finance_connector_base.controllers.webhook"


@tagged("post_install", "-at_install")
class TestWebhookHttp(WebhookCase, HttpCase):
    def post(self, body, headers=None, token=None):
        token = token or self.connection.webhook_token
        with mute_logger("odoo.http"):
            return self.url_open(
                f"/finance/webhook/{token}",
                data=body,
                headers=signed(body) if headers is None else headers,
                allow_redirects=False,
            )

    def assert_refused(self, status, body, **options):
        """The answer, and a line in the log that tells neither the body nor the address."""
        with self.assertLogs(LOGGER, "WARNING") as logged:
            answer = self.post(body, **options)
        self.assertEqual(answer.status_code, status)
        self.assertFalse(self.connection.webhook_event_ids)
        lines = "\n".join(logged.output)
        self.assertNotIn("r-1", lines)
        self.assertNotIn(options.get("token") or self.connection.webhook_token, lines)
        return answer

    def test_a_signed_message_is_stored_byte_by_byte_and_answered_at_once(self):
        exchange = self.exchange_in(states.WAITING)
        body = b'{ "events" : [ {"reference":"r-1","verdict":"accepted"} ] }\r\n'
        answer = self.post(body)
        self.assertEqual((answer.status_code, answer.content), (202, b""))
        event = self.connection.webhook_event_ids
        self.assertEqual(base64.b64decode(event.body), body)
        self.assertEqual((event.state, exchange.state), ("received", states.WAITING))
        self.process()
        self.assertEqual(exchange.state, states.ACCEPTED)

    def test_the_path_registered_with_earlier_versions_still_works(self):
        body = message(reference="r-1")
        answer = self.url_open(
            f"/finance/callback/{self.connection.webhook_token}", data=body, headers=signed(body)
        )
        self.assertEqual(answer.status_code, 202)
        self.assertEqual(len(self.connection.webhook_event_ids), 1)

    def test_no_user_is_logged_in(self):
        self.opener.cookies.clear()
        answer = self.post(message(reference="r-1"))
        self.assertNotIn("Set-Cookie", answer.headers)

    def test_an_altered_byte_is_refused(self):
        body = message(reference="r-1")
        self.assert_refused(401, body.replace(b"r-1", b"r-2"), headers=signed(body))

    def test_an_unsigned_message_is_refused(self):
        self.assert_refused(401, message(reference="r-1"), headers={})

    def test_a_replay_after_the_tolerance_is_refused(self):
        body = message(reference="r-1")
        self.assert_refused(401, body, headers=signed(body, age=330))

    def test_a_repetition_is_answered_as_well_and_stored_once(self):
        body = message(reference="r-1")
        answers = [self.post(body), self.post(body), self.post(body, signed(body, age=60))]
        self.assertEqual([answer.status_code for answer in answers], [202] * 3)
        self.assertEqual(len(self.connection.webhook_event_ids), 1)

    def test_an_unknown_address_is_refused_after_the_same_work(self):
        body = message(reference="r-1")
        with patch.object(
            webhook_core.hmac, "compare_digest", wraps=hmac.compare_digest
        ) as compare:
            self.assert_refused(401, body, token="no-such-address")
            self.assertEqual(compare.call_count, 1)
            self.assert_refused(401, body + b" ", headers=signed(body))
            self.assertEqual(compare.call_count, 2)

    def test_a_closed_address_is_unknown(self):
        token = self.connection.webhook_token
        self.by_admin.action_close_webhook()
        self.assert_refused(401, message(reference="r-1"), token=token)

    def test_a_message_over_the_limit_is_refused(self):
        body = message(reference="r" * MAX_BODY)
        self.assert_refused(413, body)

    def test_a_message_of_the_limit_is_taken(self):
        frame = len(message(reference=""))
        body = message(reference="r" * (MAX_BODY - frame))
        self.assertEqual(len(body), MAX_BODY)
        self.assertEqual(self.post(body).status_code, 202)
        self.assertEqual(self.connection.webhook_event_ids.body_size, MAX_BODY)

    def test_a_form_is_refused_because_its_raw_bytes_are_gone(self):
        body = message(reference="r-1")
        for kind in ("application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
            with self.subTest(kind=kind):
                self.assert_refused(415, body, headers={**signed(body), "content-type": kind})

    def test_any_other_method_is_refused(self):
        with mute_logger("odoo.http"):
            answer = self.url_open(f"/finance/webhook/{self.connection.webhook_token}")
        self.assertEqual(answer.status_code, 405)

    def test_a_paused_connection_still_stores(self):
        self.connection.state = "paused"
        self.assertEqual(self.post(message(reference="r-1")).status_code, 202)
        self.assertEqual(len(self.connection.webhook_event_ids), 1)

    def test_a_provider_that_sends_no_webhooks_is_refused(self):
        adapter = self.registry[self.connection._adapter()._name]
        with patch.object(adapter, "_protocol", lambda *_args: ProviderProtocol()):
            self.assert_refused(401, message(reference="r-1"))

    def test_without_the_key_ring_the_provider_is_asked_to_try_again(self):
        with patch.dict(os.environ, {"FINANCE_CONNECT_KEY_FILE": ""}):
            os.environ.pop(ENVIRONMENT_KEYS)
            answer = self.assert_refused(503, message(reference="r-1"))
        self.assertEqual(answer.headers["Retry-After"], "60")

    # -- F18 ---------------------------------------------------------------------------------------

    def raw(self, *lines, body=b""):
        """Return the status of a request written to the socket, for what no client library sends."""
        head = [
            f"POST /finance/webhook/{self.connection.webhook_token} HTTP/1.1",
            "Host: 127.0.0.1",
            f"Cookie: {TEST_CURSOR_COOKIE_NAME}=raw",
        ]
        signature = [f"{name}: {value}" for name, value in signed(b"").items()]
        text = "\r\n".join([*head, *signature, *lines, "Connection: close", "", ""])
        with (
            patch.object(self, "http_request_key", "raw"),
            release_test_lock(),
            socket.create_connection((HOST, self.http_port()), timeout=10) as connected,
            mute_logger("odoo.http", LOGGER),
        ):
            connected.sendall(text.encode() + body)
            answer = b""
            while chunk := connected.recv(4096):
                answer += chunk
        return int(answer.split(b" ", 2)[1])

    def test_f18_a_body_without_a_usable_length_is_refused_and_not_stored(self):
        chunked = b"4\r\nabcd\r\n0\r\n\r\n"
        for status, lines, body in (
            (411, ("Transfer-Encoding: chunked",), chunked),
            (411, ("Transfer-Encoding: gzip, chunked",), chunked),
            (411, ("Transfer-Encoding: chunked", "Content-Length: 4"), chunked),
            (411, (), b""),
            (400, ("Content-Length: -5",), b""),
            (400, ("Content-Length: +5",), b"abcde"),
            (400, ("Content-Length: x",), b""),
        ):
            with self.subTest(lines=lines):
                self.assertEqual(self.raw(*lines, body=body), status)
                self.assertFalse(self.connection.webhook_event_ids)

    def test_f18_known_and_unknown_addresses_answer_alike(self):
        body = message(reference="r-1")
        seen = []
        for token in (self.connection.webhook_token, "A" * 43):
            answer = self.post(body, headers={}, token=token)
            dated = {"date", "set-cookie"}
            kept = {n: v for n, v in answer.headers.items() if n.lower() not in dated}
            seen.append((answer.status_code, answer.content, kept))
        self.assertEqual(seen[0], seen[1])

    def test_f18_the_access_log_holds_no_token(self):
        token = self.connection.webhook_token
        logger = logging.getLogger("werkzeug")
        for path in ("webhook", "callback"):
            line = f'"POST /finance/{path}/{token}?again={token} HTTP/1.1" 202 -'
            record = logger.makeRecord("werkzeug", 20, "", 0, "%s - %s", ("127.0.0.1", line), None)
            self.assertTrue(logger.filter(record))
            with self.subTest(path=path):
                self.assertIn(f"/finance/{path}/{token[:4]}***", record.getMessage())
                self.assertNotIn(token, record.getMessage())
                self.assertNotIn(token[4:], record.getMessage())

    def test_f21_an_error_of_the_adapter_while_verifying_is_a_refusal_without_its_text(self):
        error = RuntimeError("canary-in-an-error")
        adapter = self.registry[self.connection._adapter()._name]

        class Broken(ProviderProtocol):
            def verify_webhook(self, headers, body, received_at):
                raise error

        with (
            patch.object(adapter, "_protocol", lambda *_args: Broken()),
            self.assertLogs("odoo", "DEBUG") as logged,
        ):
            answer = self.post(message(reference="r-1"))
        self.assertEqual(answer.status_code, 401)
        self.assertNotIn("canary", "\n".join(logged.output))
