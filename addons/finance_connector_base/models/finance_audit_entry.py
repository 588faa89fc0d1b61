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
            "connection.breaker_opened": _("Circuit breaker opened"),
            "connection.breaker_closed": _("Circuit breaker closed"),
            "connection.breaker_reset": _("Circuit breaker reset manually"),
            "credential.set": _("Secret stored"),
            "credential.changed": _("Secret replaced"),
            "credential.cleared": _("Secret removed"),
            "callback.received": _("Callback received"),
            "callback.processed": _("Callback processed"),
            "callback.ignored": _("Callback ignored"),
            "callback.failed": _("Callback not processed"),
            "callback_address.renewed": _("Callback address made"),
            "callback_address.closed": _("Callback address closed"),
            "exchange.queued": _("Put into the outbox"),
            "exchange.sending": _("Sending"),
            "exchange.waiting": _("Received by the provider"),
            "exchange.unknown": _("Outcome unknown"),
            "exchange.accepted": _("Accepted by the provider"),
            "exchange.rejected": _("Rejected by the provider"),
            "exchange.failed": _("Not delivered"),
            "exchange.pending": _("To be sent again"),
            "exchange.asked_again": _("Status check requested"),
            "exchange.late_answer": _("Late answer kept"),
            "exchange.superseded": _("Replaced by a correction"),
            "exchange.cancelled": _("Sending cancelled"),
        }
