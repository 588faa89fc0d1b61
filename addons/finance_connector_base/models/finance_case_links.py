"""The way to the cases from an exchange and from a connection."""

from odoo import api, fields, models


class FinanceExchange(models.Model):
    _inherit = "finance.exchange"

    case_ids = fields.One2many("finance.case", "exchange_id", readonly=True)
    open_case_id = fields.Many2one("finance.case", compute="_compute_open_case_id")

    @api.depends("case_ids.state")
    def _compute_open_case_id(self):
        open_cases = self.env["finance.case"].search(
            [("exchange_id", "in", self.ids), ("state", "=", "open")]
        )
        by_exchange = {case.exchange_id: case for case in open_cases}
        for exchange in self:
            exchange.open_case_id = by_exchange.get(exchange._origin)

    def action_open_case(self):
        """The open case, else what was decided before."""
        self.ensure_one()
        action = self.env["finance.case"]._action_of([("exchange_id", "=", self.id)])
        shown = self.open_case_id or (self.case_ids if len(self.case_ids) == 1 else None)
        return {**action, "views": [(False, "form")], "res_id": shown.id} if shown else action


class FinanceConnection(models.Model):
    _inherit = "finance.connection"

    open_case_count = fields.Integer(compute="_compute_open_case_count", string="Open cases")

    def _compute_open_case_count(self):
        counts = dict(
            self.env["finance.case"]._read_group(
                [("connection_id", "in", self.ids), ("state", "=", "open")],
                ["connection_id"],
                ["__count"],
            )
        )
        for connection in self:
            connection.open_case_count = counts.get(connection._origin, 0)

    def action_view_cases(self):
        """The open cases of this connection."""
        self.ensure_one()
        action = self.env["finance.case"]._action_of([("connection_id", "=", self.id)])
        return {**action, "context": {"search_default_open": 1}}


class FinanceCase(models.Model):
    _inherit = "finance.case"

    def _action_of(self, domain):
        """The list of cases, narrowed to a domain; the reader's own rights apply."""
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "finance_connector_base.finance_case_action"
        )
        return {**action, "domain": domain, "context": {}}

    def action_open_document(self):
        """The business document, with the rights of the reader."""
        self.ensure_one()
        self.check_access("read")
        return self.exchange_id.action_open_document()

    def action_open_exchange(self):
        """The exchange with its payload and answers."""
        self.ensure_one()
        self.check_access("read")
        return {
            "type": "ir.actions.act_window",
            "res_model": "finance.exchange",
            "res_id": self.exchange_id.id,
            "views": [(False, "form")],
        }
