"""One route per document (E13) beside a sender that is known by its field only."""

from odoo.addons.finance_einvoice.models.finance_einvoice_route import OtherRoute
from odoo.tests import tagged

from .fake_case import FakeCase


@tagged("post_install", "-at_install")
class TestSenders(FakeCase):
    def test_e13_the_other_sender_is_refused_while_the_route_is_ours(self):
        for move in (self.draft(), self.posted()):
            for value in ("sent", "accepted", "added later"):
                with (
                    self.subTest(state=move.state, value=value),
                    self.assertRaises(OtherRoute) as caught,
                    self.env.cr.savepoint(),
                ):
                    move.write({"l10n_pl_edi_status": value})
                self.assertIn("KSeF (Poland)", str(caught.exception))
            self.assertFalse(move.l10n_pl_edi_status)

    def test_e13_a_document_of_the_other_sender_is_not_submitted(self):
        self.company.finance_einvoice_regime = False
        move = self.draft()
        move.l10n_pl_edi_status = "sent"
        self.company.finance_einvoice_regime = "fake"
        move.action_post()
        self.assertEqual((move.state, move.einvoice_ids.ids), ("posted", []))
        finding = move._finance_route_finding()
        self.assertEqual((finding.code, finding.args), ("route.left", {"sender": "KSeF (Poland)"}))
        self.assertIn("KSeF (Poland)", move.einvoice_route_note)
        missing = self.env["account.move"]._finance_missing_evidence()["evidence.einvoice"]
        self.assertNotIn(move, missing)
        move.l10n_pl_edi_status = "rejected"
        missing = self.env["account.move"]._finance_missing_evidence()["evidence.einvoice"]
        self.assertIn(move, missing)

    def test_e13_an_electronic_format_of_the_send_dialog_is_refused(self):
        move = self.posted()
        send = self.env["account.move.send"]
        for data in ({"extra_edis": {"pl_ksef"}}, {"sending_methods": ["ksef"]}):
            with self.subTest(**data), self.assertRaises(OtherRoute):
                send._call_web_service_after_invoice_pdf_render({move: data})
