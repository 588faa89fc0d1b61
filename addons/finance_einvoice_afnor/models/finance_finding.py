"""Texts of the platform's reason codes, in the reader's language."""

from odoo import api, models

from ..core.error_table import ALREADY_EXISTING, NO_REASON

PROVIDER = "afnor"


class FinanceFinding(models.AbstractModel):
    _inherit = "finance.finding"

    @api.model
    def _source_texts(self, source, finding):
        texts = super()._source_texts(source, finding)
        if texts or source != PROVIDER:
            return texts
        hint = self.env._(
            "Correct what the platform's message points out, then submit the document again."
        )
        return finding.args.get("text") or finding.code, hint

    @api.model
    def _source_messages(self, source):
        """Explain the codes of the Flow service; a code that is not listed is shown in the platform's own words."""
        if source != PROVIDER:
            return super()._source_messages(source)
        _ = self.env._
        return {
            NO_REASON.code: (
                _("The platform rejected the invoice without a reason."),
                _("Contact the support of the platform with the reference shown."),
            ),
            "EmptyAttachement": (
                _("An attachment of the invoice is empty."),
                _("Remove the empty attachment or attach the right file, then submit it again."),
            ),
            "AttachmentTypeError": (
                _("An attachment has a type that the platform does not accept."),
                _("Attach PDF, PNG, JPEG, CSV or XLSX files only, then submit it again."),
            ),
            "EmptyFlow": (
                _("The platform received an empty file."),
                _("Submit it again. If it happens again, contact the system administrator."),
            ),
            "OtherTechnicalError": (
                _("The platform could not process the invoice for a technical reason."),
                _(
                    "Read the message of the platform and submit it again, or contact the support of the platform with the reference shown."
                ),
            ),
            "InvalidSchema": (
                _("The platform found the invoice's XML structure invalid."),
                _(
                    "Correct what the platform's message points out, then submit the document again."
                ),
            ),
            "FileSizeExceeded": (
                _("The invoice is larger than the platform accepts."),
                _("Split the invoice or reduce its attachments, then submit it again."),
            ),
            "FlowTypeError": (
                _("The platform does not accept this kind of document here."),
                _(
                    "Ask a finance administrator to check the settings of the connection (syntax and profile)."
                ),
            ),
            ALREADY_EXISTING: (
                _("The platform already has an invoice with this number from this company."),
                _(
                    "Check with the platform where that invoice came from. If it is another document, change the invoice number and submit it again."
                ),
            ),
            "VirusFound": (
                _("The platform found a virus in the file."),
                _("Remove the attachments, have them scanned, then submit it again."),
            ),
            "ChecksumMismatch": (
                _("The file was damaged on its way to the platform."),
                _("Submit it again. If it happens again, contact the system administrator."),
            ),
            "InvoiceLCInvalidStatus": (
                _("The status reported for the invoice does not fit its life cycle."),
                _("Check the invoice's status with the platform."),
            ),
            "InvoiceLCStatusError": (
                _("The status reported for the invoice is not allowed."),
                _("Check the invoice's status with the platform."),
            ),
            "InvoiceLCRuleError": (
                _("The invoice breaks a rule of the platform."),
                _(
                    "Correct what the platform's message points out, then submit the document again."
                ),
            ),
            "InvoiceLCAccessDenied": (
                _("The company may not do this at the platform."),
                _(
                    "Ask a finance administrator to check the rights of the company at the platform."
                ),
            ),
            "InvoiceLCAmountError": (
                _("Amounts of the invoice and its VAT do not agree."),
                _("Check lines, taxes and totals, then submit it again."),
            ),
        }
