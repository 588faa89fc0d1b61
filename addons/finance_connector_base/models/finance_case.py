"""Something a person must decide about one exchange: why, who, until when, and what came of it.

How cases are opened and closed in bulk is in `finance_case_open`, what may be decided in `finance_case_decision`,
reminders and escalation in `finance_case_reminder`.
"""

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError

from ..core import cases

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

    name = fields.Char("Document", required=True, readonly=True)
    exchange_id = fields.Many2one(
        "finance.exchange", required=True, readonly=True, index=True, ondelete="restrict"
    )
    connection_id = fields.Many2one(
        "finance.connection", required=True, readonly=True, index=True, ondelete="restrict"
    )
    company_id = fields.Many2one("res.company", required=True, readonly=True, index=True)
    kind = fields.Selection(list(cases.KINDS), "Why", required=True, readonly=True)
    what_happened = fields.Char("What happened", readonly=True)
    state = fields.Selection(
        [("open", "Open"), ("resolved", "Resolved")],
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
        help="The operator who sees to it that this is decided.",
    )
    deadline = fields.Datetime(required=True, help="A case that is still open then is escalated.")
    opened_at = fields.Datetime("Opened", required=True, readonly=True)
    reminded_at = fields.Datetime("Owner told at", readonly=True)
    escalated_at = fields.Datetime("Escalated", readonly=True)
    resolved_at = fields.Datetime("Resolved at", readonly=True)
    resolved_by_id = fields.Many2one("res.users", "Resolved by", readonly=True)
    decision = fields.Selection(list(cases.DECISIONS), readonly=True)
    resolution = fields.Selection(list(cases.RESOLUTIONS), readonly=True)
    reason = fields.Char(readonly=True, help="Why a person decided so.")
    document_model = fields.Char(readonly=True)
    document_id = fields.Many2oneReference(
        "Document id", model_field="document_model", readonly=True
    )
    document_name = fields.Char(readonly=True)
    correlation_id = fields.Char("Correlation id", readonly=True)
    is_overdue = fields.Boolean(compute="_compute_is_overdue")
    exchange_state = fields.Selection(related="exchange_id.state", string="State of the exchange")
    exchange_reference = fields.Char(related="exchange_id.reference")
    attempt_ids = fields.One2many(related="exchange_id.attempt_ids", string="Attempts")

    _one_open = models.UniqueIndex(
        "(exchange_id) WHERE state = 'open'", "This exchange already has an open case."
    )
    _due = models.Index("(deadline) WHERE state = 'open' AND escalated_at IS NULL")
    _new = models.Index("(id) WHERE state = 'open' AND reminded_at IS NULL")

    @api.depends("state", "deadline")
    def _compute_is_overdue(self):
        now = fields.Datetime.now()
        for case in self:
            case.is_overdue = bool(case.state == "open" and case.deadline and case.deadline < now)

    @api.model
    def _owner_domain(self, company):
        """Those who may decide in a company; ``company`` names the field that holds it."""
        group = self.env.ref("finance_connector_base.group_operator", raise_if_not_found=False)
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
                        "%(user)s cannot own the case: it needs the role “Operator” in %(company)s.",
                        user=case.user_id.name,
                        company=case.company_id.name,
                    )
                )

    def write(self, vals):
        if not self.env.su and not _BY_HAND.issuperset(vals):
            raise AccessError(
                self.env._("A case changes by a decision; only owner and deadline are set by hand.")
            )
        if "user_id" in vals:
            vals = {**vals, "reminded_at": False}
            self.sudo()._forget_reminders()
        if "deadline" in vals:
            vals = {**vals, "escalated_at": False}
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_evidence(self):
        raise UserError(self.env._("Cases are evidence and cannot be deleted."))

    def copy_data(self, default=None):
        """A case belongs to what happened once.

        :raises UserError: always.
        """
        if self:
            raise UserError(self.env._("A case cannot be duplicated."))
        return super().copy_data(default)

    def action_take(self):
        """Become the owner. For operators."""
        self._check_may_decide()
        self.write({"user_id": self.env.uid})
        return True

    def _check_may_decide(self):
        """Role, and the cases and exchanges of the reader's own companies."""
        self.exchange_id._check_operator()
        self.check_access("write")
