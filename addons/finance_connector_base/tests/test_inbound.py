"""Inbound documents as evidence, on the screens of each role, and as they come by webhook."""

import base64
import hashlib
import json
from datetime import timedelta
from unittest.mock import patch

import psycopg2
from odoo import fields
from odoo.addons.finance_audit.exceptions import EvidenceIsAppendOnly
from odoo.addons.finance_audit.tests.common import unguarded
from odoo.exceptions import AccessError, UserError
from odoo.tests import HttpCase, new_test_user, tagged
from odoo.tools import mute_logger

from ..core import cases
from ..core.conversation import Item
from ..core.inbound import Handler
from .common import ConnectorCase

CANARY = "canary-of-a-document-0123456789"


class InboundCase(ConnectorCase):
    def keep(self, *names, connection=None, kind="invoice", content=b"<x/>"):
        items = [Item(name, kind, content, "application/xml") for name in names]
        kept = self.env["finance.inbound"]._keep(
            connection or self.connection, items, feed_name="documents"
        )
        self.env.flush_all()
        return kept

    def handle(self, inbound, attempt=1):
        inbound._handle(inbound.id, attempt)
        self.env.flush_all()

    def with_handler(self, provider="", kind="invoice", handle=lambda _inbound: None):
        handlers = {(provider, kind): Handler("test", handle)}
        model = self.env.registry["finance.inbound"]
        self.enterContext(patch.object(model, "_inbound_handlers", lambda _self: handlers))

    def refused(self, statement, *parameters):
        with (
            mute_logger("odoo.sql_db"),
            self.assertRaisesRegex(psycopg2.errors.InsufficientPrivilege, "append-only"),
            self.env.cr.savepoint(flush=False),
        ):
            self.env.cr.execute(statement, parameters)


@tagged("post_install", "-at_install")
class TestInboundEvidence(InboundCase):
    def test_p5_what_was_received_is_evidence_in_the_database(self):
        kept = self.keep("A")
        for column in ("content", "sha256", "provider_id", "kind", "size", "received_at"):
            with self.subTest(column=column):
                self.refused(f"UPDATE finance_inbound SET {column} = NULL WHERE id = %s", kept.id)
        self.refused("DELETE FROM finance_inbound WHERE id = %s", kept.id)
        self.refused("UPDATE finance_inbound SET state = 'received' WHERE id = %s", kept.id)
        with self.assertRaises(EvidenceIsAppendOnly):
            kept.write({"content": b"eA=="})
        with self.assertRaises(EvidenceIsAppendOnly):
            kept.unlink()

    def test_p5_a_processed_document_is_not_processed_again(self):
        kept, runs = self.keep("A"), []
        self.with_handler(handle=lambda inbound: runs.append(inbound.id))
        for _repetition in range(3):
            self.handle(kept)
        self.assertEqual((kept.state, runs), ("processed", [kept.id]))
        self.refused("UPDATE finance_inbound SET state = 'stored' WHERE id = %s", kept.id)
        with self.assertRaises(UserError):
            kept.action_process_again()

    def test_the_handler_of_the_provider_comes_before_the_one_of_the_kind(self):
        runs = []
        handlers = {
            ("", "invoice"): Handler("kind", lambda _inbound: runs.append("kind")),
            (self.connection.provider, "invoice"): Handler(
                "provider", lambda _inbound: runs.append("provider")
            ),
        }
        model = self.env.registry["finance.inbound"]
        with patch.object(model, "_inbound_handlers", lambda _self: handlers):
            self.handle(self.keep("A"))
        self.assertEqual(runs, ["provider"])

    def test_the_same_id_belongs_to_each_connection(self):
        other = self.connection.copy({"name": "Other"})
        self.assertEqual(len(self.keep("A") + self.keep("A", connection=other)), 2)
        self.assertFalse(self.keep("A"))

    def compare(self):
        comparison = self.env["finance.evidence.comparison"]
        for subject in comparison._subjects():
            if subject.model == "finance.inbound":
                comparison._compare(subject, 0)

    def test_f14_the_nightly_comparison_includes_them(self):
        kept, damaged = self.keep("A", "B").sorted("provider_id")
        self.compare()
        about = [("kind", "=", cases.TAMPERED), ("document_model", "=", "finance.inbound")]
        self.assertFalse(self.env["finance.case"].search(about))
        unguarded(self.env, "finance_inbound")
        self.env.cr.execute(
            "UPDATE finance_inbound SET content = 'eA==' WHERE id = %s", [damaged.id]
        )
        self.env.cr.execute(
            "UPDATE finance_inbound SET state = 'processed' WHERE id = %s", [kept.id]
        )
        self.env.invalidate_all()
        self.compare()
        found = self.env["finance.case"].search(about)
        self.assertEqual(
            {case.document_id: case.finding["code"] for case in found},
            {kept.id: "evidence.state_differs", damaged.id: "evidence.content_differs"},
        )

    def test_f19_old_content_is_removed_and_its_proof_stays(self):
        self.with_handler()
        old, waiting, new = self.keep("A", "B", "C").sorted("provider_id")
        self.handle(old)
        self.handle(new)
        with patch.object(
            fields.Datetime, "now", return_value=fields.Datetime.now() + timedelta(days=800)
        ):
            self.company.finance_legal_hold = True
            self.company.finance_retention_years = 2
            self.assertEqual(self.env["finance.retention"]._purge(self.company), 0)
            self.company.finance_legal_hold = False
            self.assertEqual(self.env["finance.retention"]._purge(self.company), 2)
        self.assertFalse(old.content or new.content)
        self.assertTrue(waiting.content)
        self.assertTrue(old.sha256 and old.size and old.purged_at)
        self.refused("UPDATE finance_inbound SET content = NULL WHERE id = %s", waiting.id)


