"""One step of an exchange: committed with its token before any byte leaves (X4), completed with the
response.
"""

from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from odoo import api, fields, models
from odoo.addons.finance_audit.core.evidence_rows import Frozen, Rows
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL

from ..core.delivery import outcomes
from ..core.finding import Finding

_HOUR_FORMAT = "%Y-%m-%d %H:00"
_SQL_HOUR_FORMAT = "YYYY-MM-DD HH24:00"
_SHOWN_CHARACTERS = 20_000
_READERS = "finance_connector_base.group_operator,finance_audit.group_auditor"


class FinanceExchangeAttempt(models.Model):
    _name = "finance.exchange.attempt"
    _description = "Exchange attempt"
    _rec_name = "exchange_id"
    _inherit = ["finance.evidence.mixin"]
    _order = "started_at desc, id desc"
    # The dispatcher completes attempts by SQL, once; the ORM changes nothing of them.
    _evidence_open = frozenset()
    _evidence_rows = Rows(
        fixed=(
            "exchange_id",
            "connection_id",
            "company_id",
            "token",
            "step",
            "started_at",
            "batch",
        ),
        # The response of a step whose worker was lost may still come.
        frozen=(Frozen("outcome", except_values=(outcomes.LOST,), but=("purged_at",)),),
        purgeable=("response_body", "response_headers"),
        purged_as=("finance.exchange", "exchange_id"),
    )

    exchange_id = fields.Many2one(
        "finance.exchange",
        readonly=True,
        index=True,
        ondelete="restrict",
        help="Empty for queries, feeds and closed sessions: they have no effect and therefore no exchange.",
    )
    # Of the exchange; queries and feeds state their own.
    connection_id = fields.Many2one(
        "finance.connection", readonly=True, index=True, ondelete="restrict"
    )
    company_id = fields.Many2one("res.company", readonly=True, index=True, ondelete="restrict")
    token = fields.Char(
        "Fencing token",
        required=True,
        readonly=True,
        help="A response counts only while the exchange still carries this token.",
    )
    step = fields.Selection(
        [
            ("send", "Send"),
            ("lookup", "Status check"),
            ("poll", "Poll for the verdict"),
            ("receipt", "Fetch the receipt"),
            ("query", "Query"),
            ("release", "Close session"),
            ("feed", "Read a feed"),
        ],
        required=True,
        readonly=True,
    )
    started_at = fields.Datetime("Started at", required=True, readonly=True)
    ended_at = fields.Datetime("Ended at", readonly=True)
    started_hour = fields.Char(
        "Hour", compute="_compute_started_hour", search="_search_started_hour", exportable=False
    )
    latency_ms = fields.Integer("Latency (ms)", readonly=True, aggregator="avg")
    outcome = fields.Selection(list(outcomes.LABELS), readonly=True)
    is_late = fields.Boolean(
        "Late response (ignored)",
        readonly=True,
        help="The response came after the exchange had moved on; kept as evidence only.",
    )
    reason_code = fields.Char("Reason (code)", readonly=True)
    reason_args = fields.Json("Reason (arguments)", readonly=True)
    reason_text = fields.Char(
        "Reason", compute="_compute_reason_text", search="_search_reason_text", exportable=False
    )
    reason_detail = fields.Char(
        "Technical reason", compute="_compute_reason_text", exportable=False
    )
    http_status = fields.Integer("HTTP status", readonly=True, aggregator=None)
    request_line = fields.Char("Request", readonly=True)
    request_id = fields.Char(
        "Provider request ID",
        readonly=True,
        help="Identifies the call in the provider's own logs; quote it when contacting their support.",
    )
    api_version = fields.Char("API version", readonly=True)
    adapter_version = fields.Char("Adapter version", readonly=True)
    provider_version = fields.Char(
        "Version reported by the provider",
        readonly=True,
        help="Version of the API as the provider named it in its response.",
    )
    resources = fields.Json(
        "Resources in use",
        readonly=True,
        help="Public part of the sessions and keys under which the step was taken.",
    )
    resources_text = fields.Text(
        "Sessions and keys in use", compute="_compute_resources_text", exportable=False
    )
    wire_sha256 = fields.Char(
        "Hash of the transmitted bytes",
        readonly=True,
        help="SHA-256 of the body as it was transmitted; it differs from the payload where the provider requires "
        "encryption or an envelope.",
    )
    batch = fields.Char(
        readonly=True,
        index="btree_not_null",
        help="Exchanges that were sent in one call share this.",
    )
    response_type = fields.Char("Content type", readonly=True)
    response_headers = fields.Json("Response headers", readonly=True)
    response_body = fields.Binary("Response body", attachment=False, readonly=True, groups=_READERS)
    purged_at = fields.Datetime("Content removed on", readonly=True)
    response_text = fields.Text("Response", compute="_compute_response_text", groups=_READERS)

    _token = models.UniqueIndex("(token)")
    _exchange_of_step = models.Constraint(
        "CHECK((step IN ('query', 'feed', 'release')) = (exchange_id IS NULL))",
        "An attempt belongs to an exchange unless it is a query, reads a feed or closes a session.",
    )
    #: For the figures of the last hour and the lists by connection and time.
    _recent = models.Index("(connection_id, started_at)")
    #: Attempts are added in the order of their days, so a day is found without an entry for each
    #: attempt.
    _day = models.Index("USING brin ((started_at::date))")

    @api.model_create_multi
    def create(self, vals_list):
        """Take connection and company from the exchange; queries and feeds have none."""
        exchanges = self.env["finance.exchange"].sudo()
        for vals in vals_list:
            exchange = exchanges.browse(vals.get("exchange_id") or ())
            if exchange:
                vals["connection_id"] = exchange.connection_id.id
                vals["company_id"] = exchange.company_id.id
        return super().create(vals_list)

    @api.depends("exchange_id", "connection_id", "step")
    @api.depends_context("lang")
    def _compute_display_name(self):
        steps = dict(self._fields["step"]._description_selection(self.env))
        for attempt in self:
            name = (attempt.exchange_id or attempt.connection_id).display_name
            if not attempt.exchange_id and name:
                name = f"{name} · {steps.get(attempt.step, attempt.step)}"
            attempt.display_name = name

    # -- reasons -----------------------------------------------------------------------------------

    @api.depends("reason_code", "reason_args")
    @api.depends_context("lang")
    def _compute_reason_text(self):
        findings = self.env["finance.finding"]
        for attempt in self:
            attempt.reason_detail = (attempt.reason_args or {}).get("text", False)
            attempt.reason_text = (
                findings._reason_of(attempt.reason_detail or "")
                or findings._render(Finding(attempt.reason_code, args=attempt.reason_args or {}))[0]
                if attempt.reason_code
                else False
            )

    def _search_reason_text(self, operator, value):
        """Search the stored arguments: they hold what the provider or the transport said."""
        if operator not in ("ilike", "like", "=ilike", "=like", "=") or not isinstance(value, str):
            return NotImplemented
        pattern = value if operator.startswith("=") else f"%{value}%"
        return Domain.custom(
            to_sql=lambda _model, alias, _query: SQL(
                "%s::text ILIKE %s", SQL.identifier(alias, "reason_args"), pattern
            )
        )

    @api.depends("resources")
    def _compute_resources_text(self):
        for attempt in self:
            attempt.resources_text = "\n".join(
                f"{name}: {', '.join(f'{key} {value}' for key, value in public.items())}"
                for name, public in (attempt.resources or {}).items()
            )

    def _compute_response_text(self):
        for attempt in self:
            content = attempt.with_context(bin_size=False)._binary("response_body")
            attempt.response_text = content.decode("utf-8", "replace")[:_SHOWN_CHARACTERS]

    def _binary(self, name):
        return self.env["finance.exchange"]._decode(self[name])

    # -- attempts by the hour: labels of Odoo's own hours leave out morning and afternoon ----------

    @api.depends("started_at")
    @api.depends_context("tz")
    def _compute_started_hour(self):
        for attempt in self:
            local = fields.Datetime.context_timestamp(attempt, attempt.started_at)
            attempt.started_hour = local.strftime(_HOUR_FORMAT)

    def _search_started_hour(self, operator, value):
        if operator != "in":
            return NotImplemented
        return Domain.OR(self._hour_domain(label) for label in value if label)

    def _hour_domain(self, label):
        try:
            local = datetime.strptime(label, _HOUR_FORMAT).replace(tzinfo=self._hour_zone())
        except ValueError as error:
            raise UserError(self.env._("“%s” is not a valid hour.", label)) from error
        start = local.astimezone(timezone.utc).replace(tzinfo=None)
        return Domain("started_at", ">=", start) & Domain(
            "started_at", "<", start + timedelta(hours=1)
        )

    def _hour_zone(self):
        return ZoneInfo(self.env.tz.zone)

    def _field_to_sql(self, alias, field_expr, query=None):
        if field_expr != "started_hour":
            return super()._field_to_sql(alias, field_expr, query)
        return SQL(
            "to_char(timezone(%s, timezone('UTC', %s)), %s)",
            self._hour_zone().key,
            super()._field_to_sql(alias, "started_at", query),
            _SQL_HOUR_FORMAT,
        )
