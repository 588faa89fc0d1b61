"""One French company with its chart, customers and products; companies and numbers invented."""

from datetime import date

from odoo.fields import Command
from odoo.tests import TransactionCase
from stdnum.fr import siren as siren_number
from stdnum.luhn import calc_check_digit

INVOICE_DATE = date(2026, 10, 1)


def make_siren(stem):
    """Eight digits and their check digit."""
    return f"{stem}{calc_check_digit(stem)}"


def make_siret(siren, establishment="0001"):
    """The SIREN, four digits and a check digit over all of them."""
    stem = f"{siren}{establishment}"
    return f"{stem}{calc_check_digit(stem)}"


def make_vat(siren):
    """The French VAT number that belongs to a SIREN."""
    return f"FR{siren_number.to_tva(siren).replace(' ', '')}"


SELLER_SIREN = make_siren("81234567")
BUYER_SIREN = make_siren("90234567")


class FrenchCompanyCase(TransactionCase):
    """Light: a company of the database that has the French chart already is used again."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company = cls._french_company()
        cls.env.user.company_ids |= cls.company
        context = {
            **cls.env.context,
            "allowed_company_ids": cls.company.ids,
            "tracking_disable": True,
        }
        cls.env = cls.env(context=context)
        cls.company = cls.company.with_env(cls.env)
        cls.chart = cls.env["account.chart.template"].with_company(cls.company)
        cls._make_partners()
        cls._make_products()

    @classmethod
    def _french_company(cls):
        companies = cls.env["res.company"].search([("chart_template", "=", "fr")])
        company = companies[:1] or cls.env["res.company"].create(
            {"name": "Atelier Durand", "country_id": cls.env.ref("base.fr").id}
        )
        company.write(
            {
                "street": "12 rue des Tanneurs",
                "zip": "69002",
                "city": "Lyon",
                "country_id": cls.env.ref("base.fr").id,
                "vat": make_vat(SELLER_SIREN),
                "company_registry": make_siret(SELLER_SIREN),
                "finance_fr_process": False,
                "finance_einvoice_regime": "fr",
            }
        )
        company.partner_id.write({"peppol_eas": "0009", "email": "compta@durand.example"})
        if not company.chart_template:
            cls.env["account.chart.template"].try_loading("fr", company, install_demo=False)
        return company

    @classmethod
    def _make_partners(cls):
        cls.buyer = cls._partner(
            "Menuiserie Roux",
            "FR",
            street="3 quai Rambaud",
            zip="33000",
            city="Bordeaux",
            vat=make_vat(BUYER_SIREN),
            company_registry=make_siret(BUYER_SIREN),
        )
        cls.buyer_de = cls._partner(
            "Tischlerei Holm GmbH",
            "DE",
            street="Lange Gasse 5",
            zip="70173",
            city="Stuttgart",
            vat="DE136695976",
        )
        cls.buyer_us = cls._partner(
            "Maple Fixtures Inc",
            "US",
            street="8 Harbor Road",
            zip="04101",
            city="Portland",
            email="ap@maple.example",
        )
        cls.consumer = cls._partner("Private customer", "FR", is_company=False)

    @classmethod
    def _partner(cls, name, country, **values):
        country = cls.env.ref(f"base.{country.lower()}")
        return cls.env["res.partner"].create(
            {"name": name, "country_id": country.id, "is_company": True, **values}
        )

    @classmethod
    def _make_products(cls):
        cls.goods = cls.env["product.product"].create(
            {"name": "Table en chêne", "type": "consu", "default_code": "TAB-01"}
        )
        cls.service = cls.env["product.product"].create(
            {"name": "Pose sur site", "type": "service"}
        )

    @classmethod
    def tax(cls, xmlid):
        """A tax of the French chart by its template's id, such as `tva_normale`; activated."""
        tax = cls.chart.ref(xmlid)
        tax.active = True
        return tax

    @classmethod
    def line(cls, product=None, tax="tva_normale", price=100.0, **values):
        """Values of an invoice line; `tax` is a template's id, a tax record or None."""
        if isinstance(tax, str):
            tax = cls.tax(tax)
        values.setdefault("quantity", 1.0)
        if product is None:
            values.setdefault("name", "Fournitures")
        return Command.create(
            {
                "product_id": product.id if product else False,
                "price_unit": price,
                "tax_ids": [Command.set(tax.ids if tax else [])],
                **values,
            }
        )

    @classmethod
    def make_invoice(cls, lines=None, partner=None, move_type="out_invoice", **values):
        """A draft; `lines` are the results of `line`, by default one of goods at 20 %."""
        partner = partner or cls.buyer
        return cls.env["account.move"].create(
            {
                "move_type": move_type,
                "company_id": cls.company.id,
                "partner_id": partner.id,
                "invoice_date": INVOICE_DATE,
                "invoice_line_ids": lines or [cls.line(cls.goods)],
                **values,
            }
        )

    def post(self, move):
        """Post without submitting, which is not the subject of these tests."""
        self.company.finance_einvoice_regime = False
        move.action_post()
        self.company.finance_einvoice_regime = "fr"
        return move
