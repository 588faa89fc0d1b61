"""E2: what a French invoice lacks is reported before it is numbered, each with the field to change."""

from unittest.mock import patch

from odoo.addons.finance_connector_base.core.finding import ERROR, Finding
from odoo.addons.finance_einvoice_en16931.core.rule_sets import line_number
from odoo.addons.finance_einvoice_fr.core.rule_sets import FIELDS
from odoo.fields import Command
from odoo.tests import tagged

from .common import BUYER_SIREN, SELLER_SIREN, FrenchCompanyCase, make_siret


class PrecheckCase(FrenchCompanyCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.regime = cls.env["finance.einvoice.regime.fr"]

    def codes(self, move):
        return [finding.code for finding in self.regime._check(move)]

    def problem(self, move):
        """The only finding on `move`, checked to be complete and explained."""
        (found,) = self.regime._check(move)
        self.assertEqual(found.severity, ERROR)
        texts = self.env["finance.finding"]._render(found)
        self.assertTrue(all(texts))
        # No argument is missing, and none is left as a placeholder.
        self.assertFalse([text for text in texts if "…" in text or "%(" in text or "%%" in text])
        record = self.env[found.model].browse(found.record_id)
        self.assertTrue(record.exists())
        self.assertIn(found.field_name, record._fields)
        return found.code, record, found.field_name


@tagged("post_install", "-at_install")
class TestPrecheck(PrecheckCase):
    def test_a_complete_invoice_has_no_problem(self):
        self.assertEqual(self.codes(self.make_invoice()), [])
        intra = [self.line(self.goods, "tva_sale_good_intra_0")]
        self.assertEqual(self.codes(self.make_invoice(intra, self.buyer_de)), [])
        export = [self.line(self.goods, "tva_sale_good_export_0")]
        self.assertEqual(self.codes(self.make_invoice(export, self.buyer_us)), [])

    # -- seller ----------------------------------------------------------------------------------

    def test_seller_siren(self):
        move = self.make_invoice()
        self.company.company_registry = False
        # The French VAT number contains the SIREN.
        self.assertEqual(self.codes(move), [])
        self.company.vat = "DE136695976"
        self.assertEqual(self.problem(move), ("FR-SELLER-SIREN", self.company, "company_registry"))
        self.company.company_registry = SELLER_SIREN
        self.assertEqual(self.codes(move), [])

    def test_seller_siren_with_a_wrong_digit(self):
        move = self.make_invoice()
        for wrong in ("812345670", make_siret(SELLER_SIREN)[:-1] + "0", "RCS Lyon", "8123456"):
            with self.subTest(wrong=wrong):
                self.company.company_registry = wrong
                self.assertEqual(
                    self.problem(move),
                    ("FR-SELLER-SIREN-INVALID", self.company, "company_registry"),
                )
        self.company.company_registry = f" {SELLER_SIREN[:3]} {SELLER_SIREN[3:]} "
        self.assertEqual(self.codes(move), [])

    def test_seller_vat(self):
        move = self.make_invoice()
        self.company.vat = False
        self.assertEqual(self.problem(move), ("FR-SELLER-VAT", self.company, "vat"))

    def test_seller_address(self):
        move = self.make_invoice()
        self.company.city = False
        self.assertEqual(self.problem(move), ("FR-SELLER-ADDRESS", self.company, "city"))
        self.company.city = "Lyon"
        self.company.street2 = False
        self.assertEqual(self.codes(move), [])

    def test_seller_electronic_address(self):
        move = self.make_invoice()
        partner = self.company.partner_id
        partner.write({"peppol_eas": "0225", "peppol_endpoint": f"{BUYER_SIREN}_X"})
        self.assertEqual(
            self.problem(move), ("FR-SELLER-ELECTRONIC-ADDRESS", partner, "peppol_endpoint")
        )
        partner.peppol_endpoint = f"{SELLER_SIREN}_STATUTS"
        self.assertEqual(self.codes(move), [])

    def test_books_in_another_currency(self):
        move = self.make_invoice()
        dollar = self.env.ref("base.USD")
        with patch.object(type(self.company), "currency_id", dollar):
            self.assertEqual(self.problem(move), ("FR-CURRENCY", self.company, "currency_id"))

    # -- buyer -----------------------------------------------------------------------------------

    def test_buyer_siren(self):
        self.buyer.write({"company_registry": False, "vat": False})
        move = self.make_invoice()
        self.assertEqual(self.problem(move), ("FR-BUYER-SIREN", self.buyer, "company_registry"))
        self.buyer.company_registry = BUYER_SIREN
        self.assertEqual(self.codes(move), [])

    def test_buyer_siren_is_required_of_the_company_not_at_its_contact(self):
        self.buyer.write({"company_registry": False, "vat": False})
        contact = self.env["res.partner"].create(
            {
                "name": "Comptabilité",
                "parent_id": self.buyer.id,
                "type": "invoice",
                "street": "BP 1",
                "zip": "33000",
                "city": "Bordeaux",
                "country_id": self.buyer.country_id.id,
            }
        )
        self.assertEqual(
            self.problem(self.make_invoice(partner=contact)),
            ("FR-BUYER-SIREN", self.buyer, "company_registry"),
        )

    def test_buyer_siren_with_a_wrong_digit(self):
        self.buyer.company_registry = make_siret(BUYER_SIREN)[:-1] + "0"
        self.assertEqual(
            self.problem(self.make_invoice()),
            ("FR-BUYER-SIREN-INVALID", self.buyer, "company_registry"),
        )

    def test_a_buyer_abroad_needs_no_siren(self):
        self.buyer_de.company_registry = "HRB 12345"
        intra = [self.line(self.goods, "tva_sale_good_intra_0")]
        self.assertEqual(self.codes(self.make_invoice(intra, self.buyer_de)), [])

    def test_buyer_electronic_address_in_france(self):
        self.buyer.write({"peppol_eas": "0225", "peppol_endpoint": f"{SELLER_SIREN}_X"})
        self.assertEqual(
            self.problem(self.make_invoice()),
            ("FR-BUYER-ELECTRONIC-ADDRESS", self.buyer, "peppol_endpoint"),
        )
        self.buyer.peppol_endpoint = f"{BUYER_SIREN}_X"
        self.assertEqual(self.codes(self.make_invoice()), [])

    def test_buyer_electronic_address_abroad(self):
        export = [self.line(self.goods, "tva_sale_good_export_0")]
        move = self.make_invoice(export, self.buyer_us)
        self.buyer_us.email = False
        self.assertEqual(
            self.problem(move), ("FR-BUYER-ELECTRONIC-ADDRESS-MISSING", self.buyer_us, "email")
        )
        self.buyer_us.write({"peppol_eas": "0060", "peppol_endpoint": "012345678"})
        self.assertEqual(self.codes(move), [])

    def test_buyer_address(self):
        move = self.make_invoice()
        self.buyer.write({"street": False, "zip": False})
        self.assertEqual(self.problem(move), ("FR-BUYER-ADDRESS", self.buyer, "street"))
        self.assertEqual(self.regime._check(move)[0].args["fields"], "street,zip")
        self.buyer.write({"street": "3 quai Rambaud", "zip": "33000"})
        self.assertEqual(self.codes(move), [])

    def test_a_country_without_postal_codes(self):
        export = [self.line(self.goods, "tva_sale_good_export_0")]
        move = self.make_invoice(export, self.buyer_us)
        self.buyer_us.zip = False
        self.assertEqual(self.codes(move), [])
        self.buyer_us.city = False
        self.assertEqual(self.problem(move), ("FR-BUYER-ADDRESS", self.buyer_us, "city"))

    def test_buyer_vat_where_it_is_the_reason_for_no_vat(self):
        intra = [self.line(self.goods, "tva_sale_good_intra_0")]
        move = self.make_invoice(intra, self.buyer_de)
        self.buyer_de.write({"vat": False, "email": "einkauf@holm.example"})
        self.assertEqual(self.problem(move), ("FR-BUYER-VAT", self.buyer_de, "vat"))
        # A taxed sale to the same buyer does not depend on its number.
        self.assertEqual(self.codes(self.make_invoice(None, self.buyer_de)), [])

    # -- texts, process, origin ------------------------------------------------------------------

    def test_mandatory_texts(self):
        move = self.make_invoice()
        for subject in ("pmd", "pmt", "aab"):
            with self.subTest(subject=subject):
                field = f"finance_fr_note_{subject}"
                kept, self.company[field] = self.company[field], "  "
                self.assertEqual(
                    self.problem(move), (f"FR-NOTE-{subject.upper()}", self.company, field)
                )
                move[field] = "Pour cette facture"
                self.assertEqual(self.codes(move), [])
                self.company[field] = kept

    def test_business_process(self):
        tax = self.tax("tva_normale").copy({"name": "20% ?", "tax_scope": False})
        move = self.make_invoice([self.line(None, tax)])
        self.assertEqual(self.problem(move), ("FR-PROCESS", move, "finance_fr_process"))
        self.company.finance_fr_process = "S1"
        self.assertEqual(self.codes(move), [])
        self.assertEqual(move._finance_fr_effective_process(), "S1")

    def test_corrected_invoice(self):
        move = self.make_invoice(move_type="out_refund")
        self.assertEqual(self.problem(move), ("FR-ORIGIN", move, "finance_fr_origin_number"))
        move.finance_fr_origin_number = "FA-1"
        self.assertEqual(self.codes(move), ["FR-ORIGIN"])
        move.finance_fr_origin_date = "2026-01-31"
        self.assertEqual(self.codes(move), [])

    # -- lines -----------------------------------------------------------------------------------

    def test_each_line_has_one_vat(self):
        two = self.tax("tva_normale") | self.tax("tva_reduite")
        for taxes in (None, two):
            with self.subTest(taxes=taxes):
                move = self.make_invoice([self.line(self.goods), self.line(self.goods, taxes)])
                self.assertEqual(self.problem(move), ("FR-LINE-TAX", move, "invoice_line_ids"))
                self.assertEqual(self.regime._check(move)[0].args["line"], "2")

    def test_sections_and_notes_need_no_tax(self):
        section = Command.create({"display_type": "line_section", "name": "Mobilier"})
        self.assertEqual(self.codes(self.make_invoice([section, self.line(self.goods)])), [])

    def test_each_line_has_a_name(self):
        move = self.make_invoice([self.line(None, name=" ")])
        self.assertEqual(self.problem(move), ("FR-LINE-NAME", move, "invoice_line_ids"))

    # -- which documents -------------------------------------------------------------------------

    def test_only_sales_to_businesses_by_a_company_of_the_regime(self):
        applies = self.regime._applies
        self.assertTrue(applies(self.make_invoice()))
        self.assertTrue(applies(self.make_invoice(move_type="out_refund")))
        self.assertTrue(applies(self.make_invoice(partner=self.buyer_de)))
        self.assertFalse(applies(self.make_invoice(partner=self.consumer)))
        self.assertFalse(applies(self.make_invoice([], move_type="in_invoice")))
        move = self.make_invoice()
        einvoices = self.env["finance.einvoice"]
        self.assertEqual(einvoices._for_moves(move), [(move, self.regime)])
        self.company.finance_einvoice_regime = False
        self.assertEqual(einvoices._for_moves(move), [])

    def test_who_is_a_business_elsewhere_is_not_a_french_decision(self):
        """A contact of a company is a business in France; the rule of other countries stays as it is."""
        contact = self.env["res.partner"].create({"name": "Achats", "parent_id": self.buyer.id})
        contact.vat = False
        self.assertTrue(self.regime._is_business(contact))
        self.assertFalse(contact._finance_is_business())

    def test_a_sole_trader_with_a_vat_number_is_a_business(self):
        self.consumer.vat = self.buyer.vat
        self.assertTrue(self.regime._applies(self.make_invoice(partner=self.consumer)))

    def test_submission_parameters(self):
        move = self.make_invoice()
        self.assertEqual(
            self.regime._submission_parameters(move),
            {
                "flowSyntax": "UBL",
                "flowProfile": "CIUS",
                "processingRule": "B2B",
                "name": self.regime._render(move)[0],
            },
        )
        abroad = self.make_invoice(partner=self.buyer_de)
        self.assertEqual(self.regime._submission_parameters(abroad)["processingRule"], "B2BInt")

    # -- from a finding to a field -----------------------------------------------------------------

    def located(self, move, key, location="/Invoice"):
        """Where a finding about `key` leads: model, record id and field."""
        finding = self.regime._locate(move, Finding("X", field_name=key, item=location))
        return finding.model, finding.record_id, finding.field_name

    def test_e2_every_field_key_leads_to_a_field_of_a_record(self):
        move = self.make_invoice()
        for key in sorted(FIELDS):
            location = "/Invoice/cac:InvoiceLine[1]" if key.startswith("line") else "/Invoice"
            with self.subTest(key=key):
                model, record_id, field = self.located(move, key, location)
                self.assertTrue(self.env[model].browse(record_id).exists())
                self.assertIn(field, self.env[model]._fields)

    def test_e2_a_key_leads_to_the_nearest_record(self):
        move = self.make_invoice([self.line(self.service), self.line(self.goods)])
        seller, buyer = "/Invoice/cac:AccountingSupplierParty[1]", "/Invoice/cac:Accounting"
        second_line = "/Invoice/cac:InvoiceLine[2]/cac:Item[1]"
        company, partner = self.company, self.company.partner_id
        cases = (
            ("buyer.siren", "", self.buyer, "company_registry"),
            ("buyer.vat", "", self.buyer, "vat"),
            ("seller.vat", "", company, "vat"),
            ("seller.electronic_address", "", partner, "peppol_endpoint"),
            ("parties.vat", seller, company, "vat"),
            ("parties.vat", f"{buyer}CustomerParty[1]", self.buyer, "vat"),
            ("invoice.notes.PMD", "", move, "finance_fr_note_pmd"),
            ("invoice.due_date", "", move, "invoice_date_due"),
            ("line.tax", second_line, move, "invoice_line_ids"),
            ("line.product", second_line, self.goods, "name"),
            ("tax.rate", "", move.invoice_line_ids.tax_ids[:1], "amount"),
        )
        for key, location, record, field in cases:
            with self.subTest(key=key, location=location):
                self.assertEqual(
                    self.located(move, key, location),
                    (record._name, record.id, field),
                )

    def test_e2_a_broken_official_rule_leads_to_what_is_wrong(self):
        """A German rate on a French invoice: found by the official rules, corrected at the tax."""
        tax = self.tax("tva_normale").copy({"name": "19% DE", "amount": 19.0})
        move = self.make_invoice([self.line(self.goods), self.line(self.goods, tax)])
        content = self.regime._render(move)[1]
        rules = self.env["finance.einvoice.rules"]
        found = {item.code: item for item in rules._check(content, self.regime._rule_sets(move))}
        self.assertEqual(set(found), {"BR-FR-16_BT-119", "BR-FR-16_BT-152"})
        on_line = found["BR-FR-16_BT-152"]
        self.assertEqual(line_number(on_line.item), 2)
        located = self.regime._locate(move, on_line)
        self.assertEqual(
            (located.model, located.record_id, located.field_name),
            ("account.move", move.id, "invoice_line_ids"),
        )

    def test_e2_a_broken_rule_is_explained_in_the_language_of_the_reader(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        move = self.make_invoice()
        content = self.regime._render(move)[1].replace(b"#PMT#", b"")
        (found,) = self.env["finance.einvoice.rules"]._check(content, self.regime._rule_sets(move))
        findings = self.env["finance.finding"]
        english = findings._render(found)
        french = findings.with_context(lang="fr_FR")._render(found)
        self.assertNotEqual(english[0], french[0])
        stored = findings.with_context(lang="fr_FR")._listed([found.to_json()])
        self.assertEqual((stored[0]["sentence"], stored[0]["hint"]), french)
        self.assertEqual(stored[0]["text"], found.args["text"])
