"""What each authority has received and what it legally holds: the truth tests compare against.

A document is filed by one statement at the very moment the effect happens, on one thread, so a
count read here never depends on whether the client got its answer.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .archive import SELECT, Archive
from .clock import MICROSECONDS, Clock
from .documents import Arrival, Document
from .verdicts import ACCEPTED, PENDING, Plan


class Oracle(Archive):
    """The authorities' files. Every change of a document's state is passed to ``on_change``."""

    def __init__(self, database: sqlite3.Connection, clock: Clock) -> None:
        super().__init__(database)
        self._clock = clock
        self.on_change: Callable[[Document], None] = lambda document: None
        clock.not_before(self._one("SELECT max(updated_at) FROM document")[0] or 0)

    def receive(self, provider: str, arrival: Arrival, plan: Plan) -> Document:
        """File a document. This is the effect: once it returns, the authority has it."""
        now = self._clock.now()
        columns = {
            **arrival.columns(),
            "provider": provider,
            "received_at": now,
            "updated_at": now,
            "state": PENDING,
            "outcome": plan.outcome,
            "reasons": json.dumps(plan.reasons),
            "due_at": None,
            "looks": None,
        }
        if plan.immediate:
            columns |= {"state": plan.outcome, "updated_at": self._clock.now()}
        elif plan.outcome and plan.looks:
            columns["looks"] = plan.looks
        elif plan.outcome:
            columns["due_at"] = now + round(plan.seconds * MICROSECONDS)
        document = self._file(columns)
        if plan.immediate:
            self.on_change(document)
        return document

    def issue(self, provider: str, arrival: Arrival) -> Document:
        """File a document that the provider has for a client; nothing was received."""
        now = self._clock.now()
        return self._file(
            {
                **arrival.columns(),
                "provider": provider,
                "received_at": now,
                "updated_at": now,
                "state": ACCEPTED,
                "outcome": ACCEPTED,
                "reasons": "[]",
                "issued": 1,
            }
        )

    def _file(self, columns: Mapping[str, Any]) -> Document:
        names, marks = ", ".join(columns), ", ".join(f":{name}" for name in columns)
        insert = f"INSERT INTO document ({names}) VALUES ({marks}) RETURNING {Document.columns()}"
        # All rows are fetched: the statement, and so its transaction, ends with the last one.
        (row,) = self._database.execute(insert, columns).fetchall()
        return Document.of(row)

    def decide(
        self, document: Document, outcome: str, reasons: list[dict[str, Any]] | None = None
    ) -> Document:
        """Give a pending document its final state; a decided one keeps the state it has."""
        reasons = document.reasons if reasons is None else reasons
        changed = self._database.execute(
            "UPDATE document SET state = ?, outcome = ?, reasons = ?, updated_at = ?, "
            "due_at = NULL, looks = NULL WHERE id = ? AND state = ?",
            (outcome, outcome, json.dumps(reasons), self._clock.now(), document.id, PENDING),
        ).rowcount
        fresh = self.get(document.provider, document.reference)
        if changed:
            self.on_change(fresh)
        return fresh

    def settle(self) -> None:
        """Decide every document whose time has come."""
        due = self._database.execute(
            f"{SELECT} WHERE due_at <= ? ORDER BY due_at, id", (self._clock.peek(),)
        ).fetchall()
        for document in map(Document.of, due):
            self.decide(document, document.outcome)

    def look(self, documents: Iterable[Document]) -> None:
        """Count one look at each document that is decided after a number of looks."""
        for document in documents:
            if document.looks is None:
                continue
            if document.looks == 1:
                self.decide(document, document.outcome)
            else:
                self._database.execute(
                    "UPDATE document SET looks = looks - 1 WHERE id = ?", (document.id,)
                )

    def next_due(self) -> float | None:
        """Seconds until the next decision falls due, if one does."""
        due = self._one("SELECT min(due_at) FROM document")[0]
        return None if due is None else max(0, due - self._clock.peek()) / MICROSECONDS

    def reset(self) -> None:
        self._database.execute("DELETE FROM document")
