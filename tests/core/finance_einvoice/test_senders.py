"""The table of other senders: fields are recognised, and an unfamiliar value counts as sent (E13)."""

import pytest
from odoo.addons.finance_einvoice.core.senders import SENDERS, sender_of

#: Field of an invoice, a value of a document that has not left, values of one that has or is about to.
CASES = [
    ("peppol_move_state", "ready", ("to_send", "processing", "done")),
    ("pdp_move_state", "error", ("done",)),
    ("l10n_fr_pdp_lifecycle_state", "ready", ("received",)),
    ("nemhandel_move_state", "error", ("to_send", "processing", "done")),
    ("l10n_hr_business_document_status", "None", ("0", "99")),
    ("l10n_hr_fiscalization_status", "1", ("0", "2")),
    ("l10n_hr_mer_document_status", "50", ("20", "30", "40", "70")),
    ("l10n_gr_edi_state", "bill_fetched", ("invoice_sent",)),
    ("l10n_hu_edi_state", "rejected", ("sent", "send_timeout", "confirmed", "cancel_sent")),
    ("l10n_in_edi_status", "to_send", ("sent",)),
    ("l10n_it_edi_state", "rejected", ("being_sent", "processing", "forwarded", "forward_failed")),
    ("l10n_jo_edi_state", "to_send", ("sent", "demo")),
    ("l10n_my_edi_state", "invalid", ("in_progress", "valid")),
    ("l10n_pl_edi_status", "rejected", ("sent", "accepted")),
    ("l10n_ro_edi_state", "invoice_refused", ("invoice_not_indexed", "invoice_sent")),
    ("l10n_rs_edi_state", "sending_failed", ("sent",)),
    ("l10n_es_tbai_state", "to_send", ("sent",)),
    ("l10n_es_edi_verifactu_state", "rejected", ("registered_with_errors", "accepted")),
    ("l10n_tw_edi_state", "invalid", ("invoiced", "valid")),
    ("l10n_tr_nilvera_send_status", "not_sent", ("sent", "waiting", "unknown", "succeed")),
    ("l10n_vn_edi_invoice_state", "ready_to_send", ("sent", "adjusted", "replaced")),
]


@pytest.mark.parametrize(("field", "idle", "sent"), CASES)
def test_e13_a_sender_has_what_it_sent_or_is_sending(field, idle, sent):
    sender = sender_of(field)
    assert not sender.has(idle)
    assert not sender.has(False)
    assert all(sender.has(value) for value in sent)
    assert sender.has("a value of a later version")


def test_every_sender_is_in_the_cases():
    assert {sender_of(field).name for field, _idle, _sent in CASES} == {one.name for one in SENDERS}


@pytest.mark.parametrize(
    "field",
    ["state", "payment_state", "finance_tax_state", "einvoice_state", "edi_state", "move_type"],
)
def test_other_fields_are_no_senders(field):
    assert sender_of(field) is None
