"""Settings of e-invoicing: what a broken rule leads to, and the simple entry of the routes.

Most companies have one regime and one connection. The two fields stand for one route without conditions; several routes
are maintained under Routes.
"""

from odoo import api, fields, models
from odoo.addons.finance_connector_base.models.finance_route import SEND
from odoo.exceptions import UserError

from .finance_route import PURPOSE

#: What the simple entry depends on.
_ROUTE_FIELDS = tuple(
    f"finance_einvoice_route_ids.{name}"
    for name in (
        *("active", "regime", "connection_id", "result"),
        *("document_kind", "customer_kind", "country_id"),
    )
)


class ResCompany(models.Model):
    _name = "res.company"
    _inherit = ["res.company", "finance.audit.tracked.mixin"]
    _audit_tracked = ("finance_einvoice_validation",)

    finance_einvoice_regime = fields.Selection(
        selection=lambda self: self.env["finance.einvoice.regime"]._selection(),
        string="E-invoicing regime",
        compute="_compute_finance_einvoice_regime",
        inverse="_inverse_finance_einvoice_route",
        compute_sudo=True,
        help="The mandate under which customer invoices are submitted. Each regime is an addon.",
        groups="base.group_user",
    )
    finance_einvoice_connection_id = fields.Many2one(
        "finance.connection",
        string="E-invoicing connection",
        compute="_compute_finance_einvoice_connection_id",
        inverse="_inverse_finance_einvoice_route",
        compute_sudo=True,
        domain="[('company_id', '=', id)]",
        help="The platform or authority that receives the invoices.",
        groups="base.group_user",
    )
    finance_einvoice_custom_routes = fields.Boolean(
        "Several e-invoicing routes",
        compute="_compute_finance_einvoice_custom_routes",
        compute_sudo=True,
        groups="base.group_user",
    )
    finance_einvoice_route_ids = fields.One2many(
        "finance.route",
        "company_id",
        "E-invoicing routes",
        domain=[("purpose", "=", PURPOSE)],
        groups="base.group_user",
    )
    finance_einvoice_validation = fields.Selection(
        [("block", "Do not post"), ("warn", "Post, and show the findings")],
        default="block",
        required=True,
        string="When the official rules are not met",
        groups="base.group_user",
    )

    # Three methods, because fields of one method are computed together: the one would discard what is written to the other.
    @api.depends(*_ROUTE_FIELDS)
    def _compute_finance_einvoice_regime(self):
        for company in self:
            simple, _custom = company._finance_einvoice_simple_route()
            company.finance_einvoice_regime = simple.active and simple.regime

    @api.depends(*_ROUTE_FIELDS)
    def _compute_finance_einvoice_connection_id(self):
        for company in self:
            simple, _custom = company._finance_einvoice_simple_route()
            company.finance_einvoice_connection_id = simple.connection_id

    @api.depends(*_ROUTE_FIELDS)
    def _compute_finance_einvoice_custom_routes(self):
        for company in self:
            company.finance_einvoice_custom_routes = company._finance_einvoice_simple_route()[1]

    def _inverse_finance_einvoice_route(self):
        """Write the one route that the two fields stand for. Whoever may write the company may do so."""
        for company in self:
            regime = company.finance_einvoice_regime
            connection = company.finance_einvoice_connection_id
            simple, custom = company._finance_einvoice_simple_route()
            if custom:
                raise UserError(
                    self.env._(
                        "%s has several routes for e-invoices. Change them under Routes.",
                        company.name,
                    )
                )
            values = {"connection_id": connection.id, "active": bool(regime)}
            if regime:
                values["regime"] = regime
            if simple:
                simple.write(values)
            elif regime or connection:
                name = self.env._("E-invoices of %s", company.name)
                simple.create(
                    {"name": name, "company_id": company.id, "purpose": PURPOSE, **values}
                )

    def _finance_einvoice_simple_route(self):
        """Return the company's route without conditions, also an archived one, and whether there are others."""
        self.ensure_one()
        company = self._origin or self
        routes = self.env["finance.route"].sudo().with_context(active_test=False)
        if not company.id:
            return routes, False
        own = routes.search([("company_id", "=", company.id), ("purpose", "=", PURPOSE)])
        active = own.filtered("active")
        plain = own.filtered(lambda item: item.result == SEND and not item._candidate().criteria)
        if active:
            custom = len(active) > 1 or active not in plain
            return (routes if custom else active), custom
        return plain.sorted("id")[-1:], False

    def _finance_einvoice_company(self):
        """Return the company whose e-invoicing settings apply to this one: the owner of the routes.

        A branch without routes uses those of the nearest company above it. If there are none, this company is returned.
        """
        self.ensure_one()
        return self.env["finance.route"]._owner_of(PURPOSE, self).with_env(self.sudo().env)

    def _finance_evidence_kinds(self):
        kinds = super()._finance_evidence_kinds()
        applies = self.env["finance.route"]._applies_to(PURPOSE, self)
        return kinds | {"einvoice"} if applies else kinds
