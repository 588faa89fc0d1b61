"""Tax simulation: the answer and the rule that gave it, without any document."""

from datetime import datetime, timezone
from decimal import Decimal

from odoo import api, fields, models
from odoo.addons.finance_connector_base.core import contract
from odoo.addons.finance_tax_engine.core.errors import TaxError

from ..models.finance_tax_rule import SUPPLIES
from ..models.product import STANDARD


class FinanceTaxTry(models.TransientModel):
    _name = "finance.tax.try"
    _description = "Tax simulation"

    company_id = fields.Many2one(
        "res.company", "Seller", required=True, default=lambda self: self.env.company
    )
    partner_id = fields.Many2one("res.partner", "Customer", help="Or enter where the customer is.")
    country_id = fields.Many2one(
        "res.country",
        compute="_compute_from_partner",
        store=True,
        readonly=False,
    )
    state_id = fields.Many2one(
        "res.country.state",
        compute="_compute_from_partner",
        store=True,
        readonly=False,
    )
    city = fields.Char(compute="_compute_from_partner", store=True, readonly=False)
    zip = fields.Char("Postal code", compute="_compute_from_partner", store=True, readonly=False)
    vat = fields.Char("VAT number", compute="_compute_from_partner", store=True, readonly=False)
    is_business = fields.Boolean(
        "Business customer", compute="_compute_from_partner", store=True, readonly=False
    )
    product_id = fields.Many2one("product.product")
    category_id = fields.Many2one(
        "finance.tax.category",
        "Tax category",
        compute="_compute_from_product",
        store=True,
        readonly=False,
    )
    supply = fields.Selection(
        SUPPLIES, "Kind of supply", compute="_compute_from_product", store=True, readonly=False
    )
    date = fields.Date("Tax date", required=True, default=fields.Date.context_today)
    amount = fields.Monetary("Amount before tax", required=True, default=100.0)
    currency_id = fields.Many2one(related="company_id.currency_id")
    answer_html = fields.Html("Answer", compute="_compute_answer", sanitize=False)
    total_tax = fields.Monetary("Tax", compute="_compute_answer")
    explanation = fields.Text(compute="_compute_answer")
    problem = fields.Char(compute="_compute_answer")

    @api.depends("partner_id", "company_id")
    def _compute_from_partner(self):
        for wizard in self:
            partner = wizard.partner_id
            home = wizard.company_id.account_fiscal_country_id or wizard.company_id.country_id
            wizard.country_id = partner.country_id or home
            wizard.state_id, wizard.city, wizard.zip = partner.state_id, partner.city, partner.zip
            wizard.vat = partner.vat
            wizard.is_business = partner._finance_is_business() if partner else False

    @api.depends("product_id")
    def _compute_from_product(self):
        categories = self.env["finance.tax.category"]
        for wizard in self:
            template = wizard.product_id.product_tmpl_id
            code = template._finance_tax_category_code() if template else STANDARD
            wizard.category_id = categories.search([("code", "=", code)], limit=1)
            by_type = "services" if template.type == "service" else "goods"
            wizard.supply = template.finance_tax_supply or by_type

    @api.depends(
        *("company_id", "country_id", "state_id", "city", "zip", "vat", "is_business"),
        *("category_id", "supply", "date", "amount"),
    )
    def _compute_answer(self):
        for wizard in self:
            wizard.update({"answer_html": False, "total_tax": 0, "explanation": False})
            wizard.problem = False
            if not (wizard.company_id and wizard.country_id and wizard.supply and wizard.date):
                continue
            try:
                answer = wizard._engine()._determine(wizard._document())
            except TaxError as error:
                finding = error.finding().to_json()
                wizard.problem = self.env["finance.finding"]._render_tax([finding])
            else:
                wizard._show(answer)

    def _engine(self):
        """Return the company's engine; the embedded one if it has none yet."""
        engines = self.env["finance.tax.engine"]
        if self.company_id._finance_has_tax_engine():
            return engines._of(self.company_id)
        return self.env["finance.tax.engine.embedded"]

    def _show(self, answer):
        determination = self.env["finance.tax.determination"]
        self.answer_html = determination._details(answer, self.currency_id)
        self.total_tax = float(answer.total_tax())
        self.explanation = self.env["finance.finding"]._tax_explanation(answer)

    def _document(self):
        """Return a document with one line that is stored nowhere."""
        amount = Decimal(str(self.currency_id.round(self.amount)))
        seller = self.company_id.partner_id._finance_party()
        currency = self.currency_id.name
        return contract.Document(
            kind="order",
            id=f"try-{datetime.now(timezone.utc):%H%M%S}",
            tax_date=self.date,
            currency=currency,
            company_currency=currency,
            company_id=str(self.company_id.id),
            seller=seller,
            buyer=self._buyer(),
            lines=(
                contract.Line(
                    id="1",
                    tax_category=self.category_id.code or STANDARD,
                    supply=self.supply,
                    quantity=Decimal(1),
                    unit_price=amount,
                    net_amount=amount,
                ),
            ),
        )

    def _buyer(self):
        vat = (self.vat or "").replace(" ", "").upper()
        return contract.Party(
            id="try",
            name=self.partner_id.name or "Customer",
            is_business=self.is_business,
            address=contract.Address(
                city=self.city or "",
                postal_code=self.zip or "",
                region=self.state_id.code or "",
                country=self.country_id.code,
            ),
            identifiers=(contract.Identifier(scheme="vat", value=vat),) if vat else (),
        )
