"""Labels of this addon's action ids in the audit log."""

from odoo import api, models


class FinanceAuditEntry(models.Model):
    _inherit = "finance.audit.entry"

    @api.model
    def _action_labels(self):
        """Add the actions of e-invoices. Ids are public: retired, never reused."""
        _ = self.env._
        return {
            **super()._action_labels(),
            "einvoice.validated": _("E-invoice checked"),
            "einvoice.submitted": _("E-invoice submitted"),
            "einvoice.unknown": _("E-invoice: outcome unknown"),
            "einvoice.filed": _("E-invoice filed"),
            "einvoice.accepted": _("E-invoice accepted"),
            "einvoice.rejected": _("E-invoice rejected"),
            "einvoice.remediation": _("E-invoice being corrected"),
            "einvoice.failed": _("E-invoice not delivered"),
            "einvoice.draft": _("E-invoice withdrawn"),
            "einvoice.cancelled": _("E-invoice cancelled"),
            "einvoice.reclassified": _("E-invoice status reclassified"),
            "einvoice.differs": _("Differs from the e-invoice"),
            "einvoice.other_route": _("Left by another route"),
        }

    @api.model
    def _detail_labels(self):
        _ = self.env._
        return {
            **super()._detail_labels(),
            "regime": _("Regime"),
            "route": _("Route"),
            "sheets": _("Rule sheets"),
            "findings": _("Findings"),
        }

    @api.model
    def _detail_selections(self):
        return {**super()._detail_selections(), "regime": ("finance.einvoice", "regime")}

    @api.model
    def _technical_details(self):
        return super()._technical_details() | {"sheets", "findings", "route"}
