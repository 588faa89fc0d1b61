"""Who may use the free slots of a dispatcher: every company the same, and within it every connection the same (X11).

Max-min fairness ("water-filling", Bertsekas & Gallager, Data Networks, §6.5.2): nobody gets more than it asks for,
and what one does not need is shared among the others.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Mapping
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)


def fill(capacity: int, wanted: Mapping[Key, int]) -> dict[Key, int]:
    """Share ``capacity`` whole slots among those who want some; the first in order get what cannot be halved."""
    given = dict.fromkeys(wanted, 0)
    hungry = [key for key, number in wanted.items() if number > 0]
    left = max(0, capacity)
    while hungry and left:
        share = max(1, left // len(hungry))
        for key in hungry:
            portion = min(share, wanted[key] - given[key], left)
            given[key] += portion
            left -= portion
        hungry = [key for key in hungry if given[key] < wanted[key]]
    return given


def shares(capacity: int, wanted: Mapping[tuple[Hashable, Hashable], int]) -> dict:
    """Slots by (company, connection): first among companies, then among the connections of each."""
    of_company: dict[Hashable, dict] = defaultdict(dict)
    for (company, connection), number in wanted.items():
        of_company[company][connection] = number
    by_company = fill(capacity, {key: sum(each.values()) for key, each in of_company.items()})
    return {
        (company, connection): number
        for company, each in of_company.items()
        for connection, number in fill(by_company[company], each).items()
    }


#: One connection may hold at most this many times what is free: a single busy one uses two thirds of the slots.
_FACTOR = 2


def ceiling(free: int, held: int) -> int:
    """How many more calls a connection that holds ``held`` slots may start on a worker with ``free`` slots.

    Dynamic threshold (Choudhury & Hahne 1998): slow calls of one provider never take every slot, so a share stays
    for whoever comes next.
    """
    # The largest n with held + n <= factor * (free - n).
    return max(0, (_FACTOR * free - held) // (_FACTOR + 1))
