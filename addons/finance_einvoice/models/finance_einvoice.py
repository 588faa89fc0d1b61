"""One document's life in one regime: from a posted document to the outbox, and what the answer makes of it.

The document's shown status derives from it (E1). For other models: ``_for_moves`` (which documents are submitted),
``_check_before_posting``, ``_render_for_posting`` and ``_submit`` (the posting steps), ``_release`` (may the document be
changed), ``_cancel``, and ``_exchange_changed``, which the dispatcher calls.
"""

import uuid
from typing import NamedTuple

from markupsafe import Markup
from odoo import api, fields, models
from odoo.addons.finance_audit.core.evidence_rows import Frozen, Rows
from odoo.addons.finance_connector_base.core.finding import Finding
from odoo.addons.finance_connector_base.models.finance_posting import shown_code, suite_write
from odoo.tools import format_datetime

from ..core import lifecycle, stored
from ..exceptions import EinvoiceBlocked, EinvoiceDelivered, EinvoiceKept, EinvoicePending

ACTIVITY = "finance_einvoice.mail_activity_type_einvoice"

_SHOWN_FINDINGS = 12
_AUDIT_OUTCOME = {
    lifecycle.FILED: "success",
    lifecycle.ACCEPTED: "success",
    lifecycle.REJECTED: "failure",
    lifecycle.FAILED: "failure",
    lifecycle.UNKNOWN: "warning",
}
#: States of which the document's followers are notified, and those in which a user has to act.
_POSTED_IN_CHATTER = lifecycle.HELD | {lifecycle.REJECTED, lifecycle.FAILED}
_NEEDS_ACTION = frozenset({lifecycle.REJECTED, lifecycle.FAILED})


class _Rendering(NamedTuple):
    """One rendered document of a batch, before it is stored."""

    move: models.Model
    regime: models.Model
    filename: str
    content: bytes
    rule_sets: tuple
    findings: list
    route: dict


