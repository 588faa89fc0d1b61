"""One step of an exchange: committed with its token before any byte leaves (X4), completed with the answer."""

from odoo import api, fields, models
from odoo.exceptions import UserError


class FinanceExchangeAttempt(models.Model):
    _name = "finance.exchange.attempt"
    _description = "Exchange attempt"
    _order = "started_at desc, id desc"

    exchange_id = fields.Many2one(
        "finance.exchange",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
    )
    connection_id = fields.Many2one(related="exchange_id.connection_id", store=True, index=True)
    company_id = fields.Many2one(related="exchange_id.company_id", store=True, index=True)
    token = fields.Char(
        required=True,
        readonly=True,
        help="Fencing token: an answer counts only while the exchange still carries it.",
    )
    step = fields.Selection(
        [
            ("send", "Send"),
            ("lookup", "Ask what the provider has"),
            ("poll", "Ask for the verdict"),
        ],
        required=True,
        readonly=True,
    )
    started_at = fields.Datetime(required=True, readonly=True)
    ended_at = fields.Datetime(readonly=True)
    latency_ms = fields.Integer("Latency (ms)", readonly=True, aggregator="avg")
    outcome = fields.Selection(
        [
            ("accepted", "Accepted"),
            ("waiting", "Waiting"),
            ("rejected", "Rejected"),
            ("duplicate", "Already there"),
            ("transient", "Not reached"),
            ("rate_limited", "Too many calls"),
            ("auth_failed", "Credentials refused"),
            ("unknown", "No answer"),
            ("not_found", "Not found"),
            ("contract_broken", "Unreadable answer"),
            ("permanent", "Impossible"),
            ("lost", "Worker lost"),
        ],
        readonly=True,
    )
    is_late = fields.Boolean(
        readonly=True,
        help="The answer came after the exchange had moved on; kept as evidence only.",
    )
    reason = fields.Char(readonly=True)
    http_status = fields.Integer("HTTP status", readonly=True, aggregator=None)
    request_line = fields.Char(readonly=True)
    response_type = fields.Char("Answer type", readonly=True)
    response_body = fields.Binary(
        "Answer",
        attachment=False,
        readonly=True,
        groups="finance_connector_base.group_operator,finance_audit.group_auditor",
    )
    response_text = fields.Text(
        compute="_compute_response_text",
        groups="finance_connector_base.group_operator,finance_audit.group_auditor",
    )

    _token = models.UniqueIndex("(token)")

    def _compute_response_text(self):
        for attempt in self:
            content = attempt.with_context(bin_size=False)._binary("response_body")
            attempt.response_text = content.decode("utf-8", "replace")[:20000]

    def _binary(self, name):
        return self.env["finance.exchange"]._decode(self[name])

    @api.ondelete(at_uninstall=False)
    def _unlink_except_evidence(self):
        raise UserError(self.env._("Attempts are evidence and are kept with their exchange."))
