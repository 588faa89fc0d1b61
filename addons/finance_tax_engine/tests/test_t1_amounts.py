"""T1: the document's totals are the engine's, in Odoo's own lines, in both currencies."""

import re

from odoo import Command
from odoo.exceptions import UserError
from odoo.tests import tagged

from ..core.errors import TotalsDiffer
from .common import TaxCase
from .fake_engine import FakeEngine


@tagged("post_install", "-at_install")
class TestT1Amounts(TaxCase):
    def test_t1_several_rates_on_one_invoice(self):
        move = self._invoice([(self.paper, 3, 19.99), (self.novel, 2, 12.5, 10), (self.paper,)])
        self.assertEqual(move.finance_tax_state, "determined")
        self.assertEqual(self._taxes(move), {"FR VAT 20%": 31.99, "FR VAT 5.5%": 1.24})
        self.assertAlmostEqual(move.amount_untaxed, 182.47, 6)
        self.assertAlmostEqual(move.amount_tax, 33.23, 6)
        move.action_post()
        self.assertEqual(move.state, "posted")
        self.assertAlmostEqual(move.tax_totals["tax_amount_currency"], 33.23, 6)
        self.assertAlmostEqual(sum(move.line_ids.mapped("balance")), 0.0)

    def test_t1_per_document_rounding_gives_the_remainder_to_the_lines(self):
        self.company.tax_calculation_rounding_method = "round_globally"
        move = self._invoice([(self.paper, 1, 0.13)] * 10)
        self.assertEqual((move.amount_untaxed, move.amount_tax), (1.3, 0.26))
        gross = sum(move.invoice_line_ids.mapped("price_total"))
        self.assertAlmostEqual(gross, 1.56)

    def test_t1_untaxed_total_is_the_sum_of_the_lines(self):
        self.company.tax_calculation_rounding_method = "round_globally"
        move = self._invoice([(self.paper, 12.12, 12.12)] * 2)
        self.assertEqual(move.amount_untaxed, 2 * 146.89)

    def test_t1_foreign_currency_has_exact_amounts_in_both(self):
        self.env["res.currency.rate"].create(
            {
                "currency_id": self.dollar.id,
                "company_id": self.company.id,
                "name": "2026-01-01",
                "rate": 1.2347,
            }
        )
        move = self._invoice(
            [(self.paper, 1, 99.99), (self.paper, 7, 0.33), (self.novel, 3, 7.77)],
            currency_id=self.dollar.id,
        )
        move.action_post()
        details = move.finance_tax_determination_id._answer().details
        self.assertAlmostEqual(move.amount_tax, 20.0 + 0.46 + 1.28, 6)
        company = float(sum(detail.tax_company for detail in details))
        self.assertAlmostEqual(move.amount_tax_signed, company, 6)
        self.assertAlmostEqual(company, 16.2 + 0.37 + 1.04, 6)
        self.assertAlmostEqual(sum(move.line_ids.mapped("balance")), 0.0)

    def test_t1_two_lines_of_one_product_keep_their_own_tax(self):
        move = self._invoice([(self.paper, 1, 10.0), (self.paper, 1, 30.0)])
        self.assertEqual(move.invoice_line_ids.mapped("price_total"), [12.0, 36.0])

    def test_t1_negative_lines_reduce_the_tax(self):
        move = self._invoice([(self.paper, 1, 100.0), (self.paper, 1, -10.0)])
        self.assertEqual(self._taxes(move), {"FR VAT 20%": 18.0})

    def test_t1_credit_note(self):
        move = self._invoice([(self.paper,), (self.novel,)], move_type="out_refund")
        move.action_post()
        self.assertEqual(self._taxes(move), {"FR VAT 20%": 20.0, "FR VAT 5.5%": 5.5})

    def test_t1_an_edited_quantity_is_determined_again(self):
        move = self._invoice([(self.paper, 3, 10.0)])
        move.write(
            {"invoice_line_ids": [Command.update(move.invoice_line_ids.id, {"quantity": 1})]}
        )
        self.assertEqual((move.amount_tax, move.finance_tax_determination_count), (2.0, 2))

    def test_t1_amounts_alone_change_the_tax_lines(self):
        """Other amounts for the same lines and taxes: Odoo 19.0 alone would not notice."""
        move = self._invoice([(self.paper, 1, 100.0)])
        line = move.invoice_line_ids
        data = line.extra_tax_data
        key = next(iter(data["manual_tax_amounts"]))
        data["manual_tax_amounts"][key] |= {"tax_amount_currency": 20.01, "tax_amount": 20.01}
        line.extra_tax_data = data
        self.assertEqual((move.amount_tax, line.price_total), (20.01, 120.01))
        self.assertEqual(move.tax_totals["tax_amount_currency"], 20.01)

    def test_t1_a_document_that_differs_is_refused(self):
        """Seen to fail if the check is removed: a line whose amounts are not the engine's."""
        move = self._invoice([(self.paper, 1, 100.0)])
        data = move.invoice_line_ids.extra_tax_data
        key = next(iter(data["manual_tax_amounts"]))
        data["manual_tax_amounts"][key] |= {"tax_amount_currency": 20.01, "tax_amount": 20.01}
        move.invoice_line_ids.extra_tax_data = data
        with self.assertRaisesRegex(
            TotalsDiffer, "FT004.gross .*subject=.PAPER. Paper, expected=120.00, found=120.01"
        ):
            self.env["finance.tax.amounts"]._check(move, move.finance_tax_determination_id)

    def test_t1_without_the_amounts_the_document_differs(self):
        """Rounding per document needs the engine's amounts: dropping them must not go unseen."""
        self.company.tax_calculation_rounding_method = "round_globally"
        move = self._invoice([(self.paper, 12.12, 12.12)] * 2)
        move.invoice_line_ids.write({"extra_tax_data": False})
        with self.assertRaises(TotalsDiffer):
            self.env["finance.tax.amounts"]._check(move, move.finance_tax_determination_id)

    def test_t1_posting_puts_back_amounts_that_were_lost(self):
        self.company.tax_calculation_rounding_method = "round_globally"
        move = self._invoice([(self.paper, 12.12, 12.12)] * 2)
        move.invoice_line_ids.write({"extra_tax_data": False})
        move.action_post()
        self.assertEqual(move.amount_untaxed, 2 * 146.89)

    def test_t1_taxes_chosen_by_hand_are_determined_again(self):
        move = self._invoice([(self.paper,)])
        line = move.invoice_line_ids
        move.write(
            {
                "invoice_line_ids": [
                    Command.update(line.id, {"tax_ids": [Command.set(self.native.ids)]})
                ]
            }
        )
        self.assertEqual(line.tax_ids.name, "FR VAT 20%")
        self.assertEqual(move.finance_tax_determination_count, 1)

    def test_t1_a_tax_amount_changed_by_hand_becomes_the_engines_again(self):
        move = self._invoice([(self.paper,)])
        tax_line = move.line_ids.filtered("tax_line_id")
        term_line = move.line_ids.filtered(lambda line: line.display_type == "payment_term")
        move.write(
            {
                "line_ids": [
                    Command.update(tax_line.id, {"amount_currency": -19.0}),
                    Command.update(term_line.id, {"amount_currency": 119.0}),
                ]
            }
        )
        move.action_post()
        self.assertEqual((move.amount_tax, move.amount_total), (20.0, 120.0))
        self.assertEqual(move.finance_tax_determination_count, 1)

    def test_t1_a_posted_document_that_differs_is_refused(self):
        """Whatever changes amounts while Odoo posts: the comparison afterwards stops it."""
        move = self._invoice([(self.paper,)])

        def spoil(moves, *_args, **_kwargs):
            moves.line_ids.filtered("tax_line_id").amount_currency = -19.0
            moves.line_ids.filtered(
                lambda line: line.display_type == "payment_term"
            ).amount_currency = 119.0

        self.patch(type(move), "_copy_recurring_entries", spoil)
        move.auto_post = "monthly"
        hint = self.env["finance.finding"]._tax_hints()["FT004"]
        with self.assertRaisesRegex(UserError, re.escape(hint)):
            move.action_post()

    def test_t1_prices_that_include_tax_are_refused(self):
        self.native.price_include_override = "tax_included"
        move = self._invoice([(self.paper,)])
        self.assertEqual(move.finance_tax_state, "failed")
        self.assertEqual(
            [item["code"] for item in move.finance_tax_findings], ["FT008.price_included"]
        )

    def test_t1_early_discount_that_cuts_the_tax_is_refused(self):
        term = self.env["account.payment.term"].create(
            {
                "name": "2/7 net 30",
                "early_discount": True,
                "discount_percentage": 2,
                "discount_days": 7,
                "early_pay_discount_computation": "mixed",
            }
        )
        move = self._invoice([(self.paper,)], invoice_payment_term_id=term.id)
        self.assertEqual(move.finance_tax_state, "failed")
        self.assertIn("2/7 net 30", move.finance_tax_message)


@tagged("post_install", "-at_install")
class TestT8Batch(TaxCase):
    def _queries(self, lines):
        self.env.flush_all()
        self.env.invalidate_all()
        start = self.env.cr.sql_log_count
        move = self._invoice([(self.paper, n % 7 + 1, n / 3) for n in range(1, lines + 1)])
        self.env.flush_all()
        return self.env.cr.sql_log_count - start, move

    def test_t8_three_hundred_lines_are_one_question(self):
        _few, _move = self._queries(10)
        few, _move = self._queries(30)
        many, move = self._queries(330)
        self.assertEqual(FakeEngine.calls, 3)
        self.assertEqual(move.finance_tax_state, "determined")
        # Odoo itself needs a few queries per line when it creates one; ours must not add more.
        self.company.finance_tax_engine = "none"
        plain_few, _move = self._queries(30)
        plain_many, _move = self._queries(330)
        self.assertLess((many - few) - (plain_many - plain_few), 30)
