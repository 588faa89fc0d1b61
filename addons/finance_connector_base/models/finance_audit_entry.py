"""Words for this addon's action ids in the audit log."""

from odoo import api, models


class FinanceAuditEntry(models.Model):
    _inherit = "finance.audit.entry"

    @api.model
    def _action_labels(self):
        _ = self.env._
        return {
            **super()._action_labels(),
            "connection.tested": _("Connection tested"),
            "connection.blocked": _("Connection cannot send"),
            "connection.unblocked": _("Connection sends again"),
            "credential.set": _("Secret stored"),
            "credential.changed": _("Secret replaced"),
            "credential.cleared": _("Secret removed"),
            "callback.received": _("Callback received"),
            "callback.processed": _("Callback processed"),
            "callback.ignored": _("Callback ignored"),
            "callback.failed": _("Callback not processed"),
            "callback_address.renewed": _("Callback address made"),
            "callback_address.closed": _("Callback address closed"),
            "exchange.queued": _("Queued"),
            "exchange.sending": _("Sending"),
            "exchange.waiting": _("Received by the provider"),
            "exchange.unknown": _("Outcome unknown"),
            "exchange.accepted": _("Accepted by the provider"),
            "exchange.rejected": _("Rejected by the provider"),
            "exchange.failed": _("Not delivered"),
            "exchange.pending": _("Queued for another attempt"),
            "exchange.asked_again": _("Status check requested"),
            "exchange.late_answer": _("Late response ignored"),
            "exchange.superseded": _("Replaced by a correction"),
            "exchange.cancelled": _("Sending cancelled"),
            "connection.breaker_opened": _("Calls suspended"),
            "connection.breaker_closed": _("Calls resumed"),
            "connection.breaker_reset": _("Circuit breaker reset"),
        }
