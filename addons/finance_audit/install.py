"""The SQL that creates and guards the evidence, and its removal.

The statements live in `sql/`, one concern a file, so that an auditor can read what protects the
table without reading Python. All of them can be run again at any time.
"""

import re
from functools import cache
from pathlib import Path

_SQL = Path(__file__).parent / "sql"
_FUNCTION = re.compile(r"FUNCTION finance_audit\.(\w+)\(\).*?\$guard\$(.*?)\$guard\$", re.DOTALL)


@cache
def statement(name):
    """Return the SQL text of one file."""
    return (_SQL / name).read_text(encoding="utf-8")


def create(cr):
    """Create what is missing and repair what was weakened. No row is touched.

    Where another role owns the tables only the views are Odoo's to make.
    """
    own = not exists(cr) or owns(cr)
    for path in sorted(_SQL.glob("[0-9]*.sql")):
        if own or path.name.startswith("04"):
            cr.execute(statement(path.name))


def owns(cr):
    """Tell whether Odoo's role may alter the tables: it owns them, or acts for their owner."""
    cr.execute(
        "SELECT pg_has_role(relowner, 'USAGE') FROM pg_class "
        "WHERE oid = 'finance_audit.entry'::regclass"
    )
    return cr.fetchone()[0]


def exists(cr):
    """Tell whether the table of entries is there."""
    cr.execute("SELECT to_regclass('finance_audit.entry') IS NOT NULL")
    return cr.fetchone()[0]


def guard_bodies():
    """Return the source that each guard function must have, as PostgreSQL stores it."""
    return dict(_FUNCTION.findall(statement("03_guards.sql")))


def uninstall_hook(env):
    """Drop the evidence with the addon. Whoever uninstalls was told to export first."""
    for name in ("entry", "anchor", "checkpoint"):
        env.cr.execute(f"DROP VIEW IF EXISTS public.finance_audit_{name}")
    env.cr.execute("DROP SCHEMA IF EXISTS finance_audit CASCADE")
