"""Which way a document takes: ordered routes per purpose, chosen by facts of the document.

Public surface for other code:

* ``_purposes``: what routes exist for; addons extend it;
* ``_choice``: the route of one document with its explanation, or why there is none;
* ``_applies_to``, ``_owner_of``: whether a company has routes, and whose they are;
* ``_facts_of``: the facts by which routes are chosen.

A branch uses the routes of the nearest company above it unless it has its own; a company without any uses the shared ones.
Changes are recorded in the audit log and never reach a document on its way: what was chosen is stored with it.
"""

from typing import Any, NamedTuple

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import ormcache

from ..core import routing

MODEL = "finance.route"
DOCUMENT_KINDS = [
    ("invoice", "Customer invoice"),
    ("credit_note", "Customer credit note"),
]
CUSTOMER_KINDS = [("business", "Businesses"), ("consumer", "Consumers")]
SEND, SKIP = "send", "skip"


class RouteChoice(NamedTuple):
    """The route of a document (an empty record where there is none) and the finding that explains it."""

    route: Any
    finding: Any


class FinanceRoute(models.Model):
    _name = MODEL
    _description = "Route"
    _inherit = ["finance.shared.mixin", "finance.audit.tracked.mixin"]
    _order = "purpose, company_id, sequence, id"
    _audit_tracked = (
        *("name", "sequence", "active", "company_id", "purpose", "result"),
        *("document_kind", "customer_kind", "country_id", "connection_id"),
    )

    name = fields.Char(required=True)
    sequence = fields.Integer(
        default=10, help="Decides between routes that are equally specific; the lowest is taken."
    )
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        "res.company",
        default=lambda self: self.env.company,
        index=True,
        ondelete="cascade",
        help="Empty: shared by all companies without routes of their own.",
    )
    purpose = fields.Selection(
        selection=lambda self: self.env[MODEL]._purposes(), required=True, index=True
    )
    result = fields.Selection(
        [(SEND, "Send documents"), (SKIP, "Do not send")],
        "Documents of this route",
        required=True,
        default=SEND,
    )
    document_kind = fields.Selection(DOCUMENT_KINDS, "Document kind", help="Empty: every kind.")
    customer_kind = fields.Selection(
        CUSTOMER_KINDS, "Customers", help="Empty: businesses and consumers."
    )
    country_id = fields.Many2one(
        "res.country",
        "Country of the customer",
        ondelete="restrict",
        help="Empty: every country.",
    )
    connection_id = fields.Many2one(
        "finance.connection",
        domain="[('company_id', 'parent_of', company_id)]",
        ondelete="restrict",
        index="btree_not_null",
        help="The platform or authority that receives the documents.",
    )
    problem = fields.Char("Conflict", compute="_compute_problem")

    _shared_has_no_connection = models.Constraint(
        "CHECK(company_id IS NOT NULL OR connection_id IS NULL)",
        "A connection belongs to one company, so a shared route cannot name one.",
    )

    # -- registries ----------------------------------------------------------------------------------------------

    @api.model
    def _purposes(self):
        """Return code and label of each purpose. Codes are stored: retired, never reused."""
        return []

    # -- choosing ------------------------------------------------------------------------------------------------

    @api.model
    def _facts_of(self, move):
        """Return the facts of a document by which routes and mappings are chosen."""
        partner = move.commercial_partner_id
        return {
            "document_kind": "credit_note" if move.move_type == "out_refund" else "invoice",
            "customer_kind": "business" if partner._finance_is_business() else "consumer",
            "country": partner.country_id.code or "",
        }

    @api.model
    def _choice(self, purpose, move):
        """Return the ``RouteChoice`` of a document."""
        _owner, candidates = self._book(purpose, move.company_id.id)
        choice = routing.route(candidates, self._facts_of(move.sudo()), MODEL)
        chosen = self.sudo().browse(choice.candidate.id if choice.candidate else ())
        return RouteChoice(chosen, choice.finding)

    @api.model
    def _applies_to(self, purpose, company):
        """Return whether documents of this company need a route of this purpose."""
        return bool(self._book(purpose, company.id)[1])

    @api.model
    def _owner_of(self, purpose, company):
        """Return the company whose routes apply to this one; itself where these are shared or none."""
        return company.sudo().browse(self._book(purpose, company.id)[0])

    @api.model
    @ormcache("purpose", "company_id")
    def _book(self, purpose, company_id):
        """Return the id of the company whose routes apply, and these as candidates."""
        company = self.env["res.company"].sudo().browse(company_id)
        for owner in (*reversed(company.parent_ids), company.browse()):
            routes = self.sudo().search(
                # Named, because the caller's context may include archived records.
                [
                    ("purpose", "=", purpose),
                    ("company_id", "=", owner.id),
                    ("active", "=", True),
                ],
                order="sequence, id",
            )
            if routes:
                return owner.id or company_id, tuple(one._candidate() for one in routes)
        return company_id, ()

    def _candidate(self):
        """Return the route as a value of the core."""
        self.ensure_one()
        criteria = {
            "document_kind": self.document_kind,
            "customer_kind": self.customer_kind,
            "country": self.country_id.code,
        }
        given = {name: value for name, value in criteria.items() if value}
        return routing.Candidate(self.id, self.name, self.sequence, given)

    @api.depends(
        *("sequence", "active", "company_id", "purpose"),
        *("document_kind", "customer_kind", "country_id"),
    )
    def _compute_problem(self):
        for route in self:
            route.problem = False
            rivals = route.search(
                [
                    ("purpose", "=", route.purpose),
                    ("company_id", "=", route.company_id.id),
                    ("active", "=", True),
                ]
            )
            names = {
                (two if one.id == route._origin.id else one).name
                for one, two in routing.overlapping(item._candidate() for item in rivals)
                if route._origin.id in {one.id, two.id}
            }
            if names:
                route.problem = self.env._(
                    "Conflicts with %(routes)s for some documents: change the order or add a condition.",
                    routes=", ".join(sorted(names)),
                )

    # -- changes -------------------------------------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        routes = super().create(vals_list)
        routes._after_change(routes.company_id, not all(route.company_id for route in routes))
        return routes

    def write(self, vals):
        before, shared = self.company_id, not all(route.company_id for route in self)
        result = super().write(vals)
        self._after_change(
            before | self.company_id, shared or not all(route.company_id for route in self)
        )
        return result

    def unlink(self):
        owners, shared = self.company_id, not all(route.company_id for route in self)
        result = super().unlink()
        self._after_change(owners, shared)
        return result

    @api.model
    def _after_change(self, owners, shared):
        """Forget what was read, and note since when companies need the evidence of a purpose."""
        self.env.registry.clear_cache()
        companies = self.env["res.company"].sudo()
        domain = [("id", "!=", False)] if shared else [("id", "child_of", owners.ids)]
        companies.search(domain)._finance_note_activation()

    @api.constrains("company_id", "connection_id", "result")
    def _check_connection(self):
        for route in self:
            if route.result == SKIP and route.connection_id:
                raise ValidationError(
                    self.env._(
                        "“%s” does not send, so it cannot have a connection.", route.display_name
                    )
                )
            owner = route.connection_id.sudo().company_id
            if owner and owner not in route.company_id.sudo().parent_ids:
                raise ValidationError(
                    self.env._(
                        "The connection of “%(route)s” must belong to %(company)s or a company above it.",
                        route=route.display_name,
                        company=route.company_id.name,
                    )
                )
