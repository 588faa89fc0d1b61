"""Overview: one card per topic, with figures that open their lists.

A card is a record (name, sequence, groups), its content is computed for all cards of the screen at
once and for the
companies and rights of the reader. An addon adds a card by a record and by extending ``_cards``.
"""

import json
from dataclasses import dataclass, field
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.fields import Domain
from odoo.tools import format_date, format_datetime

from ..core.cases import NO_EVIDENCE, TAMPERED
from ..core.delivery import states

#: Days shown by the graph of a card.
_DAYS = 7


@dataclass
class Figure:
    """One line of a card: a label, a value, and the list that the value opens.

    ``tone`` is empty, ``success``, ``warning`` or ``danger``; a zero is always shown without a
    tone.
    """

    label: str
    value: object
    action: str = ""
    domain: list = field(default_factory=list)
    tone: str = ""


@dataclass
class Card:
    """Content of a card: the first figure is the headline; ``graph`` holds (label, value) of
    consecutive days.
    """

    figures: list[Figure]
    graph: list[tuple[str, float]] = field(default_factory=list)
    note: str = ""


class FinanceOverview(models.Model):
    _name = "finance.overview"
    _description = "Overview card"
    _order = "sequence, id"

    name = fields.Char(required=True, translate=True, readonly=True)
    code = fields.Char(required=True, readonly=True)
    sequence = fields.Integer(default=100, readonly=True)
    group_ids = fields.Many2many("res.groups", string="Roles", readonly=True)
    content = fields.Text(compute="_compute_content")
    graph = fields.Text(compute="_compute_content")

    _unique_code = models.Constraint("UNIQUE(code)", "There is already a card with this code.")

    @api.depends_context("uid", "lang", "allowed_company_ids")
    def _compute_content(self):
        cards = self._cards()
        for overview in self:
            card = cards[overview.code]() if overview.code in cards else Card([])
            overview.content = json.dumps(
                {
                    "figures": [
                        {
                            "label": figure.label,
                            "value": figure.value,
                            "tone": figure.tone if figure.value else "",
                            "opens": bool(figure.action),
                        }
                        for figure in card.figures
                    ],
                    "note": card.note,
                }
            )
            overview.graph = overview._graph_json(card)

    @api.model
    def _cards(self):
        """Return code → function without arguments that returns the ``Card``; extended by addons."""
        return {
            "documents": self._documents_card,
            "cases": self._cases_card,
            "connections": self._connections_card,
            "inbound": self._inbound_card,
            "webhooks": self._webhooks_card,
            "audit": self._audit_card,
        }

    def _graph_json(self, card):
        """Return the data of the ``dashboard_graph`` widget, or False where there is nothing to
        show.
        """
        if not any(value for _label, value in card.graph):
            return False
        values = [{"label": label, "value": value, "type": "past"} for label, value in card.graph]
        values[-1]["type"] = "future"
        return json.dumps(
            [{"values": values, "title": "", "key": self.name, "is_sample_data": False}]
        )

    def action_open(self):
        """Open the list behind a figure (``figure``, its position on the card)."""
        self.ensure_one()
        self.check_access("read")
        figures = self._cards()[self.code]().figures
        position = int(self.env.context.get("figure", 0))
        if not 0 <= position < len(figures) or not figures[position].action:
            return False
        figure = figures[position]
        action = self.env["ir.actions.act_window"]._for_xml_id(figure.action)
        self.env[action["res_model"]].check_access("read")
        return {**action, "name": figure.label, "domain": figure.domain, "context": {}}

    # -- cards -------------------------------------------------------------------------------------

    def _documents_card(self):
        _ = self.env._
        action = "finance_connector_base.finance_exchange_action"
        mine = self._company_domain()
        counts = dict(
            self.env["finance.exchange"]._read_group(
                [*mine, ("state", "in", self._document_states())], ["state"], ["__count"]
            )
        )

        def figure(label, state, tone=""):
            domain = [*mine, ("state", "=", state)]
            return Figure(label, counts.get(state, 0), action, domain, tone)

        waiting = [states.PENDING, states.SENDING, states.WAITING, states.UNKNOWN, states.HELD]
        total = sum(counts.get(state, 0) for state in waiting)
        return Card(
            [
                Figure(_("Unsettled documents"), total, action, [*mine, ("state", "in", waiting)]),
                figure(_("Documents awaiting a verdict"), states.WAITING),
                figure(_("Documents with unknown outcome"), states.UNKNOWN, "warning"),
                figure(_("Documents on hold"), states.HELD, "warning"),
                figure(_("Rejected documents"), states.REJECTED, "danger"),
                figure(_("Failed documents"), states.FAILED, "danger"),
                self._evidence_figure(),
            ],
            self._by_day(
                "finance.exchange", "answered_at", [*mine, ("state", "=", states.ACCEPTED)]
            ),
            _("Accepted per day"),
        )

    def _evidence_figure(self):
        """Return the open cases of posted documents that lack the results of the checks."""
        domain = [*self._company_domain(), ("state", "=", "open"), ("kind", "=", NO_EVIDENCE)]
        number = self.env["finance.case"].search_count(domain)
        action = "finance_connector_base.finance_case_action"
        return Figure(
            self.env._("Documents posted without checks"), number, action, domain, "danger"
        )

    @api.model
    def _document_states(self):
        return [
            states.PENDING,
            states.SENDING,
            states.WAITING,
            states.UNKNOWN,
            states.HELD,
            states.REJECTED,
            states.FAILED,
        ]

    def _cases_card(self):
        _ = self.env._
        action = "finance_connector_base.finance_case_action"
        is_open = Domain(self._company_domain()) & Domain("state", "=", "open")
        domains = [
            (_("Open cases"), is_open, ""),
            (_("Cases assigned to me"), is_open & Domain("user_id", "=", self.env.uid), ""),
            (_("Unassigned cases"), is_open & Domain("user_id", "=", False), "warning"),
            (
                _("Overdue cases"),
                is_open & Domain("deadline", "<", fields.Datetime.now()),
                "danger",
            ),
            (
                _("Stalled cases"),
                is_open
                & Domain("kind", "in", ["overdue", "credentials", "stopped", "certificate"]),
                "warning",
            ),
        ]
        cases = self.env["finance.case"]
        return Card(
            [
                Figure(label, cases.search_count(domain), action, list(domain), tone)
                for label, domain, tone in domains
            ],
            self._by_day("finance.case", "opened_at", self._company_domain()),
            _("Opened per day"),
        )

    def _connections_card(self):
        _ = self.env._
        action = "finance_connector_base.finance_connection_operations_action"
        mine = Domain(self._company_domain())
        active = Domain("state", "=", "active")
        blocked = Domain("blocking_finding", "!=", False)
        domains = [
            (_("Active connections"), mine & active & ~blocked, "success"),
            (_("Paused connections"), mine & Domain("state", "=", "paused"), "warning"),
            (_("Blocked connections"), mine & active & blocked, "danger"),
            (
                _("Connections with open circuit breaker"),
                mine & active & Domain("breaker_state", "in", ["open", "half_open"]),
                "danger",
            ),
            (
                _("Connections with failed test"),
                mine & Domain("last_test_result", "=", "failed"),
                "danger",
            ),
            (_("Connections not activated"), mine & Domain("state", "=", "draft"), ""),
        ]
        connections = self.env["finance.connection"]
        return Card(
            [
                Figure(label, connections.search_count(domain), action, list(domain), tone)
                for label, domain, tone in domains
            ],
            self._by_day("finance.exchange.attempt", "started_at", self._company_domain()),
            _("Calls per day"),
        )

    def _webhooks_card(self):
        _ = self.env._
        action = "finance_connector_base.finance_webhook_event_action"
        mine = self._company_domain()
        counts = dict(
            self.env["finance.webhook.event"]._read_group(
                [*mine, ("received_at", ">=", self._first_moment())], ["state"], ["__count"]
            )
        )
        return Card(
            [
                Figure(label, counts.get(state, 0), action, [*mine, ("state", "=", state)], tone)
                for label, state, tone in (
                    (_("Events processed in 7 days"), "processed", ""),
                    (_("Pending events"), "received", ""),
                    (_("Ignored events"), "ignored", ""),
                    (_("Failed events"), "failed", "danger"),
                )
            ],
            self._by_day("finance.webhook.event", "received_at", mine),
            _("Received per day"),
        )

    def _inbound_card(self):
        _ = self.env._
        action = "finance_connector_base.finance_inbound_action"
        mine = self._company_domain()
        counts = dict(
            self.env["finance.inbound"]._read_group(
                [*mine, ("state", "in", ("stored", "unhandled", "failed"))], ["state"], ["__count"]
            )
        )
        return Card(
            [
                Figure(label, counts.get(state, 0), action, [*mine, ("state", "=", state)], tone)
                for label, state, tone in (
                    (_("Waiting inbound documents"), "stored", ""),
                    (_("Inbound documents not handled"), "unhandled", "warning"),
                    (_("Failed inbound documents"), "failed", "danger"),
                )
            ],
            self._by_day("finance.inbound", "received_at", mine),
            _("Received per day"),
        )

    def _audit_card(self):
        _ = self.env._
        verifications = self.env["finance.audit.verification"]
        logs = verifications._read_group(
            [("company_id", "in", [False, *self.env.companies.ids])], ["log_id"], ["id:max"]
        )
        latest = verifications.browse(max_id for _log, max_id in logs)
        last = (latest.filtered(lambda one: one.state != "intact") or latest)[:1]
        result = dict(verifications._fields["state"]._description_selection(self.env))
        figures = [
            Figure(
                _("Last verification"),
                result.get(last.state, last.state) if last else _("None"),
                "finance_audit.action_verifications",
                [],
                {"intact": "success"}.get(last.state, "danger") if last else "warning",
            ),
        ]
        if last:
            figures.append(
                Figure(
                    _("Verified on"), format_datetime(self.env, min(latest.mapped("create_date")))
                )
            )
            figures.append(Figure(_("Entries verified"), sum(latest.mapped("entry_count"))))
        domain = [*self._company_domain(), ("state", "=", "open"), ("kind", "=", TAMPERED)]
        figures.append(
            Figure(
                _("Records that differ from the log"),
                self.env["finance.case"].search_count(domain),
                "finance_connector_base.finance_case_action",
                domain,
                "danger",
            )
        )
        return Card(figures)

    # -- common ------------------------------------------------------------------------------------

    @api.model
    def _company_domain(self):
        return [("company_id", "in", self.env.companies.ids)]

    @api.model
    def _first_moment(self):
        today = fields.Datetime.now().replace(hour=0, minute=0, second=0, microsecond=0)
        return today - timedelta(days=_DAYS - 1)

    def _moves_figure(self, label, domain, tone):
        """Return a number of invoices of the reader's companies.

        A role counts them also without the right to read invoices; their list opens only with it.
        """
        domain = [*self._company_domain(), *domain]
        moves = self.env["account.move"]
        if moves.has_access("read"):
            action = "account.action_move_out_invoice"
            return Figure(label, moves.search_count(domain), action, domain, tone)
        return Figure(label, moves.sudo().search_count(domain), tone=tone)

    def _by_day(self, model, moment, domain):
        """Return (label, number) of the last days, for the graph of a card; empty without the right
        to read.
        """
        records = self.env[model]
        try:
            records.check_access("read")
        except AccessError:
            return []
        first = self._first_moment()
        groups = records._read_group(
            [*domain, (moment, ">=", first)], [f"{moment}:day"], ["__count"]
        )
        numbers = {day.date(): number for day, number in groups if day}
        days = [(first + timedelta(days=offset)).date() for offset in range(_DAYS)]
        return [
            (format_date(self.env, day, date_format="d MMM"), numbers.get(day, 0)) for day in days
        ]
