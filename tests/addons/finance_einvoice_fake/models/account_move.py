"""The state field of another sender, whose addon is not installed."""

from odoo import fields, models


class AccountMove(models.Model):
    _inherit = "account.move"

    l10n_pl_edi_status = fields.Selection(
        [("sent", "Sent (In Progress)"), ("accepted", "Accepted"), ("rejected", "Rejected")],
        "KSeF Status",
        copy=False,
    )
