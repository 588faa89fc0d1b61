"""What a French invoice states beyond Odoo's own fields: business process, notes, corrected invoice."""

from odoo import fields, models

#: Business process (BT-23, "cadre de facturation") of AFNOR XP Z12-012; those for several sellers
#: on one invoice (8 and 9) have no counterpart in Odoo.
PROCESSES = (
    ("B1", "B1 – Goods"),
    ("S1", "S1 – Services"),
    ("M1", "M1 – Goods and services"),
    ("B2", "B2 – Goods, already paid"),
    ("S2", "S2 – Services, already paid"),
    ("M2", "M2 – Goods and services, already paid"),
    ("S3", "S3 – Services of a subcontractor, paid directly (public sector)"),
    ("B4", "B4 – Goods, final invoice after a deposit"),
    ("S4", "S4 – Services, final invoice after a deposit"),
    ("M4", "M4 – Goods and services, final invoice after a deposit"),
    ("S5", "S5 – Services of a subcontractor"),
    ("S6", "S6 – Services of a co-contractor"),
    ("B7", "B7 – Goods, VAT already reported"),
    ("S7", "S7 – Services, VAT already reported"),
)
#: Subject codes (UNTDID 4451) of the texts that every French invoice carries.
NOTE_SUBJECTS = ("PMD", "PMT", "AAB")


class AccountMove(models.Model):
    _inherit = "account.move"

    finance_fr_process = fields.Selection(
        PROCESSES,
        string="Business process",
        help="How the French platform processes the invoice. If empty, it follows from the "
        "products: goods, services or both.",
        groups="base.group_user",
    )
    finance_fr_note_pmd = fields.Text(
        "Late payment penalties (PMD)",
        help="Only if this invoice differs from the text in the settings of the company.",
        groups="base.group_user",
    )
    finance_fr_note_pmt = fields.Text(
        "Recovery fee (PMT)",
        help="Only if this invoice differs from the text in the settings of the company.",
        groups="base.group_user",
    )
    finance_fr_note_aab = fields.Text(
        "Early payment discount (AAB)",
        help="Only if this invoice differs from the text in the settings of the company.",
        groups="base.group_user",
    )
    finance_fr_origin_number = fields.Char(
        "Corrected invoice",
        copy=False,
        help="Number of the invoice that this credit note corrects, if it is not in Odoo.",
        groups="base.group_user",
    )
    finance_fr_origin_date = fields.Date(
        "Date of the corrected invoice",
        copy=False,
        help="Date of the invoice that this credit note corrects, if it is not in Odoo.",
        groups="base.group_user",
    )

    def _finance_fr_note(self, subject):
        """Return the mandatory text with this subject code: this invoice's own, or the company's."""
        name = f"finance_fr_note_{subject.lower()}"
        return (self[name] or self.company_id[name] or "").strip()

    def _finance_fr_product_lines(self):
        """Return the lines that sell something: no sections, notes or roundings."""
        return self.invoice_line_ids.filtered(lambda line: line.display_type == "product")

    def _finance_fr_effective_process(self):
        """Return the chosen business process, or the one that follows from the products; False if none does."""
        if self.finance_fr_process:
            return self.finance_fr_process
        letters = {self._finance_fr_letter(line) for line in self._finance_fr_product_lines()} - {
            None
        }
        if len(letters) > 1:
            return "M1"
        return f"{letters.pop()}1" if letters else self.company_id.finance_fr_process

    def _finance_fr_letter(self, line):
        """Return B for goods, S for services; without a product, what the taxes of the line are for."""
        if line.product_id:
            return "S" if line.product_id.type == "service" else "B"
        scopes = set(line.tax_ids.mapped("tax_scope")) - {False}
        return {"service": "S", "consu": "B"}[scopes.pop()] if len(scopes) == 1 else None

    def _finance_fr_origins(self):
        """Return (number, date) of the invoices this document refers to (BT-25, BT-26)."""
        origin = self.reversed_entry_id
        if not origin and "debit_origin_id" in self._fields:
            origin = self.debit_origin_id
        if origin:
            return [(origin.name, origin.invoice_date)]
        if self.finance_fr_origin_number and self.finance_fr_origin_date:
            return [(self.finance_fr_origin_number, self.finance_fr_origin_date)]
        return []
