"""T3: determinations are immutable, versioned and fingerprinted; a stale one is not posted."""

import json

from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged

from .common import TaxCase


@tagged("post_install", "-at_install")
class TestT3Determination(TaxCase):
    def test_t3_a_determination_cannot_be_changed_or_deleted(self):
        determination = self._invoice([(self.paper,)]).finance_tax_determination_id
        for record in (determination, determination.sudo()):
            with self.assertRaises(UserError):
                record.write({"total_tax": 0})
            with self.assertRaises(UserError):
                record.unlink()

    def test_t3_a_draft_can_be_deleted_and_its_determination_stays(self):
        move = self._invoice([(self.paper,)])
        determination = move.finance_tax_determination_id
        move.unlink()
        determination.invalidate_recordset()
        self.assertTrue(determination.exists())
        self.assertFalse(determination.move_id)

    def test_t3_the_question_and_the_answer_are_kept_as_they_were(self):
        move = self._invoice([(self.paper, 2, 7.5)])
        determination = move.finance_tax_determination_id
        document, answer = determination._document(), determination._answer()
        self.assertEqual(document.lines[0].net_amount, 15)
        self.assertEqual(answer.fingerprint, determination.fingerprint)
        self.assertIn("20", determination.summary)
        self.assertIn("rate of PAPER", determination.details_html)

    def test_t3_saving_without_a_change_determines_nothing(self):
        move = self._invoice([(self.paper,)])
        move.write({"invoice_date": move.invoice_date, "ref": "A note"})
        self.assertEqual(move.finance_tax_determination_count, 1)

    def test_t3_a_stale_determination_is_replaced_before_posting(self):
        move = self._invoice([(self.paper,)])
        first = move.finance_tax_determination_id
        self.customer.write({"country_id": self.env.ref("base.de").id, "vat": "DE136695976"})
        move.action_post()
        self.assertEqual(move.amount_tax, 0.0)
        self.assertNotEqual(move.finance_tax_determination_id, first)
        self.assertEqual(move.finance_tax_determination_id.version, 2)
        self.assertFalse(first.applied)

    def test_t3_a_line_changed_behind_the_document_is_noticed_at_posting(self):
        move = self._invoice([(self.paper,)])
        move.invoice_line_ids.write({"price_unit": 200.0})
        move.action_post()
        self.assertEqual((move.amount_tax, move.finance_tax_determination_count), (40.0, 2))

    def test_t3_a_copy_asks_again(self):
        move = self._invoice([(self.paper,)])
        copy = move.copy()
        self.assertNotEqual(copy.finance_tax_determination_id, move.finance_tax_determination_id)
        self.assertEqual(copy.finance_tax_determination_id.move_id, copy)

    def test_t3_evidence_names_the_document(self):
        move = self._invoice([(self.paper,)])
        entry = self.env["finance.audit.entry"].search(
            [("action", "=", "tax.determined"), ("document_id", "=", move.id)]
        )
        self.assertEqual(len(entry), 1)
        status = json.loads(entry.canonical_text)["statement"]
        determination = move.finance_tax_determination_id
        self.assertEqual(status["code"], "tax.determined")
        self.assertEqual(status["args"]["determination"], str(determination.id))

    def test_a_determination_is_seen_only_in_its_company(self):
        determination = self._invoice([(self.paper,)]).finance_tax_determination_id
        other = self._company("Elsewhere", "DE")
        outsider = new_test_user(
            self.env,
            "outsider",
            groups="account.group_account_invoice",
            company_id=other.id,
            company_ids=[(6, 0, other.ids)],
        )
        mine = determination.with_user(outsider).with_context(allowed_company_ids=other.ids)
        self.assertFalse(mine.search([("id", "=", determination.id)]))
        with self.assertRaises(AccessError):
            mine.read(["total_tax"])

    def test_a_user_who_may_only_write_invoices_gets_them_determined(self):
        move = self._invoice([(self.paper,)])
        clerk = new_test_user(
            self.env,
            "clerk",
            groups="account.group_account_invoice",
            company_id=self.company.id,
            company_ids=[(6, 0, self.company.ids)],
        )
        mine = move.with_user(clerk)
        mine.write({"invoice_line_ids": [(1, move.invoice_line_ids.id, {"quantity": 2})]})
        mine.action_post()
        self.assertEqual(move.amount_tax, 40.0)
