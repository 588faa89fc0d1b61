"""T6: a full reversal is exact, with the original's tax date; anything else asks again."""

from odoo import Command
from odoo.tests import tagged

from .common import TaxCase
from .fake_engine import FakeEngine


@tagged("post_install", "-at_install")
class TestT6Reversal(TaxCase):
    def _posted(self, lines, **values):
        move = self._invoice(lines, **values)
        move.action_post()
        return move

    def _new_rate(self, since):
        day_before = {"2026-06-01": "2026-05-31"}[since]
        FakeEngine.rates["PAPER"] = [(day_before, "20"), ("9999", "25")]

    def test_t6_a_full_reversal_is_exact_after_the_rules_changed(self):
        self.company.tax_calculation_rounding_method = "round_globally"
        move = self._posted([(self.paper, 1, 0.13)] * 3 + [(self.novel, 3, 9.99)])
        FakeEngine.rates["PAPER"] = [("9999", "33")]
        note = self._reverse(move, date="2026-07-01")
        self.assertEqual(self._taxes(note), self._taxes(move))
        determination = note.finance_tax_determination_id
        self.assertEqual(determination.engine, "reversal")
        self.assertEqual(str(determination.tax_date), "2026-05-04")
        self.assertIn(move.name, determination.explanation)
        note.action_post()
        self.assertEqual(note.state, "posted")

    def test_t6_the_button_that_cancels_reverses_exactly(self):
        move = self._posted([(self.paper,), (self.novel,)])
        note = move._reverse_moves(cancel=True)
        self.assertEqual(note.state, "posted")
        self.assertEqual(note.amount_tax, move.amount_tax)
        self.assertEqual(move.payment_state, "reversed")

    def test_t6_a_reversal_at_another_exchange_rate(self):
        rates = self.env["res.currency.rate"]
        for day, rate in (("2026-01-01", 1.25), ("2026-06-15", 1.6)):
            rates.create(
                {
                    "currency_id": self.dollar.id,
                    "company_id": self.company.id,
                    "name": day,
                    "rate": rate,
                }
            )
        move = self._posted([(self.paper, 1, 99.99)], currency_id=self.dollar.id)
        note = self._reverse(move, date="2026-07-01")
        self.assertEqual(self._taxes(note), self._taxes(move))
        self.assertEqual(note.finance_tax_state, "determined")

    def test_t6_a_partial_refund_asks_again_for_the_date_of_the_supply(self):
        move = self._posted([(self.paper, 3, 10.0)])
        self._new_rate("2026-06-01")
        note = self._reverse(move, date="2026-07-01")
        note.write(
            {"invoice_line_ids": [Command.update(note.invoice_line_ids.id, {"quantity": 1})]}
        )
        self.assertEqual(note.amount_tax, 2.0)
        self.assertEqual(note.finance_tax_determination_id.engine, "fake")
        note.action_post()

    def test_t6_a_copy_asks_again_with_the_rules_of_its_own_date(self):
        move = self._posted([(self.paper,)])
        self._new_rate("2026-06-01")
        copy = move.copy({"invoice_date": "2026-06-02"})
        self.assertEqual(copy.amount_tax, 25.0)

    def test_t6_reverse_and_create_again_asks_for_the_new_invoice_only(self):
        move = self._posted([(self.paper,)])
        self._new_rate("2026-06-01")
        wizard = self.env["account.move.reversal"].create(
            {
                "move_ids": [Command.set(move.ids)],
                "journal_id": move.journal_id.id,
                "date": "2026-07-01",
            }
        )
        new = self.env["account.move"].browse(wizard.modify_moves()["res_id"])
        note = move.reversal_move_ids
        self.assertEqual((note.amount_tax, note.state), (20.0, "posted"))
        self.assertEqual(new.finance_tax_determination_id.engine, "fake")

    def test_t6_a_document_no_engine_saw_is_reversed_by_odoo(self):
        self.company.finance_tax_engine = "none"
        move = self._posted([(self.novel,)])
        self.company.finance_tax_engine = "fake"
        note = self._reverse(move)
        self.assertEqual(note.invoice_line_ids.tax_ids, self.native)
        note.action_post()
        self.assertEqual((note.amount_tax, note.finance_tax_state), (20.0, "none"))