class FinanceEinvoice(models.Model):
    _name = "finance.einvoice"
    _description = "E-invoice"
    _inherit = ["finance.exchange.owner.mixin"]
    _rec_name = "move_id"
    _order = "id desc"
    #: One that was rendered cannot be deleted: its versions refer to it.
    _evidence_rows = Rows(
        fixed=("move_id", "regime", "correlation_id"),
        state="state",
        transitions=lifecycle.TRANSITIONS,
        frozen=(
            Frozen(
                "state",
                (lifecycle.ACCEPTED,),
                columns=("reference", "accepted_at", "filed_at", "state_since", "company_id"),
            ),
        ),
        deletable=True,
    )

    move_id = fields.Many2one(
        "account.move", "Invoice", required=True, readonly=True, index=True, ondelete="restrict"
    )
    company_id = fields.Many2one(
        related="move_id.company_id", store=True, precompute=True, index=True
    )
    partner_id = fields.Many2one(related="move_id.commercial_partner_id", string="Customer")
    regime = fields.Selection(
        selection=lambda self: self.env["finance.einvoice.regime"]._selection(),
        required=True,
        readonly=True,
    )
    route_id = fields.Many2one(
        "finance.route", readonly=True, ondelete="restrict", index="btree_not_null"
    )
    state = fields.Selection(
        list(lifecycle.LABELS),
        "Status",
        required=True,
        readonly=True,
        default=lifecycle.DRAFT,
        index=True,
    )
    state_since = fields.Datetime("Status since", readonly=True, default=fields.Datetime.now)
    status_code = fields.Char("Status code", readonly=True)
    status_args = fields.Json("Status arguments", readonly=True)
    status_note = fields.Char(
        "Status and next step", compute="_compute_status_note", compute_sudo=True
    )
    correlation_id = fields.Char(
        "Correlation ID",
        required=True,
        readonly=True,
        default=lambda self: str(uuid.uuid4()),
        copy=False,
    )
    version_ids = fields.One2many(
        "finance.einvoice.version", "einvoice_id", "Versions", readonly=True
    )
    exchange_id = fields.Many2one("finance.exchange", "Current exchange", readonly=True)
    reference = fields.Char("Official reference", readonly=True, index="btree_not_null", copy=False)
    filed_at = fields.Datetime("Filed at", readonly=True, copy=False)
    accepted_at = fields.Datetime("Accepted at", readonly=True, copy=False)
    findings = fields.Json("Findings of the checks (data)", readonly=True)
    findings_html = fields.Html(
        "Findings of the checks",
        compute="_compute_findings_html",
        sanitize=False,
        compute_sudo=True,
    )
    reasons = fields.Json("Reasons (data)", readonly=True)
    reasons_html = fields.Html(
        "Reasons", compute="_compute_reasons_html", sanitize=False, compute_sudo=True
    )

    _unique_move = models.Constraint(
        "UNIQUE(move_id, regime)", "A document has one e-invoice per regime."
    )

    # -- what is shown -------------------------------------------------------------------------------------------

    @api.depends("reasons")
    @api.depends_context("lang")
    def _compute_reasons_html(self):
        for einvoice in self:
            einvoice.reasons_html = self.env["finance.finding"]._as_html(einvoice.reasons)

    @api.depends("findings")
    @api.depends_context("lang")
    def _compute_findings_html(self):
        for einvoice in self:
            einvoice.findings_html = self.env["finance.finding"]._as_html(einvoice.findings)

    @api.depends(
        "state",
        "status_code",
        "status_args",
        "exchange_id.state",
        "exchange_id.next_step_at",
        "exchange_id.connection_id.state",
    )
    @api.depends_context("lang", "tz")
    def _compute_status_note(self):
        for einvoice in self:
            status = einvoice._current_status()
            einvoice.status_note = status and self.env["finance.finding"]._render(status)[0]

    def _current_status(self):
        """Return what is true at this moment as a finding: while it is on its way, what holds it up."""
        if not self.status_code:
            return False
        code = self.status_code
        if self.state == lifecycle.SUBMITTED and self.exchange_id:
            code = self._delivery_code() or code
        return Finding(code, args={**self._delivery_args(), **(self.status_args or {})})

    def _delivery_code(self):
        """Return the code of what the exchange is doing, or None."""
        exchange, connection = self.exchange_id, self.exchange_id.connection_id
        code = {
            "held": "einvoice.on_hold",
            "sending": "einvoice.sending",
            "waiting": "einvoice.checking",
            "unknown": "einvoice.unknown",
        }.get(exchange.state)
        if exchange.state != "pending":
            return code
        if connection.state != "active":
            return "einvoice.paused"
        if connection.last_block:
            return "einvoice.blocked"
        waits = exchange.sent_at and exchange.next_step_at > fields.Datetime.now()
        return "einvoice.retrying" if waits else "einvoice.queued"

    def _delivery_args(self):
        """Return the arguments of the lines about delivery, times as the reader writes them."""
        exchange = self.exchange_id
        since, at = exchange.sent_at or exchange.state_since, exchange.next_step_at
        return {
            "connection": exchange.connection_id.name or "",
            "reference": self.reference or "",
            "since": format_datetime(self.env, since, dt_format="short") if since else "",
            "at": format_datetime(self.env, at, dt_format="short") if at else "",
        }

    def action_open_exchange(self):
        """Open the current exchange, for those who may read exchanges."""
        self.ensure_one()
        self.check_access("read")
        return {
            "type": "ir.actions.act_window",
            "res_model": "finance.exchange",
            "res_id": self.exchange_id.id,
            "views": [(False, "form")],
        }

    # -- transitions ---------------------------------------------------------------------------------------------

    def _transition(self, state, code, args=None, **values):
        """Change the state: the only way it happens; checked by the table, written and audited.

        :param code: code of the status line (see ``finance.finding``)
        :param args: arguments of the status line
        :raises ForbiddenTransition: a change that the table does not name.
        """
        self._audit([self._changed(state, code, args, **values)])

    def _changed(self, state, code, args=None, **values):
        """Change the state and return the audit entry, for batches that write theirs at once."""
        self.ensure_one()
        lifecycle.check_transition(self.state, state)
        # The database refuses what is no transition: two of one transaction reach it one by one.
        self.flush_recordset(["state"])
        suite_write(
            self,
            {
                "state": state,
                "state_since": fields.Datetime.now(),
                "status_code": code,
                "status_args": args or {},
                **values,
            },
        )
        return self._entry(f"einvoice.{state}", code, args, _AUDIT_OUTCOME.get(state, "info"))

    def _entry(self, action, code, args=None, outcome="info", **details):
        """Return the arguments of one audit entry; its status is kept as code and arguments."""
        args = {"connection": self.exchange_id.connection_id.name or "", **(args or {})}
        status = Finding(code, args=args)
        return {
            "action": action,
            "record": self,
            "document": self.move_id,
            "company": self.company_id,
            "outcome": outcome,
            "statement": status,
            "correlation_id": self.correlation_id,
            "details": {
                "regime": self.regime,
                "reference": self.reference or "",
                **details,
            },
        }

    @api.model
    def _audit(self, entries):
        self.env["finance.audit.entry"]._record_many(entries)

    def _regime_model(self):
        return self.env["finance.einvoice.regime"]._by_code(self.regime)

    # Not at_uninstall=False: the key with which Odoo marks an uninstallation can come from any RPC caller.
    @api.ondelete(at_uninstall=True)
    def _unlink_except_rendered(self):
        """Keep what was rendered with its document, as evidence.

        :raises EinvoiceKept: names the document and says what to do instead.
        """
        for einvoice in self.filtered("version_ids"):
            raise EinvoiceKept(
                self.env._(
                    "%s has already been submitted, and what was submitted is kept as evidence. "
                    "Cancel the document instead of deleting it.",
                    einvoice.move_id.display_name,
                )
            )

    # -- posting: check, render, validate, enqueue (E2, E4, E8) --------------------------------------------------

    @api.model
    def _for_moves(self, moves):
        """Return the documents that are to be submitted, each with the model of its regime."""
        pairs = []
        for move in moves:
            choice = self.env["finance.route"]._einvoice_choice(move)
            if choice and choice[1] is not None:
                pairs.append((move, choice[1]))
        return pairs

    @api.model
    def _route_of(self, move):
        """Return the route of a document that is submitted; an empty record where there is none."""
        choice = self.env["finance.route"]._einvoice_choice(move)
        return choice[0] if choice else self.env["finance.route"]

    @api.model
    def _check_before_posting(self, pairs):
        """Run the local checks, which need neither a number nor a rendering (T9).

        :raises EinvoiceBlocked: what a company's policy does not let pass.
        """
        self._raise_by_policy(
            [
                (move, finding)
                for move, regime in pairs
                for finding in [*self._check_connection(move), *regime._check(move)]
            ]
        )

    @api.model
    def _render_for_posting(self, move, regime):
        """Render and validate one posted document.

        :raises EinvoiceBlocked: what the company's policy does not let pass.
        """
        rendering = self._rendered(move, regime)
        self._raise_by_policy([(move, finding) for finding in rendering.findings])
        return rendering

    @api.model
    def _submit(self, renderings):
        """Store and enqueue rendered documents, in the transaction that posts them (X2)."""
        if not renderings:
            return
        einvoices = self._ensure([(item.move, item.regime) for item in renderings])
        versions = self.env["finance.einvoice.version"]._add_many(
            list(zip(einvoices, renderings, strict=True))
        )
        # Recorded first, so that the timeline is in the order of what happened.
        self._audit([version._validation_entry() for version in versions])
        exchanges = self.env["finance.exchange"]._enqueue_many(
            [
                version.einvoice_id._submission(version, item)
                for version, item in zip(versions, renderings, strict=True)
            ]
        )
        entries = []
        for version, exchange in zip(versions, exchanges, strict=True):
            version.exchange_id = exchange
            entries.append(version.einvoice_id._submitted(version, exchange))
        self._audit(entries)

    @api.model
    def _rendered(self, move, regime):
        """Render and validate one document; what is wrong leads to the record and field to correct."""
        route, _regime, finding = self.env["finance.route"]._einvoice_choice(move)
        filename, content = regime._render(move, route.format or "")
        rule_sets = regime._rule_sets(move, route.format or "")
        found = self.env["finance.einvoice.rules"]._check(content, rule_sets)
        findings = [regime._locate(move, finding) for finding in found]
        company = move.company_id._finance_einvoice_company()
        if company.finance_einvoice_validation == "warn":
            # The local checks were passed over before posting; they belong to what is shown.
            findings = [*self._check_connection(move), *regime._check(move), *findings]
        evidence = route._evidence(regime, move, finding)
        return _Rendering(move, regime, filename, content, rule_sets, findings, evidence)

    @api.model
    def _ensure(self, pairs):
        """Return one e-invoice per pair, in their order; those that do not exist are created."""
        moves = self.env["account.move"].browse([move.id for move, _regime in pairs])
        known = {
            (einvoice.move_id.id, einvoice.regime): einvoice
            for einvoice in self.sudo().search([("move_id", "in", moves.ids)])
        }
        keys = [(move.id, regime._code) for move, regime in pairs]
        missing = [key for key in dict.fromkeys(keys) if key not in known]
        created = self.sudo().create(
            [{"move_id": move_id, "regime": code} for move_id, code in missing]
        )
        known.update(zip(missing, created, strict=True))
        return [known[key] for key in keys]

    def _submission(self, version, rendering):
        """Return the arguments with which a stored version is enqueued; it supersedes a rejected one."""
        connections = self.env["finance.connection"].sudo()
        return {
            "connection": connections.browse(rendering.route["connection_id"]),
            "operation": rendering.regime._operation,
            "payload": rendering.content,
            "key": version.uuid,
            "owner": self,
            "document": self.move_id,
            "correlation_id": self.correlation_id,
            "parameters": rendering.regime._submission_parameters(rendering.move),
            "payload_name": rendering.filename,
            "supersedes": self._replaceable_exchange(),
        }

    def _submitted(self, version, exchange):
        """Follow the exchange of this version and return the audit entry."""
        return self._changed(
            lifecycle.SUBMITTED,
            "einvoice.submitted",
            {"version": str(version.number), "connection": exchange.connection_id.name},
            exchange_id=exchange.id,
            route_id=version.route["id"],
            findings=version.findings,
            reasons=False,
            filed_at=False,
            accepted_at=False,
        )

    def _replaceable_exchange(self):
        """Return the exchange of an earlier version that had no effect, or None."""
        old = self.exchange_id
        return old if old.state in ("rejected", "failed") else None

    def _check_connection(self, move):
        route = self._route_of(move)
        if route.connection_id:
            return []
        return [
            Finding(
                "FC-CONNECTION",
                args={"company": move.company_id._finance_einvoice_company().name},
                model=route._name,
                record_id=route.id,
                field_name="connection_id",
            )
        ]

    @api.model
    def _raise_by_policy(self, found):
        """Refuse to post where the company's policy says so; other findings are shown on the document.

        :param found: pairs of document and finding
        :raises EinvoiceBlocked: with each finding and a button that opens the first record to correct.
        """
        blocking = [(move, finding) for move, finding in found if self._blocks(move, finding)]
        if not blocking:
            return
        lines = [self._refusal_line(move, finding) for move, finding in blocking[:_SHOWN_FINDINGS]]
        if len(blocking) > _SHOWN_FINDINGS:
            lines.append(self.env._("… and %s more", len(blocking) - _SHOWN_FINDINGS))
        heading = self.env._("The following must be corrected before posting:")
        raise EinvoiceBlocked(
            "\n".join([heading, *lines]),
            self._open_action(*blocking[0]),
            self.env._("Open and correct"),
        )

    @api.model
    def _blocks(self, move, finding):
        """Return whether the finding keeps the document from being posted. Without a connection nothing is sent."""
        company = move.company_id._finance_einvoice_company()
        policy = company.finance_einvoice_validation
        return finding.blocks and (policy == "block" or finding.code == "FC-CONNECTION")

    @api.model
    def _refusal_line(self, move, finding):
        sentence, hint = self.env["finance.finding"]._render(finding)
        return "• " + " ".join(
            filter(None, (f"{move.display_name} –", sentence, hint, shown_code(finding.code)))
        )

    @api.model
    def _open_action(self, move, finding):
        model = finding.model or move._name
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Correct and save, then confirm again"),
            "res_model": model,
            "res_id": finding.record_id or move.id,
            "views": [(False, "form")],
            "target": "new" if model != "account.move" else "current",
        }

    # -- what may be done to the document (E6) -------------------------------------------------------------------

    def _release(self):
        """Let the document be changed, where no platform or authority holds it.

        :raises EinvoiceDelivered: it is held; says how to correct it instead.
        :raises EinvoicePending: it may be held.
        """
        for einvoice in self:
            if einvoice.state in lifecycle.HELD:
                raise EinvoiceDelivered(
                    self.env._(
                        "%(invoice)s was submitted as an e-invoice, and the platform or authority holds it. "
                        "It cannot be changed, cancelled or deleted; correct it with a credit note.",
                        invoice=einvoice.move_id.display_name,
                    )
                )
            if einvoice.state in lifecycle.OPEN:
                einvoice._withdraw()
            elif einvoice.state == lifecycle.REJECTED:
                einvoice._transition(lifecycle.REMEDIATION, "einvoice.remediation")

    def _withdraw(self):
        """Withdraw an exchange that certainly had no effect."""
        exchange = self.exchange_id
        if exchange.maybe_sent or not exchange.try_lock_for_update():
            raise EinvoicePending(
                self.env._(
                    "%(invoice)s was sent and its outcome is not known yet. Wait for the answer of the platform; "
                    "the status is checked automatically.",
                    invoice=self.move_id.display_name,
                )
            )
        if exchange.state == "failed":
            self._transition(lifecycle.REMEDIATION, "einvoice.remediation")
            return
        exchange._transition(
            "cancelled",
            Finding("exchange.withdrawn", args={"user": self.env.user.name}),
            next_step_at=False,
        )
        self._transition(lifecycle.DRAFT, "einvoice.withdrawn")

    def _cancel(self, reason):
        """End the e-invoices of cancelled documents, with their open cases and activities.

        :param reason: a finding, stored as the reason with which the cases are closed
        """
        leaving = self.filtered(lambda item: item.state in (lifecycle.DRAFT, lifecycle.REMEDIATION))
        if not leaving:
            return
        self._audit([einvoice._changed(lifecycle.CANCELLED, reason.code) for einvoice in leaving])
        leaving.move_id.activity_unlink([ACTIVITY])
        cases = self.env["finance.case"].sudo()
        cases._close_for(leaving, reason)
        cases._close_for(leaving.exchange_id, reason)

    # -- what the exchange reports -------------------------------------------------------------------------------

    def _exchange_changed(self, exchange):
        """Follow the current exchange; a replaced one changes nothing, and neither does a repetition."""
        self.ensure_one()
        if exchange != self.exchange_id or self.filed_at or self.accepted_at:
            return
        state = lifecycle.state_of(exchange.state, self._regime_model()._on_acceptance)
        values = self._values_from(exchange, state)
        # The document was cancelled before the notification that its exchange was withdrawn.
        withdrawn = state == lifecycle.DRAFT and self.state == lifecycle.CANCELLED
        if state is None or state == self.state or withdrawn:
            self.write(values)
            return
        code = "einvoice.not_sent" if state == lifecycle.DRAFT else f"einvoice.{state}"
        args = {"reference": exchange.reference or "", "connection": exchange.connection_id.name}
        self._transition(state, code, args, **values)
        self.version_ids.filtered(lambda item: item.exchange_id == exchange).write(
            {"outcome": state, "reasons": values["reasons"]}
        )
        self._notify_users(state)

    def _values_from(self, exchange, state):
        source = exchange.connection_id.provider or ""
        values = {
            "reference": exchange.reference,
            "reasons": stored.to_json(exchange.findings, source) or False,
        }
        if state in lifecycle.HELD:
            values[f"{state}_at"] = exchange.answered_at
        return values

    def _notify_users(self, state):
        """Write to the chatter, and schedule an activity where a user has to act, in the language of that user."""
        user = self.move_id.invoice_user_id or self.move_id.create_uid
        einvoice = self.with_context(lang=user.lang or self.env.lang)
        move = einvoice.move_id
        move.activity_feedback([ACTIVITY], feedback=einvoice.status_note)
        if state in _POSTED_IN_CHATTER:
            move.message_post(body=einvoice.reasons_html or einvoice.status_note)
        if state in _NEEDS_ACTION:
            label = dict(self._fields["state"]._description_selection(einvoice.env))[state]
            move.activity_schedule(
                ACTIVITY,
                summary=einvoice.env._("E-invoice: %s", label),
                note=Markup("<p>%s</p>") % (einvoice.status_note or ""),
                date_deadline=fields.Date.context_today(move.with_context(tz=user.tz)),
                user_id=user.id,
            )
