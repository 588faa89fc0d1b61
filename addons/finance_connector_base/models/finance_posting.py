"""The one posting pipeline: what happens, in which order, when invoices are posted.

``account.move._post`` is extended here and nowhere else. Addons add named steps; each step belongs to a phase and is
called once with the whole batch, so that 500 invoices cost 500 renderings and not 500 round trips. The order is that
of ``PHASES``, whatever addons are installed and in whatever order they were loaded.
"""

from collections.abc import Callable
from typing import NamedTuple

from odoo import api, models

#: Phases before Odoo posts, in order: nothing is asked before the local checks have passed (T9).
BEFORE = ("check", "determine", "check_document")
#: Phases after Odoo has posted and numbered the documents, in order.
AFTER = ("verify_totals", "render", "enqueue", "record")
PHASES = (*BEFORE, *AFTER)


class Step(NamedTuple):
    """One step of posting. ``run`` takes the ``Batch``; ``name`` is unique within the suite."""

    phase: str
    name: str
    run: Callable[["Batch"], None]


class Batch:
    """The documents of one call to post, and what the steps hand on to each other.

    :ivar moves: the documents to post, before Odoo posts them
    :ivar posted: the documents Odoo has posted; empty before
    :ivar data: values by step, for later steps of the same batch only
    """

    def __init__(self, moves, soft):
        self.moves = moves
        self.soft = soft
        self.posted = moves.browse()
        self.data = {}


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
    def _run(self, phases, batch):
        """Run the steps of these phases on the batch."""
        for step in self._ordered_steps():
            if step.phase in phases:
                step.run(batch)
