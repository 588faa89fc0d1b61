"""Cases: what an operator must decide, until when, who owns it, and how it ended.

A case concerns one exchange, one connection, or a document of another addon. Its public surface:

* ``_open_many`` / ``_close_many``: in bulk for exchanges, in the dispatcher's transactions (one
statement each);
* ``_open_for`` / ``_close_for``: for connections and documents, and to close the cases of any
record;
* ``_decide``: the only way a human decision about exchanges is taken, with or without an open case;
* ``_cron_attend``: reviews stalls, assigns to-dos, escalates.

What is stored is a finding (code and arguments); it is rendered in the reader's language. What may
be decided is in
``core.cases``; stalls are detected in ``finance_stall``.
"""

import json
from datetime import timedelta

from odoo import SUPERUSER_ID, api, fields, models
from odoo.addons.finance_audit.core.entry import Facts, Subject, storable
from odoo.addons.finance_audit.core.evidence_rows import Frozen, Rows
from odoo.addons.finance_audit.core.statement import Statement
from odoo.addons.finance_audit.models.audit_context import actor_of
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Domain
from odoo.tools import plaintext2html
from psycopg2.extensions import TRANSACTION_STATUS_IDLE

from ..core import cases
from ..core.delivery import states
from ..core.delivery.queries import QUERIES, parameters
from ..core.finding import WARNING, Finding
from ..core.http.wire import DEFAULT_TIMEOUT
from . import case_texts
from .finance_dispatcher_worker import LEASE_SECONDS
from .res_company import DEFAULT_CASE_HOURS
from .roles import OPERATOR, require_role

BATCH = 200
#: How long a call whose worker is lost can still last: the lease, the time to connect and to wait
#: for the response.
UNDER_WAY = timedelta(seconds=LEASE_SECONDS + sum(DEFAULT_TIMEOUT))
#: A case that is postponed further is forgotten.
MAX_DEADLINE_DAYS = 366
#: What an operator may change by hand; everything else changes by a decision.
_BY_HAND = frozenset({"user_id", "deadline"})


