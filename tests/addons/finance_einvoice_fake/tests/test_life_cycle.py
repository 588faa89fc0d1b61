"""E1 to E8 with a regime of no country: the neutral addon needs no country, no XML and no network."""

import base64
import hashlib

from odoo.addons.finance_audit.tests.common import unguarded
from odoo.addons.finance_connector_base.models.finance_posting import suite_write
from odoo.addons.finance_einvoice.core import lifecycle
from odoo.addons.finance_einvoice.exceptions import (
    EinvoiceBlocked,
    EinvoiceDelivered,
    EinvoiceKept,
    EinvoicePending,
)
from odoo.exceptions import UserError
from odoo.tests import tagged

from .fake_case import FakeCase

REASON = {"code": "F-7", "message": "Wrong order number.", "item": "ref", "level": "error"}


@tagged("post_install", "-at_install")
class TestLifeCycle(FakeCase):
    def test_e1_one_e_invoice_from_the_draft_to_its_cancellation(self):
        move = self.posted()
        einvoice = move.einvoice_id
        self.assertEqual(move.einvoice_state, "submitted")
        self.reject(move, [REASON])
        self.assertEqual(move.einvoice_state, "rejected")
        move.button_draft()
        self.assertEqual(move.einvoice_state, "remediation")
        move.ref = "PO-2"
        move.action_post()
        self.assertEqual(move.einvoice_state, "submitted")
        self.reject(move)
        move.button_draft()
        move.button_cancel()
        self.assertEqual(move.einvoice_state, "cancelled")
        self.assertEqual(move.einvoice_ids, einvoice)
        versions = einvoice.version_ids.sorted("number")
        self.assertEqual(versions.mapped("outcome"), ["rejected", "rejected"])
        self.assertEqual(versions[0].exchange_id.state, "superseded")
        self.assertEqual(versions[1].exchange_id.supersedes_id, versions[0].exchange_id)
        submitted = ["einvoice.validated", "einvoice.submitted", "einvoice.rejected"]
        remediation = "einvoice.remediation"
        self.assertEqual(
            self.actions(move),
            [*submitted, remediation, *submitted, remediation, "einvoice.cancelled"],
        )

    def test_e2_local_checks_run_before_a_number_is_used(self):
        self.partner_a.street = False
        move = self.draft()
        with self.assertRaises(EinvoiceBlocked) as caught, self.env.cr.savepoint():
            move.action_post()
        action = caught.exception.args[1]
        self.assertEqual(
            (action["res_model"], action["res_id"]), ("res.partner", self.partner_a.id)
        )
        self.assertEqual((move.state, move.einvoice_state), ("draft", False))

    def test_e2_a_broken_rule_blocks_and_leads_to_the_document(self):
        move = self.draft(ref=False)
        with self.assertRaises(EinvoiceBlocked) as caught, self.env.cr.savepoint():
            move.action_post()
        action = caught.exception.args[1]
        self.assertEqual((action["res_model"], action["res_id"]), ("account.move", move.id))

    def test_e2_a_company_that_is_warned_sees_all_findings_on_the_invoice(self):
        self.company.finance_einvoice_validation = "warn"
        self.partner_a.street = False
        move = self.posted(ref=False)
        codes = [finding["code"] for finding in move.einvoice_id.findings]
        self.assertEqual(codes, ["FAKE-2", "FAKE-1"])
        for text in ("FAKE-1", "FAKE-2", "No reference.", "No street."):
            self.assertIn(text, move.einvoice_findings)
        self.assertEqual(move.einvoice_id.version_ids.findings, move.einvoice_id.findings)
        self.file(move)
        self.assertEqual([item["code"] for item in move.einvoice_id.findings], codes)

    def test_e2_nothing_is_taken_for_checked_that_no_engine_checks(self):
        with self.assertRaises(LookupError):
            self.env["finance.einvoice.rules"]._check(b"", ["unknown-rules"])

    def test_without_a_connection_nothing_is_posted_whatever_the_policy(self):
        self.company.finance_einvoice_connection_id = False
        for policy in ("block", "warn"):
            self.company.finance_einvoice_validation = policy
            with self.subTest(policy=policy), self.assertRaises(EinvoiceBlocked):
                self.posted()

    def test_e3_the_stored_bytes_are_what_is_sent(self):
        move = self.posted()
        version = move.einvoice_id.version_ids
        content = base64.b64decode(version.content)
        self.assertEqual(content, self.env["finance.einvoice.regime.fake"]._render(move)[1])
        self.assertEqual(version.exchange_id.sudo()._payload_bytes(), content)
        self.assertEqual(version.sha256, hashlib.sha256(content).hexdigest())
        self.assertEqual(version.sha256, version.exchange_id.payload_sha256)

    def test_e3_a_version_is_evidence(self):
        version = self.posted().einvoice_id.version_ids.sudo()
        for name in ("content", "sha256", "rule_sets", "sheets", "findings", "number"):
            with self.subTest(field=name), self.assertRaises(UserError):
                version.write({name: False})
        with self.assertRaises(UserError):
            version.unlink()
        with self.assertRaises(UserError):
            version.copy()

    def test_e16_a_version_keeps_the_sheets_it_was_checked_with(self):
        (sheet,) = self.posted().einvoice_id.version_ids.sheets
        self.assertEqual((sheet["rule_set"], sheet["version"]), ("fake-rules", "1"))
        self.assertEqual(len(sheet["sha256"]), 64)

    def test_e4_the_provider_s_reference_is_shown(self):
        move = self.posted()
        self.file(move, "R-77")
        self.assertEqual((move.einvoice_state, move.einvoice_reference), ("filed", "R-77"))
        self.assertTrue(move.einvoice_id.filed_at)
        self.assertFalse(move.einvoice_id.accepted_at)

    def test_an_authority_accepts(self):
        regime = self.env.registry["finance.einvoice.regime.fake"]
        self.patch(regime, "_on_acceptance", lifecycle.ACCEPTED)
        move = self.posted()
        self.file(move)
        self.assertEqual(move.einvoice_state, "accepted")
        self.assertTrue(move.einvoice_id.accepted_at)

    def test_e5_a_reason_is_kept_as_code_and_arguments(self):
        move = self.posted()
        einvoice = self.reject(move, [REASON])
        (reason,) = einvoice.reasons
        self.assertEqual((reason["code"], reason["severity"]), ("F-7", "error"))
        self.assertEqual(reason["args"], {"text": "Wrong order number.", "source": "fake"})
        self.assertEqual(einvoice.version_ids.reasons, einvoice.reasons)
        self.assertEqual(len(move.activity_ids), 1)

    def test_e6_what_is_filed_or_accepted_is_only_credited(self):
        for state in sorted(lifecycle.HELD):
            move = self.posted()
            self.env.flush_all()
            # A state of its own for each, whatever came before.
            unguarded(self.env, "finance_einvoice")
            suite_write(move.einvoice_id.sudo(), {"state": state})
            for act in (move.button_draft, move.button_cancel, move.unlink):
                with (
                    self.subTest(state=state, act=act.__name__),
                    self.assertRaises(EinvoiceDelivered),
                    self.env.cr.savepoint(),
                ):
                    act()
            self.assertEqual(move.state, "posted")
            self.assertFalse(move.show_reset_to_draft_button)

    def test_e6_what_may_be_held_waits(self):
        move = self.posted()
        self.answer(move, "sending", "waiting", maybe_sent=True)
        with self.assertRaises(EinvoicePending):
            move.button_draft()

    def test_e6_what_was_never_sent_is_free(self):
        move = self.posted()
        exchange = move.einvoice_id.exchange_id
        move.button_draft()
        self.assertEqual((move.einvoice_state, exchange.state), ("draft", "cancelled"))
        with self.assertRaises(EinvoiceKept), self.env.cr.savepoint():
            move.unlink()
        move.button_cancel()
        self.assertEqual(move.einvoice_state, "cancelled")

    def test_e6_cancelling_closes_cases_and_activities(self):
        move = self.posted()
        self.answer(move, "sending", "failed", case="contract", maybe_sent=False)
        exchange = move.einvoice_id.exchange_id
        cases = self.env["finance.case"].sudo().search([("exchange_id", "=", exchange.id)])
        self.assertEqual(cases.mapped("state"), ["open"])
        self.assertEqual(move.einvoice_state, "failed")
        move.button_draft()
        move.button_cancel()
        cases.invalidate_recordset()
        self.assertEqual(cases.mapped("state"), ["resolved"])
        self.assertFalse(move.activity_ids)

    def test_e8_many_documents_are_one_batch(self):
        moves = self.env["account.move"].concat(*(self.draft() for _number in range(10)))
        moves.action_post()
        exchanges = moves.einvoice_id.exchange_id
        self.assertEqual(len(exchanges), 10)
        self.assertEqual(set(exchanges.mapped("state")), {"pending"})

    def test_e11_a_filed_document_may_be_rejected_later_and_a_repeated_answer_changes_nothing(self):
        move = self.posted()
        einvoice = self.file(move)
        einvoice._exchange_changed(einvoice.exchange_id)
        self.assertEqual(self.actions(move).count("einvoice.filed"), 1)
        einvoice._transition(lifecycle.REJECTED, "einvoice.rejected")
        einvoice._exchange_changed(einvoice.exchange_id)
        self.assertEqual(move.einvoice_state, "rejected")
        move.button_draft()
        self.assertEqual(move.einvoice_state, "remediation")

    def test_an_event_of_a_superseded_exchange_changes_nothing(self):
        move = self.posted()
        first = move.einvoice_id.exchange_id
        self.reject(move)
        move.button_draft()
        move.action_post()
        move.einvoice_id.sudo()._exchange_changed(first)
        self.assertEqual(move.einvoice_state, "submitted")

    def test_the_life_cycle_table_is_obeyed(self):
        einvoice = self.posted().einvoice_id.sudo()
        with self.assertRaises(lifecycle.ForbiddenTransition):
            einvoice._transition(lifecycle.REMEDIATION, "einvoice.remediation")

    def test_a_late_notification_of_a_withdrawal_leaves_a_cancelled_document_cancelled(self):
        move = self.posted()
        exchange = move.einvoice_id.exchange_id
        move.button_draft()
        move.button_cancel()
        self.assertEqual((exchange.state, move.einvoice_state), ("cancelled", "cancelled"))
        move.einvoice_id.sudo()._exchange_changed(exchange)
        self.assertEqual(move.einvoice_state, "cancelled")
