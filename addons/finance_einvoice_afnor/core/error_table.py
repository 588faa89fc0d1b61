"""Reason codes of the AFNOR Flow service 1.1.0 (XP Z12-013) in words for an accountant, each with what to do.

The list of codes is open: a platform may add its own, which are shown with the platform's own message. The ids are
a public contract: retired, never reused.
"""

from __future__ import annotations

from odoo.addons.finance_connector_base.core.delivery.outcomes import Finding

ALREADY_EXISTING = "AlreadyExistingFlow"

#: code → (what it means, what to do)
REASONS: dict[str, tuple[str, str]] = {
    "EmptyAttachement": (
        "An attachment of the invoice is empty.",
        "Remove the empty attachment or attach the right file, then submit again.",
    ),
    "AttachmentTypeError": (
        "An attachment has a type that the platform does not take.",
        "Attach PDF, PNG, JPEG, CSV or XLSX files only, then submit again.",
    ),
    "EmptyFlow": (
        "The platform received an empty file.",
        "Submit again; if it happens twice, tell the system administrator.",
    ),
    "OtherTechnicalError": (
        "The platform could not process the invoice for a technical reason.",
        "Read the platform's message; submit again, or ask the platform's support with the reference shown.",
    ),
    "InvalidSchema": (
        "The platform found the invoice's XML structure invalid.",
        "Correct what the platform's message names, then submit again.",
    ),
    "FileSizeExceeded": (
        "The invoice is larger than the platform accepts.",
        "Split the invoice or reduce its attachments, then submit again.",
    ),
    "FlowTypeError": (
        "The platform does not accept this kind of document here.",
        "A finance admin checks the connection's settings (syntax and profile).",
    ),
    ALREADY_EXISTING: (
        "The platform already has an invoice with this number from this company.",
        "Check with the platform who sent it. If it is another document, change the invoice number and submit again.",
    ),
    "VirusFound": (
        "The platform found a virus in the file.",
        "Remove the attachments, have them scanned, then submit again.",
    ),
    "ChecksumMismatch": (
        "The file was damaged on its way to the platform.",
        "Submit again; if it happens twice, tell the system administrator.",
    ),
    "InvoiceLCInvalidStatus": (
        "The status reported for the invoice does not fit its life cycle.",
        "Check the invoice's status with the platform.",
    ),
    "InvoiceLCStatusError": (
        "The status reported for the invoice is not allowed.",
        "Check the invoice's status with the platform.",
    ),
    "InvoiceLCRuleError": (
        "The invoice breaks a rule of the platform.",
        "Correct what the platform's message names, then submit again.",
    ),
    "InvoiceLCAccessDenied": (
        "The company may not do this at the platform.",
        "A finance admin checks the company's rights at the platform.",
    ),
    "InvoiceLCAmountError": (
        "Amounts of the invoice and its VAT do not agree.",
        "Check lines, taxes and totals, then submit again.",
    ),
}


def finding(detail: dict[str, str]) -> Finding:
    """One ``AcknowledgementDetail`` as a reason a person understands, with the platform's own words kept."""
    code = detail["reasonCode"]
    message, hint = REASONS.get(code, ("", ""))
    theirs = detail.get("reasonMessage", "")
    return Finding(
        code=code,
        message=f"{message} {theirs}".strip() if theirs != message else message,
        item=detail.get("item", ""),
        hint=hint or "Correct what the platform names, then submit again.",
        level="warning" if detail.get("level") == "Warning" else "error",
    )
