"""Reminders and escalation: a to-do for the owner of a new case, one for the next person when the time is up.

Runs from a scheduled action of its own, so that opening a thousand cases costs the dispatcher one statement.
"""

from odoo import api, fields, models
from odoo.addons.finance_audit.core.entry import Facts
from odoo.addons.finance_audit.models.audit_context import actor_of
from odoo.tools import plaintext2html
from psycopg2.extensions import TRANSACTION_STATUS_IDLE

BATCH = 200

_STALE = """
    SELECT activity.id
      FROM mail_activity activity
      JOIN finance_case ON finance_case.id = activity.res_id AND finance_case.state = 'resolved'
     WHERE activity.res_model = 'finance.case' AND activity.automated AND activity.active
     LIMIT %(limit)s
"""


class FinanceCase(models.Model):
    _inherit = "finance.case"

    @api.model
    def _cron_attend(self):
        """Remind, escalate and tidy up, each in short transactions."""
        for work in (self._remind_owners, self._escalate_overdue, self._forget_resolved):
            self._begin_batch(0)
            while True:
                number = work()
                seconds_left = self._begin_batch(number)
                if number < BATCH or not seconds_left:
                    break

    def _begin_batch(self, number):
        """Commit what was done; the dispatcher closes cases meanwhile, so the next batch sees what is committed."""
        seconds_left = self.env["ir.cron"]._commit_progress(number)
        if self.env.cr.connection.info.transaction_status == TRANSACTION_STATUS_IDLE:
            self.env.cr.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
        return seconds_left

    @api.model
    def _remind_owners(self):
        """A to-do for the owner of each case that has not been announced; the number of cases."""
        found = self._open_ones([("user_id", "!=", False), ("reminded_at", "=", False)])
        found.reminded_at = fields.Datetime.now()
        found._remind(lambda case: case.user_id, lambda case: self.env._("Decide: %s", case.name))
        return len(found)

    @api.model
    def _escalate_overdue(self):
        """Escalate what is past its deadline; the number of cases."""
        found = self._open_ones(
            [("deadline", "<", fields.Datetime.now()), ("escalated_at", "=", False)]
        )
        found.escalated_at = fields.Datetime.now()
        people = {company: company._finance_case_escalation_users() for company in found.company_id}
        found._remind(
            lambda case: people[case.company_id] - case.user_id,
            lambda case: self.env._("Overdue: %s", case.name),
        )
        found._audit_escalated(people)
        return len(found)

    @api.model
    def _forget_resolved(self):
        """Drop the to-dos of cases that were settled without a person; the number of to-dos."""
        self.flush_model(["state"])
        self.env["mail.activity"].flush_model(["automated", "active"])
        self.env.cr.execute(_STALE, {"limit": BATCH})
        stale = self.env["mail.activity"].browse([row[0] for row in self.env.cr.fetchall()])
        stale.unlink()
        return len(stale)

    def _forget_reminders(self):
        """Drop the to-dos made here; those that people made for themselves stay."""
        self.activity_ids.filtered("automated").unlink()

    @api.model
    def _open_ones(self, domain):
        """A locked batch; what the dispatcher is closing at this moment is left alone."""
        found = self.search([("state", "=", "open"), *domain], limit=BATCH)
        return found.try_lock_for_update().filtered(lambda case: case.state == "open")

    def _remind(self, people_of, words_of):
        """To-dos for those who may decide. No mail: a bad night at a provider must not fill anybody's inbox."""
        to_do = self.env.ref("mail.mail_activity_data_todo", raise_if_not_found=False)
        values = [
            {
                "res_model_id": self.env["ir.model"]._get_id(self._name),
                "res_id": case.id,
                "activity_type_id": to_do.id if to_do else False,
                "summary": words_of(case),
                "note": plaintext2html(case.what_happened or ""),
                "date_deadline": case._deadline_day(person),
                "user_id": person.id,
                "automated": True,
            }
            for case in self
            for person in people_of(case)
            if person._may_decide_cases(case.company_id)
        ]
        # Odoo's own switch against a mail for each to-do.
        self.env["mail.activity"].with_context(mail_activity_quick_update=True).create(values)

    def _deadline_day(self, person):
        local = fields.Datetime.context_timestamp(person.with_context(tz=person.tz), self.deadline)
        return local.date()

    def _audit_escalated(self, people):
        actor = actor_of(self.env)
        self.env["finance.audit.entry"]._append(
            [
                Facts(
                    action="case.escalated",
                    actor=actor,
                    outcome="warning",
                    summary=self.env._("Not decided in time: %s", case.what_happened or ""),
                    details={
                        "exchange": case.exchange_id.id,
                        "kind": case.kind,
                        "escalated_to_user_ids": people[case.company_id].ids,
                    },
                    **case._subjects(case._subject_row()),
                )
                for case in self
            ]
        )

    def _subject_row(self):
        return {
            "id": self.id,
            "name": self.name,
            "company_id": self.company_id.id,
            "correlation_id": self.correlation_id,
            "document_model": self.document_model,
            "document_id": self.document_id,
            "document_name": self.document_name,
        }
