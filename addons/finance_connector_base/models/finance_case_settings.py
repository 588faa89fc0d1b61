"""Per company: who owns new cases, how long they may wait, who is told when they wait longer."""

from odoo import api, fields, models
from odoo.exceptions import ValidationError

DEFAULT_HOURS = 24


class ResCompany(models.Model):
    _name = "res.company"
    _inherit = ["res.company", "finance.audit.tracked.mixin"]
    _audit_tracked = (
        "finance_case_user_id",
        "finance_case_hours",
        "finance_case_escalation_user_id",
    )

    finance_case_user_id = fields.Many2one(
        "res.users",
        string="Owner of new cases",
        domain=lambda self: self.env["finance.case"]._owner_domain("id"),
        help="The operator whose task new cases are. Without one they wait in the list for somebody to take them.",
    )
    finance_case_hours = fields.Integer(
        "Hours to decide a case",
        default=DEFAULT_HOURS,
        required=True,
        help="A case that is still open after this time is escalated.",
    )
    finance_case_escalation_user_id = fields.Many2one(
        "res.users",
        string="Escalate cases to",
        domain=lambda self: self.env["finance.case"]._owner_domain("id"),
        help="Gets every case that is not decided in time. Without one, all operators of the company get it.",
    )

    _finance_case_hours_positive = models.Constraint(
        "CHECK (finance_case_hours > 0)", "The time to decide a case must be at least one hour."
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
        """The person to escalate to, else every operator of the company."""
        self.ensure_one()
        chosen = self.finance_case_escalation_user_id
        if chosen and chosen._may_decide_cases(self):
            return chosen
        operators = self.env.ref("finance_connector_base.group_operator").all_user_ids
        return operators.filtered(lambda user: user._may_decide_cases(self))


class ResUsers(models.Model):
    _inherit = "res.users"

    def _may_decide_cases(self, company):
        """Whether this person is an operator of the company now; roles and companies change after a choice was made."""
        self.ensure_one()
        person = self.sudo()
        return (
            person.active
            and company in person.company_ids
            and person.has_group("finance_connector_base.group_operator")
        )


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    finance_case_user_id = fields.Many2one(
        related="company_id.finance_case_user_id",
        readonly=False,
        domain=lambda self: self.env["finance.case"]._owner_domain("company_id"),
    )
    finance_case_hours = fields.Integer(related="company_id.finance_case_hours", readonly=False)
    finance_case_escalation_user_id = fields.Many2one(
        related="company_id.finance_case_escalation_user_id",
        readonly=False,
        domain=lambda self: self.env["finance.case"]._owner_domain("company_id"),
    )
