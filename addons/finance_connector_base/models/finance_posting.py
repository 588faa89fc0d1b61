"""The one posting pipeline: what happens, in which order, when invoices are posted.

``account.move._post`` is extended in this addon and nowhere else. Addons add named steps; each step belongs to a phase
and is called once with the whole batch, so that 500 invoices cost 500 renderings and not 500 round trips. The order is
that of ``PHASES``, whatever addons are installed and in whatever order they were loaded.

A step reports what is wrong with ``Batch.refuse``. Who called decides what becomes of it:

* ``run`` (behind ``account.move._post``) is all or nothing: a refusal is raised and the transaction is undone.
* ``post_what_can_be`` (behind the buttons and scheduled jobs for several documents) posts every document that can be
  posted, each attempt in a savepoint, and returns the refusals of the others.

The markers that say "inside the pipeline" and "written by the suite" are variables of this module. They cannot be
reached from RPC, from a context or from the code of a server action.
"""

import logging
import re
from collections import deque
from collections.abc import Callable
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

from odoo import api, fields, models
from odoo.exceptions import AccessError, RedirectWarning, UserError
from psycopg2 import IntegrityError, OperationalError

from ..core.finding import Finding
from ..core.security.masking import MaskingFilter
from ..exceptions import PostingInvalid, PostingRefused

_logger = logging.getLogger(__name__)
_logger.addFilter(MaskingFilter())

#: Phases before Odoo posts, in order: nothing is requested before the local checks have passed (T9).
BEFORE = ("check", "determine", "check_document")
#: Phases after Odoo has posted and numbered the documents, in order.
AFTER = ("verify_totals", "render", "enqueue", "record")
PHASES = (*BEFORE, *AFTER)

#: What concerns one document and must not stop the others. A missing right concerns all of them.
ISOLATED = (UserError, RedirectWarning, IntegrityError)
#: Code of a refusal whose text was raised by a step or by Odoo.
RAISED = "posting.raised"
#: Refusals that one message names before it says how many there are besides.
_SHOWN = 12
#: Rules of published rule sets, such as BR-CO-15, which readers look up. Own codes are for programs.
_PUBLISHED_RULE = re.compile(r"(BR|UBL)-[A-Z0-9-]*[0-9]")
#: Attribute by which an exception carries its refusals to ``post_what_can_be``.
_REFUSALS = "finance_refusals"

#: Ids of the documents that Odoo may set to posted now.
_passing: ContextVar[frozenset[int]] = ContextVar("finance_posting_passing", default=frozenset())
#: The batch whose phases before posting are done, or None.
_prepared: ContextVar[Any] = ContextVar("finance_posting_prepared", default=None)
#: (model, ids, field names) that the suite is writing now, or None.
_writing: ContextVar[Any] = ContextVar("finance_posting_writing", default=None)


class Step(NamedTuple):
    """One step of posting. ``run`` takes the ``Batch``; ``name`` is unique within the suite."""

    phase: str
    name: str
    run: Callable[["Batch"], None]


class Refusal(NamedTuple):
    """Why one document is not posted, and what to open to correct it."""

    move: Any
    finding: Finding
    action: Any = None
    button: str = ""
    error: Exception | None = None

    @classmethod
    def of_error(cls, move, error):
        """Return the refusal that an exception of Odoo or of a step amounts to."""
        action = button = None
        if isinstance(error, RedirectWarning):
            text, action, button = error.args[:3]
        elif isinstance(error, IntegrityError):
            text = move.env._("The database refuses the document: a value must be unique.")
        elif not isinstance(error, UserError):
            text = move.env._("An unexpected error occurred; the server's log shows it.")
        else:
            text = error.args[0] if error.args else ""
        return cls(move, Finding(RAISED, args={"text": str(text)}), action, button or "", error)


class Batch:
    """The documents of one call to post, and what the steps hand on to each other.

    :ivar moves: the documents to post, before Odoo posts them; without those refused in an earlier phase
    :ivar posted: the documents Odoo has posted; empty before
    :ivar data: values by step, for later steps of the same batch only
    :ivar refusals: what the steps have refused so far
    """

    def __init__(self, moves, soft, data=None):
        self.moves = moves
        self.soft = soft
        self.posted = moves.browse()
        self.data = {} if data is None else data
        self.refusals = []

    def refuse(self, move, finding, action=None, button=""):
        """Report that a document must not be posted; the other documents of the batch go on.

        :param finding: a ``core.finding.Finding``
        :param action: the window action, or its id, that opens what to correct
        """
        self.refusals.append(Refusal(move, finding, action, button))

    def refuse_error(self, move, error):
        """Report an exception that concerns one document."""
        self.refusals.append(Refusal.of_error(move, error))

    @contextmanager
    def judging(self, move):
        """Report what is raised inside as the refusal of this document. A missing right is raised."""
        try:
            yield
        except AccessError:
            raise
        except ISOLATED as error:
            self.refuse_error(move, error)

    def drop_refused(self):
        """Leave out of the following phases what was refused."""
        if self.refusals:
            self.moves -= documents(self.refusals)


