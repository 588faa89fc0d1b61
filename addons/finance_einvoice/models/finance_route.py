"""Routes of e-invoices: regime and format beside the connection, and what is kept of a choice with a document."""

from odoo import api, fields, models
from odoo.addons.finance_connector_base.core.finding import INFO, Finding
from odoo.addons.finance_connector_base.models.finance_route import SEND, SKIP
from odoo.exceptions import UserError, ValidationError

PURPOSE = "einvoice"


class FinanceRoute(models.Model):
    _inherit = "finance.route"
    _audit_tracked = ("regime", "format")

    regime = fields.Selection(
        selection=lambda self: self.env["finance.einvoice.regime"]._selection(),
        help="The mandate under which documents are submitted. Each regime is an addon.",
    )
    format = fields.Selection(
        selection=lambda self: self.env["finance.einvoice.format"]._selection(),
        help="Empty: the format that the regime uses for the document.",
    )

    @api.model
    def _purposes(self):
        return [*super()._purposes(), (PURPOSE, self.env._("E-invoices"))]

    @api.constrains("purpose", "result", "active", "regime", "format")
    def _check_regime(self):
        """Require what an active route of e-invoices needs, and refuse what its regime does not accept."""
        for route in self.filtered(lambda item: item.purpose == PURPOSE and item.active):
            if route.result == SEND and not route.regime:
                raise ValidationError(
                    self.env._("“%s” sends e-invoices, so it needs a regime.", route.name)
                )
            if route.format and route.format not in route._regime_model()._formats():
                raise ValidationError(
                    self.env._("The regime of “%s” does not accept this format.", route.name)
                )

    @api.ondelete(at_uninstall=True)
    def _unlink_except_used(self):
        """Keep a route by which a document left: it can be archived.

        :raises UserError: an e-invoice refers to it
        """
        used = self.env["finance.einvoice"].sudo().search([("route_id", "in", self.ids)], limit=1)
        if used:
            raise UserError(
                self.env._(
                    "“%s” was used by e-invoices. Archive it instead of deleting it.",
                    used.route_id.name,
                )
            )

    def _regime_model(self):
        """Return the model of the regime, or None where its addon is not installed."""
        return self.env["finance.einvoice.regime"]._registered().get(self.regime)

    @api.model
    def _einvoice_choice(self, move):
        """Return (route, regime, finding) of a document; without a regime it is not submitted, and the finding says why.

        Return None where e-invoicing does not concern the document.
        """
        if not move.is_sale_document() or not self._applies_to(PURPOSE, move.company_id):
            return None
        route, finding = self._choice(PURPOSE, move)
        if not route:
            return route, None, finding
        if route.result == SKIP:
            return route, None, self._about("route.skipped", finding, INFO)
        regime = route._regime_model()
        if regime is None:
            missing = Finding(
                "route.regime_missing",
                args={"route": route.name, "regime": route.regime or ""},
                model=self._name,
                record_id=route.id,
                field_name="regime",
            )
            return route, None, missing
        if not regime._applies(move):
            return route, None, self._about("route.not_covered", finding, INFO)
        return route, regime, finding

    @api.model
    def _about(self, code, finding, severity):
        return Finding(code, severity, finding.args, finding.model, finding.record_id)

    def _evidence(self, regime, move, finding):
        """Return what is kept with a version: the route as it was chosen, and why."""
        self.ensure_one()
        return {
            "id": self.id,
            "name": self.name,
            "regime": regime._code,
            "format": self.format or regime._format(move),
            "connection_id": self.connection_id.id or 0,
            "connection": self.connection_id.name or "",
            "finding": finding.to_json(),
        }
