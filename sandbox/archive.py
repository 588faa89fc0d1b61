"""Read access to an authority's files."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any

from .documents import IDENTITY, Arrival, Document
from .verdicts import ACCEPTED, PENDING, REJECTED

SELECT = f"SELECT {Document.columns()} FROM document"
FILTERS = ("reference", "tracking_id", "number", "seller", "buyer", "sha256", "state")
REPEATS = {
    "natural_key": ("seller", "number"),
    "sha256": ("sha256",),
    "tracking_id": ("tracking_id",),
}


class Archive:
    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def get(self, provider: str, reference: str) -> Document | None:
        row = self._one(f"{SELECT} WHERE provider = ? AND reference = ?", provider, reference)
        return Document.of(row) if row else None

    def content(self, document: Document) -> bytes:
        return self._one("SELECT content FROM document WHERE id = ?", document.id)[0]

    def documents(
        self,
        provider: str,
        *,
        after: int | None = None,
        before: int | None = None,
        issued: bool | None = False,
        **wanted: Any,
    ) -> Iterator[Document]:
        """Documents by exact match, in the order of their last change, bounds excluded.

        Those received; with ``issued`` those the provider issued, with ``None`` both.
        """
        where, values = ["provider = ?"], [provider]
        if issued is not None:
            where.append("issued = ?")
            values.append(int(issued))
        for name, value in wanted.items():
            if name not in FILTERS:
                raise ValueError(f"no filter named {name}")
            where.append(f"{name} = ?")
            values.append(value)
        for bound, test in ((after, "updated_at > ?"), (before, "updated_at < ?")):
            if bound is not None:
                where.append(test)
                values.append(bound)
        rows = self._database.execute(
            f"{SELECT} WHERE {' AND '.join(where)} ORDER BY updated_at", values
        )
        return map(Document.of, rows)

    def standing(self, provider: str, arrival: Arrival) -> Document | None:
        """Return an earlier document with the same natural key or bytes, unless refused or about to be.

        One that still waits for its answer counts: the authority has received it.
        """
        candidate = (
            f"{SELECT} WHERE provider = :provider AND NOT issued AND outcome IS NOT :refused"
        )
        same_key = " AND ".join(f"{name} IS :{name}" for name in IDENTITY)
        row = self._database.execute(
            f"{candidate} AND number = :number AND {same_key} "
            f"UNION ALL {candidate} AND sha256 = :sha256 LIMIT 1",
            {
                "provider": provider,
                "refused": REJECTED,
                "sha256": arrival.sha256,
                **{name: getattr(arrival, name) for name in IDENTITY},
            },
        ).fetchone()
        return Document.of(row) if row else None

    def rival(self, document: Document) -> Document | None:
        """Another document with the same natural key that is held already."""
        if document.number is None:
            return None
        held = self.documents(document.provider, number=document.number, state=ACCEPTED)
        rivals = (
            other
            for other in held
            if other.id != document.id and other.natural_key == document.natural_key
        )
        return next(rivals, None)

    def waiting_for_looks(self, provider: str) -> list[Document]:
        rows = self._database.execute(
            f"{SELECT} WHERE provider = ? AND looks IS NOT NULL ORDER BY id",
            (provider,),
        )
        return [Document.of(row) for row in rows]

    def times_received(self, provider: str) -> dict[str, int]:
        """How many times the same bytes arrived, by hash."""
        return self._counts(provider, "sha256")

    def taken(self, provider: str) -> list[dict[str, Any]]:
        """Count for each account, kind and number how often it arrived and how often it is held."""
        rows = self._database.execute(
            "SELECT seller, kind, number, count(*) AS received, "
            "sum(state = :held) AS held, sum(state = :waiting) AS pending, "
            "sum(state = :refused) AS rejected, count(DISTINCT sha256) AS contents "
            "FROM document WHERE provider = :provider AND NOT issued "
            "GROUP BY seller, kind, number ORDER BY min(id)",
            {"provider": provider, "held": ACCEPTED, "waiting": PENDING, "refused": REJECTED},
        )
        return [dict(row) for row in rows]

    def summary(self, provider: str) -> dict[str, Any]:
        states = self._counts(provider, "state")
        return {
            "received": sum(states.values()),
            "held": states.get(ACCEPTED, 0),
            "pending": states.get(PENDING, 0),
            "rejected": states.get(REJECTED, 0),
            "duplicates": self._repeats(provider),
            "held_twice": self._repeats(provider, state=ACCEPTED)["natural_key"],
        }

    def _repeats(self, provider: str, state: str | None = None) -> dict[str, list[dict[str, Any]]]:
        found = {}
        for name, columns in REPEATS.items():
            key = ", ".join(columns)
            rows = self._database.execute(
                f"SELECT {key}, count(*) AS times FROM document WHERE provider = :provider "
                "AND NOT issued "
                f"AND {columns[-1]} IS NOT NULL AND state = coalesce(:state, state) "
                f"GROUP BY {key} HAVING count(*) > 1 ORDER BY min(id)",
                {"provider": provider, "state": state},
            )
            found[name] = [dict(row) for row in rows]
        return found

    def _counts(self, provider: str, column: str) -> dict[str, int]:
        query = (
            f"SELECT {column}, count(*) FROM document WHERE provider = ? AND NOT issued "
            f"GROUP BY {column}"
        )
        return {row[0]: row[1] for row in self._database.execute(query, (provider,))}

    def _one(self, query: str, *values: Any) -> sqlite3.Row | None:
        return self._database.execute(query, values).fetchone()