class FinancePosting(models.AbstractModel):
    _name = "finance.posting"
    _description = "Posting pipeline"

    @api.model
    def _steps(self):
        """Return the steps of the installed addons, in any order. Addons extend this list."""
        return []

    @api.model
    def _ordered_steps(self):
        """Return the steps in the order they run: by phase, then by name."""
        steps = self._steps()
        names = [step.name for step in steps]
        if len(set(names)) != len(names):
            raise ValueError(f"two posting steps have the same name: {sorted(names)}")
        return sorted(steps, key=lambda step: (PHASES.index(step.phase), step.name))

    @api.model
    def _run(self, phase, batch):
        """Run the steps of one phase on the batch."""
        for step in self._ordered_steps():
            if step.phase == phase:
                step.run(batch)

    @api.model
    def _reason(self, refusal):
        """Return the text of a refusal in the language of the reader, with its public code."""
        code = refusal.finding.code.partition(".")[0]
        parts = (*self.env["finance.finding"]._render(refusal.finding), shown_code(code))
        return " ".join(filter(None, parts))

    @api.model
    def _title(self, move):
        """Return how people recognise a document that may not have a number yet."""
        amount = move.currency_id.format(move.amount_total) if move.currency_id else ""
        return " · ".join(filter(None, (move.display_name, move.partner_id.name, amount)))

    @api.model
    def _open_documents(self, moves):
        """Return the window action that shows these documents."""
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Documents that were not posted"),
            "res_model": "account.move",
            "views": [(False, "form")] if len(moves) == 1 else [(False, "list"), (False, "form")],
            "res_id": moves.id if len(moves) == 1 else False,
            "domain": [("id", "in", moves.ids)],
            "context": {"create": False},
            "target": "current",
        }


# -- the pipeline ----------------------------------------------------------------------------------------------------


def run(moves, soft, post):
    """Post documents through the pipeline, all or none.

    :param post: Odoo's own posting, called once with ``soft``
    :raises PostingRefused: or the step's own error, where a document must not be posted
    """
    due = _due(moves, soft)
    if not any(move._finance_needs_pipeline() for move in due):
        return post(soft)
    posting = moves.env["finance.posting"]
    batch = _take_prepared(due, soft)
    if batch is None:
        batch = Batch(due, soft)
        for phase in BEFORE:
            posting._run(phase, batch)
            _raise_refusals(batch)
    with _set(_prepared, None), _set(_passing, frozenset(due.ids)):
        batch.posted = post(soft)
    for phase in AFTER:
        posting._run(phase, batch)
        _raise_refusals(batch)
    return batch.posted


def post_what_can_be(moves, attempt, soft=False, unattended=False):
    """Post every document that can be posted and return the refusals of the others.

    :param attempt: posts the documents it is given through ``account.move._post``, all or none
    :param unattended: isolate whatever a document provokes, since no user is there to see an error
    :raises AccessError: the user may not post at all
    """
    isolated = Exception if unattended else ISOLATED
    refusals = []
    moves, batch = _prepare(moves, soft, refusals, isolated)
    pending = deque([moves])
    while pending:
        subset = pending.popleft()
        if not subset:
            continue
        try:
            with _undone_on_failure(moves.env.cr), _set(_prepared, batch):
                attempt(subset)
        except OperationalError:
            raise  # the transaction itself has failed, and is repeated by whoever began it
        except isolated as error:
            if isinstance(error, AccessError) and not unattended:
                raise
            if not isinstance(error, ISOLATED):
                _logger.exception("Posting failed for account.move %s", subset.ids)
            pending.extendleft(reversed(_after_failure(subset, error, refusals)))
    return refusals


def documents(refusals):
    """Return the documents of these refusals, each once."""
    first, *others = (refusal.move for refusal in refusals)
    return first.union(*others)


def may_be_posted(move):
    """Return whether the pipeline is posting this document now."""
    return move.id in _passing.get()


