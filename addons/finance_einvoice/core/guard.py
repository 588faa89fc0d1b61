"""What may still change on a document whose e-invoice is on its way or held, as data (E12).

An allow-list: a field that is not named here went into the rendering, or may have, and is refused. Groups have the order
of the table in docs/guards.md, which a test compares with this file. Fields of addons that are not installed do no harm.
"""

from __future__ import annotations

from collections.abc import Iterable

#: Group → fields of account.move.
MOVE_FIELDS: dict[str, tuple[str, ...]] = {
    "Life cycle": ("state",),
    "Payment and reconciliation": (
        *("amount_residual", "amount_residual_signed", "payment_state", "status_in_payment"),
        *("payment_ids", "matched_payment_ids", "origin_payment_id", "transaction_ids"),
        *("statement_line_id", "statement_line_ids", "exchange_diff_partial_ids"),
        *("tax_cash_basis_created_move_ids", "reversal_move_ids", "debit_note_ids"),
        *("adjusting_entries_move_ids", "adjusting_entry_origin_move_ids", "no_followup"),
    ),
    "Communication": (
        *("message_ids", "message_follower_ids", "message_partner_ids", "website_message_ids"),
        *("message_main_attachment_id", "audit_trail_message_ids", "rating_ids"),
        *("activity_ids", "activity_user_id", "activity_type_id", "activity_date_deadline"),
        *("activity_summary", "my_activity_date_deadline"),
    ),
    "Sending and attachments": (
        *("sending_data", "is_move_sent", "move_sent_values", "attachment_ids", "access_token"),
        *("invoice_pdf_report_file", "invoice_pdf_report_id", "ubl_cii_xml_file", "ubl_cii_xml_id"),
        *("peppol_move_state", "peppol_message_uuid", "edi_document_ids", "edi_state"),
    ),
    "Bookkeeping of Odoo": (
        *("checked", "made_sequence_gap", "is_manually_modified"),
        *("inalterable_hash", "secure_sequence_number"),
    ),
}

#: Group → fields of account.move.line.
LINE_FIELDS: dict[str, tuple[str, ...]] = {
    "Payment and reconciliation": (
        *("amount_residual", "amount_residual_currency", "reconciled", "full_reconcile_id"),
        *("matching_number", "matched_debit_ids", "matched_credit_ids", "reconciled_lines_ids"),
        *("payment_id", "statement_line_id", "statement_id", "reconcile_model_id", "no_followup"),
    ),
    "Analytic accounting": ("analytic_distribution", "analytic_line_ids", "analytic_precision"),
}

#: What makes the rate of a tax and the category and reason that formats show for it; refused while a guarded document
#: uses the tax.
RATE_OF_TAX = frozenset(
    {
        *("amount", "amount_type", "price_include_override"),
        *("include_base_amount", "is_base_affected", "children_tax_ids"),
        *("ubl_cii_tax_category_code", "ubl_cii_tax_exemption_reason_code"),
    }
)

FREE_OF_MOVE = frozenset(name for names in MOVE_FIELDS.values() for name in names)
FREE_OF_LINE = frozenset(name for names in LINE_FIELDS.values() for name in names)


def table() -> str:
    """Return the table of docs/guards.md: one row per record and group."""
    rows = ["| record | group | fields that stay free |", "|---|---|---|"]
    for record, groups in (("invoice", MOVE_FIELDS), ("invoice line", LINE_FIELDS)):
        rows += [f"| {record} | {group} | {_listed(names)} |" for group, names in groups.items()]
    return "\n".join(rows)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
