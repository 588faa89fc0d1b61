"""Who paused a connection may let it go on: for operators, without the right to activate one."""

from odoo import models
from odoo.exceptions import UserError


class FinanceConnection(models.Model):
    _inherit = "finance.connection"

    def action_resume(self):
        """Send again after a pause. For operators and finance admins.

        Only where nothing has to be set up or tested anew: a finance admin activates, an operator merely goes on.

        :raises UserError: the connection is not paused, its last test failed, or this database may not send.
        """
        self._check_group("group_operator", "group_admin")
        for connection in self.sudo():
            obstacle = connection._obstacle_to_resuming()
            if obstacle:
                raise UserError(obstacle)
        # The change of state is evidence with the name of who asked for it.
        self.sudo().write({"state": "active", "last_block": False})
        self.env["finance.exchange"]._wake_dispatcher()
        return True

    def _obstacle_to_resuming(self):
        """Why a person must look at the configuration first; empty when sending may simply go on."""
        self.ensure_one()
        if self.state != "paused":
            return self.env._("“%s” is not paused.", self.name)
        if self.last_test_result != "ok":
            return self.env._(
                "“%s” did not pass its last test: a finance admin must test and activate it.",
                self.name,
            )
        return self._blocking_reason() or self._missing_message()
