"""Which guards the tables of this database must have, and how they get there.

Every model with ``finance.evidence.mixin`` is guarded. A model says more with one line::

    _evidence_rows = Rows(state="state", transitions=TRANSITIONS, ...)

which is also all that a model without the mixin needs. The guards are put in place when a registry is loaded that
installed or upgraded an addon; any other start only checks them.
"""

import hashlib
import json

from ..core.evidence_rows import PREFIX, Rows, guards, quoted
from ..core.protection import Trigger
from ..core.schema import QUERIES
from ..core.statement import Statement

_MIXIN = "finance.evidence.mixin"
INSTALLED = "audit.guards.installed"
_ALWAYS_OPEN = frozenset({"write_uid", "write_date"})


def expected(env):
    """Return the guards that the tables of the loaded models must have."""
    models = [env[name] for name in sorted(env.registry) if _is_evidence(env, name)]
    columns = _columns(env, [model._table for model in models])
    return [
        guard
        for model in models
        if model._table in columns
        for guard in _of_model(model, columns[model._table])
    ]


def found(env):
    """Return (table, trigger) → trigger of the guards that are in the database."""
    env.cr.execute(QUERIES["row_guards"])
    return {
        (table, name): Trigger(function, enabled)
        for table, name, function, enabled in env.cr.fetchall()
    }


def definitions(env):
    """Return ``table.trigger`` → hash of the definition, as this major version of PostgreSQL prints it."""
    env.cr.execute(
        """SELECT c.relname || '.' || t.tgname, pg_get_triggerdef(t.oid)
             FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
            WHERE c.relnamespace = 'public'::regnamespace AND NOT t.tgisinternal
              AND starts_with(t.tgname, %s)""",
        [PREFIX],
    )
    return {key: hashlib.sha256(text.encode()).hexdigest() for key, text in env.cr.fetchall()}


def replaced(env):
    """Return the guards whose definition is another than when they were put in place."""
    recorded = _recorded(env)
    if recorded.get("server") != _server(env):
        return []
    now = definitions(env)
    return sorted(
        key
        for key, digest in recorded.get("guards", {}).items()
        if key in now and now[key] != digest
    )


def recorded_missing(env):
    """Return the guards that were put in place and are not there any more."""
    env.cr.execute(QUERIES["row_guards"])
    present = {f"{row[0]}.{row[1]}" for row in env.cr.fetchall()}
    tables = _columns(env, [key.partition(".")[0] for key in _recorded(env).get("guards", {})])
    return sorted(
        key
        for key in _recorded(env).get("guards", {})
        if key not in present and key.partition(".")[0] in tables
    )


def install(env):
    """Put every guard in place, drop outdated ones, and record the set when it changed."""
    env.cr.execute(QUERIES["guard_function_exists"])
    if not env.cr.fetchone()[0]:
        return
    wanted = {(guard.table, guard.name): guard for guard in expected(env)}
    present = found(env)
    suspicious = {tuple(key.split(".", 1)) for key in replaced(env)}
    for table, name in present:
        trigger = present[table, name]
        if (table, name) not in wanted or (table, name) in suspicious or trigger.enabled != "A":
            drop(env, table, name)
    for place, guard in wanted.items():
        trigger = present.get(place)
        if trigger is None or place in suspicious or trigger.enabled != "A":
            env.cr.execute(guard.statement)
    _record(env)


def drop(env, table, name):
    """Drop one guard."""
    env.cr.execute(f"DROP TRIGGER IF EXISTS {quoted(name)} ON {quoted(table)}")


def _record(env):
    now = definitions(env)
    if now == _recorded(env).get("guards"):
        return
    env["finance.audit.entry"]._record(
        action=INSTALLED,
        record=_addon(env),
        statement=Statement("guards.installed", {"count": len(now)}),
        details={"server": _server(env), "guards": now},
    )


def _recorded(env):
    addon = _addon(env)
    env.cr.execute(
        """SELECT convert_from(canonical, 'UTF8') FROM finance_audit.entry
            WHERE record_model = 'ir.module.module' AND record_id = %s AND action = %s
            ORDER BY id DESC LIMIT 1""",
        [addon.id, INSTALLED],
    )
    row = env.cr.fetchone()
    return json.loads(row[0])["details"] if row else {}


def _addon(env):
    return env["ir.module.module"].sudo().search([("name", "=", "finance_audit")], limit=1)


def _server(env):
    return str(env.cr._cnx.server_version // 10000)


def _is_evidence(env, name):
    model = env[name]
    if model._abstract or not model._auto or model._transient:
        return False
    if model._module not in env.registry._init_modules:
        return False  # Of a test, which has no table of its own in an installed database.
    return getattr(model, "_evidence_rows", None) is not None or name in _descendants(env)


def _descendants(env):
    return env.registry.descendants([_MIXIN], "_inherit")


def _of_model(model, columns):
    rows = getattr(model, "_evidence_rows", None) or Rows()
    stored = {
        name
        for name, field in model._fields.items()
        if field.store and field.column_type and name in columns
    } - _ALWAYS_OPEN
    detachable = {
        name
        for name in stored
        if model._fields[name].type == "many2one" and model._fields[name].ondelete == "set null"
    }
    if rows.fixed is None:
        rows = _with_fixed(model, rows, stored)
    return guards(rows, model._name, model._table, stored, detachable)


def _with_fixed(model, rows, stored):
    """Return the rows with the columns that the mixin of the model keeps."""
    is_open = getattr(model, "_evidence_open", None)
    kept = getattr(model, "_evidence_fixed", ()) if is_open is None else stored - is_open
    return Rows(**{**rows.__dict__, "fixed": tuple(kept)})


def _columns(env, tables):
    env.cr.execute(QUERIES["table_columns"], {"tables": list(set(tables))})
    return {table: set(names) for table, names in env.cr.fetchall()}
