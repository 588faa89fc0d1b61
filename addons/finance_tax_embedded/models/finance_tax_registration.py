"""Tax registrations of a company: VAT abroad, the union one-stop shop, nexus in US states."""

import datetime as dt

from odoo import api, fields, models

from ..core import facts


class FinanceTaxRegistration(models.Model):
    _name = "finance.tax.registration"
    _inherit = "finance.tax.rulebook.mixin"
    _description = "Tax registration"
    _order = "company_id, kind, jurisdiction_id, valid_from"
    _check_company_auto = True
    _audit_tracked = (
        *("company_id", "jurisdiction_id", "kind", "number", "valid_from", "valid_to", "active"),
    )

    company_id = fields.Many2one(
        "res.company",
        required=True,
        default=lambda self: self.env.company,
        index=True,
    )
    kind = fields.Selection(
        [
            ("vat", "VAT registration"),
            ("oss", "Union one-stop shop"),
            ("nexus", "Sales tax nexus"),
        ],
        required=True,
        default="vat",
        help="VAT: registered for VAT in this country; consumers there pay its rates. "
        "One-stop shop: consumers in every other member state pay the rates of their state. "
        "Nexus: a sales tax permit of this US state; without it no tax is charged there.",
    )
    jurisdiction_id = fields.Many2one(
        "finance.tax.jurisdiction", required=True, ondelete="restrict"
    )
    number = fields.Char()
    valid_from = fields.Date("Valid from", required=True, default=fields.Date.context_today)
    valid_to = fields.Date("Valid to", help="Last day. Empty: until further notice.")
    active = fields.Boolean(default=True)

    _valid_period = models.Constraint(
        "CHECK(valid_to IS NULL OR valid_to >= valid_from)",
        "The registration ends before it begins.",
    )

    @api.depends("kind", "jurisdiction_id", "number")
    def _compute_display_name(self):
        kinds = dict(self._fields["kind"]._description_selection(self.env))
        for registration in self:
            parts = (registration.jurisdiction_id.code, kinds.get(registration.kind))
            registration.display_name = " ".join(filter(None, (*parts, registration.number)))

    def _fact(self):
        """Return the registration as a fact for the core."""
        self.ensure_one()
        return facts.Registration(
            jurisdiction=self.jurisdiction_id.code,
            kind=self.kind,
            number=self.number or "",
            valid_from=self.valid_from,
            valid_to=self.valid_to or dt.date.max,
        )
