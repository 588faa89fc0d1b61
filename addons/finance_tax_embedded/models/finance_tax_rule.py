"""What tax is due in one jurisdiction under some conditions, with legal reference and source."""

import datetime as dt
from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..core import facts, selection

CUSTOMERS = [("business", "Businesses"), ("consumer", "Consumers")]
SUPPLIES = [("goods", "Goods"), ("services", "Services"), ("digital", "Digital services")]


class FinanceTaxRule(models.Model):
    _name = "finance.tax.rule"
    _inherit = "finance.tax.rulebook.mixin"
    _description = "Tax rule"
    _order = "jurisdiction_id, category_id, valid_from desc, id"
    _check_company_auto = True
    _audit_tracked = (
        *("name", "jurisdiction_id", "category_id", "customer", "supply", "company_id"),
        *("treatment", "rate", "valid_from", "valid_to", "reason", "reason_code"),
        *("legal_reference", "source", "active"),
    )

    name = fields.Char(required=True, translate=True)
    jurisdiction_id = fields.Many2one(
        "finance.tax.jurisdiction",
        required=True,
        ondelete="cascade",
        index=True,
    )
    category_id = fields.Many2one(
        "finance.tax.category", "Tax category", ondelete="restrict", help="Empty: all of them."
    )
    customer = fields.Selection(CUSTOMERS, "Customers", help="Empty: businesses and consumers.")
    supply = fields.Selection(SUPPLIES, "Kind of supply", help="Empty: goods and all services.")
    company_id = fields.Many2one(
        "res.company",
        help="Empty: shared by all companies. A company's own rule precedes every shared rule.",
    )
    valid_from = fields.Date("Valid from", required=True, default=fields.Date.context_today)
    valid_to = fields.Date("Valid to", help="Last day. Empty: until further notice.")
    treatment = fields.Selection(
        [
            ("taxable", "Taxable"),
            ("zero", "Zero rate"),
            ("exempt", "Exempt"),
            ("reverse_charge", "Reverse charge"),
            ("outside", "Outside the scope"),
        ],
        required=True,
        default="taxable",
    )
    rate = fields.Float("Rate (%)", digits=(7, 4), aggregator=None)
    un_category = fields.Char("VAT category (UNTDID 5305)", compute="_compute_un_category")
    reason = fields.Char(translate=True, help="Why no tax is charged; printed on the invoice.")
    reason_code = fields.Char("VATEX code", help="Exemption reason code for e-invoices.")
    legal_reference = fields.Char("Legal reference", translate=True)
    source = fields.Char(translate=True, help="Publication the rule was taken from.")
    active = fields.Boolean(default=True)
    problem = fields.Char("Conflict", compute="_compute_problem")

    _valid_period = models.Constraint(
        "CHECK(valid_to IS NULL OR valid_to >= valid_from)", "The rule ends before it begins."
    )
    _rate_if_taxable = models.Constraint(
        "CHECK((treatment = 'taxable') = (rate > 0))",
        "A taxable rule needs a rate above zero; any other treatment has none. "
        "Choose “Zero rate” for 0 %.",
    )

    @api.constrains("treatment", "reason", "legal_reference")
    def _check_says_why(self):
        for rule in self:
            if rule.treatment != "taxable" and not rule.reason:
                raise ValidationError(
                    self.env._("“%(rule)s” charges no tax. Enter why in “Reason”.", rule=rule.name)
                )

    @api.depends("treatment", "jurisdiction_id.tax_type")
    def _compute_un_category(self):
        for rule in self:
            is_vat = rule.jurisdiction_id.tax_type != "sales"
            rule.un_category = is_vat and facts.CATEGORY.get(rule.treatment)

    @api.depends("jurisdiction_id", "category_id", "customer", "supply", "valid_from", "valid_to")
    def _compute_problem(self):
        for rule in self:
            others = rule.jurisdiction_id.rule_ids.filtered(
                lambda other, rule=rule: other.company_id == rule.company_id
            )
            rivals = {
                one.name if two.id == str(rule.id) else two.name
                for one, two in others._overlaps()
                if str(rule.id) in {one.id, two.id}
            }
            rule.problem = False
            if rivals:
                rule.problem = self.env._(
                    "Conflicts with %(rules)s: same specificity, overlapping validity.",
                    rules=", ".join(sorted(rivals)),
                )

    def _overlaps(self):
        """Return pairs of rules (as facts) between which no determination can choose."""
        return selection.overlapping([rule._fact() for rule in self if rule.valid_from])

    def _fact(self):
        """Return the rule as a fact for the core."""
        self.ensure_one()
        return facts.Rule(
            id=str(self.id),
            name=self.name or "",
            jurisdiction=self.jurisdiction_id.code or "",
            treatment=self.treatment,
            rate=Decimal(str(round(self.rate, 4))),
            category=self.category_id.code or None,
            customer=self.customer or None,
            supply=self.supply or None,
            valid_from=self.valid_from,
            valid_to=self.valid_to or dt.date.max,
            reason=self.reason or "",
            reason_code=self.reason_code or "",
            legal_reference=self.legal_reference or "",
            source=self.source or "",
            own=bool(self.company_id),
        )
