"""The state of a partner's VAT number, as the present company had it checked."""

from odoo import api, fields, models

from ..core.numbers import normalised
from ..core.registered import compare, disclosed

_COMPARISONS = [
    ("match", "Matches"),
    ("differs", "Differs"),
    ("not_disclosed", "Not disclosed"),
]


class ResPartner(models.Model):
    _inherit = "res.partner"

    finance_vat_state = fields.Selection(
        [
            ("unchecked", "Not checked"),
            ("valid", "Valid"),
            ("invalid", "Invalid"),
            ("unavailable", "Could not be checked"),
        ],
        "VAT number status",
        compute="_compute_finance_vat",
        groups="base.group_user",
    )
    finance_vat_proof = fields.Char(
        "VAT check proof number", compute="_compute_finance_vat", groups="base.group_user"
    )
    finance_vat_checked_at = fields.Datetime(
        "VAT number checked on", compute="_compute_finance_vat", groups="base.group_user"
    )
    finance_vat_valid_until = fields.Datetime(
        "VAT number check valid until", compute="_compute_finance_vat", groups="base.group_user"
    )
    finance_vat_reason = fields.Char(
        "VAT check message", compute="_compute_finance_vat", groups="base.group_user"
    )
    finance_vat_result_id = fields.Many2one(
        "finance.query.result",
        "VAT check result",
        compute="_compute_finance_vat",
        groups="base.group_user",
    )

    finance_vat_registered = fields.Text(
        "Registered name and address",
        compute="_compute_finance_vat_registered",
        groups="base.group_user",
        help="As the registry disclosed them in its last answer.",
    )
    finance_vat_name_match = fields.Selection(
        _COMPARISONS,
        "Name in the registry",
        compute="_compute_finance_vat_registered",
        groups="base.group_user",
    )
    finance_vat_address_match = fields.Selection(
        _COMPARISONS,
        "Address in the registry",
        compute="_compute_finance_vat_registered",
        groups="base.group_user",
    )

    @api.depends(
        *("vat", "name", "street", "street2", "zip", "city", "country_id", "commercial_partner_id")
    )
    @api.depends_context("company")
    def _compute_finance_vat_registered(self):
        checks = self.env["finance.registry.check"]
        for partner in self:
            check = checks._of(partner._origin, self.env.company) if partner._origin else checks
            name = address = ""
            is_valid = check.state == "valid"
            if is_valid:
                name, address = disclosed(check.result_id.answer or {})
            owner = partner.commercial_partner_id or partner
            place = (owner.street, owner.street2, owner.zip, owner.city, owner.country_id.code)
            own = " ".join(part for part in (*place, owner.country_id.name) if part)
            partner.finance_vat_registered = "\n".join(filter(None, (name, address))) or False
            partner.finance_vat_name_match = is_valid and compare(name, owner.name or "")
            partner.finance_vat_address_match = is_valid and compare(address, own)

    @api.depends("vat", "country_id")
    @api.depends_context("company", "lang")
    def _compute_finance_vat(self):
        checks = self.env["finance.registry.check"]
        for partner in self:
            check = checks._of(partner._origin, self.env.company) if partner._origin else checks
            partner.finance_vat_state = check.state or "unchecked"
            partner.finance_vat_proof = check.proof
            partner.finance_vat_checked_at = check.checked_at
            partner.finance_vat_valid_until = check.valid_until
            partner.finance_vat_reason = check.reason_text
            partner.finance_vat_result_id = check.result_id or check.last_result_id

    def _finance_vat_number(self):
        """Return the VAT number of the commercial entity in its normal form, empty where none."""
        owner = self.commercial_partner_id or self
        return normalised(owner.vat, owner.country_id.code or "")

    def action_check_vat(self):
        """Check the VAT number now. For users who may edit the partner."""
        self.check_access("write")
        checks = self.env["finance.registry.check"]
        for partner in self.commercial_partner_id:
            checks._row(partner, self.env.company)._check()
        self.invalidate_recordset()
        return True

    def action_request_vat_check(self):
        """Queue the check of many VAT numbers. For users who may edit the partners."""
        self.check_access("write")
        checks = self.env["finance.registry.check"].sudo()
        for partner in self.commercial_partner_id:
            checks += checks._row(partner, self.env.company)
        checks._request()
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "message": self.env._("VAT number checks queued: %(count)s", count=len(checks)),
                "type": "info",
                "next": {"type": "ir.actions.act_window_close"},
            },
        }