class FinanceCase(models.Model):
    _name = "finance.case"
    _description = "Case"
    _inherit = ["mail.thread", "mail.activity.mixin", "finance.audit.tracked.mixin"]
    _order = "deadline, id"
    _check_company_auto = True
    _mail_post_access = "read"
    _audit_topic = "case"
    _audit_tracked = ("user_id", "deadline")
    _evidence_rows = Rows(
        fixed=(
            "subject_key",
            "exchange_id",
            "connection_id",
            "company_id",
            "opened_at",
            "document_model",
            "document_id",
            "correlation_id",
        ),
        state="state",
        transitions={"open": ("resolved",)},
        frozen=(
            Frozen(
                "state",
                ("resolved",),
                columns=(
                    "kind",
                    "finding",
                    "decision",
                    "resolution",
                    "reason",
                    "closing",
                    "resolved_at",
                    "resolved_by_id",
                ),
            ),
        ),
    )

    name = fields.Char("Document", required=True, readonly=True)
    subject_key = fields.Char("Subject key", required=True, readonly=True, copy=False)
    exchange_id = fields.Many2one(
        "finance.exchange", readonly=True, index=True, ondelete="restrict"
    )
    connection_id = fields.Many2one(
        "finance.connection", readonly=True, index=True, ondelete="restrict"
    )
    company_id = fields.Many2one("res.company", required=True, readonly=True, index=True)
    kind = fields.Selection(list(cases.KINDS), "Cause", required=True, readonly=True)
    finding = fields.Json(readonly=True)
    what_happened = fields.Char("What happened", compute="_compute_what_happened")
    state = fields.Selection(
        [("open", "Open"), ("resolved", "Resolved")],
        "Status",
        required=True,
        readonly=True,
        default="open",
        copy=False,
    )
    user_id = fields.Many2one(
        "res.users",
        "Owner",
        domain=lambda self: self._owner_domain("company_id"),
        index="btree_not_null",
        help="The operator responsible for the decision.",
    )
    deadline = fields.Datetime(
        required=True, help="A case that is still open at this time is escalated."
    )
    opened_at = fields.Datetime("Opened on", required=True, readonly=True)
    reminded_at = fields.Datetime("Owner notified on", readonly=True)
    escalated_at = fields.Datetime("Escalated on", readonly=True)
    resolved_at = fields.Datetime("Resolved on", readonly=True)
    resolved_by_id = fields.Many2one("res.users", "Resolved by", readonly=True)
    decision = fields.Selection(list(cases.DECISIONS), readonly=True)
    resolution = fields.Selection(list(cases.RESOLUTIONS), readonly=True)
    reason = fields.Char(readonly=True, help="The reason given for the decision.")
    closing = fields.Json("Closing finding", readonly=True)
    closing_text = fields.Char("Closing note", compute="_compute_what_happened")
    document_model = fields.Char("Document model", readonly=True)
    document_id = fields.Many2oneReference(
        "Document ID", model_field="document_model", readonly=True
    )
    document_name = fields.Char("Document name", readonly=True)
    correlation_id = fields.Char("Correlation ID", readonly=True)
    is_overdue = fields.Boolean("Overdue", compute="_compute_is_overdue")
    exchange_state = fields.Selection(related="exchange_id.state", string="Exchange status")
    exchange_reference = fields.Char(related="exchange_id.reference", string="Provider reference")
    attempt_ids = fields.One2many(related="exchange_id.attempt_ids", string="Attempts")
    allowed_decisions = fields.Char(
        "Available decisions",
        compute="_compute_allowed_decisions",
        compute_sudo=True,
        help="Codes of the decisions that are possible now, separated by spaces.",
    )
    advice = fields.Char("What to do", compute="_compute_advice", compute_sudo=True)

    _one_open = models.UniqueIndex(
        "(subject_key) WHERE state = 'open'", "There is already an open case about this."
    )
    _due = models.Index("(deadline) WHERE state = 'open' AND escalated_at IS NULL")
    _new = models.Index("(id) WHERE state = 'open' AND reminded_at IS NULL")
    _document = models.Index("(document_model, document_id) WHERE document_id IS NOT NULL")

    # -- fields ------------------------------------------------------------------------------------
    # -------------

    @api.depends("finding", "closing")
    @api.depends_context("lang")
    def _compute_what_happened(self):
        findings = self.env["finance.finding"]
        for case in self:
            case.what_happened = case.finding and findings._render(case.finding)[0]
            case.closing_text = case.closing and findings._render(case.closing)[0]

    @api.depends("state", "deadline")
    def _compute_is_overdue(self):
        now = fields.Datetime.now()
        for case in self:
            case.is_overdue = bool(case.state == "open" and case.deadline and case.deadline < now)

    @api.depends("state", "kind", "exchange_id.state", "exchange_id.claim_token")
    def _compute_allowed_decisions(self):
        for case in self:
            case.allowed_decisions = " ".join(case._allowed())

    @api.depends("allowed_decisions", "kind", "exchange_id.state", "exchange_id.claim_token")
    @api.depends_context("lang")
    def _compute_advice(self):
        for case in self:
            case.advice = case_texts.advice(case) if case.state == "open" else False

    @api.model
    def _owner_domain(self, company):
        """Return the domain of users who may decide in a company; ``company`` names the field that
        holds it.
        """
        group = self.env.ref(OPERATOR, raise_if_not_found=False)
        return (
            f"[('share', '=', False), ('all_group_ids', 'in', {group.id if group else 0}), "
            f"('company_ids', 'in', {company})]"
        )

    @api.constrains("user_id")
    def _check_owner(self):
        for case in self.filtered("user_id"):
            if not case.user_id._may_decide_cases(case.company_id):
                raise ValidationError(
                    self.env._(
                        "%(user)s cannot own this case: the role “Operator” in %(company)s is required.",
                        user=case.user_id.name,
                        company=case.company_id.name,
                    )
                )

    # -- what does not change by hand
    # ---------------------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            exchange = vals.get("exchange_id")
            if exchange and not vals.get("subject_key"):
                vals["subject_key"] = _exchange_key(exchange)
        return super().create(vals_list)

    def write(self, vals):
        if not self.env.su and not _BY_HAND.issuperset(vals):
            raise AccessError(
                self.env._(
                    "Only the owner and the deadline of a case can be edited; the rest changes by a decision."
                )
            )
        if "user_id" in vals:
            vals = {**vals, "reminded_at": False}
            self.sudo()._drop_reminders()
        if "deadline" in vals:
            self._check_deadline(vals["deadline"])
            vals = {**vals, "escalated_at": False}
        return super().write(vals)

    def _check_deadline(self, deadline):
        """Refuse a deadline that would never remind anybody.

        :raises ValidationError: there is none, or it is more than a year away
        """
        latest = fields.Datetime.now() + timedelta(days=MAX_DEADLINE_DAYS)
        if not deadline or fields.Datetime.to_datetime(deadline) > latest:
            raise ValidationError(
                self.env._(
                    "The deadline of a case must be within the next %(days)s days.",
                    days=MAX_DEADLINE_DAYS,
                )
            )

    # Not at_uninstall=False: the key with which Odoo marks an uninstallation can come from any RPC caller.
    @api.ondelete(at_uninstall=True)
    def _unlink_except_evidence(self):
        raise UserError(self.env._("Cases are evidence and cannot be deleted."))

    def copy_data(self, default=None):
        """Refuse to duplicate a case.

        :raises UserError: for any record.
        """
        if self:
            raise UserError(self.env._("Cases cannot be duplicated."))
        return super().copy_data(default)

    # -- opening -----------------------------------------------------------------------------------
    # -------------

    @api.model
    def _open_many(self, rows):
        """Open a case per exchange, or update the open one; return the ids of the cases changed.

        A row is a dict with exchange_id, connection_id, company_id, kind (see
        ``core.cases.KINDS``), finding (JSON of
        a ``core.finding.Finding``) or what_happened (a text of the provider), document_model,
        document_id,
        document_name, correlation_id, and user_id for an owner other than the company's.
        """
        return self._store_opened(
            {
                **row,
                "subject_key": _exchange_key(row["exchange_id"]),
                "name": row.get("document_name") or f"#{row['exchange_id']}",
            }
            for row in rows
        )

    @api.model
    def _open_for(self, records, kind, finding, owner=None):
        """Open one case of ``kind`` for each exchange, connection or document; return the ids of
        those changed.

        :param records: exchanges, connections, or documents with a ``company_id``
        :param finding: a ``core.finding.Finding`` for all, or a mapping of record id → finding
        """
        if records._name == "finance.exchange":
            return self._open_many(_case_rows(records, kind, finding, owner))
        is_connection = records._name == "finance.connection"
        return self._store_opened(
            {
                "subject_key": f"{records._name},{record.id},{kind}",
                "connection_id": record.id if is_connection else None,
                "company_id": record.company_id.id,
                "name": record.display_name,
                "kind": kind,
                "finding": finding if isinstance(finding, Finding) else finding[record.id],
                "user_id": owner.id if owner else None,
                "document_model": None if is_connection else records._name,
                "document_id": None if is_connection else record.id,
                "document_name": None if is_connection else record.display_name,
            }
            for record in records
        )

    def _store_opened(self, rows):
        by_subject = {
            row["subject_key"]: storable({**row, "finding": _finding_of(row)}) for row in rows
        }
        if not by_subject:
            return []
        self._flush_for_sql()
        self.env.cr.execute(
            QUERIES["cases_open"],
            {
                "rows": json.dumps(list(by_subject.values())),
                "hours": DEFAULT_CASE_HOURS,
                "uid": self.env.uid,
            },
        )
        touched = self.env.cr.dictfetchall()
        self._forget_cached()
        actor = actor_of(self.env)
        self.env["finance.audit.entry"]._append(
            [
                self._opened_facts(actor, {**by_subject[case["subject_key"]], **case})
                for case in touched
            ]
        )
        return [case["id"] for case in touched]

    def _opened_facts(self, actor, row):
        finding = row["finding"]
        what = {"code": finding["code"], "args": finding.get("args", {})}
        kind = {"model": self._name, "field": "kind", "value": row["kind"]}
        statement = Statement("case.opened", {"kind": kind, "what": what})
        return Facts(
            action="case.opened" if row["is_new"] else "case.updated",
            actor=actor,
            outcome="warning",
            statement=statement,
            summary=self.env["finance.audit.entry"]._sentence_of(statement),
            details={
                "exchange": row["exchange_id"],
                "kind": row["kind"],
                "code": row["finding"]["code"],
                "owner_user_id": row["user_id"],
                "deadline": row["deadline"].isoformat(timespec="seconds") + "Z",
            },
            **self._subjects(row),
        )

    # -- closing -----------------------------------------------------------------------------------
    # -------------

    @api.model
    def _close_many(
        self, exchange_ids, resolution=None, reason="", *, decision=None, details=None, case_ids=()
    ):
        """Close the open cases of these exchanges; return the ids of those closed.

        :param resolution: if not given, it follows from the state of the exchange
        :param reason: a text a user entered, or a ``Finding``
        :param decision: what an operator decided about the case
        :param details: exchange id → further details of the audit entry
        :param case_ids: cases to close beside those of the exchanges
        """
        if not exchange_ids and not case_ids:
            return []
        self._flush_for_sql()
        closing = reason if isinstance(reason, Finding) else None
        text = "" if closing else storable(reason)
        self.env.cr.execute(
            QUERIES["cases_close"],
            parameters(
                exchanges=list(exchange_ids),
                cases=list(case_ids),
                resolution=resolution,
                decision=decision,
                reason=text or None,
                closing=json.dumps(storable(closing.to_json())) if closing else None,
                person=None if self.env.uid == SUPERUSER_ID else self.env.uid,
                uid=self.env.uid,
            ),
        )
        closed = self.env.cr.dictfetchall()
        if closed:
            self._forget_cached()
            if closing:
                text = self.env["finance.finding"]._render(closing)[0]
            self._audit_closed(closed, text, decision, details or {})
        return [row["id"] for row in closed]

    @api.model
    def _close_for(self, records, reason="", *, kinds=None, resolution=None):
        """Close the open cases about ``records`` and drop their to-dos; return the cases closed.

        For an addon that withdraws, cancels or replaces a document, and for conditions that have
        ended.

        :param records: exchanges, connections or documents of any model
        :param reason: a ``Finding`` (rendered in the reader's language), or a text a user entered
        :param kinds: close only cases of these kinds
        :param resolution: if not given, it follows from the state of the exchange, else ``ended``
        """
        cases_of = self.sudo()
        if not records:
            return cases_of
        domain = Domain("state", "=", "open")
        if kinds:
            domain &= Domain("kind", "in", list(kinds))
        found = cases_of.search(domain & self._about(records))
        found._drop_reminders()
        return cases_of.browse(cases_of._close_many([], resolution, reason, case_ids=found.ids))

    @api.model
    def _about(self, records):
        """Return the domain of cases about records of one model."""
        if records._name == "finance.exchange":
            return Domain("exchange_id", "in", records.ids)
        if records._name == "finance.connection":
            return Domain("exchange_id", "=", False) & Domain("connection_id", "in", records.ids)
        about = Domain("document_model", "=", records._name) & Domain(
            "document_id", "in", records.ids
        )
        owned = Domain("exchange_id.owner_model", "=", records._name) & Domain(
            "exchange_id.owner_id", "in", records.ids
        )
        return about | owned

    def _audit_closed(self, closed, reason, decision, details):
        actor, sentence_of = actor_of(self.env), self.env["finance.audit.entry"]._sentence_of
        statements = {row["id"]: self._closed_statement(row, reason) for row in closed}
        self.env["finance.audit.entry"]._append(
            [
                Facts(
                    action=f"case.{row['resolution']}",
                    actor=actor,
                    outcome="warning" if row["resolution"] == cases.OVERRIDDEN else "info",
                    statement=statements[row["id"]],
                    summary=sentence_of(statements[row["id"]]),
                    details={
                        "exchange": row["exchange_id"],
                        "kind": row["kind"],
                        "decision": decision,
                        "reason": reason,
                        **details.get(row["exchange_id"], {}),
                    },
                    **self._subjects(row),
                )
                for row in closed
            ]
        )

    def _closed_statement(self, row, reason):
        label = {"model": self._name, "field": "resolution", "value": row["resolution"]}
        if reason:
            return Statement("case.closed_for", {"resolution": label, "reason": reason})
        return Statement("case.closed", {"resolution": label})

    def _subjects(self, row):
        document = row.get("document_model") and Subject(
            row["document_model"], row["document_id"], row["document_name"] or ""
        )
        return {
            "record": Subject("finance.case", row["id"], row["name"] or ""),
            "document": document or None,
            "company_id": row["company_id"],
            "correlation_id": row.get("correlation_id"),
        }

    def _flush_for_sql(self):
        self.flush_model()
        self.env["finance.exchange"].flush_model(["state"])
        self.env["res.company"].flush_model(["finance_case_user_id", "finance_case_hours"])

    def _forget_cached(self):
        self.invalidate_model(flush=False)
        self.env["finance.exchange"].invalidate_model(["case_ids", "open_case_id"], flush=False)

    # -- the actions of the screens
    # -----------------------------------------------------------------------------

    def action_take(self):
        """Assign the cases to the current user. For operators."""
        self._check_may_decide()
        self.write({"user_id": self.env.uid})
        return True

    def action_retry(self):
        """Retry the exchanges: a status check where an effect may exist, else a new send. For
        operators.

        Of several cases those that can be retried are; the user sees how many remain.
        """
        able = self.filtered(lambda case: cases.RETRY in case._allowed())
        (able or self)._resolve(cases.RETRY)
        return self._notification(len(able), len(self)) if len(self) > 1 else True

    def action_release(self):
        """Release held exchanges. For operators."""
        self._resolve(cases.RELEASE)
        return True

    def action_decide(self):
        """Open the dialog of a decision that needs a reference or a reason (``default_decision``)."""
        self._check_may_decide()
        decision = self.env.context.get("default_decision")
        return {
            "type": "ir.actions.act_window",
            "name": self._decision_label(decision) if decision else self.env._("Decide"),
            "res_model": "finance.case.decision",
            "views": [(False, "form")],
            "target": "new",
            "context": {"default_case_ids": self.ids, "default_decision": decision},
        }

    def action_open_document(self):
        """Open the business document, with the rights of the reader."""
        self.ensure_one()
        self.check_access("read")
        if self.exchange_id:
            return self.exchange_id.action_open_document()
        return _form_action(self.document_model, self.document_id)

    def action_open_exchange(self):
        """Open the exchange with its payload and responses."""
        self.ensure_one()
        self.check_access("read")
        return _form_action("finance.exchange", self.exchange_id.id)

    def action_open_connection(self):
        """Open the connection."""
        self.ensure_one()
        self.check_access("read")
        return _form_action("finance.connection", self.connection_id.id)

    @api.model
    def _action_of(self, domain):
        """Return the action of the list of cases, narrowed to a domain; the reader's own rights
        apply.
        """
        self.check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "finance_connector_base.finance_case_action"
        )
        return {**action, "domain": domain, "context": {}}

    @api.model
    def _notification(self, done, selected):
        """Return the message of how many of the selected records are being retried."""
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success" if done == selected else "warning",
                "message": self.env._(
                    "%(done)s of %(selected)s are being retried. Open the others to see what they require.",
                    done=done,
                    selected=selected,
                )
                if done < selected
                else self.env._("%s are being retried.", done),
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }

    # -- deciding ----------------------------------------------------------------------------------
    # -------------

    def _resolve(self, decision, reference="", reason=""):
        """Take one decision for these cases, all or none.

        :raises AccessError: the user is no operator of the company
        :raises UserError: the decision is not possible for one of the cases, or its reason is
            missing.
        """
        self._check_may_decide()
        for case in self:
            if case.state != "open":
                raise UserError(self.env._("The case of %s is already resolved.", case.name))
        without = self.filtered(lambda case: not case.exchange_id)
        without._dismiss(decision, reason)
        self._decide((self - without).exchange_id, decision, reason, reference)

    def _dismiss(self, decision, reason):
        """Close cases that concern no exchange: nothing can be sent, so only a dismissal is
        possible.
        """
        for case in self:
            case._check_decision(decision, case._situation(), case.name, "", reason)
        if self:
            self.sudo()._drop_reminders()
            self.sudo()._close_many(
                [], cases.RESOLUTION_OF[decision], reason, decision=decision, case_ids=self.ids
            )

    @api.model
    def _decide(self, exchanges, decision, reason="", reference=""):
        """Carry out an operator's decision about exchanges, all or none, whether or not a case is
        open.

        The policy is checked under the lock of the rows; exchange, case and audit entry change
        together.

        :raises AccessError: the user is no operator of the company
        :raises UserError: the decision is not possible for one of the exchanges, or its reason is
            missing.
        """
        if not exchanges:
            return
        exchanges._check_operator()
        exchanges = exchanges.sudo()
        self._lock(exchanges)
        reference, reason = (reference or "").strip(), (reason or "").strip()
        by_course = {}
        for exchange in exchanges:
            situation = self._situation_of(exchange, exchange.open_case_id.kind)
            self._check_decision(decision, situation, exchange, reference, reason)
            course = cases.target(decision, situation), cases.allowed(situation)[decision]
            by_course[course] = by_course.get(course, exchanges.browse()) + exchange
        for (target, is_override), group in by_course.items():
            self._carry_out(group, decision, target, is_override, reference, reason)
        exchanges._wake_dispatcher()

    def _check_may_decide(self):
        """Check the role, and that the cases and their exchanges are of the user's own companies."""
        require_role(self, OPERATOR)
        if self.exchange_id:
            self.exchange_id._check_operator()
        self.check_access("write")

    def _lock(self, exchanges):
        """Lock the rows and re-read them, so that no concurrent decision or step is lost."""
        busy = exchanges - exchanges.try_lock_for_update()
        if busy:
            raise UserError(
                self.env._(
                    "%s is being processed at the moment. Try again in a few seconds.",
                    ", ".join(busy[:5].mapped("name")),
                )
            )
        self.invalidate_model()
        exchanges.invalidate_recordset()

    def _allowed(self):
        """Return decision → whether it is an override; empty for a resolved case."""
        return cases.allowed(self._situation()) if self.state == "open" else {}

    def _situation(self):
        self.ensure_one()
        if not self.exchange_id:
            return cases.Situation(state="", kind=self.kind)
        return self._situation_of(self.exchange_id.sudo(), self.kind)

    @api.model
    def _situation_of(self, exchange, kind):
        operation = exchange.connection_id._operation_of(exchange.operation)
        return cases.Situation(
            state=exchange.state,
            kind=kind or "",
            maybe_sent=exchange.maybe_sent,
            repeat=operation.repeat,
            verdict=operation.verdict,
            has_reference=bool(exchange.reference),
            is_asking=bool(exchange.next_step_at),
            is_claimed=bool(exchange.claim_token),
        )

    @api.model
    def _check_decision(self, decision, situation, subject, reference, reason):
        """Refuse a decision that the policy does not allow, or that lacks what it needs.

        :param subject: the exchange, or the name of what a case without an exchange is about
        """
        name = subject if isinstance(subject, str) else subject.name
        allowed = cases.allowed(situation)
        if decision not in allowed:
            raise UserError(case_texts.refusal(self.env, decision, situation, name))
        if allowed[decision] and not reason:
            raise UserError(
                self.env._(
                    "This decision overrides the provider's status. A reason is required (%s).",
                    name,
                )
            )
        if decision == cases.ADOPT:
            self._check_reference(subject, reference)
        if decision == cases.SEND_AGAIN:
            self._check_nothing_under_way(subject)

    def _check_nothing_under_way(self, exchange):
        """A call whose worker is lost may still reach the provider: sent again now, it could arrive
        twice.
        """
        last = exchange.attempt_ids.sorted("id")[-1:]
        until = last.started_at + UNDER_WAY if last.outcome == "lost" else None
        if until and until > fields.Datetime.now():
            raise UserError(
                self.env._(
                    "The last call for %(name)s may still be in progress. Decide after %(time)s.",
                    name=exchange.name,
                    time=exchange._time_of(until),
                )
            )

    def _check_reference(self, exchange, reference):
        if not reference:
            raise UserError(self.env._("Enter the reference issued by the provider."))
        other = exchange.search(
            [
                ("connection_id", "=", exchange.connection_id.id),
                ("operation", "=", exchange.operation),
                ("reference", "=", reference),
                ("id", "!=", exchange.id),
            ],
            limit=1,
        )
        if other:
            raise UserError(
                self.env._(
                    "%(reference)s is already the reference of %(name)s.",
                    reference=reference,
                    name=other.name,
                )
            )

    def _carry_out(self, exchanges, decision, target, is_override, reference, reason):
        """Take one course for a group of exchanges: the evidence and the end of the cases first.

        Where no case is open one is opened and closed at once, so that every decision is a record.
        """
        details = self._before_and_after(exchanges, target, reference)
        resolution = cases.OVERRIDDEN if is_override else cases.RESOLUTION_OF[decision]
        without = exchanges.filtered(lambda exchange: not exchange.open_case_id)
        self.sudo()._open_for(without, cases.MANUAL, self._manual_finding())
        self.sudo().search(
            [("exchange_id", "in", exchanges.ids), ("state", "=", "open")]
        )._drop_reminders()
        self.sudo()._close_many(
            exchanges.ids, resolution, reason, decision=decision, details=details
        )
        if decision == cases.DISMISS:
            return
        values = self._values_of(decision, target, reference)
        status = case_texts.decision(self.env, decision, reference, reason)
        moving = exchanges.filtered(lambda exchange: exchange.state != target)
        moving._transition(target, status, **values)
        polled = exchanges - moving
        if polled:
            polled._restart_step(status, **values)

    @api.model
    def _manual_finding(self):
        return Finding("case.manual", WARNING, {"user": self.env.user.name})

    @api.model
    def _before_and_after(self, exchanges, target, reference):
        return {
            exchange.id: {
                "before": {"state": exchange.state, "reference": exchange.reference or ""},
                "after": {"state": target, "reference": reference or exchange.reference or ""},
            }
            for exchange in exchanges
        }

    @api.model
    def _values_of(self, decision, target, reference):
        """Return what the exchange gets beside its state: a fresh budget, the reference, the next
        step's time.
        """
        now = fields.Datetime.now()
        values = {
            "next_step_at": False if target in states.FINAL else now,
            "step_count": 0,
            "failed_attempts": 0,
        }
        if decision == cases.SEND_AGAIN:
            values["maybe_sent"] = False
        if decision == cases.ADOPT:
            values |= {"reference": reference, "maybe_sent": True}
        if target == states.ACCEPTED:
            values["answered_at"] = now
        return values

    @api.model
    def _decision_label(self, decision):
        return dict(self._fields["decision"]._description_selection(self.env))[decision]

    # -- reminders and escalation
    # -------------------------------------------------------------------------------

    @api.model
    def _cron_attend(self):
        """Review stalls, assign to-dos, escalate and tidy up, each in short transactions.

        A scheduled action of its own, so that opening a thousand cases costs the dispatcher one
        statement.
        """
        self._begin_batch(0)
        self.env["finance.stall"]._review()
        for work in (self._remind_owners, self._escalate_overdue, self._drop_stale_reminders):
            self._begin_batch(0)
            while True:
                number = work()
                seconds_left = self._begin_batch(number)
                if number < BATCH or not seconds_left:
                    break

    def _begin_batch(self, number):
        """Commit, so that the next batch sees what the dispatcher has closed meanwhile."""
        seconds_left = self.env["ir.cron"]._commit_progress(number)
        if self.env.cr.connection.info.transaction_status == TRANSACTION_STATUS_IDLE:
            self.env.cr.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
        return seconds_left

    @api.model
    def _remind_owners(self):
        """Create a to-do for the owner of each new case; return the number of cases."""
        found = self._open_ones([("user_id", "!=", False), ("reminded_at", "=", False)])
        found.reminded_at = fields.Datetime.now()
        found._remind(lambda case: case.user_id, lambda case: case.env._("Decide: %s", case.name))
        return len(found)

    @api.model
    def _escalate_overdue(self):
        """Escalate cases past their deadline; return the number of cases."""
        found = self._open_ones(
            [("deadline", "<", fields.Datetime.now()), ("escalated_at", "=", False)]
        )
        found.escalated_at = fields.Datetime.now()
        people = {company: company._finance_case_escalation_users() for company in found.company_id}
        found._remind(
            lambda case: people[case.company_id] - case.user_id,
            lambda case: case.env._("Overdue: %s", case.name),
        )
        found._audit_escalated(people)
        return len(found)

    @api.model
    def _drop_stale_reminders(self):
        """Drop the to-dos of cases that were resolved without a user; return the number of to-dos."""
        self.flush_model(["state"])
        self.env["mail.activity"].flush_model(["automated", "active"])
        self.env.cr.execute(QUERIES["cases_stale_activities"], {"limit": BATCH})
        stale = self.env["mail.activity"].browse([row[0] for row in self.env.cr.fetchall()])
        stale.unlink()
        return len(stale)

    def _drop_reminders(self):
        """Drop the to-dos made here; those that users made for themselves stay."""
        self.activity_ids.filtered("automated").unlink()

    @api.model
    def _open_ones(self, domain):
        """Return a locked batch, without cases that are being closed at the moment."""
        found = self.search([("state", "=", "open"), *domain], limit=BATCH)
        return found.try_lock_for_update().filtered(lambda case: case.state == "open")

    def _remind(self, people_of, summary_of):
        """Create to-dos for users who may decide. No e-mail: an outage must not fill anybody's
        inbox.
        """
        to_do = self.env.ref("mail.mail_activity_data_todo", raise_if_not_found=False)
        values = []
        for case in self:
            for person in people_of(case):
                if not person._may_decide_cases(case.company_id):
                    continue
                localized = case.with_context(lang=person.lang)
                values.append(
                    {
                        "res_model_id": self.env["ir.model"]._get_id(self._name),
                        "res_id": case.id,
                        "activity_type_id": to_do.id if to_do else False,
                        "summary": summary_of(localized),
                        "note": plaintext2html(localized.what_happened or ""),
                        "date_deadline": case._deadline_day(person),
                        "user_id": person.id,
                        "automated": True,
                    }
                )
        # Odoo's own switch against one e-mail per to-do.
        self.env["mail.activity"].with_context(mail_activity_quick_update=True).create(values)

    def _deadline_day(self, person):
        local = fields.Datetime.context_timestamp(person.with_context(tz=person.tz), self.deadline)
        return local.date()

    def _escalated_statement(self):
        finding = self.finding or {"code": "text", "args": {"text": self.what_happened or ""}}
        what = {"code": finding["code"], "args": finding.get("args", {})}
        return Statement("case.escalated", {"what": what})

    def _audit_escalated(self, people):
        actor, sentence_of = actor_of(self.env), self.env["finance.audit.entry"]._sentence_of
        statements = {case: case._escalated_statement() for case in self}
        self.env["finance.audit.entry"]._append(
            [
                Facts(
                    action="case.escalated",
                    actor=actor,
                    outcome="warning",
                    statement=statements[case],
                    summary=sentence_of(statements[case]),
                    details={
                        "exchange": case.exchange_id.id or None,
                        "kind": case.kind,
                        "escalated_to_user_ids": people[case.company_id].ids,
                    },
                    **case._subjects(
                        {
                            "id": case.id,
                            "name": case.name,
                            "company_id": case.company_id.id,
                            "correlation_id": case.correlation_id,
                            "document_model": case.document_model,
                            "document_id": case.document_id,
                            "document_name": case.document_name,
                        }
                    ),
                )
                for case in self
            ]
        )


