"""What this addon records in the audit log: labels of actions, statements in the reader's language."""

import json

from odoo import api, models

from ..core.finding import Finding
from .roles import ADMIN, OPERATOR


class FinanceAuditEntry(models.Model):
    _inherit = "finance.audit.entry"

    @api.model
    def _action_labels(self):
        _ = self.env._
        return {
            **super()._action_labels(),
            "connection.tested": _("Connection tested"),
            "connection.blocked": _("Connection blocked"),
            "connection.unblocked": _("Connection sending again"),
            "query.answered": _("Query answered"),
            "query.unanswered": _("Query without answer"),
            "connection.breaker_opened": _("Calls to the provider suspended"),
            "connection.breaker_closed": _("Calls to the provider resumed"),
            "connection.breaker_reset": _("Circuit breaker reset"),
            "credential.set": _("Secret stored"),
            "credential.changed": _("Secret replaced"),
            "credential.cleared": _("Secret removed"),
            **self._webhook_labels(),
            **self._case_labels(),
            "inbound.stored": _("Inbound document stored"),
            "inbound.processed": _("Inbound document processed"),
            "inbound.unhandled": _("Inbound document not handled"),
            "inbound.failed": _("Inbound document not processed"),
            "inbound.differs": _("Inbound document repeated with different content"),
            "exchange.queued": _("Queued"),
            "exchange.sending": _("Sending"),
            "exchange.waiting": _("Received by the provider"),
            "exchange.unknown": _("Outcome unknown"),
            "exchange.accepted": _("Accepted by the provider"),
            "exchange.rejected": _("Rejected by the provider"),
            "exchange.failed": _("Not delivered"),
            "exchange.pending": _("Queued for resending"),
            "exchange.held": _("On hold"),
            "exchange.asked_again": _("Status check requested"),
            "exchange.late_answer": _("Late response (ignored)"),
            "exchange.superseded": _("Replaced by a correction"),
            "exchange.cancelled": _("Sending cancelled"),
            "retention.purged": _("Content removed by retention"),
            "evidence.differs": _("Differs from the audit log"),
            "storage.limit": _("Storage limit exceeded"),
            "posting.refused": _("Could not be posted"),
            "posting.evidence_missing": _("Posted without the required checks"),
        }

    @api.model
    def _webhook_labels(self):
        """Return the labels of webhook events, under their present and their former action ids."""
        _ = self.env._
        labels = {
            "webhook.received": _("Webhook event received"),
            "webhook.processed": _("Webhook event processed"),
            "webhook.ignored": _("Webhook event ignored"),
            "webhook.failed": _("Webhook event not processed"),
            "webhook_url.generated": _("Webhook URL generated"),
            "webhook_url.removed": _("Webhook URL removed"),
        }
        former = {
            "callback.received": "webhook.received",
            "callback.processed": "webhook.processed",
            "callback.ignored": "webhook.ignored",
            "callback.failed": "webhook.failed",
            "callback_address.renewed": "webhook_url.generated",
            "callback_address.closed": "webhook_url.removed",
        }
        return {**labels, **{old: labels[new] for old, new in former.items()}}

    @api.model
    def _case_labels(self):
        _ = self.env._
        return {
            "case.opened": _("Case opened"),
            "case.updated": _("Case updated"),
            "case.changed": _("Owner or deadline of the case changed"),
            "case.escalated": _("Case escalated"),
            "case.retried": _("Case closed: retried"),
            "case.adopted": _("Case closed: linked to provider record"),
            "case.cancelled": _("Case closed: cancelled"),
            "case.released": _("Case closed: released"),
            "case.overridden": _("Case closed: overridden with a reason"),
            "case.superseded": _("Case closed: replaced by a correction"),
            "case.settled": _("Case closed: settled by the provider"),
            "case.ended": _("Case closed: no longer applies"),
        }

    def _statement(self):
        """Return the statement; entries of exchanges and documents hold it as their status."""
        if stated := super()._statement():
            return stated
        status = json.loads(self.canonical_text or "{}").get("details", {}).get("status")
        return status if isinstance(status, dict) and status.get("code") else None

    @api.model
    def _detail_labels(self):
        """Label what this addon records; the code and the arguments of a status are what the summary was made of."""
        _ = self.env._
        return {
            **super()._detail_labels(),
            "status": None,
            "code": None,
            "args": None,
            "connection": _("Connection"),
            "operation": _("Operation"),
            "key": _("Idempotency key"),
            "sha256": _("SHA-256 of the content"),
            "reference": _("Provider reference"),
            "contract_version": _("Contract version"),
            "times_sent": _("Times sent"),
            "replaces": _("Replaces"),
            "exchange": _("Exchange"),
            "kind": _("Cause"),
            "owner_user_id": _("Owner"),
            "deadline": _("Deadline"),
            "decision": _("Decision"),
            "escalated_to_user_ids": _("Escalated to"),
            "message": _("Message ID"),
            "event": _("Event"),
            "years": _("Retention (years)"),
            "removed": _("Removed"),
        }

    @api.model
    def _detail_selections(self):
        return {
            **super()._detail_selections(),
            "kind": ("finance.case", "kind"),
            "decision": ("finance.case", "decision"),
        }

    @api.model
    def _detail_records(self):
        return {
            **super()._detail_records(),
            "exchange": "finance.exchange",
            "owner_user_id": "res.users",
            "escalated_to_user_ids": "res.users",
        }

    def _detail_text(self, key, value):
        """Name the operation of an exchange as its provider's addon does."""
        if key == "operation" and self.record_model == "finance.exchange":
            exchange = self.env["finance.exchange"].sudo().browse(self.record_id).exists()
            return exchange.operation_label if exchange.operation == value else ""
        return super()._detail_text(key, value)

    @api.model
    def _technical_details(self):
        return super()._technical_details() | {"key", "sha256", "contract_version", "message"}

    @api.model
    def _sees_technical_details(self):
        return super()._sees_technical_details() or any(
            self.env.user.has_group(role) for role in (OPERATOR, ADMIN)
        )


class FinanceAuditStatement(models.AbstractModel):
    _inherit = "finance.audit.statement"

    @api.model
    def _sentences(self):
        _ = self.env._
        return {
            **super()._sentences(),
            "credential.set": _("Secret “%(purpose)s” of %(name)s stored"),
            "credential.changed": _("Secret “%(purpose)s” of %(name)s replaced"),
            "credential.cleared": _("Secret “%(purpose)s” of %(name)s removed"),
            "secret.client_id": _("client ID"),
            "secret.client_secret": _("client secret"),
            "secret.api_key": _("API key"),
            "secret.client_certificate": _("client certificate"),
            "secret.webhook_secret": _("webhook secret"),
            "secret.previous_webhook_secret": _("previous webhook secret"),
            "retention.purged": _("Content of %(name)s removed. Parts: %(count)s"),
            "case.opened": _("Case opened: %(what)s"),
            "case.closed": _("Case closed: %(resolution)s"),
            "case.closed_for": _("Case closed (%(resolution)s): %(reason)s"),
            "case.escalated": _("Not decided in time: %(what)s"),
        }

    @api.model
    def _render(self, statement, sentences=None):
        """Render a finding where the code is one: its texts are those of findings."""
        rendered = super()._render(statement, sentences)
        if rendered or not statement.get("code"):
            return rendered
        finding = Finding(statement["code"], args=statement.get("args") or {})
        sentence = self.env["finance.finding"]._render(finding)[0]
        return "" if sentence == finding.code else sentence
