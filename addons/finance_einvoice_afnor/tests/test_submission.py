"""One invoice all the way: posted, submitted once, accepted or rejected, corrected; and what may then be done to it."""

from odoo.addons.finance_einvoice.core.lifecycle import ForbiddenTransition
from odoo.addons.finance_einvoice.models.finance_einvoice_submission import EinvoiceBlocked
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
    def test_e1_one_einvoice_follows_the_invoice_to_acceptance(self):
        move = self.submit()
        self.assertEqual((move.state, move.einvoice_state), ("posted", "submitted"))
        self.deliver(move)
        self.assertEqual(move.einvoice_state, "accepted")
        self.assertEqual(len(move.einvoice_ids), 1)
        self.assertEqual(move.einvoice_reference, self.held()[move.name]["reference"])

    def test_e3_the_stored_bytes_are_what_the_platform_received(self):
        move = self.submit()
        self.deliver(move)
        exchange, version = self.exchanges(move), move.einvoice_id.version_ids
        received = self.control.oracle_bytes("afnor", exchange.reference)
        self.assertEqual(received, exchange._payload_bytes())
        self.assertEqual(version.sha256, exchange.payload_sha256)
        self.assertEqual(self.env["finance.exchange"]._decode(version.content), received)

    def test_e4_x12_posting_calls_nobody(self):
        self.control.clear_requests()
        self.submit()
        self.assertEqual(self.control.counts("afnor"), {})

    def test_e8_many_invoices_posted_at_once_are_all_in_the_outbox(self):
        moves = self.env["account.move"].concat(*(self.make_invoice() for _n in range(20)))
        moves.action_post()
        self.assertEqual(len(self.exchanges(*moves)), 20)
        self.assertEqual(set(self.exchanges(*moves).mapped("state")), {"pending"})

    def test_a_platform_that_is_down_stops_nobody_and_gets_everything_later(self):
        self.control.down()
        moves = self.env["account.move"].concat(*(self.make_invoice() for _n in range(20)))
        moves.action_post()
        self.dispatch()
        self.assertEqual(set(moves.mapped("einvoice_state")), {"submitted"})
        self.assertEqual(self.control.oracle("afnor"), [])
        self.control.up()
        self.make_due(self.exchanges(*moves))
        self.deliver(*moves)
        self.assertEqual(set(moves.mapped("einvoice_state")), {"accepted"})
        self.assertEqual(self.control.summary("afnor")["received"], 20)

    def test_e5_a_rejection_is_read_corrected_and_resubmitted(self):
        self.control.verdict("reject", provider="afnor", reasons=[REASON], times=1)
        move = self.submit()
        self.deliver(move)
        self.assertEqual(move.einvoice_state, "rejected")
        for text in ("InvalidSchema", "Purchase order missing.", "then submit again"):
            self.assertIn(text, move.einvoice_reasons)
        self.assertIn("E-invoice: Rejected", move.activity_ids.mapped("summary"))

        move.button_draft()
        self.assertEqual(move.einvoice_state, "remediation")
        self.assertIn("Purchase order missing.", move.einvoice_reasons)
        move.invoice_line_ids[0].name = "Corrected"
        move.action_post()
        self.deliver(move)

        self.assertEqual(move.einvoice_state, "accepted")
        self.assertFalse(move.activity_ids)
        versions = move.einvoice_id.version_ids.sorted("number")
        self.assertEqual(versions.mapped("outcome"), ["rejected", "accepted"])
        self.assertNotEqual(*versions.mapped("sha256"))
        self.assertEqual(versions[0].exchange_id.state, "superseded")
        self.assertEqual(versions[1].exchange_id.supersedes_id, versions[0].exchange_id)

    def test_e6_an_accepted_invoice_is_only_credited(self):
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
                self.assertRaisesRegex(UserError, "credit note"),
                self.env.cr.savepoint(),
            ):
                act()
        self.assertEqual(move.state, "posted")
        self.assertFalse(move.show_reset_to_draft_button)
        credit = move._reverse_moves([{"invoice_date": move.invoice_date}])
        credit.action_post()
        self.deliver(credit)
        self.assertEqual(credit.einvoice_state, "accepted")

    def test_e6_what_may_be_at_the_platform_waits_for_the_answer(self):
        self.control.default_verdict("never")
        move = self.submit()
        self.dispatch()
        self.assertEqual(self.exchanges(move).state, "waiting")
        with self.assertRaisesRegex(UserError, "not answered yet"):
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
        self.assertEqual(move.einvoice_state, "accepted")

    def test_e6_a_draft_that_was_never_posted_can_be_deleted(self):
        move = self.make_invoice()
        move.unlink()
        self.assertFalse(move.exists())

    def test_e6_an_invoice_that_was_submitted_before_is_cancelled_not_deleted(self):
        self.control.default_verdict("reject")
        move = self.submit()
        self.deliver(move)
        move.button_draft()
        with self.assertRaisesRegex(UserError, "Cancel it instead"):
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
        self.assertEqual(move.einvoice_state, "accepted")

    def test_r30_an_operator_tries_again_what_could_not_be_delivered(self):
        self.control.fault("status", provider="afnor", operation="createFlow", status=400, times=1)
        move = self.submit()
        self.dispatch()
        self.exchanges(move).action_retry()
        self.deliver(move)
        self.assertEqual(move.einvoice_state, "accepted")

    def test_e2_a_missing_siren_is_named_and_opened(self):
        self.buyer.write({"company_registry": False, "vat": False})
        move = self.make_invoice()
        with self.assertRaisesRegex(EinvoiceBlocked, "SIREN") as caught, self.env.cr.savepoint():
            move.action_post()
        action = caught.exception.args[1]
        self.assertEqual((action["res_model"], action["res_id"]), ("res.partner", self.buyer.id))
        self.assertEqual(move.state, "draft")
        self.assertFalse(self.exchanges(move))

    def test_e2_a_company_may_choose_to_be_warned_only(self):
        self.company.finance_einvoice_validation = "warn"
        self.buyer.company_registry = False
        move = self.submit()
        self.assertEqual(move.state, "posted")
        self.assertEqual(move.einvoice_state, "submitted")

    def test_without_a_connection_nothing_is_posted(self):
        self.company.finance_einvoice_connection_id = False
        with self.assertRaisesRegex(EinvoiceBlocked, "No connection"):
            self.submit()

    def test_a_private_customer_is_not_submitted(self):
        move = self.submit(partner=self.consumer)
        self.assertFalse(move.einvoice_state)
        self.assertFalse(self.exchanges(move))

    def test_the_life_cycle_table_is_obeyed(self):
        move = self.submit()
        with self.assertRaises(ForbiddenTransition):
            move.einvoice_id._transition("remediation", "by magic")

    def test_news_of_a_superseded_exchange_changes_nothing(self):
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

    def test_r59_the_timeline_tells_the_story_in_order(self):
        move = self.submit()
        self.deliver(move)
        story = self.story(move)
        told = [
            "einvoice.validated",
            "exchange.queued",
            "einvoice.submitted",
            "exchange.sending",
            "exchange.waiting",
            "exchange.accepted",
            "einvoice.accepted",
        ]
        self.assertEqual([action for action in story if action in told], told)
        self.assertIn(move.einvoice_reference, str(move.audit_timeline))
