"""The protection of the evidence by the database: checked at every start, shown to auditors."""

import dataclasses
import json
import logging

import psycopg2
from odoo import api, fields, models

from ..core import schema
from ..core.protection import Catalogue, Trigger, judge
from ..core.schema import QUERIES
from ..core.statement import Statement
from . import evidence_rows

_logger = logging.getLogger(__name__)


class FinanceAuditProtection(models.TransientModel):  # A page, no wizard. # pylint: disable=no-wizard-in-models
    _name = "finance.audit.protection"
    _description = "Audit protection"

    level = fields.Selection(
        [
            ("owner_role", "Separate database role owns the evidence"),
            ("triggers_privileges", "Triggers and privileges, one database role"),
            ("triggers", "Triggers only, one database role"),
            ("lost", "Protection lost"),
        ],
        "Protection level",
        readonly=True,
    )
    explanation = fields.Html(compute="_compute_explanation", sanitize=False)

    def _compute_display_name(self):
        for record in self:
            record.display_name = self.env._("Audit protection")

    @api.depends("level")
    def _compute_explanation(self):
        state = self._state()
        for record in self:
            record.explanation = self.env["ir.qweb"]._render(
                "finance_audit.protection", {"state": state}
            )

    @api.model
    def action_open(self):
        """Check the database now and show the result."""
        record = self.create({"level": self._state().level})
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Protection"),
            "res_model": self._name,
            "res_id": record.id,
            "views": [(False, "form")],
        }

    @api.model
    def _state(self):
        """Return the assessment of the guards as they are in the database now."""
        state = judge(self._catalogue(), schema.guard_bodies(), evidence_rows.expected(self.env))
        replaced = tuple(f"rows_replaced:{key}" for key in evidence_rows.replaced(self.env))
        return dataclasses.replace(state, weaknesses=state.weaknesses + replaced)

    @api.model
    def _catalogue(self):
        triggers = self._rows("triggers")
        return Catalogue(
            triggers={name: Trigger(function, enabled) for name, function, enabled in triggers},
            functions=dict(self._rows("functions")),
            constraints=frozenset(name for (name,) in self._rows("constraints")),
            privileges=frozenset(kind for (kind,) in self._rows("change_privileges")),
            superuser=self._rows("is_superuser")[0][0],
            owner=schema.owns(self.env.cr),
            rows=evidence_rows.found(self.env),
        )

    def _rows(self, query):
        self.env.cr.execute(QUERIES[query])
        return self.env.cr.fetchall()

    # -- alarm ---------------------------------------------------------------------------------

    def _register_hook(self):
        super()._register_hook()
        if schema.exists(self.env.cr):
            if self.pool.updated_modules:
                self._guard_rows()
            self._check()

    @api.model
    def _guard_rows(self):
        """Put the guards of evidence in all tables in place; record it if some of them had been removed."""
        missing = [f"rows_unguarded:{key}" for key in evidence_rows.recorded_missing(self.env)]
        missing += [f"rows_replaced:{key}" for key in evidence_rows.replaced(self.env)]
        if missing:
            weakened = self._state()
            self._record_change(dataclasses.replace(weakened, weaknesses=tuple(missing)))
        evidence_rows.install(self.env)

    @api.model
    def _check(self):
        """Log a warning while a guard is missing; record one entry each time the assessment changes."""
        state = self._state()
        if state.weaknesses:
            _logger.warning(
                "Audit evidence is not protected: %s. Upgrade finance_audit to restore the guards, "
                "and investigate who removed them.",
                ", ".join(state.weaknesses),
            )
        if list(state.weaknesses) != self._last_recorded_weaknesses():
            self._record_change(state)
        return state

    def _last_recorded_weaknesses(self):
        rows = self._rows("last_protection_entry")
        return json.loads(rows[0][0])["details"]["weaknesses"] if rows else []

    def _record_change(self, state):
        """Record that protection was lost or restored. A start must not fail because the entry is refused."""
        lost = bool(state.weaknesses)
        try:
            with self.env.cr.savepoint():
                self.env["finance.audit.entry"]._record(
                    action="audit.protection.lost" if lost else "audit.protection.restored",
                    outcome="failure" if lost else "success",
                    statement=Statement("protection.lost", {"guards": list(state.weaknesses)})
                    if lost
                    else Statement("protection.restored"),
                    details={"weaknesses": list(state.weaknesses), "level": state.level},
                )
        except psycopg2.Error:
            _logger.exception("The state of the audit protection could not be recorded")

    @api.model
    def _record_repair(self, weakened):
        """Record a loss of protection and its end, after an upgrade restored the guards."""
        for state in (weakened, self._state()):
            if list(state.weaknesses) != self._last_recorded_weaknesses():
                self._record_change(state)
