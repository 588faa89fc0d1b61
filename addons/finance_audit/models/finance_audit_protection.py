"""Is the evidence still protected? Asked at every start, shown to auditors, alarmed when lost."""

import json
import logging

import psycopg2
from odoo import api, fields, models

from .. import install
from ..core.protection import Catalogue, Trigger, judge

_logger = logging.getLogger(__name__)

_TRIGGERS = """
SELECT t.tgname, p.proname, t.tgenabled
  FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_class c ON c.oid = t.tgrelid
 WHERE c.relnamespace = 'finance_audit'::regnamespace AND NOT t.tgisinternal
   AND starts_with(t.tgname, c.relname || '_')
"""
_FUNCTIONS = """
SELECT proname, prosrc FROM pg_proc WHERE pronamespace = 'finance_audit'::regnamespace
"""
_CONSTRAINTS = """
SELECT conname FROM pg_constraint
 WHERE connamespace = 'finance_audit'::regnamespace AND convalidated
"""
_PRIVILEGES = """
SELECT CASE relname WHEN 'entry' THEN kind ELSE relname || ':' || kind END
  FROM pg_class, unnest(ARRAY['UPDATE', 'DELETE', 'TRUNCATE']) AS kind
 WHERE relnamespace = 'finance_audit'::regnamespace AND relkind = 'r'
   AND has_table_privilege(oid, kind) AND (relname, kind) <> ('erasable', 'DELETE')
"""
_SUPERUSER = "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"
_LAST_WORD = """
SELECT convert_from(canonical, 'UTF8') FROM finance_audit.entry
 WHERE action LIKE 'audit.protection.%' ORDER BY id DESC LIMIT 1
"""


class FinanceAuditProtection(models.TransientModel):  # A page, no wizard. # pylint: disable=no-wizard-in-models
    _name = "finance.audit.protection"
    _description = "Audit protection"

    level = fields.Selection(
        [
            ("owner_role", "A database role of its own owns the evidence"),
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
        """Look at the database now and show what is found."""
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
        """Return the judgement on the guards as the database has them now."""
        return judge(self._catalogue(), install.guard_bodies())

    @api.model
    def _catalogue(self):
        triggers = self._rows(_TRIGGERS)
        return Catalogue(
            triggers={name: Trigger(function, enabled) for name, function, enabled in triggers},
            functions=dict(self._rows(_FUNCTIONS)),
            constraints=frozenset(name for (name,) in self._rows(_CONSTRAINTS)),
            privileges=frozenset(kind for (kind,) in self._rows(_PRIVILEGES)),
            superuser=self._rows(_SUPERUSER)[0][0],
            owner=install.owns(self.env.cr),
        )

    def _rows(self, query):
        self.env.cr.execute(query)
        return self.env.cr.fetchall()

    # -- alarm ---------------------------------------------------------------------------------

    def _register_hook(self):
        super()._register_hook()
        if install.exists(self.env.cr):
            self._check()

    @api.model
    def _check(self):
        """Warn while a guard is missing; leave one entry each time the judgement changes."""
        state = self._state()
        if state.weaknesses:
            _logger.warning(
                "Audit evidence is not protected: %s. Upgrade finance_audit to restore the guards, "
                "and find out who removed them.",
                ", ".join(state.weaknesses),
            )
        if list(state.weaknesses) != self._last_recorded_weaknesses():
            self._record_change(state)
        return state

    def _last_recorded_weaknesses(self):
        rows = self._rows(_LAST_WORD)
        return json.loads(rows[0][0])["details"]["weaknesses"] if rows else []

    def _record_change(self, state):
        """Record loss or return of protection. A start must not fail because the log refuses."""
        lost = bool(state.weaknesses)
        try:
            with self.env.cr.savepoint():
                self.env["finance.audit.entry"]._record(
                    action="audit.protection.lost" if lost else "audit.protection.restored",
                    outcome="failure" if lost else "success",
                    summary=self._sentence(state),
                    details={"weaknesses": list(state.weaknesses), "level": state.level},
                )
        except psycopg2.Error:
            _logger.exception("The state of the audit protection could not be recorded")

    def _sentence(self, state):
        if state.weaknesses:
            return self.env._(
                "The database no longer protects audit entries: %s.", ", ".join(state.weaknesses)
            )
        return self.env._("The database protects audit entries again.")

    @api.model
    def _record_repair(self, weakened):
        """Called after an upgrade put the guards back: leave both the gap and its end."""
        for state in (weakened, self._state()):
            if list(state.weaknesses) != self._last_recorded_weaknesses():
                self._record_change(state)
