"""Canary: values planted in every input of the connection, its provider and its documents, and looked for everywhere.

Secrets are in no log, no table, no export and no package. Tax numbers and bank accounts are in no line of a log; in
business records and payloads they belong.
"""

import base64
import io
import json
import logging
import threading
import zipfile
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from unittest.mock import patch

from odoo.addons.finance_connector_base.core.security.webhook import WebhookRefused
from odoo.addons.finance_einvoice_fr.tests.common import BUYER_SIREN, SELLER_SIREN, make_vat
from odoo.tests import tagged

from ..core.flow_service import FlowService
from .sandbox_case import SandboxCase

CLIENT_SECRET = "cnry-Client/Secret+31="
WEBHOOK_SECRET = "cnry-webhook-bearer-secret-7731"
TOKEN = "cnry-access-token-91-of-the-provider"
SECRETS = (CLIENT_SECRET, WEBHOOK_SECRET, TOKEN)
IBAN = "FR7630006000011234567890189"
IDENTIFIERS = (IBAN, make_vat(SELLER_SIREN), make_vat(BUYER_SIREN), SELLER_SIREN, BUYER_SIREN)
#: Not secret: it shows that the search finds what is there.
PUBLIC = "cnry-public-name-of-a-buyer"
JSON = "application/json"


class _Echo(BaseHTTPRequestHandler):
    """A provider that repeats everything it is given, and what it has not been given as well."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self._answer()

    do_POST = do_GET  # noqa: N815 (the name the library calls)

    def log_message(self, *_args):
        """Say nothing: the lines of this server are not those of Odoo."""

    def _answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        mode = self.server.mode
        echo = f"{self.headers.get('Authorization')} {body[:400].decode(errors='replace')} {' '.join(SECRETS)} {IBAN}"
        self.server.calls += 1
        if mode == "no answer" and self.path.endswith("/v1/flows"):
            self.close_connection = True
            return
        if self.path.endswith("/token"):
            status, value = 200, {"access_token": TOKEN, "expires_in": 3600}
            if mode == "token refused":
                status, value = 401, {"error": echo, "error_description": echo}
        else:
            status, value = self._flow(mode, echo)
        content = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", JSON)
        self.send_header("Content-Length", str(len(content)))
        for name in ("X-Request-Id", "Retry-After", "Location", "Set-Cookie", "WWW-Authenticate"):
            self.send_header(name, f"{TOKEN}-{CLIENT_SECRET}")
        self.end_headers()
        self.wfile.write(content)

    def _flow(self, mode, echo):
        error = {"errorCode": "OtherTechnicalError", "errorMessage": echo, "debug": echo}
        details = [
            {
                "level": "Error",
                "item": echo,
                "reasonCode": "OtherTechnicalError",
                "reasonMessage": echo,
            }
        ]
        flow = {"flowId": f"flow-{self.server.calls}", "debug": echo}
        if self.path.endswith("/search"):
            return 200, {"results": [], "debug": echo}
        if self.command == "GET":
            status = "Ok" if mode == "ok" else "Error"
            return 200, {**flow, "acknowledgement": {"status": status, "details": details}}
        status = {"refused": 422, "wrong": 400, "unauthorized": 401, "broken": 500}.get(mode)
        return (status, error) if status else (202, flow)


@contextmanager
def echo_provider():
    """Run the provider; its ``mode`` says how it answers."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Echo)
    server.mode, server.calls, server.daemon_threads = "ok", 0, True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Lines(logging.Handler):
    """Keeps every line as a file would show it."""

    def __init__(self):
        super().__init__(logging.DEBUG)
        self.lines = []
        self.setFormatter(logging.Formatter("%(name)s %(levelname)s %(message)s"))

    def emit(self, record):
        self.lines.append(self.format(record))


