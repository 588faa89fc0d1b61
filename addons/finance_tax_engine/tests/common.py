"""A French company with the least books an invoice needs, and the tax engine of the tests."""

from odoo import Command
from odoo.orm.model_classes import add_to_registry
from odoo.tests import TransactionCase

from .fake_engine import CODE, FakeEngine

DATE = "2026-05-04"


class TaxCase(TransactionCase):
    engine = CODE

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if cls.engine == CODE:
            cls._install_fake_engine()
        cls.euro = cls._currency("EUR")
        cls.dollar = cls._currency("USD")
        cls.company = cls._company("Papeterie du Port", "FR")
        cls.env = cls.env(context={**cls.env.context, "allowed_company_ids": cls.company.ids})
        cls.env.user.write({"company_ids": [Command.link(cls.company.id)]})
        cls.env.user.company_id = cls.company
        cls.company = cls.company.with_env(cls.env)
        cls.books(cls.company, 20)
        cls.customer = cls._partner("Librairie Centrale", "FR", vat="FR83404833048")
        cls.german = cls._partner("Buchhaus", "DE", vat="DE136695976")
        cls.consumer = cls._partner("Anna Beispiel", "DE", is_company=False)
        cls.american = cls._partner("Stationery Inc.", "US", state="TX")
        cls.paper = cls._product("Paper", "standard")
        cls.novel = cls._product("Novel", "books")
        cls.advice = cls._product("Advice", "standard", type="service")

    @classmethod
    def _install_fake_engine(cls):
        """Make the engine of the tests a choice of companies, for the tests of this class."""
        registry, name = cls.env.registry, FakeEngine._name
        add_to_registry(registry, FakeEngine)
        cls.addClassCleanup(registry["finance.tax.engine"]._inherit_children.discard, name)
        cls.addClassCleanup(registry["base"]._inherit_children.discard, name)
        cls.addClassCleanup(registry.__delitem__, name)
        registry._setup_models__(cls.env.cr, [name])
        field = registry["res.company"]._fields["finance_tax_engine"]
        selection = [*field.selection, (CODE, "Engine of the tests")]
        cls.classPatch(field, "selection", selection)
        cls.classPatch(field, "_selection", dict(selection))

    def setUp(self):
        super().setUp()
        self.patch(FakeEngine, "calls", 0)
        self.patch(FakeEngine, "error", None)
        self.patch(FakeEngine, "rates", dict(FakeEngine.rates))

    # -- records -------------------------------------------------------------------------------

    @classmethod
    def _currency(cls, code):
        currency = cls.env["res.currency"].with_context(active_test=False)
        return currency.search([("name", "=", code)]).with_context(active_test=True)

    @classmethod
    def _company(cls, name, country, **values):
        (cls.euro | cls.dollar).active = True
        return cls.env["res.company"].create(
            {
                "name": name,
                "country_id": cls.env.ref(f"base.{country.lower()}").id,
                "currency_id": cls.euro.id,
                "tax_calculation_rounding_method": "round_per_line",
                "finance_tax_engine": cls.engine,
                **values,
            }
        )

    @classmethod
    def books(cls, company, rate):
        """Accounts, a sales journal and the company's own tax."""
        made = cls._accounts(company)
        cls.journal = cls.env["account.journal"].create(
            {
                "name": "Sales",
                "code": "SAL",
                "type": "sale",
                "company_id": company.id,
                "default_account_id": made["income"].id,
            }
        )
        cls.tag = cls.env["account.account.tag"].create(
            {
                "name": f"Engine test {company.name}",
                "applicability": "taxes",
                "country_id": company.country_id.id,
            }
        )
        group = cls.env["account.tax.group"].create(
            {"name": "VAT", "company_id": company.id, "country_id": company.country_id.id}
        )
        lines = [
            Command.create({"repartition_type": "base", "tag_ids": [Command.set(cls.tag.ids)]}),
            Command.create({"repartition_type": "tax", "account_id": made["tax"].id}),
        ]
        cls.native = cls.env["account.tax"].create(
            {
                "name": f"Own {rate}",
                "amount": rate,
                "type_tax_use": "sale",
                "company_id": company.id,
                "country_id": company.country_id.id,
                "tax_group_id": group.id,
                "invoice_repartition_line_ids": lines,
                "refund_repartition_line_ids": lines,
            }
        )

    @classmethod
    def _accounts(cls, company):
        """Income, receivable and tax: the accounts an invoice needs."""
        accounts = cls.env["account.account"].with_company(company)
        specs = {
            "income": ("400000", "income", False),
            "receivable": ("121000", "asset_receivable", True),
            "tax": ("251000", "liability_current", False),
        }
        made = {
            key: accounts.create(
                {
                    "name": key,
                    "code": code,
                    "account_type": kind,
                    "reconcile": reconcile,
                    "company_ids": [Command.set(company.ids)],
                }
            )
            for key, (code, kind, reconcile) in specs.items()
        }
        cls.env["ir.default"].set(
            "res.partner",
            "property_account_receivable_id",
            made["receivable"].id,
            company_id=company.id,
        )
        cls.accounts = made
        return made

    @classmethod
    def _partner(cls, name, country, *, state=None, **values):
        country = cls.env.ref(f"base.{country.lower()}")
        region = country.state_ids.filtered(lambda item: item.code == state)
        defaults = {"is_company": True, "country_id": country.id, "state_id": region.id}
        return cls.env["res.partner"].create({"name": name, **defaults, **values})

    @classmethod
    def _product(cls, name, _category, **values):
        return cls.env["product.product"].create(
            {
                "name": name,
                "default_code": name.upper(),
                "type": "consu",
                "list_price": 100.0,
                "taxes_id": [Command.set(cls.native.ids)],
                **values,
            }
        )

    def _invoice(self, lines, partner=None, move_type="out_invoice", **values):
        """A saved draft. ``lines``: (product, quantity, price) or (product, quantity, price,
        discount).
        """
        return self.env["account.move"].create(
            {
                "move_type": move_type,
                "partner_id": (partner or self.customer).id,
                "invoice_date": DATE,
                "journal_id": self.journal.id,
                "invoice_line_ids": [Command.create(self._line(*line)) for line in lines],
                **values,
            }
        )

    @staticmethod
    def _line(product, quantity=1, price=100.0, discount=0.0):
        return {
            "product_id": product.id,
            "quantity": quantity,
            "price_unit": price,
            "discount": discount,
        }

    def _reverse(self, move, **values):
        """Odoo's own reversal wizard, as the button does it."""
        wizard = self.env["account.move.reversal"].create(
            {"move_ids": [Command.set(move.ids)], "journal_id": move.journal_id.id, **values}
        )
        return self.env["account.move"].browse(wizard.reverse_moves()["res_id"])

    # -- reading -------------------------------------------------------------------------------

    def _taxes(self, move):
        """Name of each tax line's tax → amount in document currency, as on the paper."""
        lines = move.line_ids.filtered("tax_line_id")
        return {line.tax_line_id.name: move.direction_sign * line.amount_currency for line in lines}

    def _details(self, move):
        """Details of the determination in use, by description of the line."""
        answer = move.finance_tax_determination_id._answer()
        names = {str(line.id): line.product_id.name for line in move.invoice_line_ids}
        return {names[detail.line_id]: detail for detail in answer.details}
