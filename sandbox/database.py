"""Where the sandbox keeps what it must not forget: SQLite, in memory or in a file.

With a file, everything committed survives a kill of the process (write-ahead log).
"""

from __future__ import annotations

import json
import sqlite3
from typing import Any

SCHEMA = """
CREATE TABLE IF NOT EXISTS document (
    id INTEGER PRIMARY KEY,
    provider TEXT NOT NULL,
    reference TEXT NOT NULL,
    tracking_id TEXT,
    number TEXT,
    seller TEXT,
    buyer TEXT,
    kind TEXT,
    period TEXT,
    sha256 TEXT NOT NULL,
    size INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    state TEXT NOT NULL,
    outcome TEXT,
    reasons TEXT NOT NULL,
    due_at INTEGER,
    looks INTEGER,
    attributes TEXT NOT NULL,
    content BLOB NOT NULL,
    issued INTEGER NOT NULL DEFAULT 0,
    UNIQUE (provider, reference)
);
CREATE INDEX IF NOT EXISTS document_updated ON document (provider, updated_at);
CREATE INDEX IF NOT EXISTS document_tracking ON document (provider, tracking_id, updated_at);
CREATE INDEX IF NOT EXISTS document_number ON document (provider, number, updated_at);
CREATE INDEX IF NOT EXISTS document_bytes ON document (provider, sha256);
CREATE INDEX IF NOT EXISTS document_due ON document (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS document_looked ON document (provider) WHERE looks IS NOT NULL;
CREATE TABLE IF NOT EXISTS memory (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""
LATER_COLUMNS = {"issued": "INTEGER NOT NULL DEFAULT 0"}


def connect(path: str | None) -> sqlite3.Connection:
    database = sqlite3.connect(path or ":memory:", isolation_level=None)
    database.row_factory = sqlite3.Row
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = NORMAL")
    database.executescript(SCHEMA)
    add_later_columns(database)
    return database


def add_later_columns(database: sqlite3.Connection) -> None:
    """Bring a state file of an earlier version up to date."""
    present = {row["name"] for row in database.execute("PRAGMA table_info(document)")}
    for column, declaration in LATER_COLUMNS.items():
        if column not in present:
            database.execute(f"ALTER TABLE document ADD COLUMN {column} {declaration}")


class Memory:
    """Named JSON values: the control settings that survive a restart."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def load(self, name: str, default: Any) -> Any:
        row = self._database.execute("SELECT value FROM memory WHERE name = ?", (name,)).fetchone()
        return json.loads(row["value"]) if row else default

    def save(self, name: str, value: Any) -> None:
        self._database.execute(
            "INSERT INTO memory VALUES (?, ?) "
            "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (name, json.dumps(value)),
        )

    def clear(self) -> None:
        self._database.execute("DELETE FROM memory")
