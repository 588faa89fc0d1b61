"""One invoice all the way: posted, submitted once, accepted or rejected, corrected; and what may then be done to it."""

from odoo.addons.finance_einvoice.core.lifecycle import ForbiddenTransition
from odoo.addons.finance_einvoice.exceptions import (
    EinvoiceBlocked,
    EinvoiceDelivered,
    EinvoiceKept,
    EinvoicePending,
)
from odoo.exceptions import UserError
from odoo.tests import tagged

from .sandbox_case import SandboxCase

REASON = {
    "level": "Error",
    "item": "BT-13",
    "reasonCode": "InvalidSchema",
    "reasonMessage": "Purchase order missing.",
}


@tagged("post_install", "-at_install")
class TestSubmission(SandboxCase):
    def test_e1_one_einvoice_follows_the_invoice_until_it_is_filed(self):
        move = self.submit()
        self.assertEqual((move.state, move.einvoice_state), ("posted", "submitted"))
        self.deliver(move)
        self.assertEqual(move.einvoice_state, "filed")
        self.assertEqual(len(move.einvoice_ids), 1)
        self.assertEqual(move.einvoice_reference, self.held()[move.name]["reference"])

    def test_e4_a_platform_files_and_does_not_accept(self):
        move = self.submit()
        self.deliver(move)
        self.assertEqual(self.exchanges(move).state, "accepted")
        self.assertTrue(move.einvoice_id.filed_at)
        self.assertFalse(move.einvoice_id.accepted_at)

    def test_e16_a_version_keeps_the_sheets_it_was_checked_with(self):
        sheets = self.submit().einvoice_id.version_ids.sheets
        self.assertEqual(
            [sheet["rule_set"] for sheet in sheets],
            ["ubl-2.1-xsd", "ubl-2.1-xsd", "en16931-ubl", "br-fr-flux2-ubl"],
        )
        self.assertTrue(all(sheet["version"] and len(sheet["sha256"]) == 64 for sheet in sheets))

    def test_the_strip_shows_what_is_true_at_the_moment(self):
        self.control.verdict("late", provider="afnor", looks=3)
        move = self.submit()
        einvoice = move.einvoice_id
        codes = [einvoice._current_status().code]
        self.connection.action_pause()
        codes.append(einvoice._current_status().code)
        self.connection.action_activate()
        self.dispatch()
        codes.append(einvoice._current_status().code)
        self.deliver(move)
        codes.append(einvoice._current_status().code)
        self.assertEqual(
            codes,
            ["einvoice.queued", "einvoice.paused", "einvoice.checking", "einvoice.filed"],
        )

    def test_e3_the_stored_bytes_are_what_the_platform_received(self):
        move = self.submit()
        self.deliver(move)
        exchange, version = self.exchanges(move), move.einvoice_id.version_ids
        received = self.control.oracle_bytes("afnor", exchange.reference)
        self.assertEqual(received, exchange._payload_bytes())
        self.assertEqual(version.sha256, exchange.payload_sha256)
        self.assertEqual(self.env["finance.exchange"]._decode(version.content), received)

    def test_e4_x12_posting_makes_no_call(self):
        self.control.clear_requests()
        self.submit()
        self.assertEqual(self.control.counts("afnor"), {})

    def test_e8_many_invoices_posted_at_once_are_all_in_the_outbox(self):
        moves = self.env["account.move"].concat(*(self.make_invoice() for _n in range(20)))
        moves.action_post()
        self.assertEqual(len(self.exchanges(*moves)), 20)
        self.assertEqual(set(self.exchanges(*moves).mapped("state")), {"pending"})

    def test_a_platform_that_is_down_blocks_no_posting_and_gets_everything_later(self):
        self.control.down()
        moves = self.env["account.move"].concat(*(self.make_invoice() for _n in range(20)))
        moves.action_post()
        self.dispatch()
        self.assertEqual(set(moves.mapped("einvoice_state")), {"submitted"})
        self.assertEqual(self.control.oracle("afnor"), [])
        self.control.up()
        self.make_due(self.exchanges(*moves))
        self.deliver(*moves)
        self.assertEqual(set(moves.mapped("einvoice_state")), {"filed"})
        self.assertEqual(self.control.summary("afnor")["received"], 20)

    def test_e5_a_rejection_is_read_corrected_and_resubmitted(self):
        self.control.verdict("reject", provider="afnor", reasons=[REASON], times=1)
        move = self.submit()
        self.deliver(move)
        self.assertEqual(move.einvoice_state, "rejected")
        (reason,) = move.einvoice_id.reasons
        self.assertEqual((reason["code"], reason["severity"]), ("InvalidSchema", "error"))
        self.assertEqual(reason["args"]["text"], "Purchase order missing.")
        self.assertIn("Purchase order missing.", move.einvoice_reasons)
        (listed,) = self.env["finance.finding"]._listed([reason])
        self.assertTrue(listed["sentence"] and listed["hint"])
        self.assertEqual(len(move.activity_ids), 1)

        move.button_draft()
        self.assertEqual(move.einvoice_state, "remediation")
        self.assertEqual(move.einvoice_id.reasons, [reason])
        move.invoice_line_ids[0].name = "Corrected"
        move.action_post()
        self.deliver(move)

        self.assertEqual(move.einvoice_state, "filed")
        self.assertFalse(move.activity_ids)
        versions = move.einvoice_id.version_ids.sorted("number")
        self.assertEqual(versions.mapped("outcome"), ["rejected", "filed"])
        self.assertNotEqual(*versions.mapped("sha256"))
        self.assertEqual(versions[0].exchange_id.state, "superseded")
        self.assertEqual(versions[1].exchange_id.supersedes_id, versions[0].exchange_id)

    def test_e6_a_filed_invoice_is_only_credited(self):
        move = self.submit()
        self.deliver(move)
        for name, act in {
            "draft": move.button_draft,
            "draft by sudo": lambda: move.sudo().button_draft(),
            "draft by write": lambda: move.sudo().write({"state": "draft"}),
            "cancel": lambda: move.sudo().button_cancel(),
            "cancel by write": lambda: move.sudo().write({"state": "cancel"}),
            "delete": lambda: move.sudo().unlink(),
            "forced delete": lambda: move.sudo().with_context(force_delete=True).unlink(),
        }.items():
            with (
                self.subTest(act=name),
                self.assertRaises(EinvoiceDelivered),
                self.env.cr.savepoint(),
            ):
                act()
        self.assertEqual(move.state, "posted")
        self.assertFalse(move.show_reset_to_draft_button)
        credit = move._reverse_moves([{"invoice_date": move.invoice_date}])
        credit.action_post()
        self.deliver(credit)
        self.assertEqual(credit.einvoice_state, "filed")

    def test_e6_what_may_be_at_the_platform_waits_for_the_answer(self):
        self.control.default_verdict("never")
        move = self.submit()
        self.dispatch()
        self.assertEqual(self.exchanges(move).state, "waiting")
        with self.assertRaises(EinvoicePending):
            move.button_draft()

    def test_e6_what_was_never_sent_is_free(self):
        move = self.submit()
        move.button_draft()
        self.assertEqual(move.einvoice_state, "draft")
        self.assertEqual(self.exchanges(move).state, "cancelled")
        self.dispatch()
        self.assertEqual(self.control.oracle("afnor"), [])
        move.action_post()
        self.deliver(move)
        self.assertEqual(move.einvoice_state, "filed")

    def test_e6_a_draft_that_was_never_posted_can_be_deleted(self):
        move = self.make_invoice()
        move.unlink()
        self.assertFalse(move.exists())

    def test_e6_an_invoice_that_was_submitted_before_is_cancelled_not_deleted(self):
        self.control.default_verdict("reject")
        move = self.submit()
        self.deliver(move)
        move.button_draft()
        with self.assertRaises(EinvoiceKept):
            move.unlink()
        move.button_cancel()
        self.assertEqual(move.einvoice_state, "cancelled")

    def test_r30_an_operator_gives_up_what_could_not_be_delivered(self):
        self.control.fault("status", provider="afnor", operation="createFlow", status=400, times=1)
        move = self.submit()
        self.dispatch()
        self.assertEqual(move.einvoice_state, "failed")
        self.exchanges(move).action_cancel()
        self.dispatch()
        self.assertEqual(move.einvoice_state, "draft")
        move.button_draft()
        move.action_post()
        self.deliver(move)
        self.assertEqual(move.einvoice_state, "filed")

    def test_r30_an_operator_tries_again_what_could_not_be_delivered(self):
        self.control.fault("status", provider="afnor", operation="createFlow", status=400, times=1)
        move = self.submit()
        self.dispatch()
        self.exchanges(move).action_retry()
        self.deliver(move)
        self.assertEqual(move.einvoice_state, "filed")

    def test_e2_a_missing_siren_is_named_and_opened(self):
        self.buyer.write({"company_registry": False, "vat": False})
        move = self.make_invoice()
        with self.assertRaises(EinvoiceBlocked) as caught, self.env.cr.savepoint():
            move.action_post()
        action = caught.exception.args[1]
        self.assertEqual((action["res_model"], action["res_id"]), ("res.partner", self.buyer.id))
        self.assertEqual(move.state, "draft")
        self.assertFalse(self.exchanges(move))

    def test_e2_a_company_may_choose_to_be_warned_only(self):
        self.company.finance_einvoice_validation = "warn"
        self.buyer.write({"company_registry": False, "vat": False})
        move = self.submit()
        self.assertEqual(move.state, "posted")
        self.assertEqual(move.einvoice_state, "submitted")
        codes = [finding["code"] for finding in move.einvoice_id.findings]
        self.assertTrue(codes)
        for code in codes:
            self.assertIn(code, move.einvoice_findings)
        self.deliver(move)
        self.assertEqual([item["code"] for item in move.einvoice_id.findings], codes)

    def test_without_a_connection_nothing_is_posted(self):
        self.company.finance_einvoice_connection_id = False
        with self.assertRaises(EinvoiceBlocked):
            self.submit()

    def test_a_private_customer_is_not_submitted(self):
        move = self.submit(partner=self.consumer)
        self.assertFalse(move.einvoice_state)
        self.assertFalse(self.exchanges(move))

    def test_the_life_cycle_table_is_obeyed(self):
        move = self.submit()
        with self.assertRaises(ForbiddenTransition):
            move.einvoice_id._transition("remediation", "einvoice.remediation")

    def test_an_event_of_a_superseded_exchange_changes_nothing(self):
        self.control.verdict("reject", provider="afnor", reasons=[REASON], times=1)
        move = self.submit()
        self.deliver(move)
        first = self.exchanges(move)
        move.button_draft()
        move.action_post()
        move.einvoice_id._exchange_changed(first)
        self.assertEqual(move.einvoice_state, "submitted")

    def test_versions_and_rendered_einvoices_are_kept(self):
        move = self.submit()
        einvoice = move.einvoice_id.sudo()
        with self.assertRaises(UserError):
            einvoice.version_ids.unlink()
        with self.assertRaises(UserError):
            einvoice.version_ids.write({"content": b"eA=="})
        with self.assertRaises(UserError):
            einvoice.unlink()

    def test_r59_the_timeline_is_in_order(self):
        move = self.submit()
        self.deliver(move)
        actions = self.actions(move)
        expected = [
            "einvoice.validated",
            "exchange.queued",
            "einvoice.submitted",
            "exchange.sending",
            "exchange.waiting",
            "exchange.accepted",
            "einvoice.filed",
        ]
        self.assertEqual([action for action in actions if action in expected], expected)
        self.assertIn(move.einvoice_reference, str(move.audit_timeline))
