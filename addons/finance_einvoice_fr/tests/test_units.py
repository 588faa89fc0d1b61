"""Codes of units of measure (BT-130): Odoo's own for its units, a mapping for others, never a guess."""

from odoo.addons.finance_einvoice.exceptions import EinvoiceBlocked
from odoo.tests import tagged

from .rendering_case import NS, RenderingCase


@tagged("post_install", "-at_install")
class TestUnits(RenderingCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env.user.group_ids |= cls.env.ref("finance_connector_base.group_admin")
        cls.pallet = cls.env["uom.uom"].create({"name": "Pallet"})
        cls.on_pallets = cls.env["product.product"].create(
            {"name": "Boards", "type": "consu", "uom_id": cls.pallet.id}
        )

    def pallets(self, **values):
        return self.make_invoice([self.line(self.on_pallets)], **values)

    def map(self, code, **values):
        return self.env["finance.mapping"].create(
            {
                "kind": "uom",
                "source": f"uom.uom,{self.pallet.id}",
                "code": code,
                "company_id": self.company.id,
                **values,
            }
        )

    def unit_of(self, root):
        return [node.get("unitCode") for node in root.iterfind(".//cbc:InvoicedQuantity", NS)]

    def test_the_units_of_odoo_have_their_codes_without_a_mapping(self):
        hours = self.env.ref("uom.product_uom_hour")
        service = self.env["product.product"].create(
            {"name": "Work", "type": "service", "uom_id": hours.id}
        )
        move = self.make_invoice([self.line(service), self.line(self.goods)])
        self.assertEqual(self.unit_of(self.conforming(move)), ["HUR", "C62"])

    def test_a_unit_of_its_own_without_a_code_is_refused_at_posting(self):
        move = self.pallets()
        (finding,) = self.regime._check(move)
        self.assertEqual(
            (finding.code, finding.model, finding.record_id),
            ("mapping.missing", "uom.uom", self.pallet.id),
        )
        self.company.finance_einvoice_validation = "block"
        with self.assertRaises(EinvoiceBlocked), self.env.cr.savepoint():
            move.action_post()
        self.assertEqual(move.state, "draft")

    def test_where_the_policy_lets_it_pass_no_code_is_invented(self):
        move = self.post(self.pallets())
        content = self.regime._render(move)[1]
        self.assertNotIn(b"C62", content)
        self.assertTrue(any(item.blocks for item in self.validated(move, content)))

    def test_a_mapped_unit_is_written_with_its_code(self):
        self.map("XPX")
        self.assertEqual(self.unit_of(self.conforming(self.pallets())), ["XPX"])

    def test_a_mapping_may_correct_a_unit_of_odoo(self):
        unit = self.env.ref("uom.product_uom_unit")
        self.map("H87", source=f"uom.uom,{unit.id}")
        root = self.conforming(self.make_invoice())
        self.assertEqual(self.unit_of(root), ["H87"])

    def test_a_code_that_is_not_in_the_recommendation_breaks_the_official_rules(self):
        self.map("PALLET")
        move = self.post(self.pallets())
        codes = {item.code for item in self.validated(move, self.regime._render(move)[1])}
        self.assertIn("BR-CL-23", codes)

    def test_a_credit_note_has_the_code_too(self):
        self.map("XPX")
        move = self.pallets(move_type="out_refund", finance_fr_origin_number="F-1")
        move.finance_fr_origin_date = move.invoice_date
        root = self.conforming(move)
        nodes = root.iterfind(".//cbc:CreditedQuantity", NS)
        self.assertEqual([node.get("unitCode") for node in nodes], ["XPX"])

    def test_the_report_names_the_unit_that_was_sold_without_a_code(self):
        self.post(self.pallets())
        report = self.env["finance.mapping.gap"].create(
            {
                "kind": "uom",
                "company_id": self.company.id,
                "date_from": "2026-10-01",
                "date_to": "2026-10-01",
            }
        )
        report.action_find()
        self.assertIn(self.pallet, [line.source for line in report.line_ids])
        self.assertNotIn(
            self.env.ref("uom.product_uom_unit"), [line.source for line in report.line_ids]
        )
