"""Where a sealer goes on, so that it skips no entry and takes none twice.

Entries are found by the transaction that wrote them, never by the order of their numbers: a
transaction that commits late has smaller numbers than others that were sealed long ago. What is
certain is `xmin`: every transaction before it has ended, so all it ever wrote was visible.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """Everything up to this transaction and entry is sealed, and nothing can appear there any more."""

    xact: int = 0
    entry_id: int = 0

    def key(self) -> tuple[int, int]:
        return self.xact, self.entry_id


def resume(before: Place, xmin: int, last: Place | None, *, cut: bool) -> Place:
    """Return where the next seal looks, after one that ended at `last`.

    A seal that was cut at its limit goes on where it ended. Neither may pass `xmin`: an open
    transaction may yet show entries there.
    """
    ended = Place(xmin)
    reached = last if cut and last else ended
    return max(before, min(reached, ended, key=Place.key), key=Place.key)