@tagged("post_install", "-at_install")
class TestCanary(SandboxCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.provider = cls.enterClassContext(echo_provider())
        url = f"http://127.0.0.1:{cls.provider.server_port}"
        cls.connection.sudo().state = "paused"
        cls.connection = cls.env["finance.connection"].create(
            {
                "name": "Echo",
                "company_id": cls.company.id,
                "provider": "afnor",
                "environment": "sandbox",
                "base_url": f"{url}/flow-service",
                "afnor_token_url": f"{url}/token",
                "afnor_client_id": "client",
                "afnor_client_secret": CLIENT_SECRET,
                "webhook_secret": WEBHOOK_SECRET,
            }
        )
        cls.company.finance_einvoice_connection_id = cls.connection
        cls.buyer.name = PUBLIC
        for partner in cls.buyer | cls.company.partner_id:
            cls.env["res.partner.bank"].create({"partner_id": partner.id, "acc_number": IBAN})
        cls.env.user.group_ids |= cls.env.ref("finance_audit.group_auditor")
        cls.env.user.group_ids |= cls.env.ref("base.group_allow_export")

    # -- what is searched --------------------------------------------------------------------------

    @contextmanager
    def log(self):
        """Collect the log as ``--log-level=debug`` writes it."""
        handler, root = _Lines(), logging.getLogger()
        levels = {"": logging.DEBUG, "odoo": logging.DEBUG, "odoo.sql_db": logging.INFO}
        before = {name: logging.getLogger(name).level for name in levels}
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
        root.addHandler(handler)
        try:
            yield handler.lines
        finally:
            root.removeHandler(handler)
            for name, level in before.items():
                logging.getLogger(name).setLevel(level)

    def assert_clean(self, text, markers, where):
        for marker in markers:
            forms = {marker, base64.b64encode(marker.encode()).decode(), marker.encode().hex()}
            for form in forms:
                with self.subTest(where=where, marker=marker):
                    at = text.find(form)
                    self.assertEqual(at, -1, text[max(at - 200, 0) : at + 60])

    def stored(self, marker):
        """Return the tables that hold a marker, also in hexadecimal or base64 form."""
        self.env.flush_all()
        self.cr.execute(
            """
            SELECT format('%I.%I', n.nspname, c.relname)
              FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE c.relkind IN ('r', 'p') AND n.nspname NOT LIKE 'pg\\_%'
               AND n.nspname <> 'information_schema'
            """
        )
        found = []
        for (table,) in self.cr.fetchall():
            rows = f"SELECT t::text FROM {table} t"
            with suppress(Exception), self.cr.savepoint(flush=False):
                if "finance_" in table:
                    self.cr.execute(rows)  # pylint: disable=sql-injection
                    text = "\n".join(row for (row,) in self.cr.fetchall())
                    if any(marker in shown for shown in self._readings(text)):
                        found.append(table)
                    continue
                self.cr.execute(  # pylint: disable=sql-injection
                    f"{rows} WHERE position(%s IN t::text) > 0 LIMIT 1", (marker,)
                )
                if self.cr.fetchone():
                    found.append(table)
        return found

    @staticmethod
    def _readings(text):
        """A text, and what its hexadecimal parts say, those in base64 included."""
        yield text
        for part in text.split("\\x")[1:]:
            digits = part[
                : next((i for i, c in enumerate(part) if c not in "0123456789abcdef"), None)
            ]
            with suppress(ValueError):
                content = bytes.fromhex(digits)
                yield content.decode(errors="replace")
                yield base64.b64decode(content).decode(errors="replace")

    # -- journeys ----------------------------------------------------------------------------------

    def connect(self):
        """Test with refused credentials, then with good ones, and activate."""
        self.provider.mode = "token refused"
        self.connection.action_test()
        self.assertEqual(self.connection.last_test_result, "failed")
        self.provider.mode = "ok"
        self.connection.action_test()
        self.connection.action_activate()

    def deliver_in_every_way(self):
        """One invoice per kind of answer."""
        states = {}
        for mode in (
            "ok",
            "late refusal",
            "refused",
            "wrong",
            "broken",
            "unauthorized",
            "no answer",
        ):
            self.provider.mode = mode
            move = self.submit()
            self.deliver(move, rounds=3)
            self.provider.mode = "ok"
            states[mode] = self.exchanges(move).state
        return states

    def fail_in_the_adapter(self):
        """Raise what holds everything, where code of an adapter may raise."""
        error = ValueError(
            f"{' '.join(SECRETS)} {' '.join(IDENTIFIERS)} client_secret={CLIENT_SECRET}"
        )
        for name in ("interpret", "build", "build_probe"):
            with patch.object(FlowService, name, side_effect=error):
                move = self.submit()
                self.dispatch()
                with suppress(Exception):
                    self.connection.action_test()
                self.assertTrue(self.exchanges(move))
            self.connection.action_test()
        adapter = self.env.registry[self.connection._adapter()._name]
        self.connection.sudo().name = "Echo again"
        with patch.object(adapter, "_protocol", side_effect=error):
            self.dispatch()
            self.connection.action_test()
        self.connection.sudo().name = "Echo"

    def receive_webhooks(self):
        """A wrong bearer, a right one, and an adapter that fails on it."""
        events = self.env["finance.webhook.event"]
        body = json.dumps({"flowInfo": {"flowId": "flow-x", "flowDirection": "Out"}}).encode()
        for bearer in (f"{WEBHOOK_SECRET}x", TOKEN, CLIENT_SECRET):
            with suppress(WebhookRefused):
                events._receive(self.connection, {"authorization": f"Bearer {bearer}"}, body)
        headers = {"authorization": f"Bearer {WEBHOOK_SECRET}", "x-copy": WEBHOOK_SECRET}
        self.assertTrue(events._receive(self.connection, headers, body))
        error = ValueError(" ".join(SECRETS))
        for name in ("verify_webhook", "read_webhook"):
            with patch.object(FlowService, name, side_effect=error), suppress(WebhookRefused):
                events._receive(self.connection, headers, body + b" ")
        self.dispatch()

    def fail_in_the_database(self):
        """A statement that PostgreSQL refuses, with identifiers among its values."""
        with suppress(Exception), self.cr.savepoint():
            self.cr.execute(
                "INSERT INTO finance_exchange_attempt (exchange_id, token) VALUES (NULL, %s)",
                (f"{IBAN} {IDENTIFIERS[1]} client_secret={CLIENT_SECRET}",),
            )

    def show(self, move):
        """Return what exports, packages, templates and server actions show."""
        shown = {}
        for model in (
            "finance.connection",
            "finance.exchange",
            "finance.exchange.attempt",
            "finance.case",
            "finance.webhook.event",
            "finance.audit.entry",
            "finance.resource",
            "finance.credential",
        ):
            records = self.env[model].sudo().search([])
            if model == "finance.audit.entry":
                # Tests of sealing commit entries of logs that no company has.
                records = records.filtered(lambda entry: entry.company_id.exists())
            names = [
                n
                for n, f in records._fields.items()
                if f.type not in ("one2many", "many2many") and n not in ("id", "ciphertext")
            ]
            readable = [n for n in names if records._has_field_access(records._fields[n], "read")]
            shown[f"export of {model}"] = str(records.export_data(readable)["datas"])
            shown[f"reading of {model}"] = str(records.read(readable))
        package = io.BytesIO()
        export = self.env["finance.audit.export"].create({"with_erasable": True})
        export._write(package)
        with zipfile.ZipFile(package) as files:
            for name in files.namelist():
                shown[f"package {name}"] = files.read(name).decode(errors="replace")
        template = (
            '<div><t t-out="object.audit_timeline"/><t t-out="object.einvoice_reasons"/>'
            "<t t-out=\"object.env['finance.connection'].search([]).read()\"/>"
            "<t t-out=\"object.env['finance.exchange.attempt'].search([]).read()\"/></div>"
        )
        rendered = self.env["mail.render.mixin"]._render_template(
            template, "account.move", move.ids, engine="qweb"
        )
        shown["template"] = str(rendered)
        action = self.env["ir.actions.server"].create(
            {
                "name": "Look",
                "model_id": self.env["ir.model"]._get_id("account.move"),
                "state": "code",
                "code": "log(str(env['finance.connection'].search([]).read()))\n"
                "raise UserError(str(env['finance.exchange.attempt'].search([]).read()))",
            }
        )
        with self.assertRaises(Exception) as caught:
            action.run()
        shown["server action"] = str(caught.exception)
        return shown

    def test_canary_secrets_are_nowhere_and_identifiers_in_no_log(self):
        with self.log() as lines:
            self.connect()
            states = self.deliver_in_every_way()
            self.fail_in_the_adapter()
            self.receive_webhooks()
            self.fail_in_the_database()
            move = self.submit()
            shown = self.show(move)
            self.env["finance.stall"]._review()
        log = "\n".join(lines)
        self.assertGreater(len(set(states.values())), 2, states)
        self.assertGreater(len(lines), 50)
        self.assert_clean(log, (*SECRETS, *IDENTIFIERS), "log")
        for where, text in shown.items():
            self.assert_clean(text, SECRETS, where)
        self.assertIn("res_partner", " ".join(self.stored(PUBLIC)))
        for secret in SECRETS:
            with self.subTest(secret=secret):
                self.assertFalse(self.stored(secret))
        bodies = self.env["finance.exchange.attempt"].search([]).mapped("response_text")
        self.assertTrue(any("***" in (body or "") for body in bodies))
