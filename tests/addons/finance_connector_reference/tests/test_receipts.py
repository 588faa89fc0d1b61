"""Receipts: fetched after acceptance, kept once, and never a change of what was decided."""

import base64
import hashlib

from odoo.addons.finance_audit.exceptions import EvidenceIsAppendOnly
from odoo.addons.finance_audit.tests.common import unguarded
from odoo.addons.finance_connector_base.core.delivery import states
from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged

from .engine_case import EngineCase


@tagged("post_install", "-at_install")
class TestReceipts(EngineCase):
    def artefacts(self, document):
        return self.env["finance.exchange.artefact"].search(
            [("exchange_id", "=", document.exchange_id.id)]
        )

    def due(self, document):
        self.connection.action_reset_breaker()
        self.make_due(document.exchange_id, throttles=True)
        self.dispatch()

    def test_a_receipt_is_kept_once_and_the_document_is_notified(self):
        document = self.document("certified")
        self.dispatch()
        self.assertEqual(document.exchange_id.state, states.ACCEPTED)
        before = document.notifications
        for _round in range(3):
            self.due(document)
        artefact = self.artefacts(document)
        self.assertEqual(len(artefact), 1)
        self.assertEqual(artefact.media_type, "application/jose")
        content = base64.b64decode(artefact.with_context(bin_size=False).content)
        self.assertEqual(hashlib.sha256(content).hexdigest(), artefact.sha256)
        self.assertEqual(content.count(b"."), 2)
        self.assertGreater(document.notifications, before)
        self.assertFalse(document.exchange_id.next_step_at)
        self.assertEqual(self.calls("getReceipt"), 1)

    def test_a_receipt_that_is_not_ready_is_fetched_later_and_changes_no_state(self):
        self.control.settings("reference", receipt_delay=600)
        document = self.document("certified")
        self.dispatch()
        self.due(document)
        exchange = document.exchange_id
        self.assertEqual(exchange.state, states.ACCEPTED)
        self.assertTrue(exchange.next_step_at)
        self.assertFalse(self.artefacts(document))
        self.control.advance(601)
        self.due(document)
        self.assertEqual(len(self.artefacts(document)), 1)

    def test_whatever_the_receipt_step_meets_accepted_stays_accepted(self):
        faults = (
            ("status", {"status": 500}),
            ("status", {"status": 403}),
            ("status", {"status": 404}),
            ("drop_after", {}),
            ("malformed_body", {}),
            ("wrong_content_type", {}),
        )
        document = self.document("certified")
        self.fault("status", "getReceipt", status=503)
        self.dispatch()
        for kind, values in faults:
            with self.subTest(kind, **values):
                self.control.clear_faults()
                self.fault(kind, "getReceipt", **values)
                self.due(document)
                self.assertEqual(document.exchange_id.state, states.ACCEPTED)
                self.assertFalse(self.artefacts(document))
        self.control.clear_faults()
        self.due(document)
        self.assertEqual(len(self.artefacts(document)), 1)

    def test_a_receipt_that_is_overdue_opens_a_case_which_the_receipt_closes(self):
        self.control.settings("reference", receipt_delay=7200)
        document = self.document("certified")
        self.dispatch()
        self.env["finance.stall"]._review()
        self.assertFalse(self.case_of(document))
        # What is accepted is evidence: only the database itself can age it.
        unguarded(self.env, "finance_exchange")
        self.env.cr.execute(
            "UPDATE finance_exchange SET state_since = state_since - interval '2 hours' WHERE id = %s",
            (document.exchange_id.id,),
        )
        self.env.invalidate_all()
        self.env["finance.stall"]._review()
        case = self.case_of(document)
        self.assertEqual(case.kind, "no_receipt")
        self.control.advance(7300)
        self.due(document)
        self.assertEqual(len(self.artefacts(document)), 1)
        self.env["finance.stall"]._review()
        self.assertEqual(case.state, "resolved")

    def test_an_artefact_is_evidence_and_read_by_its_readers_only(self):
        document = self.document("certified")
        self.dispatch()
        self.due(document)
        artefact = self.artefacts(document)
        self.assertRaises(EvidenceIsAppendOnly, artefact.sudo().write, {"name": "other"})
        self.assertRaises(EvidenceIsAppendOnly, artefact.sudo().unlink)
        user = new_test_user(self.env, "without_role", "base.group_user")
        with self.assertRaises(AccessError):
            artefact.with_user(user).read(["content"])
