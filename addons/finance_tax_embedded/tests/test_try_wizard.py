"""The simulation answers without any document and states why a tax is indeterminate."""

from odoo.exceptions import AccessError
from odoo.tests import Form, new_test_user, tagged

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
            hint = self.env["finance.finding"]._tax_hints()["FT001"]
            self.assertTrue(form.problem.endswith(hint))
            self.assertFalse(form.answer_html)

    def test_the_supply_follows_the_product(self):
        with Form(self.env["finance.tax.try"]) as form:
            form.product_id = self.advice
            self.assertEqual(form.supply, "services")

    def test_f17_no_tax_is_determined_for_a_company_of_others(self):
        """The result would show the rules and registrations of that company."""
        elsewhere = self.env["res.company"].create({"name": "Elsewhere"})
        accountant = new_test_user(
            self.env,
            "f17-accountant",
            groups="finance_connector_base.group_accountant",
            company_id=elsewhere.id,
            company_ids=[(6, 0, elsewhere.ids)],
        )
        with Form(self.env["finance.tax.try"]) as form:
            form.date = DATE
            form.partner_id = self.german
            form.product_id = self.novel
        document = form.save()._document()
        engine = self.env["finance.tax.engine.embedded"]
        with self.assertRaises(AccessError):
            engine.with_user(accountant)._determine(document)
        with self.assertRaises(AccessError):
            self.env["finance.tax.try"].with_user(accountant).create(
                {"company_id": self.env.company.id, "country_id": self.env.ref("base.fr").id}
            ).read(["answer_html"])
        self.assertTrue(engine._determine(document))