def suite_write(records, vals):
    """Write fields that only the finance addons may write."""
    with _set(_writing, (records._name, frozenset(records.ids), frozenset(vals))):
        return records.write(vals)


def is_suite_write(records, names):
    """Return whether the suite itself is writing these fields of these records now."""
    model, ids, written = _writing.get() or ("", frozenset(), frozenset())
    return records._name == model and ids.issuperset(records.ids) and written.issuperset(names)


@contextmanager
def _set(variable, value):
    token = variable.set(value)
    try:
        yield
    finally:
        variable.reset(token)


@contextmanager
def _undone_on_failure(cr):
    """Undo what happens inside if it fails, including what Odoo has postponed to the commit.

    Odoo's flushing savepoint would run what is postponed, twice per savepoint: messages about tracked fields would be
    posted one by one for documents that Odoo, posting without savepoint, posts none for.
    """
    cr.transaction.flush()
    hooks = cr.precommit
    functions, data = tuple(hooks._funcs), _copied(hooks.data)
    with cr.savepoint(flush=False):
        try:
            yield
            cr.transaction.flush()
        except BaseException:
            cr.clear()
            for function in functions:
                hooks.add(function)
            hooks.data.update(data)
            raise


def _copied(value):
    """Return a copy of nested containers; what they contain is shared."""
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    return value.copy() if isinstance(value, (list, set)) else value


def _due(moves, soft):
    """Return what Odoo posts now; with ``soft``, later documents are scheduled and checked when they are due."""
    today = fields.Date.context_today(moves)
    return moves.filtered(lambda move: not move.date or move.date <= today) if soft else moves


def _prepare(moves, soft, refusals, isolated):
    """Run the phases before posting once for all; return the documents left and their batch.

    A step that raises says nothing about which document it means: then each attempt runs these phases itself.
    """
    due = _due(moves, soft)
    if not any(move._finance_needs_pipeline() for move in due):
        return moves, None
    posting, batch = moves.env["finance.posting"], Batch(due, soft)
    try:
        with _undone_on_failure(moves.env.cr):
            for phase in BEFORE:
                posting._run(phase, batch)
                batch.drop_refused()
    except (AccessError, OperationalError):
        raise
    except isolated:
        return moves, None
    refusals.extend(batch.refusals)
    return moves - (due - batch.moves), batch


def _take_prepared(due, soft):
    """Return a batch for documents that have passed the phases before posting in this attempt, or None."""
    batch = _prepared.get()
    if batch is None or due - batch.moves:
        return None
    return Batch(due, soft, batch.data)


def _after_failure(subset, error, refusals):
    """Note the refusals of a failed attempt; return the sets of documents to attempt next."""
    found = [refusal for refusal in getattr(error, _REFUSALS, ()) if refusal.move in subset]
    if not found and len(subset) == 1:
        found = [Refusal.of_error(subset, error)]
    if found:
        refusals.extend(found)
        return [subset - documents(found)]
    middle = len(subset) // 2
    return [subset[:middle], subset[middle:]]


def _raise_refusals(batch):
    if batch.refusals:
        error = _error(batch)
        setattr(error, _REFUSALS, tuple(batch.refusals))
        raise error


def shown_code(code):
    """Return the code of a published rule as readers see it; empty for a code of our own."""
    return f"[{code}]" if _PUBLISHED_RULE.fullmatch(code) else ""


def _error(batch):
    """Return the exception that shows the refusals of a batch.

    With ``soft`` a scheduled job posts: it catches ``UserError``, and no user would see a button.
    """
    env, refusals = batch.moves.env, batch.refusals
    if len(refusals) == 1 and refusals[0].error:
        error = refusals[0].error
        unseen = batch.soft and isinstance(error, RedirectWarning)
        return PostingInvalid(error.args[0]) if unseen else error
    posting = env["finance.posting"]
    moves = documents(refusals)
    lines = [
        f"• {posting._title(refusal.move)} – {posting._reason(refusal)}"
        for refusal in refusals[:_SHOWN]
    ]
    if len(refusals) > _SHOWN:
        lines.append(env._("… and %s more", len(refusals) - _SHOWN))
    message = "\n".join([env._("Not posted:"), *lines])
    if batch.soft:
        return PostingInvalid(message)
    if len(moves) > 1:
        action = posting._open_documents(moves)
        return PostingRefused(message, action, env._("Open these documents"))
    shown = next((refusal for refusal in refusals if refusal.action), None)
    if not shown:
        return PostingInvalid(message)
    return PostingRefused(message, shown.action, shown.button or env._("Open and correct"))
