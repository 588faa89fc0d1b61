"""Determining the tax of documents: ask, apply the policy if there is no answer, store, record (T4).

The way of a document, whether it is saved, determined on request or posted:

1. It is *due*: ``_when_saved`` (create, write) or ``_settle`` (button, posting, re-check).
2. While Odoo synchronises its lines, just before it makes its tax lines, ``_answer_due`` puts the
   engine's taxes and amounts on the product lines, so that Odoo makes its tax lines once.
3. When the lines are synchronised, ``_conclude`` compares the document with the answer, stores the
   state and records it as evidence.

An indeterminate tax is a state one can see and search for, never a zero. The policies: block
posting, Odoo's own taxes, or the last known rates; the latter two are re-checked by a scheduled job.
"""

import json
from contextlib import contextmanager
from dataclasses import dataclass, replace

from odoo import api, models
from odoo.addons.finance_connector_base.core.contract import Statement
from odoo.addons.finance_connector_base.core.finding import Finding
from odoo.exceptions import RedirectWarning, UserError

from ..core.errors import TaxError, TotalsDiffer
from ..core.replay import REVERSAL

#: Most determinations whose parsed question and answer a transaction keeps.
_KEPT = 1000


@dataclass
class Outcome:
    """What becomes of one document.

    :ivar question: document and answer that are not stored as a determination yet
    :ivar lines: product line → (tax ids, slot), to be written
    :ivar stands: nothing has changed, so there is nothing to store
    """

    move: models.BaseModel
    state: str
    determination: models.BaseModel | None = None
    question: tuple | None = None
    lines: dict | None = None
    errors: tuple[TaxError, ...] = ()
    stands: bool = False


class Work:
    """What a transaction remembers of its determinations, so that nothing is built or read twice.

    :ivar depth: how many synchronisations of lines are open
    :ivar due: ids of drafts to determine when their lines are next synchronised
    :ivar created: ids of documents this transaction created and has determined
    :ivar outcomes: by document id, between the answer and its conclusion
    :ivar errors: by document id, of the documents that ended without a usable answer
    :ivar parsed: by determination id, its question and answer
    :ivar taxes: by company id, engine key → id of the Odoo tax
    """

    def __init__(self):
        self.depth = 0
        self.due = set()
        self.created = set()
        self.outcomes = {}
        self.errors = {}
        self.parsed = {}
        self.taxes = {}

    def keep(self, determination, document, answer):
        """Keep what a determination was made from; determinations never change."""
        if len(self.parsed) >= _KEPT:
            self.parsed.clear()
        self.parsed[determination.id] = (document, answer)


