"""Tracked configuration: who changed which setting, with the values before and after.

A model inherits the mixin and names its fields. Every create, write and unlink that changes something writes
one entry per record, in the same transaction. Values are recorded as JSON types, names together with ids,
secrets never.
"""

from decimal import Decimal
from hashlib import sha256

from odoo import api, models
from odoo.tools import human_size

from ..core.statement import Statement
from .audit_context import actor_of

# What is recorded of a secret.
SET, CHANGED, CLEARED, REPLACED = "set", "changed", "cleared", "replaced"


class FinanceAuditTrackedMixin(models.AbstractModel):
    _name = "finance.audit.tracked.mixin"
    _description = "Tracked by the audit log"

    # Names of the fields whose values are recorded, before and after.
    _audit_tracked = ()
    # Names of the fields of which only "set", "changed" or "cleared" is recorded; or "replaced" for an input
    # without storage, because it is not known whether there was a value before.
    _audit_secret = ()
    # Names of tracked fields that hold personal data: their values can be erased later.
    _audit_erasable = ()
    # First part of the action ids: `<topic>.created`, `<topic>.changed`, `<topic>.deleted`.
    _audit_topic = "configuration"

    @api.model_create_multi
    def create(self, vals_list):
        records = super().create(vals_list)
        names = self._audit_names()
        records._audit_record(
            "created",
            [
                (record, record._audit_changes({}, _snapshot(record, names), vals))
                for record, vals in zip(records, vals_list, strict=True)
            ],
        )
        return records

    def write(self, vals):
        names = self._audit_affected(vals)
        before = {record: _snapshot(record, names) for record in self}
        result = super().write(vals)
        changes = [
            (record, record._audit_changes(before[record], _snapshot(record, names), vals))
            for record in self
        ]
        self._audit_record("changed", [(record, change) for record, change in changes if change])
        return result

    def unlink(self):
        names = self._audit_names()
        changes = [
            (record, record._audit_changes(_snapshot(record, names), {}, {})) for record in self
        ]
        facts = self._audit_facts("deleted", changes)  # while the names can still be read
        result = super().unlink()
        self.env["finance.audit.entry"]._append(facts)
        return result

    @api.model
    def _audit_action_labels(self):
        """Return the labels of the actions that changes of this model are recorded with."""
        kind = self._audit_kind()
        return {
            f"{self._audit_topic}.created": self.env._("%(kind)s created", kind=kind),
            f"{self._audit_topic}.changed": self.env._("%(kind)s changed", kind=kind),
            f"{self._audit_topic}.deleted": self.env._("%(kind)s deleted", kind=kind),
        }

    def _audit_kind(self):
        """Return the name of the model in the language of the reader."""
        return self.env["ir.model"]._get(self._name).sudo().name or self._description

    def _audit_names(self):
        return self._audit_named("_audit_tracked", "_audit_secret", "_audit_erasable")

    def _audit_named(self, *attributes):
        """Return the names from all classes of the model: addons add names, they never replace them."""
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
        """Return the tracked fields that a write of `vals` can change: those in it and computed ones."""
        return [name for name in self._audit_names() if name in vals or self._fields[name].compute]

    def _audit_changes(self, before, after, vals):
        """Return the differences in the form of the details of an entry."""
        changes = {}
        for name in after or before:
            old, new = before.get(name), after.get(name)
            if name in self._audit_secret:
                change = self._audit_secret_state(name, old, new, vals)
            elif (old or None) != (new or None):
                field = self._fields[name]
                change = {"before": _shown(old, field), "after": _shown(new, field)}
            else:
                continue
            if change:
                changes[name] = change
        return changes

    def _audit_secret_state(self, name, old, new, vals):
        """Return what happened to a secret field, or None."""
        if self._fields[name].store:
            return _secret_state(old, new) if (old or None) != (new or None) else None
        # An input without storage has no value to compare: a value replaces the secret, an empty one keeps it.
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
                statement=record._audit_statement(verb, change),
                details={"changes": self._audit_lasting(change)},
                erasable=self._audit_personal(change),
            )
            for record, change in changes
        ]

    def _audit_lasting(self, change):
        """Return what is recorded permanently: of personal data only that it changed."""
        personal = self._audit_named("_audit_erasable")
        return {name: "changed" if name in personal else what for name, what in change.items()}

    def _audit_personal(self, change):
        """Return what may be erased later, or None."""
        personal = self._audit_named("_audit_erasable")
        found = {name: what for name, what in change.items() if name in personal}
        return {"changes": found} if found else None

    def _audit_statement(self, verb, changes):
        """Return what the entry says: kind and name of the record, and the fields that changed."""
        about = {"kind": {"model": self._name}, "name": self.sudo().display_name or ""}
        if verb == "changed":
            about["labels"] = [{"model": self._name, "field": name} for name in changes]
        return Statement(f"record.{verb}", about)


# -- values ------------------------------------------------------------------------------------


def _snapshot(record, names):
    """Return the raw values of `names`, independent of access rights and of the display of file sizes."""
    full = record.sudo().with_context(bin_size=False, active_test=False)
    return {name: _freeze(full[name], full._fields[name]) for name in names}


def _shown(value, field):
    """Return a frozen value as JSON."""
    if field.type == "boolean":
        return bool(value)
    if isinstance(value, float):
        return format(Decimal(repr(value)), "f")
    return None if value is False else value


def _secret_state(before, after):
    """Return what happened to a stored secret; its value is not disclosed."""
    if not before:
        return SET
    return CHANGED if after else CLEARED


def _freeze(value, field):
    if field.relational or field.type == "reference":
        return _named(value, field)
    if field.type == "binary":
        return _fingerprint(value)
    if field.type in ("json", "properties", "properties_definition"):
        return _without_floats(value)
    return value


def _named(records, field):
    """Return records with their names: they may be renamed or deleted later."""
    if not records:
        return [] if field.type in ("one2many", "many2many") else None
    named = [{"id": record.id, "name": record.display_name or ""} for record in records]
    if field.type == "reference":
        return {"model": records._name, **named[0]}
    return named[0] if field.type == "many2one" else sorted(named, key=lambda item: item["id"])


def _fingerprint(content):
    """Return size and hash of a file; its content is not recorded."""
    if not content:
        return None
    data = content if isinstance(content, bytes) else str(content).encode()
    return f"{human_size(len(data))}, SHA-256 {sha256(data).hexdigest()}"


def _without_floats(value):
    if isinstance(value, dict):
        return {str(key): _without_floats(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_floats(item) for item in value]
    return format(Decimal(repr(value)), "f") if isinstance(value, float) else value
