"""Which users may decide cases."""

from odoo import models

from .roles import OPERATOR


class ResUsers(models.Model):
    _inherit = "res.users"

    def _may_decide_cases(self, company):
        """Return whether the user is an operator of the company now; roles and companies may have
        changed meanwhile.
        """
        self.ensure_one()
        user = self.sudo()
        return user.active and company in user.company_ids and user.has_group(OPERATOR)