@tagged("post_install", "-at_install")
class TestInboundSecrets(InboundCase):
    def canary(self):
        self.connection._set_secret("api_key", CANARY)
        return {
            "plain": CANARY.encode(),
            "base64": base64.b64encode(CANARY.encode()),
            "utf-16": CANARY.encode("utf-16"),
            "entities": "".join(f"&#x{ord(char):x};" for char in CANARY).encode(),
            "binary": b"\xff\x00%PDF " + CANARY.encode() + b" \xfe",
            "large": CANARY.encode() + b" " * (2 * 1024 * 1024),
        }

    def test_canary_a_secret_in_a_document_is_not_stored_and_its_hash_is(self):
        for name, text in self.canary().items():
            with self.subTest(writing=name):
                content = b"<note>" + text + b"</note>"
                kept = self.keep(name, content=content)
                self.env.invalidate_all()
                stored = kept._content_bytes()
                self.assertNotIn(text, stored)
                self.assertNotIn(CANARY.encode(), stored)
                self.assertEqual(kept.received_sha256, hashlib.sha256(content).hexdigest())
                self.assertEqual(kept.sha256, hashlib.sha256(stored).hexdigest())
                self.assertEqual(kept.size, len(stored))
                # The same again is no other document, another one is.
                self.assertFalse(self.keep(name, content=content))
                self.assertFalse(kept.other_sha256)
                self.keep(name, content=content + b" ")
                self.assertEqual(kept.other_sha256, [hashlib.sha256(content + b" ").hexdigest()])

    def test_canary_a_secret_in_an_id_or_in_details_is_not_stored(self):
        self.canary()
        item = Item(f"id {CANARY}", "invoice", b"<x/>", "text/xml", {CANARY: [CANARY]})
        kept = self.env["finance.inbound"]._keep(self.connection, [item], feed_name="documents")
        self.env.flush_all()
        self.env.cr.execute(
            "SELECT row_to_json(i)::text FROM finance_inbound i WHERE id = %s", kept.ids
        )
        self.assertNotIn(CANARY, self.env.cr.fetchone()[0])
        self.assertFalse(kept.received_sha256)

    def test_canary_what_holds_no_secret_is_kept_byte_for_byte(self):
        self.canary()
        content = bytes(range(256)) * 16 + b"&amp;%20\\u0041"
        kept = self.keep("same", content=content)
        self.assertEqual(kept._content_bytes(), content)
        self.assertFalse(kept.received_sha256)


