"""Who may do what in the suite leaves evidence: roles that are given and taken, however that happens."""

from contextlib import contextmanager

from odoo import api, models

#: Addons of the suite; their groups are its roles.
_SUITE = r"finance\_%"
_RUNNING = "finance_audit.roles"
#: What decides who is a member of a group.
_MEMBERSHIP = {"user_ids", "all_user_ids", "implied_ids", "implied_by_ids"}


class ResGroups(models.Model):
    _inherit = "res.groups"

    @api.model_create_multi
    def create(self, vals_list):
        with self._audit_roles():
            return super().create(vals_list)

    def write(self, vals):
        if not _MEMBERSHIP & set(vals):
            return super().write(vals)
        with self._audit_roles():
            return super().write(vals)

    def unlink(self):
        with self._audit_roles():
            return super().unlink()

    @api.model
    @contextmanager
    def _audit_roles(self):
        """Leave an entry for each role that a user has got or lost when the block ends, directly or by another group.

        Odoo's methods call each other; the outermost one tells.
        """
        running = self.env.cr.precommit.data
        if running.get(_RUNNING):
            yield
            return
        running[_RUNNING] = True
        try:
            before = self._audit_holders()
            yield
            after = self._audit_holders()
        finally:
            running.pop(_RUNNING, None)
        self.env["finance.audit.entry"]._record_many(
            [
                *(self._audit_role("granted", *pair) for pair in sorted(after - before)),
                *(self._audit_role("withdrawn", *pair) for pair in sorted(before - after)),
            ]
        )

    @api.model
    def _audit_holders(self):
        """(role id, user id) of every active user who holds a role of the suite."""
        return {
            (role.id, user_id)
            for role in self._audit_suite_roles()
            for user_id in role.all_user_ids.ids
        }

    @api.model
    def _audit_suite_roles(self):
        known = self.env["ir.model.data"].sudo()
        data = known.search([("model", "=", self._name), ("module", "=like", _SUITE)])
        return self.sudo().browse(data.mapped("res_id")).exists()

    @api.model
    def _audit_role(self, verb, role_id, user_id):
        role = self.sudo().browse(role_id).exists()
        user = self.env["res.users"].sudo().browse(user_id).exists()
        about = {"role": role.name or f"#{role_id}", "user": user.name or f"#{user_id}"}
        return {
            "action": f"role.{verb}",
            "record": user or None,
            "outcome": "info",
            "summary": self.env._("%(user)s got the role “%(role)s”.", **about)
            if verb == "granted"
            else self.env._("%(user)s lost the role “%(role)s”.", **about),
            "details": {
                "role": {"id": role_id, "name": role.full_name or ""},
                "user": {"id": user_id, "login": user.login or ""},
            },
        }
