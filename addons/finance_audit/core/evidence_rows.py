"""Guards of evidence outside of the log: rows of ordinary tables that PostgreSQL itself keeps from being changed.

A model states what of its rows is evidence (`Rows`); the triggers that refuse everything else are derived from it.
They name the columns they watch (``UPDATE OF``) and decide in their ``WHEN`` clause, so that an update of other
columns costs nothing and an allowed one no function call. What they refuse is refused whoever asks: the ORM, SQL in
a server action, a script.

Two changes pass: retention empties `purgeable` columns if an entry of the audit log, written in the same
transaction, names the record; and PostgreSQL itself empties a reference whose target was deleted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

#: Triggers of this mechanism begin with it; the rest is what they refuse, and the hash of their definition.
PREFIX = "finance_guard_"
#: The action of the entry without which no content is removed.
PURGED = "retention.purged"
_NAME = 63


@dataclass(frozen=True)
class Frozen:
    """Rows whose `column` has one of `values` (or any value but those of `except_values`) change no more.

    Without `values` and `except_values`: rows in which the column is not empty. `columns` None: all columns.
    """

    column: str
    values: tuple[str, ...] = ()
    except_values: tuple[str, ...] = ()
    columns: tuple[str, ...] | None = None
    but: tuple[str, ...] = ()

    def condition(self) -> str:
        """Return when a row is frozen, as SQL about OLD."""
        column = f"OLD.{quoted(self.column)}"
        if self.values:
            return f"{column} IN ({_literals(self.values)})"
        if self.except_values:
            return f"{column} IS NOT NULL AND {column} NOT IN ({_literals(self.except_values)})"
        return f"{column} IS NOT NULL"


@dataclass(frozen=True)
class Rows:
    """What of the rows of a model is evidence."""

    #: Columns that never change; None: all but those that the model declares as open.
    fixed: tuple[str, ...] | None = None
    #: Columns that are set once.
    once: tuple[str, ...] = ()
    #: Rows that are complete, and what of them does not change any more.
    frozen: tuple[Frozen, ...] = ()
    #: The column of a state machine, its table of transitions, and in which states rows are created.
    state: str = ""
    transitions: Mapping[str, Iterable[str]] | None = None
    initial: tuple[str, ...] = ()
    #: Columns that retention may empty; `purged_as`: model and column of the record that its entry names.
    purgeable: tuple[str, ...] = ()
    purged_as: tuple[str, str] | None = None
    deletable: bool = False


@dataclass(frozen=True)
class Guard:
    """One trigger: its name and the statement that creates it."""

    table: str
    name: str
    statement: str

    @property
    def key(self) -> str:
        """Return how the guard is named in the assessment of the protection."""
        return f"{self.table}.{self.name}"


def guards(
    rows: Rows, model: str, table: str, columns: Iterable[str], detachable: Iterable[str] = ()
) -> list[Guard]:
    """Return the triggers of a table.

    :param columns: the columns of the table that hold fields of the model
    :param detachable: references that PostgreSQL empties when their target is deleted
    """
    columns = sorted(columns)
    shape = _Shape(model, table, rows, tuple(sorted(detachable)))
    fixed = sorted(set(columns if rows.fixed is None else rows.fixed) & set(columns))
    found: list[Guard] = []
    if fixed:
        found.append(shape.update("fixed", fixed, _differs(fixed)))
    if once := sorted(set(rows.once) & set(columns)):
        condition = " OR ".join(
            f"(OLD.{c} IS NOT NULL AND {_differ(c)})" for c in map(quoted, once)
        )
        found.append(shape.update("once", once, condition))
    for place, frozen in enumerate(rows.frozen):
        named = columns if frozen.columns is None else frozen.columns
        kept = sorted(set(named) & set(columns) - set(frozen.but))
        condition = f"({frozen.condition()}) AND ({_differs(kept)})"
        found.append(shape.update(f"frozen{place}", kept, condition))
    if rows.state and rows.transitions is not None:
        found.append(shape.update("state", [rows.state], _forbidden(rows)))
    if rows.initial:
        created = f"NEW.{quoted(rows.state)} NOT IN ({_literals(rows.initial)})"
        found.append(shape.trigger("created", "INSERT", "ROW", created))
    if not rows.deletable:
        found.append(shape.trigger("delete", "DELETE", "ROW"))
    return [*found, shape.trigger("truncate", "TRUNCATE", "STATEMENT")]


@dataclass(frozen=True)
class _Shape:
    model: str
    table: str
    rows: Rows
    detachable: tuple[str, ...]

    def update(self, what: str, columns: list[str], condition: str) -> Guard:
        event = f"UPDATE OF {', '.join(map(quoted, columns))}"
        return self.trigger(what, event, "ROW", condition)

    def trigger(self, what: str, event: str, each: str, condition: str = "") -> Guard:
        when = f" WHEN ({condition})" if condition else ""
        body = (
            f"BEFORE {event} ON {quoted(self.table)} FOR EACH {each}{when}"
            f" EXECUTE FUNCTION finance_audit.guard_row({self._arguments()})"
        )
        digest = hashlib.sha256(body.encode()).hexdigest()[:12]
        name = f"{PREFIX}{what}_{digest}"[:_NAME]
        return Guard(
            self.table,
            name,
            f"CREATE TRIGGER {quoted(name)} {body};"
            f" ALTER TABLE {quoted(self.table)} ENABLE ALWAYS TRIGGER {quoted(name)}",
        )

    def _arguments(self) -> str:
        model, column = self.rows.purged_as or (self.model, "id")
        lists = ("{" + ",".join(names) + "}" for names in (self.rows.purgeable, self.detachable))
        return _literals((*lists, model, column))


def _forbidden(rows: Rows) -> str:
    pairs = sorted(
        f"{old}>{new}" for old, after in (rows.transitions or {}).items() for new in after
    )
    old, new = (f"COALESCE({when}.{quoted(rows.state)}, '')" for when in ("OLD", "NEW"))
    allowed = f"{old} || '>' || {new} <> ALL (ARRAY[{_literals(pairs)}]::text[])"
    return f"{_differ(quoted(rows.state))} AND {allowed}"


def _differs(columns: Iterable[str]) -> str:
    return " OR ".join(_differ(quoted(column)) for column in columns) or "false"


def _differ(column: str) -> str:
    return f"OLD.{column} IS DISTINCT FROM NEW.{column}"


def quoted(name: str) -> str:
    """Return an identifier of SQL."""
    return '"' + name.replace('"', '""') + '"'


def _literals(values: Iterable[str]) -> str:
    return ", ".join("'" + value.replace("'", "''") + "'" for value in values)