class FinanceTaxService(models.AbstractModel):
    _name = "finance.tax.service"
    _description = "Tax determination"

    @api.model
    def _work(self):
        """Return what the present transaction remembers."""
        cache = self.env.cr.cache
        if "finance_tax_work" not in cache:
            cache["finance_tax_work"] = Work()
        return cache["finance_tax_work"]

    # -- 1. which documents are due ------------------------------------------------------------

    @contextmanager
    def _when_saved(self, moves):
        """Have ``moves`` determined by the synchronisation of lines that happens inside.

        Where a caller has a synchronisation of its own open they stay due until that one ends.
        """
        due = self._work().due
        due.update(moves.ids)
        try:
            yield
        except BaseException:
            due.difference_update(moves.ids)
            raise

    @contextmanager
    def _synchronising(self):
        """Yield whether no other synchronisation of lines is open: its end is the conclusion."""
        work = self._work()
        work.depth += 1
        try:
            yield work.depth == 1
        finally:
            work.depth -= 1

    def _settle(self, moves):
        """Determine the tax of the drafts whose determination does not stand.

        :return: document → errors, of those that have no usable answer
        """
        stale = moves.filtered(lambda move: not self._stands(move))
        if not stale:
            return {}
        work, container = self._work(), {"records": stale}
        for move_id in stale.ids:
            work.errors.pop(move_id, None)
        with (
            self._when_saved(stale),
            stale._check_balanced(container),
            stale._sync_dynamic_lines(container),
        ):
            pass
        self._settle_within_synchronisation(stale)
        return {move: work.errors[move.id] for move in stale if move.id in work.errors}

    def _settle_within_synchronisation(self, moves):
        """Determine what is still due: a caller synchronises lines, so that ours did nothing."""
        left = moves.filtered(lambda move: move.id in self._work().due)
        self._answer_due(left)
        for move in left:
            self.env["finance.tax.amounts"]._recompute_tax_lines(move)
        self._conclude(left)

    def _stands(self, move):
        """Return whether the determination in use is for this state of the document and in place."""
        determination = move.finance_tax_determination_id
        amounts = self.env["finance.tax.amounts"]
        if move.finance_tax_state != "determined" or not amounts._in_place(move):
            return False
        if not self.env["finance.tax.determination"]._is_current(move, move._finance_document()):
            return False
        try:
            amounts._check(move, determination)
        except TotalsDiffer:
            return False
        return True

    # -- 2. the answer, before Odoo makes its tax lines ----------------------------------------

    def _answer_due(self, moves):
        """Put the engine's taxes and amounts, or those of the policy, on the lines of due drafts."""
        work = self._work()
        due = moves.filtered(lambda move: move.id in work.due)
        work.due.difference_update(due.ids)
        outcomes = [
            outcome
            for move in due._finance_to_determine()
            if (outcome := self._outcome(move.with_company(move.company_id)))
        ]
        asked = [outcome for outcome in outcomes if outcome.question]
        kept = self.env["finance.tax.determination"]._keep(
            [(outcome.move, *outcome.question) for outcome in asked]
        )
        for outcome, determination in zip(asked, kept, strict=True):
            outcome.determination = determination
        self.env["finance.tax.amounts"]._write(outcomes)
        work.outcomes.update({outcome.move.id: outcome for outcome in outcomes})

    def _outcome(self, move):
        try:
            return self._determine(move)
        except TaxError as error:
            return self._fall_back(move, error)

    def _determine(self, move):
        """Use the engine's answer; None if Odoo's own reversal stays as it is."""
        if self._keeps_original_taxes(move):
            return None
        amounts, determinations = (
            self.env["finance.tax.amounts"],
            self.env["finance.tax.determination"],
        )
        amounts._check_supported(move)
        document = move._finance_document()
        if not determinations._is_current(move, document):
            question = (document, determinations._ask(move, document))
            return Outcome(
                move, "determined", question=question, lines=amounts._lines(move, *question)
            )
        determination = move.finance_tax_determination_id.sudo()
        if amounts._in_place(move):
            return Outcome(move, "determined", determination, stands=True)
        lines = amounts._lines(move, *determination._parsed())
        return Outcome(move, "determined", determination, lines=lines)

    def _keeps_original_taxes(self, move):
        """Return whether the document reverses one that no engine determined: that is exact."""
        original = move.reversed_entry_id
        if not original or original.finance_tax_determination_id:
            return False
        return self.env["finance.tax.engine"]._sells_the_same(move, original)

    def _fall_back(self, move, error):
        """Apply the company's policy for a document without an answer."""
        policy = move.company_id.finance_tax_fallback
        amounts, question = self.env["finance.tax.amounts"], None
        try:
            if policy == "native":
                lines = amounts._native_lines(move)
            elif policy == "last_known":
                question = self.env["finance.tax.determination"]._last_known(move)
                lines = amounts._lines(move, *question)
            else:
                return Outcome(move, "failed", errors=(error,))
        except TaxError as reason:
            return Outcome(move, "failed", errors=(error, reason))
        return Outcome(move, "fallback", question=question, lines=lines, errors=(error,))

    # -- 3. the conclusion, when lines are synchronised ----------------------------------------

    def _conclude(self, moves):
        """Compare the documents with their answers, store the states, record the evidence."""
        outcomes = self._work().outcomes
        # Each document in its own company, as its outcome has it.
        concluded = [outcomes.pop(move.id) for move in moves if move.id in outcomes]
        self._store([self._verified(outcome) for outcome in concluded])

    def _verified(self, outcome):
        """Return the outcome, or a failed one if the document does not equal the answer (T1)."""
        if not outcome.determination:
            return outcome
        try:
            self.env["finance.tax.amounts"]._restore(outcome.move, outcome.determination)
        except TotalsDiffer as error:
            return Outcome(outcome.move, "failed", errors=(error,))
        return outcome

    def _store(self, outcomes):
        """Store the states that changed and record them as evidence."""
        entries = []
        for outcome in outcomes:
            move = outcome.move
            if outcome.state == "failed":
                self._work().errors[move.id] = outcome.errors
            values = self._values(move, outcome)
            if outcome.stands or (
                outcome.state == "failed" and all(move[name] == values[name] for name in _STATED)
            ):
                continue
            move._finance_store_tax(values)
            entries.append(self._entry(move, outcome))
        if entries:
            self.env["finance.audit.entry"]._record_many(entries)

    def _values(self, move, outcome):
        """Return the values of the document for an outcome."""
        remediation = "pending" if outcome.state == "fallback" else False
        if outcome.state == "determined" and move.finance_tax_remediation == "pending":
            remediation = "resolved"
        return {
            "finance_tax_state": outcome.state,
            "finance_tax_determination_id": outcome.determination and outcome.determination.id,
            "finance_tax_findings": [
                self._finding(move, error).to_json() for error in outcome.errors
            ]
            or False,
            "finance_tax_remediation": remediation,
        }

    def _entry(self, move, outcome):
        """Return the evidence of what was decided, for the document's timeline."""
        company, determination = move.company_id, outcome.determination
        findings = [self._finding(move, error) for error in outcome.errors]
        status = Finding(
            f"tax.{outcome.state}", args=_status_arguments(company, determination, findings)
        )
        outcomes = {"determined": "success", "fallback": "warning", "failed": "failure"}
        return {
            "action": f"tax.{outcome.state}",
            "record": determination or move,
            "document": move,
            "company": company,
            "outcome": outcomes[outcome.state],
            "statement": status,
            "details": _details(determination, findings, company),
        }

    # -- errors: what to correct, and where ----------------------------------------------------

    @api.model
    def _correction_actions(self):
        """Return target of an error → XML id of the action that opens its screen. Engines extend."""
        return {"taxes": "account.action_tax_form", "company": "base.action_res_company_form"}

    def _finding(self, move, error):
        """Return an error as the finding that is stored, with the record to correct if there is one."""
        record = self._record_to_correct(move, error)
        if not record:
            return error.finding()
        return replace(error.finding(), model=record._name, record_id=record.id)

    def _record_to_correct(self, move, error):
        if error.target == "partner":
            return move.commercial_partner_id
        return error.target == "payment_term" and move.invoice_payment_term_id

    def _correction(self, move, errors):
        """Return the action that opens what the first error names, or None."""
        error = errors[0]
        if record := self._record_to_correct(move, error):
            return record._get_records_action()
        xmlid = self._correction_actions().get(error.target)
        return xmlid and self.env["ir.actions.actions"]._for_xml_id(xmlid)["id"]

    def _raise(self, move, errors, *, button=True):
        """Raise what prevents posting one document.

        :param button: lead to the screen on which it is corrected; only where somebody sees it,
            because the warning that carries a button is no ``UserError``
        """
        findings = [self._finding(move, error).to_json() for error in errors]
        message = self.env._(
            "The tax of %(document)s could not be determined.\n\n%(reason)s",
            document=move._finance_title(),
            reason=self.env["finance.finding"]._render_tax(findings),
        )
        action = button and self._correction(move, errors)
        if not action:
            raise UserError(message)
        labels = {
            "partner": self.env._("Open the customer"),
            "payment_term": self.env._("Open the payment term"),
        }
        label = labels.get(errors[0].target) or self.env._("Open the settings")
        raise RedirectWarning(message, action, label)


def _status_arguments(company, determination, findings):
    """Return what the sentence of an entry is made of, for readers of other languages."""
    reversal = determination and determination.engine == REVERSAL
    args = {"engine": REVERSAL if reversal else company.finance_tax_engine}
    if determination:
        args["determination"] = str(determination.id)
    if findings:
        args["findings"] = json.dumps([finding.to_json() for finding in findings])
    return args


#: What makes two failed states the same.
_STATED = ("finance_tax_state", "finance_tax_findings")


def _details(determination, findings, company):
    """Return what the entry's details keep: no floats, nothing personal."""
    details = {}
    if findings:
        details["policy"] = company.finance_tax_fallback
        details["code"] = findings[0].code.partition(".")[0]
    if determination:
        answer = determination._answer()
        details |= {
            "engine": answer.engine,
            "version": determination.version,
            "fingerprint": answer.fingerprint,
            "total_tax": format(answer.total_tax(), "f"),
            "currency": answer.currency,
            "explanation": [
                item.to_json_value() if isinstance(item, Statement) else item
                for item in answer.explanation
            ],
        }
    return details
