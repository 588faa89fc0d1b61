"""Changes of users that grant or revoke roles; see ``res_groups``."""

from odoo import api, models


class ResUsers(models.Model):
    _inherit = "res.users"

    @api.model_create_multi
    def create(self, vals_list):
        with self.env["res.groups"]._audit_roles():
            return super().create(vals_list)

    def write(self, vals):
        # An archived user holds no role.
        if not {"group_ids", "active"} & set(vals):
            return super().write(vals)
        with self.env["res.groups"]._audit_roles():
            return super().write(vals)

    def unlink(self):
        with self.env["res.groups"]._audit_roles():
            return super().unlink()
