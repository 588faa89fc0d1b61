"""Configuration of one company or shared by all: everybody reads what is shared, few may change it."""

from odoo import api, models
from odoo.exceptions import AccessError


class FinanceSharedMixin(models.AbstractModel):
    """Ancestor of configuration that applies to every company when it has no ``company_id``.

    A record rule cannot tell a user of one company from one of all, so writing is checked here; it holds for every
    way of writing by a user, nested ones included.
    """

    _name = "finance.shared.mixin"
    _description = "Shared configuration"

    @api.model_create_multi
    def create(self, vals_list):
        records = super().create(vals_list)
        records._check_shared()
        return records

    def write(self, vals):
        self._check_shared()
        if "company_id" in vals:
            self._refuse_other_company(vals["company_id"])
        result = super().write(vals)
        self._check_shared()
        return result

    def unlink(self):
        self._check_shared()
        return super().unlink()

    def _is_shared(self):
        """Return whether the record applies to every company."""
        self.ensure_one()
        return "company_id" not in self._fields or not self.company_id

    def _check_shared(self):
        """Let shared records be changed by users of every company only.

        :raises AccessError: the user does not work in every company
        """
        if self.env.su or not any(record._is_shared() for record in self.sudo()):
            return
        if not self._works_in_every_company():
            raise AccessError(
                self.env._(
                    "This configuration is shared by all companies. It can only be changed by a finance admin "
                    "with access to every company."
                )
            )

    def _refuse_other_company(self, company_id):
        """Keep a record in its company: what was decided by it stays where it was decided.

        :raises AccessError: the user does not work in every company
        """
        moved = any(record.company_id.id != (company_id or False) for record in self.sudo())
        if moved and not self.env.su and not self._works_in_every_company():
            raise AccessError(
                self.env._(
                    "The company of a configuration can only be changed by a finance admin with access to every "
                    "company. Create a new record in the other company instead."
                )
            )

    def _works_in_every_company(self):
        companies = self.env["res.company"].sudo().with_context(active_test=False)
        return not companies.search([("id", "!=", False)]) - self.env.user.sudo().company_ids
