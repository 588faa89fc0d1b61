"""What a French company states on every invoice (Code de commerce, art. L441-9 and D441-5)."""

from odoo import fields, models

from .account_move import PROCESSES

_PENALTIES = (
    "En cas de retard de paiement, des pénalités sont exigibles dès le lendemain de l'échéance, "
    "au taux de trois fois le taux d'intérêt légal."
)
_RECOVERY = "Tout retard de paiement entraîne une indemnité forfaitaire de 40 euros pour frais de recouvrement."
_DISCOUNT = "Aucun escompte n'est accordé en cas de paiement anticipé."


class ResCompany(models.Model):
    _inherit = "res.company"

    _audit_tracked = (
        "finance_fr_process",
        "finance_fr_note_pmd",
        "finance_fr_note_pmt",
        "finance_fr_note_aab",
    )

    finance_fr_process = fields.Selection(
        [(code, name) for code, name in PROCESSES if code in ("B1", "S1", "M1")],
        string="Default business process",
        help="Whether you sell goods, services or both. Used for invoices whose lines have no product; "
        "otherwise it follows from the products.",
        groups="base.group_user",
    )
    finance_fr_note_pmd = fields.Text(
        "Late payment penalties (PMD)",
        default=_PENALTIES,
        help="Mandatory on every invoice: the penalties that are due from the day after the due date.",
        groups="base.group_user",
    )
    finance_fr_note_pmt = fields.Text(
        "Recovery fee (PMT)",
        default=_RECOVERY,
        help="Mandatory on every invoice: the fixed compensation of 40 EUR for recovery costs.",
        groups="base.group_user",
    )
    finance_fr_note_aab = fields.Text(
        "Early payment discount (AAB)",
        default=_DISCOUNT,
        help="Mandatory on every invoice: the discount for early payment, or that there is none.",
        groups="base.group_user",
    )
