"""What a VAT number that is not verified means, per company."""

from odoo import fields, models


class ResCompany(models.Model):
    _inherit = "res.company"
    _audit_tracked = ("finance_vat_policy",)

    finance_vat_policy = fields.Selection(
        [
            ("none", "Not required: the format of the number decides"),
            ("charge", "Charge tax: treat it as if there were no number"),
            ("warn", "Warn: record it on the document"),
            ("block", "Block: the document is not posted"),
        ],
        "VAT number not verified",
        required=True,
        default="none",
        groups="base.group_user",
    )
