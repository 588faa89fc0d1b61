"""Re-check of every document a fallback was used on, until the engine has answered (T4)."""

from odoo import fields, models
from odoo.addons.finance_connector_base.core.finding import Finding

from ..core.errors import TaxError
from .finance_tax_service import Outcome


class FinanceTaxRemediation(models.AbstractModel):
    _name = "finance.tax.remediation"
    _description = "Fallback re-check"

    def _cron_remediate(self):
        """Determine the tax again of every document that a fallback was used on."""
        moves = self.env["account.move"].search(
            [("finance_tax_remediation", "=", "pending")], order="write_date, id"
        )
        for done, move in enumerate(moves, 1):
            self._remediate(move.with_company(move.company_id))
            if not self.env["ir.cron"]._commit_progress(1, remaining=len(moves) - done):
                break

    def _remediate(self, move):
        if not move.company_id._finance_has_tax_engine() or move.state == "cancel":
            move._finance_store_tax({"finance_tax_remediation": False})
        elif move.state == "draft":
            self.env["finance.tax.service"]._settle(move)
        else:
            self._compare(move)

    def _compare(self, move):
        """Compare a posted document, which cannot change, with the engine's answer."""
        service = self.env["finance.tax.service"]
        try:
            with self.env.cr.savepoint():
                determination = self.env["finance.tax.determination"]._for(move)
        except TaxError as error:
            # The write date is the order of the queue: the longest untouched comes first.
            findings = [service._finding(move, error).to_json()]
            move._finance_store_tax({"finance_tax_findings": findings})
            return
        difference = _difference(move, determination._answer())
        if difference:
            self._report(move, determination, difference)
        else:
            service._store([Outcome(move, "determined", determination)])

    def _report(self, move, determination, difference):
        """Leave the correction of a posted difference to the accountant: an activity and an entry."""
        move._finance_store_tax({"finance_tax_remediation": "different"})
        args = {"determination": str(determination.id), "difference": format(difference, "f")}
        status = Finding("tax.difference", args=args)
        user = move.invoice_user_id or move.create_uid
        reader = self.with_context(lang=user.lang or self.env.lang).env
        move.activity_schedule(
            "mail.mail_activity_data_todo",
            summary=reader._("Posted tax differs from the engine's"),
            note=reader["finance.finding"]._render(status)[0],
            date_deadline=fields.Date.context_today(move.with_context(tz=user.tz)),
            user_id=user.id,
        )
        self.env["finance.audit.entry"]._record(
            action="tax.difference",
            record=determination,
            document=move,
            company=move.company_id,
            outcome="warning",
            statement=status,
            details={"difference": args["difference"]},
        )


def _difference(move, answer):
    """Return the engine's tax minus the booked tax, in document currency."""
    unit = move.currency_id.decimal_places
    booked = round(move.amount_tax, unit)
    return answer.total_tax() - type(answer.total_tax())(str(booked))