class FinanceExchange(models.Model):
    """The way from an exchange to its cases."""

    _inherit = "finance.exchange"

    case_ids = fields.One2many("finance.case", "exchange_id", "Cases", readonly=True)
    open_case_id = fields.Many2one("finance.case", "Open case", compute="_compute_open_case_id")

    @api.depends("case_ids.state")
    def _compute_open_case_id(self):
        open_cases = self.env["finance.case"].search(
            [("exchange_id", "in", self.ids), ("state", "=", "open")]
        )
        by_exchange = {case.exchange_id: case for case in open_cases}
        for exchange in self:
            exchange.open_case_id = by_exchange.get(exchange._origin)

    def action_open_case(self):
        """Open the open case, else the resolved ones."""
        self.ensure_one()
        action = self.env["finance.case"]._action_of([("exchange_id", "=", self.id)])
        shown = self.open_case_id or (self.case_ids if len(self.case_ids) == 1 else None)
        return {**action, "views": [(False, "form")], "res_id": shown.id} if shown else action


def _exchange_key(exchange_id):
    """Return the subject key of cases about an exchange: it has one open case at most, whatever its
    kind.
    """
    return f"finance.exchange,{exchange_id}"


def _case_rows(exchanges, kind, finding, owner=None):
    """Return rows for ``_open_many``; ``finding`` is one for all, or a mapping of exchange id →
    finding.
    """
    return [
        {
            "exchange_id": exchange.id,
            "connection_id": exchange.connection_id.id,
            "company_id": exchange.company_id.id,
            "kind": kind,
            "finding": finding if isinstance(finding, Finding) else finding[exchange.id],
            "user_id": owner.id if owner else None,
            "document_model": exchange.document_model,
            "document_id": exchange.document_id,
            "document_name": exchange.document_name,
            "correlation_id": exchange.correlation_id,
        }
        for exchange in exchanges
    ]


def _finding_of(row):
    """Return the JSON of the finding of a row; a plain text is kept as the argument of the code
    ``text``.
    """
    finding = row.get("finding")
    if isinstance(finding, Finding):
        return finding.to_json()
    if finding:
        return finding
    text = row.get("what_happened")
    return Finding("text", WARNING, {"text": text}).to_json() if text else None


def _form_action(model, record_id):
    return {
        "type": "ir.actions.act_window",
        "res_model": model,
        "res_id": record_id,
        "views": [(False, "form")],
    }
