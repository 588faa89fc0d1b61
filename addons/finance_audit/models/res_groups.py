"""Changes of roles are recorded: which user was granted or lost a role, however that happened."""

from contextlib import contextmanager

from odoo import api, models

from ..core.schema import QUERIES
from ..core.statement import Statement, named

_RUNNING = "finance_audit.roles"
# The fields that determine the members of a group.
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
        """Record each role that a user was granted or lost when the block ends, directly or by another group.

        Odoo's methods call each other; only the outermost call records.
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
        """Return (role id, user id) of each active user who holds a role of the suite.

        The roles of the suite are the groups of the addons whose names begin with ``finance_``.
        """
        self.flush_model(["implied_ids", "user_ids"])
        self.env["res.users"].flush_model(["active", "group_ids"])
        self.env.cr.execute(QUERIES["role_holders"])
        return set(self.env.cr.fetchall())

    @api.model
    def _audit_role(self, verb, role_id, user_id):
        role = self.sudo().browse(role_id).exists()
        user = self.env["res.users"].sudo().browse(user_id).exists()
        about = {"role": named(role) if role else f"#{role_id}", "user": user.name or f"#{user_id}"}
        return {
            "action": f"role.{verb}",
            "record": user or None,
            "outcome": "info",
            "statement": Statement(f"role.{verb}", about),
            "details": {
                "role": {"id": role_id, "name": role.full_name or ""},
                "user": {"id": user_id, "login": user.login or ""},
            },
        }
