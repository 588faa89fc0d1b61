"""T7: whatever is not taxed says why, on the determination, the tax and the invoice."""

from odoo.exceptions import ValidationError
from odoo.tests import tagged

from .common import EmbeddedCase


@tagged("post_install", "-at_install")
class TestT7Reasons(EmbeddedCase):
    def _only(self, move):
        (detail,) = move.finance_tax_determination_id._answer().details
        return detail, move.invoice_line_ids.tax_ids

    def test_t7_intra_community_goods(self):
        move = self._invoice([(self.paper,)], self.german)
        detail, tax = self._only(move)
        self.assertEqual((detail.category, detail.reason_code), ("K", "VATEX-EU-IC"))
        self.assertIn("Article 138", tax.invoice_legal_notes)
        self.assertEqual(move.amount_tax, 0.0)
        move.action_post()

    def test_t7_reverse_charge_of_services(self):
        detail, tax = self._only(self._invoice([(self.advice,)], self.german))
        self.assertEqual((detail.category, detail.reason_code), ("AE", "VATEX-EU-AE"))
        self.assertIn("196", tax.invoice_legal_notes)

    def test_t7_export(self):
        detail, _tax = self._only(self._invoice([(self.paper,)], self.american))
        self.assertEqual((detail.category, detail.reason_code), ("G", "VATEX-EU-G"))

    def test_t7_without_a_plausible_number_domestic_tax_says_why(self):
        self.german.vat = False
        move = self._invoice([(self.paper,)], self.german)
        self.assertEqual(move.amount_tax, 20.0)
        self.assertIn("no VAT number", move.finance_tax_determination_id.explanation)

    def test_t7_exempt_goods_of_a_category(self):
        care = self._product("Care", "medical", type="service")
        detail, _tax = self._only(self._invoice([(care,)]))
        self.assertEqual((detail.category, detail.reason_code), ("E", "VATEX-EU-132-1C"))

    def test_t7_a_rule_without_tax_must_say_why(self):
        with self.assertRaises(ValidationError):
            self.env["finance.tax.rule"].create(
                {
                    "name": "Silent",
                    "jurisdiction_id": self.env.ref("finance_tax_embedded.jurisdiction_fr").id,
                    "treatment": "exempt",
                }
            )

    def test_consumers_abroad_with_and_without_the_one_stop_shop(self):
        self.assertEqual(self._invoice([(self.paper,)], self.consumer).amount_tax, 20.0)
        self._register("oss", "fr")
        move = self._invoice([(self.paper,)], self.consumer)
        self.assertEqual(self._taxes(move), {"DE VAT 19%": 19.0})
        self.assertEqual(move.line_ids.filtered("tax_line_id").account_id, self.accounts["tax"])
        move.action_post()

    def test_a_product_takes_the_category_of_its_product_category(self):
        books = self.env.ref("finance_tax_embedded.category_books")
        parent = self.env["product.category"].create(
            {"name": "Printed", "finance_tax_category_id": books.id}
        )
        child = self.env["product.category"].create({"name": "Novels", "parent_id": parent.id})
        self.paper.write({"finance_tax_category_id": False, "categ_id": child.id})
        self.assertEqual(self._invoice([(self.paper,)]).amount_tax, 5.5)


@tagged("post_install", "-at_install")
class TestUnitedStates(EmbeddedCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company = cls._company("Paper Supply", "US", currency_id=cls.dollar.id)
        cls.company.partner_id.state_id = cls.env.ref("base.state_us_5")
        cls.env.user.company_ids |= cls.company
        cls.books(cls.company, 8.25)

    def test_t7_no_nexus_no_tax_and_it_says_so(self):
        move = self._invoice([(self.paper,)], self.american)
        (detail,) = move.finance_tax_determination_id._answer().details
        self.assertEqual((detail.category, move.amount_tax), ("O", 0.0))
        self.assertIn("No nexus", detail.reason)

    def test_with_nexus_the_state_taxes(self):
        self._register("nexus", "us_tx")
        move = self._invoice([(self.paper,)], self.american)
        self.assertEqual(self._taxes(move), {"US-TX sales tax 6.25%": 6.25})

    def test_t2_state_and_city_are_two_taxes(self):
        self._register("nexus", "us_tx")
        texas = self.env.ref("finance_tax_embedded.jurisdiction_us_tx")
        city = self.env["finance.tax.jurisdiction"].create(
            {
                "code": "US-TX-AUSTIN",
                "name": "Austin",
                "level": "city",
                "tax_type": "sales",
                "country_id": texas.country_id.id,
                "state_id": texas.state_id.id,
                "parent_id": texas.id,
                "cities": "Round Rock, Austin",
            }
        )
        self.env["finance.tax.rule"].create(
            {
                "name": "Austin",
                "jurisdiction_id": city.id,
                "supply": "goods",
                "rate": 2,
                "valid_from": "2026-01-01",
            }
        )
        buyer = self._partner("Austin Buyer", "US", state="TX", city="AUSTIN")
        move = self._invoice([(self.paper,)], buyer)
        self.assertEqual(
            self._taxes(move), {"US-TX sales tax 6.25%": 6.25, "US-TX-AUSTIN sales tax 2%": 2.0}
        )
        move.action_post()

    def test_t4_services_without_a_rule_are_not_zero(self):
        self._register("nexus", "us_tx")
        move = self._invoice([(self.advice,)], self.american)
        self.assertEqual(move.finance_tax_state, "failed")
        (finding,) = move.finance_tax_findings
        self.assertTrue(finding["code"].startswith("FT001."))
