"""Report: what was sold in a period and has no code."""

from collections import defaultdict

from dateutil.relativedelta import relativedelta
from odoo import fields, models

from ..models.roles import ADMIN, require_role

_LINE_DOMAIN = [
    ("parent_state", "=", "posted"),
    ("display_type", "=", "product"),
    ("move_id.move_type", "in", ("out_invoice", "out_refund")),
]


class FinanceMappingGap(models.TransientModel):
    _name = "finance.mapping.gap"
    _description = "Sold without a code"

    kind = fields.Selection(
        selection=lambda self: self.env["finance.mapping"]._kind_selection(),
        required=True,
        default=lambda self: next(iter(self.env["finance.mapping"]._kinds()), False),
    )
    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company
    )
    date_from = fields.Date(
        "From",
        required=True,
        default=lambda self: fields.Date.context_today(self) - relativedelta(months=3),
    )
    date_to = fields.Date("To", required=True, default=fields.Date.context_today)
    line_ids = fields.One2many("finance.mapping.gap.line", "report_id", readonly=True)

    def action_find(self):
        """Fill the report and show it."""
        self.ensure_one()
        require_role(self, ADMIN)
        self.company_id.check_access("read")
        self.line_ids.sudo().unlink()
        self.env["finance.mapping.gap.line"].sudo().create(
            [
                {"report_id": self.id, "source": source, "line_count": count, "amount": amount}
                for source, (count, amount) in sorted(self._unmapped().items())
            ]
        )
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Sold without a code"),
            "res_model": self._name,
            "res_id": self.id,
            "views": [(False, "form")],
            "target": "new",
        }

    def _unmapped(self):
        """Return reference → (number of lines, untaxed amount) of what has no code for some customer."""
        mapping, routes = self.env["finance.mapping"], self.env["finance.route"]
        name = mapping._kinds()[self.kind].line_field
        groups = self.env["account.move.line"]._read_group(
            [*_LINE_DOMAIN, *self._period(), (name, "!=", False)],
            [name, "move_id"],
            ["__count", "balance:sum"],
        )
        batches = defaultdict(list)
        for record, move, count, balance in groups:
            batches[tuple(sorted(routes._facts_of(move.sudo()).items()))].append(
                (record, count, balance)
            )
        found = defaultdict(lambda: (0, 0.0))
        for facts, rows in batches.items():
            records = self.env[rows[0][0]._name].browse({row[0].id for row in rows})
            mapped = mapping._map(self.kind, records, self.company_id, dict(facts))
            for record, count, balance in rows:
                if mapped[record.id].finding:
                    key = f"{record._name},{record.id}"
                    lines, amount = found[key]
                    found[key] = lines + count, amount - balance
        return found

    def _period(self):
        return [
            ("company_id", "=", self.company_id.id),
            ("date", ">=", self.date_from),
            ("date", "<=", self.date_to),
        ]


class FinanceMappingGapLine(models.TransientModel):
    _name = "finance.mapping.gap.line"
    _description = "Record sold without a code"
    _order = "line_count desc, id"

    report_id = fields.Many2one("finance.mapping.gap", required=True, ondelete="cascade")
    currency_id = fields.Many2one(related="report_id.company_id.currency_id")
    source = fields.Reference(
        selection=lambda self: self.env["finance.mapping"]._source_selection(), string="Record"
    )
    line_count = fields.Integer("Invoice lines")
    amount = fields.Monetary("Untaxed amount")
