"""One route per document beside Odoo's own Peppol sender (E13); runs in a database that has it, without a network."""

from unittest.mock import patch

from odoo.addons.finance_einvoice.models.finance_einvoice_route import OtherRoute
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import tagged

from .guard_case import GuardCase


@tagged("post_install", "-at_install")
class TestPeppol(GuardCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if "peppol_move_state" not in cls.env["account.move"]._fields:
            cls.skipTest(cls, "Odoo's Peppol sender is not installed in this database")
        cls.env["ir.config_parameter"].sudo().set_param("account_peppol.edi.mode", "test")
        cls.company.account_peppol_proxy_state = "receiver"
        key = cls.env["certificate.key"]._generate_rsa_private_key(cls.company)
        users = cls.env["account_edi_proxy_client.user"]
        cls.proxy = users.create(
            {
                "id_client": "client",
                "company_id": cls.company.id,
                "proxy_type": "peppol",
                "edi_mode": "test",
                "edi_identification": "0009:12345678900000",
                "private_key_id": key.id,
                "refresh_token": "token",
            }
        )
        cls.buyer.write(
            {
                "peppol_eas": "0225",
                "peppol_endpoint": cls.buyer.finance_siren,
                "invoice_edi_format": "ubl_bis3",
                "email": "buyer@roux.example",
            }
        )
        cls.on_peppol(cls.buyer)

    @classmethod
    def on_peppol(cls, partner):
        """The directory has answered that the partner receives by Peppol."""
        partner.with_company(cls.company).peppol_verification_state = "valid"

    def setUp(self):
        super().setUp()
        self.calls = []
        pdf = b"%PDF-1.4 test"

        def call(user, endpoint, params=None):
            self.calls.append(endpoint)
            return {"messages": [{"message_uuid": "uuid"} for _item in params["documents"]]}

        def split(_report, _name, _content, _kind):
            moves = self.env["account.move"].search([])
            return dict.fromkeys(moves.ids, pdf)

        report = type(self.env["ir.actions.report"])
        self.patch(type(self.proxy), "_call_peppol_proxy", call)
        self.patch(
            type(self.buyer),
            "button_account_peppol_check_partner_endpoint",
            lambda *_a, **_k: False,
        )
        self.patch(report, "_pre_render_qweb_pdf", lambda *_a, **_k: (pdf, "pdf"))
        self.patch(report, "_get_splitted_report", split)
        self.patch(type(self.env["ir.cron"]), "_commit_progress", lambda *_a, **_k: 1.0)
        self.send = self.env["account.move.send"]

    def foreign(self):
        """A posted invoice that is not ours: its company had no regime."""
        return self.post(self.make_invoice())

    def wizard(self, move, **values):
        return (
            self.env["account.move.send.wizard"]
            .with_context(active_model="account.move", active_ids=move.ids)
            .create({"move_id": move.id, **values})
        )

    def web_service_data(self, move):
        return {
            move: {
                "sending_methods": ["peppol"],
                "invoice_edi_format": "ubl_bis3",
                "ubl_cii_xml_attachment_values": {"raw": b"<x/>", "name": "x.xml"},
            }
        }

    def test_a_document_without_a_route_of_ours_leaves_by_peppol(self):
        move = self.foreign()
        self.assertIn("peppol", self.wizard(move).sending_methods)
        self.send._call_web_service_after_invoice_pdf_render(self.web_service_data(move))
        self.assertEqual(len(self.calls), 1)
        self.assertEqual(move.peppol_move_state, "processing")

    def test_peppol_is_not_ticked_and_the_dialog_says_why(self):
        wizard = self.wizard(self.posted())
        self.assertNotIn("peppol", wizard.sending_methods)
        self.assertTrue(wizard.sending_method_checkboxes["peppol"]["readonly"])
        self.assertIn("finance_einvoice_route", wizard.alerts)
        self.assertNotIn("finance_einvoice_route", self.wizard(self.foreign()).alerts or {})

    def test_single_sending_by_peppol_is_refused(self):
        move = self.posted()
        wizard = self.wizard(move)
        wizard.sending_methods = ["peppol"]
        with self.assertRaises(UserError), self.env.cr.savepoint():
            wizard.action_send_and_print()
        self.assertEqual(self.calls, [])

    def test_batch_and_scheduled_sending_leave_peppol_out(self):
        moves = self.posted() | self.posted(state="accepted")
        wizard = self.env["account.move.send.batch.wizard"].create(
            {"move_ids": [Command.set(moves.ids)]}
        )
        self.assertNotIn("peppol", wizard.summary_data)
        wizard.action_send_and_print()
        self.assertTrue(all(moves.mapped("sending_data")))
        self.env["account.move"]._cron_account_move_send()
        self.assertEqual(self.calls, [])
        self.assertFalse(any(moves.mapped("sending_data")))

    def test_a_batch_with_both_sends_the_other_one_only(self):
        ours, other = self.posted(), self.foreign()
        (ours | other).sending_data = {
            "author_user_id": self.env.uid,
            "author_partner_id": self.env.user.partner_id.id,
            "sending_methods": ["peppol"],
        }
        self.env["account.move"]._cron_account_move_send()
        self.assertNotIn(ours.peppol_move_state, ("to_send", "processing", "done"))
        self.assertEqual(other.peppol_move_state, "processing")
        self.assertEqual(len(self.calls), 1)

    def test_direct_calls_are_refused(self):
        move = self.posted()
        data = self.web_service_data(move)
        ways = {
            "generate": lambda: self.send._generate_and_send_invoices(
                move, sending_methods=["peppol"]
            ),
            "before": lambda: self.send._call_web_service_before_invoice_pdf_render(data),
            "after": lambda: self.send._call_web_service_after_invoice_pdf_render(data),
            "pre-send": lambda: self.send._do_peppol_pre_send(move),
            "state by rpc": lambda: self.rpc(move, "write", {"peppol_move_state": "to_send"}),
            "state by sudo": lambda: move.sudo().write({"peppol_move_state": "processing"}),
        }
        for name, act in ways.items():
            with self.subTest(way=name), self.assertRaises(OtherRoute), self.env.cr.savepoint():
                act()
        self.assertEqual(self.calls, [])

    def test_a_draft_of_the_regime_is_not_queued_either(self):
        with self.assertRaises(OtherRoute):
            self.make_invoice().write({"peppol_move_state": "to_send"})

    def test_what_left_by_peppol_is_not_submitted_and_says_so(self):
        move = self.foreign()
        self.send._call_web_service_after_invoice_pdf_render(self.web_service_data(move))
        move.button_draft()
        move.action_post()
        self.assertEqual((move.state, move.einvoice_ids.ids), ("posted", []))
        finding = move._finance_route_finding()
        self.assertEqual((finding.code, finding.args), ("route.left", {"sender": "Peppol"}))
        entries = self.env["finance.audit.entry"].search_count(
            [("action", "=", "einvoice.other_route"), ("document_id", "=", move.id)]
        )
        self.assertEqual(entries, 1)
        self.env["finance.posting.watch"]._cron_watch()
        self.assertFalse(move.activity_ids)

    def test_after_an_error_of_peppol_our_route_is_open(self):
        move = self.foreign()
        move.peppol_move_state = "error"
        move.button_draft()
        move.action_post()
        self.assertEqual(move.einvoice_state, "submitted")

    def test_formats_with_a_web_service_on_the_journal_are_refused_before_posting(self):
        edi = self.env["account.edi.format"]
        with (
            patch.object(type(edi), "_needs_web_services", lambda _self: True),
            patch.object(type(edi), "_get_move_applicability", lambda _self, _move: {"post": None}),
        ):
            move = self.make_invoice()
            move.journal_id.edi_format_ids = edi.create({"name": "Other network", "code": "other"})
            with self.assertRaises(Exception) as caught, self.env.cr.savepoint():
                move.action_post()
        self.assertIn("Other network", str(caught.exception.args[0]))
        self.assertEqual(move.state, "draft")