@tagged("post_install", "-at_install")
class TestInboundServed(InboundCase, HttpCase):
    def test_f3_no_address_shows_what_was_sent_as_a_page(self):
        page = b"<html><script>alert(1)</script><form action='//x'></form></html>"
        kept = self.keep("page", content=page)
        kept |= self.keep("drawing", content=b"<svg xmlns='http://www.w3.org/2000/svg'/>")
        user = new_test_user(
            self.env,
            "served-auditor",
            groups="base.group_user,finance_audit.group_auditor",
            company_id=self.company.id,
            company_ids=[(6, 0, self.company.ids)],
        )
        self.authenticate(user.login, user.login)
        for inbound in kept:
            for asked in ("", "text/html", "image/svg+xml", "application/xhtml+xml", "text/xml"):
                with self.subTest(document=inbound.provider_id, asked=asked):
                    response = self.url_open(
                        f"/web/content/finance.inbound/{inbound.id}/content?mimetype={asked}"
                        "&filename=a%0d%0aX-Evil:%201.html"
                    )
                    self.assertEqual(response.status_code, 200)
                    self.assertEqual(response.content, inbound._content_bytes())
                    kind = response.headers["Content-Type"].partition(";")[0]
                    self.assertIn(kind, ("application/octet-stream", "text/plain"))
                    self.assertEqual(response.headers["X-Content-Type-Options"], "nosniff")
                    self.assertNotIn("X-Evil", response.headers)

    def test_r39_who_reads_no_bytes_downloads_none(self):
        kept = self.keep("A")
        for role in ("accountant", "admin", "employee"):
            user = self.users[role]
            self.authenticate(user.login, user.login)
            with self.subTest(role=role):
                response = self.url_open(f"/web/content/finance.inbound/{kept.id}/content")
                self.assertIn(response.status_code, (403, 404))
                self.assertNotIn(b"<x/>", response.content)


@tagged("post_install", "-at_install")
class TestInboundRights(InboundCase):
    def test_r39_bytes_are_for_operators_and_auditors(self):
        kept = self.keep("A")
        for role in ("operator", "auditor"):
            self.assertTrue(kept.with_user(self.users[role]).read(["content", "parameters_text"]))
        for role in ("accountant", "admin"):
            reader = kept.with_user(self.users[role])
            self.assertEqual(reader.read(["provider_id"])[0]["provider_id"], "A")
            with self.assertRaises(AccessError):
                reader.read(["content"])
        with self.assertRaises(AccessError):
            kept.with_user(self.users["employee"]).read(["provider_id"])

    def test_r39_only_operators_of_the_company_process_again(self):
        kept = self.keep("A")
        self.handle(kept)
        for role in ("accountant", "admin", "auditor", "employee"):
            with self.subTest(role=role), self.assertRaises(AccessError):
                kept.with_user(self.users[role]).action_process_again()
        elsewhere = self.connection.copy({"name": "Elsewhere", "company_id": self.other_company.id})
        other = self.keep("B", connection=elsewhere)
        with self.assertRaises(AccessError):
            other.with_user(self.users["operator"]).action_process_again()
        kept.with_user(self.users["operator"]).action_process_again()
        self.assertEqual((kept.state, kept.attempts), ("stored", 0))

    def test_r39_no_role_sets_the_position_of_a_feed(self):
        feed = self.env["finance.feed"].create(
            {"connection_id": self.connection.id, "name": "documents"}
        )
        for role, user in self.users.items():
            with self.subTest(role=role), self.assertRaises(AccessError):
                feed.with_user(user).write({"cursor": "x"})
        action = self.env["ir.actions.server"].create(
            {
                "name": "Move",
                "model_id": self.env["ir.model"]._get_id("finance.feed"),
                "state": "code",
                "code": "record.sudo().write({'cursor': 'x'})",
            }
        )
        with self.assertRaises(AccessError):
            action.with_context(active_model="finance.feed", active_id=feed.id).run()

    def test_the_overview_counts_what_needs_an_operator(self):
        kept = self.keep("A", "B")
        self.handle(kept[0])
        card = (
            self.env["finance.overview"]
            .with_user(self.users["operator"])
            .search([("code", "=", "inbound")])
        )
        values = [figure["value"] for figure in json.loads(card.content)["figures"]]
        self.assertEqual(values, [1, 1, 0])

    def test_texts_name_no_codes(self):
        kept = self.keep("A")
        self.handle(kept)
        case = self.env["finance.case"].search([("kind", "=", cases.INBOUND_UNHANDLED)])
        self.assertIn("Invoice", case.what_happened)
        self.assertNotIn("%", case.what_happened + case.advice + kept.reason)
