"""What scheduled jobs do for documents: posting on the due date, and the nightly search for missing evidence.

What is found about one document is a case and an entry in the audit log: one of each kind at a time, closed by the job
that finds the matter resolved.
"""

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import split_every

from ..core import cases
from ..core.finding import INFO, WARNING, Finding
from . import finance_posting as posting

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
        refused = set(self._with_issue(cases.NOT_POSTED, moves).ids)
        moves = moves.sorted(lambda move: move.id in refused)
        cron = self.env["ir.cron"]
        cron._commit_progress(remaining=len(moves))
        for ids in split_every(batch_size, moves.ids):
            chunk = moves.browse(ids).try_lock_for_update().filtered_domain(domain)
            refusals = posting.post_what_can_be(
                chunk, lambda subset: subset._post(), soft=True, unattended=True
            )
            self._report(refusals)
            posted = chunk.filtered(lambda move: move.state == "posted")
            self._close_issue(cases.NOT_POSTED, posted)
            if not cron._commit_progress(len(ids)):
                break

    @api.model
    def _report(self, refusals):
        """Open a case about each document that could not be posted."""
        by_move = {}
        for refusal in refusals:
            by_move.setdefault(refusal.move, []).append(refusal)
        for move, found in by_move.items():
            self._open_issue(
                cases.NOT_POSTED,
                move,
                self._finding_of(found),
                "posting.refused",
                codes=sorted({refusal.finding.code for refusal in found}),
            )

    @api.model
    def _finding_of(self, refusals):
        """Return one finding for the refusals of a document: its own if there is one that has a code."""
        finding = refusals[0].finding
        if len(refusals) == 1 and finding.code in self.env["finance.finding"]._messages():
            return finding
        reasons = " ".join(self.env["finance.posting"]._reason(refusal) for refusal in refusals)
        return Finding("posting.refused", WARNING, {"reasons": reasons})

    # -- the nightly search --------------------------------------------------------------------------------------

    @api.model
    def _cron_watch(self):
        """Find posted documents that no pipeline has seen, and close what has been resolved."""
        # A company that was active before this search existed begins now.
        self._companies()._finance_note_activation()
        found = self.env["account.move"]._finance_missing_evidence()
        missing = {}
        for code, moves in found.items():
            for move in moves:
                missing.setdefault(move, []).append(code)
        for move, codes in missing.items():
            self._open_issue(
                cases.NO_EVIDENCE,
                move,
                Finding(codes[0] if len(codes) == 1 else "evidence.several", WARNING),
                "posting.evidence_missing",
                codes=sorted(codes),
            )
        resolved = self._with_issue(cases.NO_EVIDENCE) - self.env["account.move"].concat(*missing)
        self._close_issue(cases.NO_EVIDENCE, resolved)
        refused = self._with_issue(cases.NOT_POSTED)
        drafts = refused.exists().filtered(lambda move: move.state == "draft")
        self._close_issue(cases.NOT_POSTED, refused - drafts)

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
    def _open_issue(self, kind, move, finding, action, **details):
        """Open a case about a document, or give the open one its present finding.

        A case that a person closed with a reason stays closed until something else is found.

        :param kind: one of ``core.cases.KINDS``
        :param finding: what was found, a ``core.finding.Finding``
        :param action: id of the entry in the audit log that a new case gets
        """
        move, case = move.sudo(), self.env["finance.case"].sudo()
        last = case.search([*self._about(kind), ("document_id", "=", move.id)], order="id desc")[:1]
        if last.resolution == cases.OVERRIDDEN and last.finding == finding.to_json():
            return
        case._open_for(move, kind, finding, owner=self._owner(move))
        if last.state == "open":
            return
        self.env["finance.audit.entry"]._record(
            action=action,
            document=move,
            company=move.company_id,
            outcome="warning",
            statement=finding,
            details={**details, "code": finding.code},
        )

    @api.model
    def _close_issue(self, kind, moves):
        """Close the cases of this kind about these documents; nothing is done where there is none."""
        self.env["finance.case"]._close_for(moves, Finding("stall.ended", INFO), kinds=[kind])

    @api.model
    def _with_issue(self, kind, moves=None):
        """Return the documents with an open case of this kind, deleted ones included.

        :param moves: look at these only
        """
        domain = [*self._about(kind), ("state", "=", "open")]
        if moves is not None:
            domain.append(("document_id", "in", moves.ids))
        found = self.env["finance.case"].sudo().search(domain)
        return self.env["account.move"].browse(found.mapped("document_id"))

    @api.model
    def _about(self, kind):
        return [("document_model", "=", "account.move"), ("kind", "=", kind)]

    @api.model
    def _owner(self, move):
        """Return the salesperson or author who may decide, or None: the case then goes to the company's owner."""
        for user in (move.invoice_user_id, move.create_uid):
            if user.active and user._may_decide_cases(move.company_id):
                return user
        return None
