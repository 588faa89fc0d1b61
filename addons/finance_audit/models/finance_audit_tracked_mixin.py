"""Configuration that leaves evidence: who changed which setting from what to what.

A model inherits the mixin and names its fields. Every create, write and unlink that changes
something writes one entry per record, in the same transaction.
"""

from odoo import api, models

from .circumstances import actor_of
from .tracked_values import REPLACED, secret_state, shown, snapshot


class FinanceAuditTrackedMixin(models.AbstractModel):
    _name = "finance.audit.tracked.mixin"
    _description = "Changes are recorded as evidence"

    # Names of the fields whose values are recorded, before and after.
    _audit_tracked = ()
    # Names of the fields of which only "set", "changed" or "cleared" is recorded; or "replaced"
    # of an input without storage, as it is not known whether there was a value before.
    _audit_secret = ()
    # Names of tracked fields that hold personal data: their values can be erased later.
    _audit_erasable = ()
    # First word of the action ids: `<topic>.created`, `<topic>.changed`, `<topic>.deleted`.
    _audit_topic = "configuration"

    @api.model_create_multi
    def create(self, vals_list):
        records = super().create(vals_list)
        names = self._audit_names()
        records._audit_record(
            "created",
            [
                (record, record._audit_changes({}, snapshot(record, names), vals))
                for record, vals in zip(records, vals_list, strict=True)
            ],
        )
        return records

    def write(self, vals):
        names = self._audit_affected(vals)
        before = {record: snapshot(record, names) for record in self}
        result = super().write(vals)
        changes = [
            (record, record._audit_changes(before[record], snapshot(record, names), vals))
            for record in self
        ]
        self._audit_record("changed", [(record, change) for record, change in changes if change])
        return result

    def unlink(self):
        names = self._audit_names()
        changes = [
            (record, record._audit_changes(snapshot(record, names), {}, {})) for record in self
        ]
        facts = self._audit_facts("deleted", changes)  # while the names can still be read
        result = super().unlink()
        self.env["finance.audit.entry"]._append(facts)
        return result

    def _audit_names(self):
        return self._audit_named("_audit_tracked", "_audit_secret", "_audit_erasable")

    def _audit_named(self, *attributes):
        """Return the names of every class the model is built of: addons add, never replace."""
        classes = type(self).__mro__
        return tuple(
            dict.fromkeys(
                name
                for attribute in attributes
                for cls in classes
                for name in cls.__dict__.get(attribute, ())
            )
        )

    def _audit_affected(self, vals):
        """Return the tracked fields that a write of `vals` can change: those, and computed ones."""
        return [name for name in self._audit_names() if name in vals or self._fields[name].compute]

    def _audit_changes(self, before, after, vals):
        """Return what differs, ready for the details of an entry."""
        changes = {}
        for name in after or before:
            old, new = before.get(name), after.get(name)
            if name in self._audit_secret:
                change = self._audit_secret_state(name, old, new, vals)
            elif (old or None) != (new or None):
                field = self._fields[name]
                change = {"before": shown(old, field), "after": shown(new, field)}
            else:
                continue
            if change:
                changes[name] = change
        return changes

    def _audit_secret_state(self, name, old, new, vals):
        """Return set, changed, cleared or nothing."""
        if self._fields[name].store:
            return secret_state(old, new) if (old or None) != (new or None) else None
        # An input without storage keeps no value to compare: what is typed in replaces the secret,
        # what is left empty keeps it.
        return REPLACED if vals.get(name) else None

    def _audit_record(self, verb, changes):
        self.env["finance.audit.entry"]._append(self._audit_facts(verb, changes))

    def _audit_facts(self, verb, changes):
        entry_model, actor = self.env["finance.audit.entry"], actor_of(self.env)
        return [
            entry_model._facts(
                actor,
                action=f"{self._audit_topic}.{verb}",
                record=record,
                summary=record._audit_summary(verb, change),
                details={"changes": self._audit_lasting(change)},
                erasable=self._audit_personal(change),
            )
            for record, change in changes
        ]

    def _audit_lasting(self, change):
        """Return what stays readable for good: of personal data only that it changed."""
        personal = self._audit_named("_audit_erasable")
        return {name: "changed" if name in personal else what for name, what in change.items()}

    def _audit_personal(self, change):
        """Return what may be erased later, or nothing."""
        personal = self._audit_named("_audit_erasable")
        found = {name: what for name, what in change.items() if name in personal}
        return {"changes": found} if found else None

    def _audit_summary(self, verb, changes):
        """Say in one sentence what was done to this record."""
        kind = self.env["ir.model"]._get(self._name).name
        about = {"kind": kind, "name": self.sudo().display_name}
        if verb == "created":
            return self.env._("%(kind)s “%(name)s” was created.", **about)
        if verb == "deleted":
            return self.env._("%(kind)s “%(name)s” was deleted.", **about)
        labels = ", ".join(self._fields[name]._description_string(self.env) for name in changes)
        return self.env._("%(kind)s “%(name)s” was changed: %(labels)s.", labels=labels, **about)
