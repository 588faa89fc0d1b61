"""Posting: errors name document and screen, batches go on, results are written by the suite only."""

from odoo.addons.finance_connector_base.exceptions import ReservedField
from odoo.addons.finance_connector_base.models.finance_posting import Batch
from odoo.exceptions import AccessError, RedirectWarning, UserError
from odoo.tests import new_test_user, tagged

from .common import TaxCase
from .fake_engine import FakeEngine


@tagged("post_install", "-at_install")
class TestPosting(TaxCase):
    def _undeterminable(self):
        """A draft of a company that blocks, whose payment term an engine cannot be used with."""
        term = self.env["account.payment.term"].create(
            {
                "name": "2/7 net 30",
                "early_discount": True,
                "discount_percentage": 2,
                "discount_days": 7,
                "early_pay_discount_computation": "mixed",
            }
        )
        return self._invoice([(self.paper,)], invoice_payment_term_id=term.id)

    def test_the_error_names_customer_and_amount_and_opens_the_payment_term(self):
        move = self._undeterminable()
        with self.assertRaises(RedirectWarning) as raised:
            move.action_post()
        message, action = raised.exception.args[:2]
        self.assertIn(self.customer.name, message)
        self.assertIn("119.60", message)
        self.assertEqual(action["res_model"], "account.payment.term")
        self.assertEqual(action["res_id"], move.invoice_payment_term_id.id)

    def test_posting_by_schedule_gets_an_error_odoo_catches(self):
        move = self._undeterminable()
        (finding,) = move.finance_tax_findings
        self.assertEqual(finding["code"], "FT008.early_discount")
        with self.assertRaises(UserError) as raised:
            move._post(soft=True)
        self.assertIn(move.finance_tax_message, raised.exception.args[0])

    def test_findings_of_a_batch_are_listed_by_document_without_an_error(self):
        good, bad = self._invoice([(self.paper,)]), self._undeterminable()
        findings = self.env["finance.posting"]._findings_before_post(good + bad)
        self.assertEqual(findings.keys(), {bad})
        (finding,) = findings[bad]
        self.assertEqual(finding.code, "FT008.early_discount")
        self.assertEqual(
            (finding.model, finding.record_id),
            ("account.payment.term", bad.invoice_payment_term_id.id),
        )

    def test_a_batch_that_can_refuse_gets_each_document_and_goes_on(self):
        class RefusingBatch(Batch):
            refused = ()

            def refuse(self, move, finding, action=None, button=""):
                self.refused = (*self.refused, (move, finding.code, action["res_id"]))

        good, bad = self._invoice([(self.paper,)]), self._undeterminable()
        batch = RefusingBatch(good + bad, soft=False)
        self.env["finance.posting"]._determine_tax(batch)
        self.assertEqual(
            batch.refused, ((bad, "FT008.early_discount", bad.invoice_payment_term_id.id),)
        )
        self.assertEqual(good.finance_tax_state, "determined")

    def test_t14_posting_what_stands_asks_nothing_and_writes_no_determination(self):
        moves = self._invoice([(self.paper,)]) + self._invoice([(self.novel,)])
        FakeEngine.calls = 0
        moves.action_post()
        self.assertEqual(FakeEngine.calls, 0)
        self.assertEqual(moves.mapped("finance_tax_determination_count"), [1, 1])

    def test_tax_lines_are_made_once(self):
        made = []
        lines = type(self.env["account.move.line"])
        create = lines.create

        def counted(records, vals_list):
            made.extend(vals for vals in vals_list if vals.get("display_type") == "tax")
            return create(records, vals_list)

        self.patch(lines, "create", counted)
        move = self._invoice([(self.paper,)])
        self.assertEqual(len(made), len(move.line_ids.filtered("tax_line_id")))

    def test_results_of_a_determination_cannot_be_written(self):
        move = self._invoice([(self.paper,)])
        for name, value in (
            ("finance_tax_state", "none"),
            ("finance_tax_determination_id", False),
            ("finance_tax_findings", []),
            ("finance_tax_remediation", "resolved"),
        ):
            with self.assertRaises(ReservedField):
                move.write({name: value})
        # A new document may be given the values it has anyway: Odoo passes on inherited defaults.
        for name, value in (
            ("finance_tax_state", "determined"),
            ("finance_tax_determination_id", 1),
            ("finance_tax_findings", [{"code": "FT001"}]),
            ("finance_tax_remediation", "resolved"),
        ):
            with self.assertRaises(ReservedField):
                self._invoice([(self.paper,)], **{name: value})
        chosen = move.with_context(default_finance_tax_state="determined")
        with self.assertRaises(ReservedField):
            chosen.create({"move_type": "out_invoice", "partner_id": self.customer.id})

    def test_portal_users_cannot_read_tax_results(self):
        move = self._invoice([(self.paper,)])
        move.action_post()
        portal = new_test_user(self.env, "customer", groups="base.group_portal")
        portal.partner_id = self.customer
        move.message_subscribe(self.customer.ids)
        mine = move.with_user(portal)
        mine.read(["amount_total"])
        for name in ("finance_tax_state", "finance_tax_determination_id", "finance_tax_message"):
            with self.assertRaises(AccessError):
                mine.read([name])

    def test_reasons_are_stored_as_codes_and_arguments(self):
        move = self._undeterminable()
        (stored,) = move.finance_tax_findings
        self.assertEqual(stored["code"], "FT008.early_discount")
        self.assertEqual(stored["args"], {"term": "2/7 net 30"})
        self.assertIn("2/7 net 30", move.finance_tax_message)

    def test_every_code_has_a_text_for_its_arguments(self):
        messages = self.env["finance.finding"]._messages()
        for code, (sentence, _hint) in messages.items():
            if code.startswith("FT"):
                self.assertTrue(sentence, code)
        self.assertLessEqual({f"FT00{number}.text" for number in range(10)}, set(messages))
