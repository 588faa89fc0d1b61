"""Settings per company: its connections, its cases (owner, deadline, escalation), and the evidence it requires."""

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from .roles import OPERATOR

DEFAULT_CASE_HOURS = 24
#: A year.
MAX_CASE_HOURS = 8784


class ResCompany(models.Model):
    _name = "res.company"
    _inherit = ["res.company", "finance.audit.tracked.mixin", "finance.hidden.fields.mixin"]
    _audit_tracked = (
        "finance_case_user_id",
        "finance_case_hours",
        "finance_case_escalation_user_id",
    )

    finance_connection_ids = fields.One2many(
        "finance.connection",
        "company_id",
        "Finance connections",
        groups="base.group_user",
    )
    finance_case_user_id = fields.Many2one(
        "res.users",
        string="Default owner of cases",
        domain=lambda self: self.env["finance.case"]._owner_domain("id"),
        help="The operator to whom new cases are assigned. If empty, cases remain unassigned until an operator takes "
        "them.",
        groups="base.group_user",
    )
    finance_case_hours = fields.Integer(
        "Time to decide (hours)",
        default=DEFAULT_CASE_HOURS,
        required=True,
        help="A case that is still open after this time is escalated.",
        groups="base.group_user",
    )
    finance_case_escalation_user_id = fields.Many2one(
        "res.users",
        string="Escalate cases to",
        domain=lambda self: self.env["finance.case"]._owner_domain("id"),
        help="Receives every case that is not decided in time. If empty, all operators of the company receive it.",
        groups="base.group_user",
    )
    finance_evidence_since = fields.Json(
        "Evidence required since",
        readonly=True,
        copy=False,
        help="For each kind of evidence the moment from which posted documents must have it.",
        groups="base.group_user",
    )

    _finance_case_hours_positive = models.Constraint(
        "CHECK (finance_case_hours > 0)", "The time to decide a case must be at least one hour."
    )

    @api.model_create_multi
    def create(self, vals_list):
        companies = super().create(vals_list)
        companies._finance_note_activation()
        return companies

    def write(self, vals):
        result = super().write(vals)
        if any(name.startswith("finance_") for name in vals.keys() - {"finance_evidence_since"}):
            self._finance_note_activation()
        return result

    @api.constrains("finance_case_hours")
    def _check_finance_case_hours(self):
        if any(company.finance_case_hours > MAX_CASE_HOURS for company in self):
            raise ValidationError(
                self.env._(
                    "The time to decide a case must be %(hours)s hours or less.",
                    hours=MAX_CASE_HOURS,
                )
            )

    @api.constrains("finance_case_user_id", "finance_case_escalation_user_id")
    def _check_finance_case_users(self):
        for company in self:
            for user in company.finance_case_user_id | company.finance_case_escalation_user_id:
                if not user._may_decide_cases(company):
                    raise ValidationError(
                        self.env._(
                            "%(user)s needs the role “Operator” of Finance Connect in %(company)s.",
                            user=user.name,
                            company=company.name,
                        )
                    )

    def _finance_case_escalation_users(self):
        """Return the user to escalate to, else every operator of the company."""
        self.ensure_one()
        chosen = self.finance_case_escalation_user_id
        if chosen and chosen._may_decide_cases(self):
            return chosen
        operators = self.env.ref(OPERATOR).all_user_ids
        return operators.filtered(lambda user: user._may_decide_cases(self))

    # -- evidence required of posted documents ---------------------------------------------------------------------------

    def _finance_evidence_kinds(self):
        """Return the kinds of evidence that documents of this company must have. Addons extend it."""
        self.ensure_one()
        return set()

    def _finance_note_activation(self):
        """Keep since when each kind is required: documents posted before have none and need none."""
        now = fields.Datetime.to_string(self.env.cr.now())  # as ``create_date`` does
        for company in self.sudo():
            known = company.finance_evidence_since or {}
            kinds = company._finance_evidence_kinds()
            if kinds != known.keys():
                company.finance_evidence_since = {
                    kind: known.get(kind, now) for kind in sorted(kinds)
                }
