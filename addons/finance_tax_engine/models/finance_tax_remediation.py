"""Every use of a fallback is put right later, by itself: asked again until answered (T4)."""

from odoo import models
from odoo.addons.finance_connector_base.models.finance_posting import suite_write

from ..core.errors import TaxError


class FinanceTaxRemediation(models.AbstractModel):
    _name = "finance.tax.remediation"
    _description = "Putting fallbacks right"

    def _cron_remediate(self):
        """Ask again for every document that a fallback was used on."""
        moves = self.env["account.move"].search(
            [("finance_tax_remediation", "=", "pending")], order="write_date, id"
        )
        for done, move in enumerate(moves, 1):
            self._remediate(move.with_company(move.company_id))
            if not self.env["ir.cron"]._commit_progress(1, remaining=len(moves) - done):
                break

    def _remediate(self, move):
        if not move.company_id._finance_has_tax_engine() or move.state == "cancel":
            suite_write(move, {"finance_tax_remediation": False})
        elif move.state == "draft":
            self.env["finance.tax.fallback"]._settle(move)
        else:
            self._compare(move)

    def _compare(self, move):
        """A posted document cannot change: does the engine's answer equal what was booked?"""
        try:
            with self.env.cr.savepoint():
                determination = self.env["finance.tax.determination"]._for(move)
        except TaxError as error:
            # Also the turn in the queue: the longest untouched is asked first.
            suite_write(move, {"finance_tax_message": error.as_text()})
            return
        difference = _difference(move, determination._answer())
        fallback = self.env["finance.tax.fallback"]
        if not difference:
            suite_write(
                move,
                fallback._state("determined", determination=determination, remediation="resolved"),
            )
            fallback._record(move, "determined", determination=determination)
            return
        self._report(move, determination, difference)

    def _report(self, move, determination, difference):
        """A posted difference is a person's to correct: an activity and an entry."""
        suite_write(move, {"finance_tax_remediation": "different"})
        note = self.env._(
            "The tax engine has answered: %(summary)s. The posted tax differs by %(difference)s "
            "%(currency)s. Correct it with a credit note and a new invoice.",
            summary=determination.summary,
            difference=format(difference, "f"),
            currency=move.currency_id.name,
        )
        move.activity_schedule(
            "mail.mail_activity_data_todo",
            summary=self.env._("Tax differs from the engine's answer"),
            note=note,
            user_id=(move.invoice_user_id or move.create_uid).id,
        )
        self.env["finance.audit.entry"]._record(
            action="tax.difference",
            record=determination,
            document=move,
            company=move.company_id,
            outcome="warning",
            summary=note,
            details={"difference": format(difference, "f")},
        )


def _difference(move, answer):
    """The engine's tax minus the booked tax, in document currency."""
    unit = move.currency_id.decimal_places
    booked = round(move.amount_tax, unit)
    return answer.total_tax() - type(answer.total_tax())(str(booked))
