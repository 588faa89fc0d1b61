"""E2, E9: sales without VAT and sales abroad, as the official rules want them."""

from odoo.tests import tagged

from .common import BUYER_SIREN, INVOICE_DATE, make_siret
from .rendering_case import NS, RenderingCase


@tagged("post_install", "-at_install")
class TestRenderingTaxes(RenderingCase):
    # -- no VAT ----------------------------------------------------------------------------------

    def test_exempt_sale_has_a_reason(self):
        root = self.conforming(self.make_invoice([self.line(self.goods, "tva_sale_good_0")]))
        category = "cac:TaxTotal/cac:TaxSubtotal/cac:TaxCategory/"
        self.assertEqual(self.text(root, f"{category}cbc:ID"), "E")
        self.assertTrue(self.text(root, f"{category}cbc:TaxExemptionReason"))

    def test_e9_several_reasons_share_one_line_of_the_vat_summary(self):
        """Odoo writes one per reason, which BR-E-01 refuses."""
        exempt = self.tax("tva_sale_good_0")
        training = exempt.copy(
            {
                "name": "0% formation",
                "ubl_cii_tax_category_code": "E",
                "ubl_cii_tax_exemption_reason_code": "VATEX-FR-CGI261-4",
            }
        )
        move = self.make_invoice(
            [self.line(self.goods, exempt, 10.0), self.line(self.goods, training, 32.0)]
        )
        root = self.conforming(move)
        subtotal = "cac:TaxTotal/cac:TaxSubtotal/"
        self.assertEqual(self.text(root, f"{subtotal}cbc:TaxableAmount"), "42.00")
        reason = self.text(root, f"{subtotal}cac:TaxCategory/cbc:TaxExemptionReason")
        self.assertIn("261", reason)
        self.assertIn(" / ", reason)
        self.assertIn("BR-E-01", self.odoo_breaks(move))

    def test_one_reason_keeps_its_code(self):
        training = self.tax("tva_sale_good_0").copy(
            {
                "name": "0% formation",
                "ubl_cii_tax_category_code": "E",
                "ubl_cii_tax_exemption_reason_code": "VATEX-FR-CGI261-4",
            }
        )
        root = self.conforming(self.make_invoice([self.line(self.goods, training)] * 2))
        path = "cac:TaxTotal/cac:TaxSubtotal/cac:TaxCategory/cbc:TaxExemptionReasonCode"
        self.assertEqual(self.text(root, path), "VATEX-FR-CGI261-4")

    def test_e9_domestic_reverse_charge_names_its_reason(self):
        """Odoo leaves the reason out if the tax has none, which BR-AE-10 refuses."""
        reverse = self.tax("tva_sale_service_0").copy(
            {"name": "0% autoliquidation", "ubl_cii_tax_category_code": "AE"}
        )
        move = self.make_invoice([self.line(self.service, reverse)])
        root = self.conforming(move)
        path = "cac:TaxTotal/cac:TaxSubtotal/cac:TaxCategory/cbc:TaxExemptionReasonCode"
        self.assertEqual(self.text(root, path), "VATEX-FR-AE")
        self.assertIn("BR-AE-10", self.odoo_breaks(move))

    def test_a_reason_is_left_out_where_vat_is_charged(self):
        """A tax that was once exempt keeps its code in Odoo, and BR-S-10 refuses it."""
        odd = self.tax("tva_normale").copy(
            {"name": "20% odd", "ubl_cii_tax_exemption_reason_code": "VATEX-EU-132"}
        )
        move = self.make_invoice([self.line(self.goods, odd)])
        self.conforming(move)
        self.assertIn("BR-S-10", self.odoo_breaks(move))

    # -- abroad ----------------------------------------------------------------------------------

    def test_e9_services_to_a_german_business_are_reverse_charge(self):
        """Odoo takes them for a supply of goods (K)."""
        move = self.make_invoice(
            [self.line(self.service, "tva_sale_service_intra_0")], self.buyer_de
        )
        root = self.conforming(move)
        category = "cac:TaxTotal/cac:TaxSubtotal/cac:TaxCategory/"
        self.assertEqual(self.text(root, f"{category}cbc:ID"), "AE")
        self.assertEqual(self.text(root, f"{category}cbc:TaxExemptionReasonCode"), "VATEX-EU-AE")
        party = "cac:AccountingCustomerParty/cac:Party/"
        self.assertEqual(
            self.attribute(root, f"{party}cac:PartyLegalEntity/cbc:CompanyID"),
            ("0223", self.buyer_de.vat),
        )
        self.assertEqual(
            self.attribute(root, f"{party}cbc:EndpointID"), ("9930", self.buyer_de.vat)
        )
        self.assertIn("#BAR#B2BINT", self.texts(root, "cbc:Note"))
        self.assertEqual(self.texts(root, "cac:InvoicePeriod/cbc:DescriptionCode"), [])

    def test_goods_to_a_german_business_are_an_intra_community_supply(self):
        root = self.conforming(
            self.make_invoice([self.line(self.goods, "tva_sale_good_intra_0")], self.buyer_de)
        )
        category = "cac:TaxTotal/cac:TaxSubtotal/cac:TaxCategory/"
        self.assertEqual(self.text(root, f"{category}cbc:ID"), "K")
        self.assertEqual(self.text(root, f"{category}cbc:TaxExemptionReasonCode"), "VATEX-EU-IC")
        self.assertEqual(self.text(root, "cac:Delivery/cbc:ActualDeliveryDate"), str(INVOICE_DATE))

    def test_the_delivery_date_is_that_of_the_delivery(self):
        intra = [self.line(self.goods, "tva_sale_good_intra_0")]
        root = self.conforming(self.make_invoice(intra, self.buyer_de, delivery_date="2026-09-28"))
        self.assertEqual(self.text(root, "cac:Delivery/cbc:ActualDeliveryDate"), "2026-09-28")

    def test_goods_and_services_to_a_german_business_on_one_invoice(self):
        root = self.conforming(
            self.make_invoice(
                [
                    self.line(self.goods, "tva_sale_good_intra_0"),
                    self.line(self.service, "tva_sale_service_intra_0"),
                ],
                self.buyer_de,
            )
        )
        categories = self.texts(root, "cac:TaxTotal/cac:TaxSubtotal/cac:TaxCategory/cbc:ID")
        self.assertEqual(sorted(categories), ["AE", "K"])

    def test_export_in_dollars_gives_the_vat_in_euros(self):
        self._rate("USD", 2.0)
        root = self.conforming(
            self.make_invoice(
                [self.line(self.goods, "tva_sale_good_export_0", 1234.56)],
                self.buyer_us,
                currency_id=self.env.ref("base.USD").id,
            )
        )
        self.assertEqual(self.text(root, "cbc:DocumentCurrencyCode"), "USD")
        self.assertEqual(self.text(root, "cbc:TaxCurrencyCode"), "EUR")
        category = "cac:TaxTotal/cac:TaxSubtotal/cac:TaxCategory/"
        self.assertEqual(self.text(root, f"{category}cbc:TaxExemptionReasonCode"), "VATEX-EU-G")
        party = "cac:AccountingCustomerParty/cac:Party/"
        self.assertEqual(self.attribute(root, f"{party}cbc:EndpointID"), ("EM", "ap@maple.example"))
        self.assertEqual(
            self.attribute(root, f"{party}cac:PartyLegalEntity/cbc:CompanyID"),
            ("0227", "USMaple Fixtures I"),
        )
        # No VAT number: Odoo would write the e-mail address as one.
        self.assertEqual(self.texts(root, f"{party}cac:PartyTaxScheme/cbc:CompanyID"), [])

    def test_domestic_invoice_in_dollars_gives_the_vat_in_euros(self):
        self._rate("USD", 2.0)
        root = self.conforming(
            self.make_invoice(
                [self.line(self.goods, "tva_normale", 100.0)],
                currency_id=self.env.ref("base.USD").id,
            )
        )
        amounts = {
            node.get("currencyID"): node.text
            for node in root.iterfind("cac:TaxTotal/cbc:TaxAmount", NS)
        }
        self.assertEqual(amounts, {"USD": "20.00", "EUR": "10.00"})

    def _rate(self, code, rate):
        currency = self.env.ref(f"base.{code}")
        currency.active = True
        self.env["res.currency.rate"].create(
            {
                "currency_id": currency.id,
                "company_id": self.company.id,
                "name": INVOICE_DATE,
                "company_rate": rate,
            }
        )

    def test_a_buyer_overseas_outside_french_vat_is_abroad(self):
        buyer = self._partner(
            "Scierie du Sud",
            "NC",
            street="1 rue du Port",
            zip="98800",
            city="Nouméa",
            company_registry="1234567001",
            email="scierie@sud.example",
        )
        root = self.conforming(
            self.make_invoice([self.line(self.goods, "tva_sale_good_export_0")], buyer)
        )
        path = "cac:AccountingCustomerParty/cac:Party/cac:PartyLegalEntity/cbc:CompanyID"
        self.assertEqual(self.attribute(root, path), ("0228", "1234567001"))
        self.assertIn("#BAR#B2BINT", self.texts(root, "cbc:Note"))

    def test_a_buyer_in_guiana_has_a_siren_but_is_abroad_for_vat(self):
        buyer = self._partner(
            "Scierie de l'Oyapock",
            "GF",
            street="2 rue du Fleuve",
            zip="97300",
            city="Cayenne",
            company_registry=make_siret(BUYER_SIREN),
            email="scierie@oyapock.example",
        )
        root = self.conforming(
            self.make_invoice([self.line(self.goods, "tva_sale_good_export_0")], buyer)
        )
        party = "cac:AccountingCustomerParty/cac:Party/"
        self.assertEqual(
            self.attribute(root, f"{party}cac:PartyLegalEntity/cbc:CompanyID"),
            ("0002", BUYER_SIREN),
        )
        self.assertIn("#BAR#B2BINT", self.texts(root, "cbc:Note"))
