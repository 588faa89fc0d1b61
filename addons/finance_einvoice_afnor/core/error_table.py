"""Reason codes of the AFNOR Flow service 1.1.0 (XP Z12-013) as findings.

What each code means is in ``models/finance_finding.py``, in the reader's language. The list of codes is open: a platform
may add its own, which are shown in its own words. Codes are public: retired, never reused.
"""

from __future__ import annotations

from odoo.addons.finance_connector_base.core.finding import ERROR, WARNING, Finding

ALREADY_EXISTING = "AlreadyExistingFlow"
#: Ours: the platform rejected the document and gave no reason.
NO_REASON = Finding("NoReason")

#: The codes that the specification lists.
CODES = (
    "EmptyAttachement",
    "AttachmentTypeError",
    "EmptyFlow",
    "OtherTechnicalError",
    "InvalidSchema",
    "FileSizeExceeded",
    "FlowTypeError",
    ALREADY_EXISTING,
    "VirusFound",
    "ChecksumMismatch",
    "InvoiceLCInvalidStatus",
    "InvoiceLCStatusError",
    "InvoiceLCRuleError",
    "InvoiceLCAccessDenied",
    "InvoiceLCAmountError",
)


def finding(detail: dict[str, str]) -> Finding:
    """Return one ``AcknowledgementDetail`` as a finding; its message is the platform's own."""
    return Finding.of_provider(
        detail["reasonCode"],
        detail.get("reasonMessage") or "",
        severity=WARNING if detail.get("level") == "Warning" else ERROR,
        item=detail.get("item") or "",
    )
