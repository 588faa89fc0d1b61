"""E2, E9: what is rendered for France satisfies the official rules, without exception.

Where Odoo's own builder does not, a test shows the defect beside the corrected document.
"""

from types import SimpleNamespace
from unittest.mock import patch

from lxml import etree
from odoo.fields import Command
from odoo.tests import tagged

from .common import BUYER_SIREN, INVOICE_DATE, SELLER_SIREN, make_siret
from .rendering_case import RenderingCase


@tagged("post_install", "-at_install")
class TestRendering(RenderingCase):
    # -- domestic sales --------------------------------------------------------------------------

    def test_e2_domestic_invoice_with_all_rates_and_discounts(self):
        root = self.conforming(
            self.make_invoice(
                [
                    self.line(self.goods, "tva_normale", 199.99, quantity=3, discount=12.5),
                    self.line(self.goods, "tva_intermediaire", 10.005, quantity=7),
                    self.line(self.goods, "tva_reduite", 0.333333, quantity=1000),
                    self.line(self.goods, "tva_normale", 50.0, discount=100.0),
                ]
            )
        )
        self.assertEqual(
            sorted(self.texts(root, "cac:TaxTotal/cac:TaxSubtotal/cac:TaxCategory/cbc:Percent")),
            ["10.0", "20.0", "5.5"],
        )
        self.assertEqual(self.text(root, "cbc:CustomizationID"), "urn:cen.eu:en16931:2017")

    def test_french_parties_carry_siren_siret_and_address(self):
        root = self.conforming(self.make_invoice())
        for role, siren in (("Supplier", SELLER_SIREN), ("Customer", BUYER_SIREN)):
            party = f"cac:Accounting{role}Party/cac:Party/"
            self.assertEqual(self.attribute(root, f"{party}cbc:EndpointID"), ("0225", siren))
            self.assertEqual(
                self.attribute(root, f"{party}cac:PartyIdentification/cbc:ID"),
                ("0009", make_siret(siren)),
            )
            self.assertEqual(
                self.attribute(root, f"{party}cac:PartyLegalEntity/cbc:CompanyID"), ("0002", siren)
            )
        self.assertIn("#BAR#B2B", self.texts(root, "cbc:Note"))

    def test_a_buyer_known_by_siren_only_has_no_siret(self):
        self.buyer.company_registry = f"{BUYER_SIREN[:3]} {BUYER_SIREN[3:6]} {BUYER_SIREN[6:]}"
        root = self.conforming(self.make_invoice())
        party = "cac:AccountingCustomerParty/cac:Party/"
        self.assertEqual(self.texts(root, f"{party}cac:PartyIdentification/cbc:ID"), [])
        self.assertEqual(self.text(root, f"{party}cac:PartyLegalEntity/cbc:CompanyID"), BUYER_SIREN)

    def test_a_buyer_may_have_another_address_of_its_company(self):
        self.buyer.write({"peppol_eas": "0225", "peppol_endpoint": f"{BUYER_SIREN}_LYON"})
        root = self.conforming(self.make_invoice())
        self.assertEqual(
            self.attribute(root, "cac:AccountingCustomerParty/cac:Party/cbc:EndpointID"),
            ("0225", f"{BUYER_SIREN}_LYON"),
        )

    def test_the_french_address_survives_a_change_of_the_vat_number(self):
        """Odoo's compute falls back to 0009, and the invoice would go to another address."""
        self.buyer.write({"peppol_eas": "0225", "peppol_endpoint": f"{BUYER_SIREN}_LYON"})
        self.buyer.vat = False
        self.assertEqual(self.buyer.peppol_eas, "0225")
        self.assertEqual(self.buyer.finance_fr_address, f"0225:{BUYER_SIREN}_LYON")

    def test_the_invoiced_contact_is_shown_the_company_is_identified(self):
        contact = self.env["res.partner"].create(
            {
                "name": "Service comptable",
                "parent_id": self.buyer.id,
                "type": "invoice",
                "street": "BP 12",
                "zip": "33001",
                "city": "Bordeaux",
                "country_id": self.buyer.country_id.id,
            }
        )
        root = self.conforming(self.make_invoice(partner=contact))
        party = "cac:AccountingCustomerParty/cac:Party/"
        self.assertEqual(self.text(root, f"{party}cac:PostalAddress/cbc:StreetName"), "BP 12")
        self.assertEqual(
            self.text(root, f"{party}cac:PartyLegalEntity/cbc:RegistrationName"), self.buyer.name
        )

    def test_e9_odoo_identifies_the_parties_in_no_french_scheme(self):
        self.buyer.ref = "C-0042"
        move = self.make_invoice()
        self.conforming(move)
        self.assertLessEqual(
            {"BR-FR-10_BT-30", "BR-FR-CO-10_BT-46-1", "BR-FR-08_BT-23", "BR-FR-05_BT-22-2"},
            self.odoo_breaks(move),
        )

    # -- notes, process, references --------------------------------------------------------------

    def test_mandatory_notes_come_from_the_company_unless_the_invoice_has_its_own(self):
        root = self.conforming(
            self.make_invoice(finance_fr_note_aab="Escompte de 1 % sous 8 jours.")
        )
        notes = self.texts(root, "cbc:Note")
        self.assertEqual([note[:5] for note in notes], ["#BAR#", "#PMD#", "#PMT#", "#AAB#"])
        self.assertEqual(notes[1], f"#PMD#{self.company.finance_fr_note_pmd}")
        self.assertEqual(notes[3], "#AAB#Escompte de 1 % sous 8 jours.")

    def test_terms_with_a_subject_code_do_not_repeat_a_note(self):
        terms = "<p>#PMD#Pénalités</p><p>Merci</p>"
        root = self.conforming(self.make_invoice(narration=terms))
        self.assertIn("[PMD] Pénalités", self.texts(root, "cbc:Note")[-1])

    def test_business_process_follows_the_products(self):
        cases = (
            ([self.line(self.goods)], "B1"),
            ([self.line(self.service, "tva_normale_encaissement")], "S1"),
            ([self.line(self.goods), self.line(self.service)], "M1"),
            ([self.line(None, "tva_normale")], "B1"),
            ([self.line(None, "tva_normale_encaissement")], "S1"),
        )
        for lines, expected in cases:
            with self.subTest(expected=expected):
                root = self.conforming(self.make_invoice(lines))
                self.assertEqual(self.text(root, "cbc:ProfileID"), expected)

    def test_a_chosen_business_process_wins(self):
        root = self.conforming(self.make_invoice(finance_fr_process="M4"))
        self.assertEqual(self.text(root, "cbc:ProfileID"), "M4")

    def test_vat_on_payment_and_on_invoice_are_distinguished(self):
        debit_tax = self.tax("tva_normale").copy({"name": "20% débits", "tax_scope": "service"})
        levy = self.env["account.tax"].create(
            {
                "name": "Éco-participation",
                "company_id": self.company.id,
                "amount_type": "fixed",
                "amount": 1.5,
                "include_base_amount": True,
                "sequence": 0,
            }
        )
        cases = (
            ([self.line(self.service, "tva_normale_encaissement")], ["432"]),
            ([self.line(self.service, debit_tax)], ["3"]),
            ([self.line(self.service, self.tax("tva_normale_encaissement") | levy)], ["432"]),
            ([self.line(self.goods)], []),
            ([self.line(self.goods), self.line(self.service, "tva_normale_encaissement")], []),
        )
        for lines, expected in cases:
            with self.subTest(expected=expected):
                root = self.conforming(self.make_invoice(lines))
                self.assertEqual(
                    self.texts(root, "cac:InvoicePeriod/cbc:DescriptionCode"), expected
                )

    def test_only_the_customers_order_number_is_an_order_reference(self):
        move = self.make_invoice()
        self.assertEqual(self.texts(self.conforming(move), "cac:OrderReference/cbc:ID"), [])
        root = self.conforming(self.make_invoice(ref="BC-778"))
        self.assertEqual(self.text(root, "cac:OrderReference/cbc:ID"), "BC-778")

    def test_a_credit_note_repeats_the_order_number_of_its_invoice(self):
        """Odoo writes "Reversal of …" there."""
        invoice = self.post(self.make_invoice(ref="BC-778"))
        credit_note = invoice._reverse_moves(
            [{"invoice_date": INVOICE_DATE, "ref": f"Reversal of: {invoice.name}"}]
        )
        root = self.conforming(credit_note)
        self.assertEqual(self.text(root, "cac:OrderReference/cbc:ID"), "BC-778")

    def test_credit_note_names_the_invoice_it_corrects(self):
        invoice = self.post(self.make_invoice())
        credit_note = invoice._reverse_moves([{"invoice_date": INVOICE_DATE}])
        root = self.conforming(credit_note)
        reference = "cac:BillingReference/cac:InvoiceDocumentReference/"
        self.assertEqual(self.text(root, f"{reference}cbc:ID"), invoice.name)
        self.assertEqual(self.text(root, f"{reference}cbc:IssueDate"), str(INVOICE_DATE))
        self.assertEqual(self.text(root, "cbc:CreditNoteTypeCode"), "381")
        self.assertIn("BR-FR-CO-05_BT-3", self.odoo_breaks(credit_note))

    def test_credit_note_for_an_invoice_outside_odoo(self):
        root = self.conforming(
            self.make_invoice(
                move_type="out_refund",
                finance_fr_origin_number="FA2025-0815",
                finance_fr_origin_date="2025-12-24",
            )
        )
        reference = "cac:BillingReference/cac:InvoiceDocumentReference/"
        self.assertEqual(self.text(root, f"{reference}cbc:ID"), "FA2025-0815")
        self.assertEqual(self.text(root, f"{reference}cbc:IssueDate"), "2025-12-24")

    def test_a_debit_note_is_an_invoice(self):
        """EN 16931 has no debit note; Odoo writes one when account_debit_note made the document."""
        builder = self.env["account.edi.xml.ubl_fr"]
        vals = {"invoice": self.make_invoice()}
        parent = self.env.registry["account.edi.xml.ubl_bis3"]
        with patch.object(
            parent,
            "_add_invoice_config_vals",
            lambda _self, values: values.update(document_type="debit_note"),
        ):
            builder._add_invoice_config_vals(vals)
        self.assertEqual(vals["document_type"], "invoice")

    # -- lines -----------------------------------------------------------------------------------

    def test_awkward_names_and_missing_codes(self):
        long_name = "Étagère à tiroirs – modèle n° 12 " * 30
        plain = self.env["product.product"].create({"name": long_name, "type": "consu"})
        root = self.conforming(
            self.make_invoice(
                [
                    self.line(plain),
                    self.line(None, name='Vis < 5 mm & "écrous" > 3 mm\'s\n• lot n° 2 ✓ 数量'),
                    self.line(self.goods, name="a\x0bb"),
                ]
            )
        )
        names = self.texts(root, "cac:InvoiceLine/cac:Item/cbc:Name")
        self.assertEqual(names[0], plain.name)
        self.assertIn('Vis < 5 mm & "écrous" > 3 mm\'s', names[1])

    def test_e9_quantities_keep_four_decimals(self):
        """Odoo writes as many as a company has chosen to keep."""
        self.env.ref("uom.decimal_product_uom").digits = 6
        move = self.make_invoice([self.line(self.goods, quantity=0.333333)])
        root = self.conforming(move)
        self.assertEqual(self.text(root, "cac:InvoiceLine/cbc:InvoicedQuantity"), "0.3333")
        self.assertIn("BR-FR-DEC-02_BT-129", self.odoo_breaks(move))

    def test_a_negative_line_and_prices_with_tax_included(self):
        self.conforming(
            self.make_invoice(
                [
                    self.line(self.goods, "tva_normale_ttc", 119.99, quantity=3),
                    self.line(self.goods, "tva_normale_ttc", -10.0),
                    self.line(self.goods, "tva_reduite_ttc", 7.77, quantity=13, discount=3.3),
                ]
            )
        )

    def test_an_eco_contribution_is_a_charge_on_the_line(self):
        contribution = self.tax("tva_normale").copy(
            {
                "name": "Éco-participation",
                "amount_type": "fixed",
                "amount": 1.5,
                "include_base_amount": True,
                "sequence": 0,
                "tax_exigibility": "on_invoice",
            }
        )
        line = self.line(self.goods, self.tax("tva_normale") | contribution, quantity=2)
        root = self.conforming(self.make_invoice([line]))
        charge = "cac:InvoiceLine/cac:AllowanceCharge/"
        self.assertEqual(self.text(root, f"{charge}cbc:Amount"), "3.00")

    def test_many_lines_add_up(self):
        lines = [
            self.line(self.goods, tax, 0.17 * number, quantity=number / 3, discount=number % 7)
            for number in range(1, 40)
            for tax in ("tva_normale", "tva_reduite")
        ]
        self.conforming(self.make_invoice(lines))

    def test_e9_classifications_use_the_official_list(self):
        """Odoo writes CPV and UNSPSC as list names, which BR-CL-13 refuses."""
        move = self.post(self.make_invoice())
        for kind, expected in (("cpv", "STI"), ("unspsc", "TST")):
            with self.subTest(kind=kind):
                rules = self.env["finance.einvoice.rules"]
                ours = self._rendered_with_classification("ubl_fr", kind, move)
                odoos = self._rendered_with_classification("ubl_bis3", kind, move)
                self.assertIn(
                    "BR-CL-13", {item.code for item in rules._check(odoos, ["en16931-ubl"])}
                )
                self.assertEqual(self.validated(move, ours), [])
                path = "cac:InvoiceLine/cac:Item/cac:CommodityClassification/cbc:ItemClassificationCode"
                self.assertEqual(
                    self.attribute(etree.fromstring(ours), path, "listID"), (expected, "44111400")
                )

    def _rendered_with_classification(self, builder, kind, move):
        """Render as if the addon that classifies products were installed."""
        model = self.env.registry[f"account.edi.xml.{builder}"]
        node = f"_ubl_get_line_item_commodity_classification_node_from_{kind}_code"

        def classify(this, vals):
            code = SimpleNamespace(code="44111400")
            vals["item_node"]["cac:CommodityClassification"] = [getattr(this, node)(vals, code)]

        with patch.object(model, "_ubl_add_line_item_commodity_classification_nodes", classify):
            return self.env[f"account.edi.xml.{builder}"]._export_invoice(move)[0]

    # -- bytes -----------------------------------------------------------------------------------

    def test_e3_the_same_document_gives_the_same_bytes_for_everybody(self):
        move = self.post(self.make_invoice([self.line(self.goods, discount=5)]))
        self.env["res.lang"]._activate_lang("fr_FR")
        expected = self.regime._render(move)
        self.env.invalidate_all()
        self.assertEqual(self.regime._render(move), expected)
        for context in ({"lang": "fr_FR", "tz": "Pacific/Auckland"}, {"lang": False, "tz": False}):
            other = self.regime.with_context(**context)
            self.assertEqual(other._render(move.with_context(**context)), expected)

    def test_e3_the_customers_language_decides(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        self.goods.with_context(lang="fr_FR").name = "Table en chêne massif"
        self.buyer.lang = "fr_FR"
        move = self.post(self.make_invoice())
        root = etree.fromstring(self.regime._render(move)[1])
        self.assertEqual(
            self.text(root, "cac:InvoiceLine/cac:Item/cbc:Name"), "Table en chêne massif"
        )

    def test_a_draft_can_be_checked_before_it_has_a_number(self):
        move = self.make_invoice(invoice_date=False)
        name, content = self.regime._render(move)
        self.assertEqual(name, f"DRAFT-{move.id}.xml")
        self.assertEqual(self.validated(move, content), [])

    def test_payment_by_transfer_names_the_account(self):
        account = self.env["res.partner.bank"].create(
            {
                "acc_number": "FR7630006000011234567890189",
                "partner_id": self.company.partner_id.id,
                "allow_out_payment": True,
            }
        )
        root = self.conforming(self.make_invoice(partner_bank_id=account.id))
        self.assertEqual(self.text(root, "cac:PaymentMeans/cbc:PaymentMeansCode"), "30")
        self.assertEqual(
            self.text(root, "cac:PaymentMeans/cac:PayeeFinancialAccount/cbc:ID"),
            "FR7630006000011234567890189",
        )

    def test_payment_terms_in_instalments(self):
        term = self.env["account.payment.term"].create(
            {
                "name": "30 jours, moitié moitié",
                "note": "Payable en deux fois",
                "line_ids": [
                    Command.create({"value": "percent", "value_amount": 50, "nb_days": days})
                    for days in (15, 30)
                ],
            }
        )
        root = self.conforming(self.make_invoice(invoice_payment_term_id=term.id))
        self.assertEqual(self.text(root, "cac:PaymentTerms/cbc:Note"), "Payable en deux fois")

    def test_e12_master_data_does_not_make_another_document(self):
        move = self.post(self.make_invoice())
        compared = [self.regime._comparable(self.regime._render(move)[1])]
        self.buyer.name = "Menuiserie Roux et fils"
        self.goods.default_code = "TAB-02"
        self.company.finance_fr_note_aab = "Escompte de 1 %."
        self.env.invalidate_all()
        compared.append(self.regime._comparable(self.regime._render(move)[1]))
        self.assertEqual(*compared)
        other = self.post(self.make_invoice([self.line(self.goods, price=101.0)]))
        self.assertNotEqual(
            self.regime._comparable(self.regime._render(other)[1]).replace(
                other.name.encode(), move.name.encode()
            ),
            compared[0],
        )
