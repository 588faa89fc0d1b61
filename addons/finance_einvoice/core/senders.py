"""Other senders of invoices: in which field each one keeps what became of a document.

A document has one route. Whether another network has it, or is about to, is read from the state that the network's own
addon keeps on the invoice; none of these addons is required. The values listed are those of a document that has *not*
left and is not about to. Every other value means that it has: an addon may add values, and to take an unfamiliar one for
"not sent" could send a document twice.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sender:
    """One network, by the name of its field: a pattern, because some addons have several."""

    name: str
    field: str
    idle: frozenset[str]

    def keeps(self, field: str) -> bool:
        """Return whether this sender keeps its state in the field."""
        return re.fullmatch(self.field, field) is not None

    def has(self, value: object) -> bool:
        """Return whether a document with this value of the field was sent or is being sent."""
        return bool(value) and value not in self.idle


def _sender(name: str, field: str, *idle: str) -> Sender:
    return Sender(name, field, frozenset(idle))


#: Values of Peppol and of the networks built like it.
_PROXY = ("ready", "skipped", "error", "canceled", "cancelled", "none", "draft")
SENDERS = (
    _sender("Peppol", r"\w*peppol\w*_state", *_PROXY),
    _sender("Plateforme agréée (France)", r"(l10n_fr_)?pdp\w*_state", *_PROXY),
    _sender("Nemhandel (Denmark)", "nemhandel_move_state", *_PROXY),
    _sender("eRačun, business status (Croatia)", "l10n_hr_business_document_status", "1", "None"),
    _sender("eRačun, fiscalization (Croatia)", "l10n_hr_fiscalization_status", "1"),
    _sender("MojEracun (Croatia)", "l10n_hr_mer_document_status", "45", "50"),
    _sender("myDATA (Greece)", "l10n_gr_edi_state", "bill_fetched", "bill_sent"),
    _sender("NAV (Hungary)", "l10n_hu_edi_state", "rejected", "cancelled"),
    _sender("IRP (India)", "l10n_in_edi_status", "to_send", "cancelled"),
    _sender("SdI (Italy)", "l10n_it_edi_state", "rejected"),
    _sender("JoFotara (Jordan)", "l10n_jo_edi_state", "to_send"),
    _sender("MyInvois (Malaysia)", "l10n_my_edi_state", "invalid", "rejected", "cancelled"),
    _sender("KSeF (Poland)", "l10n_pl_edi_status", "rejected"),
    _sender("RO e-Factura (Romania)", "l10n_ro_edi_state", "invoice_refused"),
    _sender("SEF (Serbia)", "l10n_rs_edi_state", "sending_failed"),
    _sender("TicketBAI (Spain)", "l10n_es_tbai_state", "to_send", "cancelled"),
    _sender("Veri*Factu (Spain)", "l10n_es_edi_verifactu_state", "rejected", "cancelled"),
    _sender("ECPay (Taiwan)", "l10n_tw_edi_state", "invalid"),
    _sender("Nilvera (Türkiye)", "l10n_tr_nilvera_send_status", "error", "not_sent"),
    _sender("SInvoice (Vietnam)", "l10n_vn_edi_invoice_state", "ready_to_send", "canceled"),
)


def sender_of(field: str) -> Sender | None:
    """Return the sender that keeps its state in this field of an invoice, if it is one."""
    return next((sender for sender in SENDERS if sender.keeps(field)), None)
