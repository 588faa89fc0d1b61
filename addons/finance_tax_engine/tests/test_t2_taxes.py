"""T2: one Odoo tax per company, jurisdiction, type, category and rate, wired like the company's
own.
"""

from odoo.exceptions import ConcurrencyError
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..core.errors import NoTaxAccount
from .common import TaxCase


@tagged("post_install", "-at_install")
class TestT2Taxes(TaxCase):
    def test_t2_the_tax_is_made_once_and_used_again(self):
        one, two = self._invoice([(self.paper,)]), self._invoice([(self.paper,)])
        tax = one.invoice_line_ids.tax_ids
        self.assertEqual(tax, two.invoice_line_ids.tax_ids)
        self.assertEqual((tax.name, tax.amount, tax.invoice_label), ("FR VAT 20%", 20.0, "20%"))
        self.assertFalse(tax.price_include)
        self.assertEqual(tax.finance_jurisdiction_code, "FR")

    def test_t2_two_people_who_need_a_new_tax_at_once_do_not_fail(self):
        move = self._invoice([(self.paper,)])
        tax = move.invoice_line_ids.tax_ids

        values = tax.copy_data({"name": "Other"})[0]
        # Odoo takes this as the sign to begin the whole request anew.
        with mute_logger("odoo.sql_db"), self.assertRaises(ConcurrencyError):
            tax._finance_create_once({**values, "finance_tax_key": tax.finance_tax_key})

    def test_t2_accounts_and_report_tags_are_those_of_the_companys_own_tax(self):
        move = self._invoice([(self.paper,)])
        tax = move.invoice_line_ids.tax_ids
        self.assertEqual(tax.tax_group_id, self.native.tax_group_id)
        tax_line = move.line_ids.filtered("tax_line_id")
        self.assertEqual(tax_line.account_id, self.accounts["tax"])
        self.assertEqual(move.invoice_line_ids.tax_tag_ids, self.tag)

    def test_t2_a_rate_the_chart_lacks_gets_the_account_and_no_tags(self):
        move = self._invoice([(self.novel,)])
        self.assertEqual(move.line_ids.filtered("tax_line_id").account_id, self.accounts["tax"])
        self.assertFalse(move.invoice_line_ids.tax_tag_ids)
        self.assertEqual(move.invoice_line_ids.tax_ids.tax_group_id.name, "FR VAT 5.5%")

    def _foreign(self, scope):
        """The chart's own zero tax for customers in other member states, of one scope."""
        position = self.env["account.fiscal.position"].create(
            {"name": f"EU {scope}", "company_id": self.company.id}
        )
        tag = self.env["account.account.tag"].create(
            {
                "name": f"Engine test EU {scope}",
                "applicability": "taxes",
                "country_id": self.company.country_id.id,
            }
        )
        zero = self.native.copy({"name": f"0 EU {scope}", "amount": 0, "tax_scope": scope})
        zero.fiscal_position_ids = position
        zero.repartition_line_ids.filtered(
            lambda line: line.repartition_type == "base"
        ).tag_ids = tag
        return position, tag

    def test_t2_report_tags_of_sales_abroad_are_those_of_the_fiscal_position(self):
        position, tag = self._foreign("service")
        goods_position, goods_tag = self._foreign("consu")
        move = self._invoice([(self.advice,)], self.german, fiscal_position_id=position.id)
        self.assertEqual(move.invoice_line_ids.tax_tag_ids, tag)
        move = self._invoice([(self.paper,)], self.german, fiscal_position_id=goods_position.id)
        self.assertEqual(move.invoice_line_ids.tax_tag_ids, goods_tag)

    def test_t2_services_never_get_the_report_tags_of_goods(self):
        position, _tag = self._foreign("consu")
        move = self._invoice([(self.advice,)], self.german, fiscal_position_id=position.id)
        self.assertFalse(move.invoice_line_ids.tax_tag_ids)

    def test_t2_without_any_tax_account_it_is_an_error(self):
        self.native.repartition_line_ids.account_id = False
        move = self._invoice([(self.paper,)])
        self.assertEqual(move.finance_tax_state, "failed")
        self.assertEqual(move.finance_tax_findings[0]["code"], f"{NoTaxAccount.code}.account")

    def test_t2_einvoice_codes_are_set_where_odoo_has_them(self):
        tax = self._invoice([(self.paper,)], self.german).invoice_line_ids.tax_ids
        if "ubl_cii_tax_category_code" not in tax._fields:
            self.skipTest("account_edi_ubl_cii is not installed")
        self.assertEqual(tax.ubl_cii_tax_category_code, "K")
        self.assertEqual(tax.ubl_cii_tax_exemption_reason_code, "VATEX-EU-IC")
