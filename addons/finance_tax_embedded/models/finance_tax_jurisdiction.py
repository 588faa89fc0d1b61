"""Authorities that impose tax: a tree country › state › county › city › special."""

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..core import facts


class FinanceTaxJurisdiction(models.Model):
    _name = "finance.tax.jurisdiction"
    _inherit = "finance.tax.rulebook.mixin"
    _description = "Tax jurisdiction"
    _parent_store = True
    _order = "country_id, code"
    _rec_names_search = ["code", "name"]
    _audit_tracked = (
        *("code", "name", "level", "tax_type", "country_id", "state_id", "parent_id"),
        *("origin_sourced", "cities", "postal_prefixes", "active"),
    )

    name = fields.Char(required=True, translate=True)
    code = fields.Char(
        required=True,
        help="Unique, does not change; for example FR, US-TX or US-TX-AUSTIN. Determinations refer to it.",
    )
    level = fields.Selection(
        [
            ("country", "Country"),
            ("state", "State or region"),
            ("county", "County"),
            ("city", "City"),
            ("special", "Special district"),
        ],
        required=True,
        default="country",
    )
    tax_type = fields.Selection(
        [("vat", "Value added tax"), ("sales", "Sales tax")],
        "Tax type",
        required=True,
        default="vat",
        help="VAT: the smallest area with a rule decides. Sales tax: every level adds its own.",
    )
    country_id = fields.Many2one("res.country", required=True, ondelete="restrict", index=True)
    state_id = fields.Many2one("res.country.state", ondelete="restrict")
    parent_id = fields.Many2one(
        "finance.tax.jurisdiction", "Part of", ondelete="restrict", index=True
    )
    parent_path = fields.Char(index=True)
    child_ids = fields.One2many("finance.tax.jurisdiction", "parent_id", "Contains")
    origin_sourced = fields.Boolean(
        "Origin state",
        help="Sales within the state are taxed at the place of shipment instead of delivery.",
    )
    cities = fields.Char(help="Names of the cities it covers, separated by commas.")
    postal_prefixes = fields.Char(
        "Postal codes", help="Beginnings of the postal codes it covers, separated by commas."
    )
    rule_ids = fields.One2many("finance.tax.rule", "jurisdiction_id", "Rules")
    active = fields.Boolean(default=True)

    _code_uniq = models.Constraint("UNIQUE(code)", "A jurisdiction with this code already exists.")

    @api.depends("code", "name")
    def _compute_display_name(self):
        for jurisdiction in self:
            jurisdiction.display_name = f"{jurisdiction.code or ''} {jurisdiction.name or ''}"

    @api.constrains("parent_id", "level", "country_id")
    def _check_parent(self):
        for jurisdiction in self.filtered("parent_id"):
            parent = jurisdiction.parent_id
            below = facts.LEVELS.index(jurisdiction.level) > facts.LEVELS.index(parent.level)
            if not below or parent.country_id != jurisdiction.country_id:
                raise ValidationError(
                    self.env._(
                        "%(child)s cannot be part of %(parent)s: a jurisdiction is part of a larger "
                        "one in the same country.",
                        child=jurisdiction.display_name,
                        parent=parent.display_name,
                    )
                )

    def _fact(self):
        """Return the jurisdiction as a fact for the core."""
        self.ensure_one()
        return facts.Jurisdiction(
            code=self.code,
            name=self.name,
            country=self.country_id.code,
            level=self.level,
            tax_type=self.tax_type,
            parent=self.parent_id.code or None,
            origin_sourced=self.origin_sourced,
            region=self.state_id.code or "",
            cities=tuple(item.casefold() for item in _items(self.cities)),
            postal_prefixes=tuple(
                item.replace(" ", "").upper() for item in _items(self.postal_prefixes)
            ),
        )


def _items(text):
    """Return the values of a comma-separated list."""
    return [item.strip() for item in (text or "").split(",") if item.strip()]
