"""Who sends letters, and sees what became of them."""

from odoo import fields, models


class ResPartner(models.Model):
    _name = "res.partner"
    _inherit = ["res.partner", "finance.exchange.owner.mixin"]

    letter_status = fields.Char(groups="base.group_user", readonly=True, copy=False)
    letter_report = fields.Char(groups="base.group_user", readonly=True, copy=False)

    def _post_letter(self, connection, text):
        """Queue a letter in the transaction of the caller; return its exchange."""
        self.ensure_one()
        return self.env["finance.exchange"]._enqueue(
            connection,
            "letter",
            text,
            key=f"partner-{self.id}",
            owner=self,
            document=self,
        )

    def _exchange_changed(self, exchange):
        self.letter_status = exchange.state
