"""What becomes of a document: determined, or by the company's policy when nobody could say (T4).

"Could not find out" is a state one can see and find, never a zero. The policies: block posting,
Odoo's own taxes, or the last known rates; the latter two are put right later, by a scheduled job.
"""

from odoo import models
from odoo.addons.finance_connector_base.models.finance_posting import suite_write
from odoo.exceptions import RedirectWarning, UserError

from ..core.errors import TaxError, TotalsDiffer
from ..core.replay import REVERSAL

#: Screen that mends an error, by the error's ``target``.
ACTIONS = {
    "rules": "finance_tax_engine.finance_tax_rule_action",
    "registrations": "finance_tax_engine.finance_tax_registration_action",
    "taxes": "account.action_tax_form",
    "company": "base.action_res_company_form",
}


class FinanceTaxFallback(models.AbstractModel):
    _name = "finance.tax.fallback"
    _description = "Settling the tax of a document"

    def _settle(self, move):
        """Determine and apply the tax of a draft; if that fails, what the policy says.

        Returns the ``TaxError`` if the document ends up without a usable answer, else None.
        """
        try:
            with self.env.cr.savepoint():
                self._determine(move)
        except TaxError as error:
            return self._fall_back(move, error)
        return None

    def _determine(self, move):
        if self._keeps_original_taxes(move):
            return
        determination = self.env["finance.tax.determination"]._for(move)
        amounts = self.env["finance.tax.amounts"]
        if determination == move.finance_tax_determination_id and amounts._in_place(move):
            amounts._restore(move, determination)
            return
        values = self._state("determined", determination=determination, remediation=False)
        if move.finance_tax_remediation == "pending":
            values["finance_tax_remediation"] = "resolved"
        amounts._apply(move, determination, values)
        self._record(move, "determined", determination=determination)

    def _keeps_original_taxes(self, move):
        """Odoo's own reversal of a document no engine ever saw is exact already."""
        original = move.reversed_entry_id
        if not original or original.finance_tax_determination_id:
            return False
        return self.env["finance.tax.engine"]._sells_the_same(move, original)

    def _fall_back(self, move, error):
        policy = (
            "block" if isinstance(error, TotalsDiffer) else move.company_id.finance_tax_fallback
        )
        use = {"native": self._use_native, "last_known": self._use_last_known}.get(policy)
        if not use:
            return self._fail(move, error)
        try:
            with self.env.cr.savepoint():
                determination = use(move, error)
        except TaxError as reason:
            return self._fail(move, type(error)(f"{error} {reason}", target=error.target))
        self._record(move, "fallback", error=error, determination=determination)
        return None

    def _use_native(self, move, error):
        values = self._state("fallback", error=error, remediation="pending")
        self.env["finance.tax.amounts"]._clear(move, values)

    def _use_last_known(self, move, error):
        determination = self.env["finance.tax.determination"]._last_known(move)
        values = self._state(
            "fallback", error=error, determination=determination, remediation="pending"
        )
        self.env["finance.tax.amounts"]._apply(move, determination, values)
        return determination

    def _fail(self, move, error):
        if move.finance_tax_state != "failed" or move.finance_tax_message != error.as_text():
            suite_write(move, self._state("failed", error=error, remediation=False))
            self._record(move, "failed", error=error)
        return error

    def _state(self, state, *, error=None, determination=None, remediation=False):
        """Values of the move for a new state."""
        return {
            "finance_tax_state": state,
            "finance_tax_determination_id": determination and determination.id,
            "finance_tax_message": error.as_text() if error else False,
            "finance_tax_remediation": remediation,
        }

    # -- words for people ----------------------------------------------------------------------

    def _raise(self, move, error):
        """Say what is wrong and lead to where it is put right."""
        message = self.env._(
            "The tax of %(document)s could not be determined.\n\n%(reason)s",
            document=move.display_name,
            reason=error.as_text(),
        )
        if error.target == "partner":
            action = move.commercial_partner_id._get_records_action()
            raise RedirectWarning(message, action, self.env._("Open the customer"))
        xmlid = ACTIONS.get(error.target)
        if not xmlid:
            raise UserError(message)
        action = self.env["ir.actions.actions"]._for_xml_id(xmlid)
        raise RedirectWarning(message, action["id"], self.env._("Open the settings"))

    def _record(self, move, action, *, error=None, determination=None):
        """Evidence of what was decided, on the document's timeline."""
        company = move.company_id
        facts = {
            "engine": self._engine_label(company, determination),
            "amount": determination and f"{determination.total_tax:.2f}",
            "currency": determination and determination.currency_id.name,
            "reason": error.as_text() if error else "",
            "summary": determination.summary if determination else "",
        }
        sentences = {
            "determined": self.env._(
                "Tax determined by %(engine)s: %(amount)s %(currency)s — %(summary)s.", **facts
            ),
            "fallback": self.env._("Fallback: %(engine)s had no answer. %(reason)s", **facts),
            "failed": self.env._("Tax could not be determined: %(reason)s", **facts),
        }
        outcomes = {"determined": "success", "fallback": "warning", "failed": "failure"}
        self.env["finance.audit.entry"]._record(
            action=f"tax.{action}",
            record=determination or move,
            document=move,
            company=company,
            outcome=outcomes[action],
            summary=sentences[action],
            details=_details(determination, error, company),
        )

    def _engine_label(self, company, determination):
        """Who gave the answer, for people."""
        if determination and determination.engine == REVERSAL:
            return self.env._("the reversed document")
        engines = dict(company._fields["finance_tax_engine"]._description_selection(self.env))
        return engines.get(company.finance_tax_engine)


def _details(determination, error, company):
    """What the entry's details keep: no floats, nothing personal."""
    details = {"policy": company.finance_tax_fallback} if error else {}
    if error:
        details["code"] = error.code
    if determination:
        answer = determination._answer()
        details |= {
            "engine": answer.engine,
            "version": determination.version,
            "fingerprint": answer.fingerprint,
            "total_tax": format(answer.total_tax(), "f"),
            "currency": answer.currency,
            "explanation": list(answer.explanation),
        }
    return details
