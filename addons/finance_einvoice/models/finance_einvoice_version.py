"""One rendering of an e-invoice: the bytes that were sent, shown and archived (E3, E5), and what they were checked with."""

import base64
import hashlib
import uuid

from odoo import api, fields, models
from odoo.addons.finance_audit.core.evidence_rows import Rows
from odoo.addons.finance_connector_base.core.finding import Finding

from ..core import lifecycle


class FinanceEinvoiceVersion(models.Model):
    _name = "finance.einvoice.version"
    _description = "E-invoice version"
    _inherit = ["finance.evidence.mixin"]
    _rec_name = "filename"
    _order = "einvoice_id, number desc"
    _evidence_fixed = frozenset(
        {
            "einvoice_id",
            "number",
            "uuid",
            "filename",
            "content",
            "sha256",
            "rule_sets",
            "sheets",
            "findings",
            "route",
        }
    )
    _evidence_rows = Rows(once=("exchange_id",))

    einvoice_id = fields.Many2one(
        "finance.einvoice",
        "E-invoice",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
    )
    company_id = fields.Many2one(
        related="einvoice_id.company_id", store=True, precompute=True, index=True
    )
    number = fields.Integer("Version", required=True, readonly=True, aggregator=None)
    uuid = fields.Char(
        "Idempotency key",
        required=True,
        readonly=True,
        default=lambda self: str(uuid.uuid4()),
        help="Identifies the submission of this version at the provider.",
    )
    filename = fields.Char("File name", required=True, readonly=True)
    content = fields.Binary("File", attachment=True, readonly=True, required=True)
    sha256 = fields.Char("SHA-256", required=True, readonly=True)
    rule_sets = fields.Char("Codes of the rule sets", readonly=True)
    rule_sets_text = fields.Char("Checked against", compute="_compute_rule_sets_text")
    sheets = fields.Json("Rule sheets (data)", readonly=True)
    sheets_text = fields.Text("Rule sheets", compute="_compute_sheets_text")
    findings = fields.Json("Findings of the checks (data)", readonly=True)
    route = fields.Json("Route (data)", readonly=True)
    route_text = fields.Char("Route", compute="_compute_route_text")
    exchange_id = fields.Many2one("finance.exchange", readonly=True)
    outcome = fields.Selection(list(lifecycle.LABELS), readonly=True)
    reasons = fields.Json("Reasons (data)", readonly=True)
    reasons_text = fields.Char(compute="_compute_reasons_text", string="Reasons")

    _unique_number = models.Constraint(
        "UNIQUE(einvoice_id, number)", "Versions of an e-invoice are numbered without repetition."
    )

    @api.depends("reasons")
    @api.depends_context("lang")
    def _compute_reasons_text(self):
        for version in self:
            listed = self.env["finance.finding"]._listed(version.reasons)
            version.reasons_text = " ".join(item["sentence"] for item in listed)

    @api.depends("rule_sets")
    @api.depends_context("lang")
    def _compute_rule_sets_text(self):
        texts = self.env["finance.finding"]
        for version in self:
            version.rule_sets_text = texts._rule_set_names(version.rule_sets or "")

    @api.depends("sheets")
    def _compute_sheets_text(self):
        for version in self:
            version.sheets_text = "\n".join(
                f"{sheet['rule_set']} {sheet['version']} · {sheet['name']} · {sheet['sha256']}"
                for sheet in version.sheets or []
            )

    @api.depends("route")
    @api.depends_context("lang")
    def _compute_route_text(self):
        for version in self:
            finding = (version.route or {}).get("finding")
            version.route_text = (
                finding and self.env["finance.finding"]._render(Finding.from_json(finding))[0]
            )

    @api.model
    def _add_many(self, renderings):
        """Store renderings as the next versions of their e-invoices; return them in order.

        :param renderings: pairs of e-invoice and rendering (file name, content, rule sets, findings)
        """
        sheets = {}
        values_list = []
        for einvoice, rendering in renderings:
            names = rendering.rule_sets
            if names not in sheets:
                sheets[names] = self.env["finance.einvoice.rules"]._sheets(names)
            values_list.append(
                {
                    "einvoice_id": einvoice.id,
                    "number": max(einvoice.version_ids.mapped("number"), default=0) + 1,
                    "filename": rendering.filename,
                    "content": base64.b64encode(rendering.content),
                    "sha256": hashlib.sha256(rendering.content).hexdigest(),
                    "rule_sets": ", ".join(names),
                    "sheets": sheets[names],
                    "route": rendering.route,
                    "findings": [finding.to_json() for finding in rendering.findings] or False,
                }
            )
        return self.sudo().create(values_list)

    def _validation_entry(self):
        """Return the audit entry of the checks this version has passed."""
        self.ensure_one()
        return self.einvoice_id._entry(
            "einvoice.validated",
            "einvoice.validated",
            {"rule_sets": self.rule_sets or ""},
            outcome="warning" if self.findings else "success",
            sha256=self.sha256,
            sheets=self.sheets or [],
            route=self.route or {},
            findings=self.findings or [],
        )
