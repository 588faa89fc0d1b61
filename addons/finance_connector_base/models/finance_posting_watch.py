"""What scheduled jobs do for documents: posting on the due date, and the nightly search for missing evidence.

A finding about one document is an activity on it and an entry in the audit log: one of each kind at a time, closed by
the job that finds the matter resolved.
"""

from markupsafe import Markup
from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import split_every

from . import finance_posting as posting

#: Activity types, by what was found.
NOT_POSTED = "finance_connector_base.mail_activity_type_not_posted"
NO_EVIDENCE = "finance_connector_base.mail_activity_type_no_evidence"
SALE_TYPES = ("out_invoice", "out_refund")


class FinancePostingWatch(models.AbstractModel):
    _name = "finance.posting.watch"
    _description = "Scheduled work about posting"

    # -- posting on the due date ---------------------------------------------------------------------------------

    @api.model
    def _post_due(self, batch_size):
        """Post every draft that is due, in transactions of ``batch_size``; those refused before come last."""
        domain = [
            ("state", "=", "draft"),
            ("date", "<=", fields.Date.context_today(self)),
            ("auto_post", "!=", "no"),
        ]
        moves = self.env["account.move"].search(domain)
        refused = self._activities(NOT_POSTED, moves)
        known = set(refused.mapped("res_id"))
        moves = moves.sorted(lambda move: move.id in known)
        cron = self.env["ir.cron"]
        cron._commit_progress(remaining=len(moves))
        for ids in split_every(batch_size, moves.ids):
            chunk = moves.browse(ids).try_lock_for_update().filtered_domain(domain)
            refusals = posting.post_what_can_be(
                chunk, lambda subset: subset._post(), soft=True, unattended=True
            )
            self._report(refusals)
            self._close_issue(NOT_POSTED, chunk.filtered(lambda move: move.state == "posted"))
            if not cron._commit_progress(len(ids)):
                break

    @api.model
    def _report(self, refusals):
        """Leave an activity on each document that could not be posted."""
        reason = self.env["finance.posting"]._reason
        by_move = {}
        for refusal in refusals:
            by_move.setdefault(refusal.move, []).append(refusal)
        for move, found in by_move.items():
            self._open_issue(
                NOT_POSTED,
                move,
                self.env._("This draft could not be posted: correct it and confirm it."),
                [reason(refusal) for refusal in found],
                "posting.refused",
                codes=sorted({refusal.finding.code for refusal in found}),
            )

    # -- the nightly search --------------------------------------------------------------------------------------

    @api.model
    def _cron_watch(self):
        """Find posted documents that no pipeline has seen, and close what has been resolved."""
        # A company that was active before this search existed begins now.
        self._companies()._finance_note_activation()
        found = self.env["account.move"]._finance_missing_evidence()
        messages = self.env["finance.finding"]._messages()
        missing = {}
        for code, moves in found.items():
            for move in moves:
                missing.setdefault(move, []).append(code)
        for move, codes in missing.items():
            self._open_issue(
                NO_EVIDENCE,
                move,
                self.env._("This document was posted without the checks that apply to it."),
                [messages[code][0] for code in codes],
                "posting.evidence_missing",
                codes=sorted(codes),
            )
        resolved = self._documents(NO_EVIDENCE) - self.env["account.move"].concat(*missing)
        self._close_issue(NO_EVIDENCE, resolved)
        posted = self._documents(NOT_POSTED).filtered(lambda move: move.state != "draft")
        self._close_issue(NOT_POSTED, posted)

    @api.model
    def _companies(self):
        return self.env["res.company"].sudo().search(Domain.TRUE)

    @api.model
    def _evidence_domain(self, kind):
        """Return the domain of posted sales documents for which the companies need this kind of evidence."""
        domains = []
        for company in self._companies():
            since = (company.finance_evidence_since or {}).get(kind)
            if since and kind in company._finance_evidence_kinds():
                begun = Domain("create_date", ">=", since) | Domain("date", ">", since[:10])
                domains.append(Domain("company_id", "=", company.id) & begun)
        posted = Domain("state", "=", "posted") & Domain("move_type", "in", SALE_TYPES)
        return posted & Domain.OR(domains)

    # -- issues --------------------------------------------------------------------------------------------------

    @api.model
    def _open_issue(self, kind, move, summary, reasons, action, **details):
        """Open an issue about a document, or give the open one its present reasons.

        :param kind: external id of the activity type
        :param reasons: sentences, in the order they are shown
        :param action: id of the entry in the audit log
        """
        move = move.sudo()
        note = Markup("").join(Markup("<p>%s</p>") % reason for reason in reasons)
        if activity := self._activities(kind, move)[:1]:
            if activity.note != note:
                activity.note = note
            return
        move.activity_schedule(kind, summary=summary, note=note, user_id=self._responsible(move).id)
        self.env["finance.audit.entry"]._record(
            action=action,
            document=move,
            company=move.company_id,
            outcome="warning",
            summary=" ".join([summary, *reasons]),
            details=details,
        )

    @api.model
    def _close_issue(self, kind, moves):
        """Close the issues of this kind about these documents; nothing is done where there is none."""
        with_issue = self._activities(kind, moves).mapped("res_id")
        for move in moves.sudo().browse(with_issue):
            move.activity_feedback([kind], feedback=self.env._("Resolved."))

    @api.model
    def _activities(self, kind, moves):
        """Return the open activities of a kind on these documents."""
        return (
            self.env["mail.activity"]
            .sudo()
            .search(
                [
                    ("res_model", "=", "account.move"),
                    ("res_id", "in", moves.ids),
                    ("activity_type_id", "=", self.env.ref(kind).id),
                ]
            )
        )

    @api.model
    def _documents(self, kind):
        """Return all documents with an open issue of this kind."""
        activities = (
            self.env["mail.activity"]
            .sudo()
            .search(
                [
                    ("res_model", "=", "account.move"),
                    ("activity_type_id", "=", self.env.ref(kind).id),
                ]
            )
        )
        return self.env["account.move"].browse(activities.mapped("res_id")).exists()

    @api.model
    def _responsible(self, move):
        """Return the first active person who may work on the document."""
        candidates = (
            move.invoice_user_id,
            move.create_uid,
            move.company_id.finance_case_user_id,
            self.env.ref("base.user_admin", raise_if_not_found=False),
        )
        for user in candidates:
            if (
                user
                and user.active
                and move.company_id in user.company_ids
                and user.has_group("account.group_account_invoice")
            ):
                return user
        return self.env.user
