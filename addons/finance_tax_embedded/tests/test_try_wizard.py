"""The simulation answers without any document and states why a tax is indeterminate."""

from odoo.tests import Form, tagged

from .common import DATE, EmbeddedCase


@tagged("post_install", "-at_install")
class TestTryWizard(EmbeddedCase):
    def test_an_accountant_sees_rule_and_reason(self):
        with Form(self.env["finance.tax.try"]) as form:
            form.date = DATE
            form.partner_id = self.german
            form.product_id = self.novel
            self.assertEqual(form.total_tax, 0.0)
            self.assertIn("Article 138", form.answer_html)
            form.partner_id = self.customer
            self.assertEqual(form.total_tax, 5.5)
            self.assertIn("CGI art. 278-0 bis", form.explanation)
        self.assertFalse(self.env["finance.tax.determination"].search([("move_id", "=", False)]))

    def test_t4_an_indeterminate_tax_is_stated(self):
        with Form(self.env["finance.tax.try"]) as form:
            form.date = "2020-01-01"
            self.assertIn("FT001", form.problem)
            self.assertFalse(form.answer_html)

    def test_the_supply_follows_the_product(self):
        with Form(self.env["finance.tax.try"]) as form:
            form.product_id = self.advice
            self.assertEqual(form.supply, "services")
