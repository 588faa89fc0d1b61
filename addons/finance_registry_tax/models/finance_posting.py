"""The posting step that demands a verified VAT number where tax is left out because of it."""

from odoo import api, models
from odoo.addons.finance_connector_base.core.finding import WARNING, Finding
from odoo.addons.finance_connector_base.models.finance_posting import Step


class FinancePosting(models.AbstractModel):
    _inherit = "finance.posting"

    @api.model
    def _steps(self):
        return [
            *super()._steps(),
            Step("check_document", "registry.vat_number", self._check_vat_number),
        ]

    @api.model
    def _check_vat_number(self, batch):
        """Refuse or record documents whose exemption rests on a number that is not verified."""
        for move in batch.moves:
            policy = move.company_id.finance_vat_policy
            if policy not in ("warn", "block") or not move._finance_vat_not_verified():
                continue
            partner = move.commercial_partner_id
            finding = Finding(
                "registry.not_verified",
                args={"number": partner._finance_vat_number(), "partner": partner.display_name},
                model=partner._name,
                record_id=partner.id,
            )
            if policy == "block":
                action = partner._get_records_action()
                batch.refuse(move, finding, action, self.env._("Open the customer"))
                continue
            self.env["finance.audit.entry"]._record(
                action="registry.not_verified",
                record=move,
                document=move,
                company=move.company_id,
                outcome="warning",
                statement=Finding("registry.not_verified", WARNING, args=finding.args),
            )
