"""The SQL of the addon: what creates and guards the evidence, and the statements by name.

The numbered files of ``sql/`` create tables, constraints, guards and views, so that an auditor can read what
protects the evidence without reading Python. All of them can be executed again at any time.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Protocol

from .queries import load

SQL = Path(__file__).parents[1] / "sql"
QUERIES = load(SQL / "queries.sql")
_GUARDS, _VIEWS = "03_guards.sql", "04_views.sql"
_FUNCTION = re.compile(r"FUNCTION finance_audit\.(\w+)\(\).*?\$guard\$(.*?)\$guard\$", re.DOTALL)


class Cursor(Protocol):
    """What the core needs of a database cursor: psycopg2's and Odoo's have it."""

    def execute(self, query: Any, params: Any = None, /) -> Any: ...

    def fetchone(self) -> Any: ...

    def fetchall(self) -> list[Any]: ...


def create(cr: Cursor) -> None:
    """Create what is missing and repair what was weakened. No row is touched.

    Where another role owns the tables, only the views are Odoo's to create.
    """
    may_alter = not exists(cr) or owns(cr)
    for path in sorted(SQL.glob("[0-9]*.sql")):
        if may_alter or path.name == _VIEWS:
            cr.execute(script(path.name))


def drop(cr: Cursor) -> None:
    """Drop the evidence and its views."""
    cr.execute(QUERIES["drop"])


def exists(cr: Cursor) -> bool:
    """Return whether the table of entries exists."""
    cr.execute(QUERIES["table_exists"])
    return cr.fetchone()[0]


def owns(cr: Cursor) -> bool:
    """Return whether Odoo's role may alter the tables: it owns them, or may act for their owner."""
    cr.execute(QUERIES["owns_tables"])
    return cr.fetchone()[0]


def guard_bodies() -> dict[str, str]:
    """Return the source that each guard function must have, as PostgreSQL stores it."""
    return dict(_FUNCTION.findall(script(_GUARDS)))


def script(name: str) -> str:
    """Return the text of a file of ``sql/``."""
    return (SQL / name).read_text(encoding="utf-8")
