"""Values of fields as evidence shows them: JSON types, names beside ids, secrets never."""

from decimal import Decimal
from hashlib import sha256

from odoo.tools import human_size

SET, CHANGED, CLEARED, REPLACED = "set", "changed", "cleared", "replaced"


def snapshot(record, names):
    """Return the raw values of `names`, read with every right and without file-size shortcuts."""
    full = record.sudo().with_context(bin_size=False, active_test=False)
    return {name: _freeze(full[name], full._fields[name]) for name in names}


def shown(value, field):
    """Return a frozen value as JSON."""
    if field.type == "boolean":
        return bool(value)
    if isinstance(value, float):
        return format(Decimal(repr(value)), "f")
    return None if value is False else value


def secret_state(before, after):
    """Say what happened to a secret without a word about its value."""
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
    """A record's name is evidence too: it may be renamed or deleted later."""
    if not records:
        return [] if field.type in ("one2many", "many2many") else None
    named = [{"id": record.id, "name": record.display_name or ""} for record in records]
    if field.type == "reference":
        return {"model": records._name, **named[0]}
    return named[0] if field.type == "many2one" else sorted(named, key=lambda item: item["id"])


def _fingerprint(content):
    """Contents of files stay out of the log; their hash shows whether they changed."""
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
