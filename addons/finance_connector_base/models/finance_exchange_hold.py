"""An operator holds back what is not sent yet, and lets it go."""

from odoo import models
from odoo.exceptions import UserError

from ..core import cases
from ..core.delivery import states


class FinanceExchange(models.Model):
    _inherit = "finance.exchange"

    def action_hold(self):
        """Keep pending exchanges back until they are released; a case reminds of them. For operators."""
        self._check_operator()
        held = self.sudo().try_lock_for_update()
        held.invalidate_recordset()
        if held != self.sudo() or any(exchange.state != states.PENDING for exchange in held):
            raise UserError(self.env._("Only what is pending can be held; look again."))
        words = self.env._("Held by %s", self.env.user.name)
        held._transition(states.HELD, words, next_step_at=False)
        held._open_cases(cases.HELD, words, self.env.user)
        return True

    def action_release(self):
        """Let held exchanges go. For operators."""
        self._check_operator()
        self.env["finance.case"]._decide(self, cases.RELEASE)
        return True

    def _open_cases(self, kind, words, owner=None):
        """Ask a person to look at each of these (``core.cases.KINDS``)."""
        self.env["finance.case"]._open_many(
            [
                {
                    "exchange_id": exchange.id,
                    "connection_id": exchange.connection_id.id,
                    "company_id": exchange.company_id.id,
                    "kind": kind,
                    "what_happened": words,
                    "user_id": owner.id if owner else None,
                    "document_model": exchange.document_model,
                    "document_id": exchange.document_id,
                    "document_name": exchange.document_name,
                    "correlation_id": exchange.correlation_id,
                }
                for exchange in self
            ]
        )
