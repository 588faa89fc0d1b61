"""Merging contacts: the customer of a document that is held stays (E12)."""

from odoo import api, models

from ..core import lifecycle


class PartnerMerge(models.TransientModel):
    _inherit = "base.partner.merge.automatic.wizard"

    @api.model
    def _update_foreign_keys(self, src_partners, dst_partner):
        """Refuse to merge away the customer of a guarded document: Odoo replaces it by SQL.

        :raises EinvoiceHeld: names the first of these documents
        """
        documents = self.env["account.move"].sudo()
        for name in ("partner_id", "commercial_partner_id", "partner_shipping_id"):
            held = documents.search(
                [
                    (name, "in", src_partners.ids),
                    ("einvoice_ids.state", "in", tuple(lifecycle.GUARDED)),
                ],
                limit=1,
            )
            held._finance_check_held(held._fields, {name})
        return super()._update_foreign_keys(src_partners, dst_partner)
