"""Rate windows of a connection: how many calls of one group of operations may start now. Pure.

A provider limits groups of calls apart from each other, and one group by several windows, per
second, minute and hour. Each window is a token bucket that fills evenly over its time. A refusal for
too many calls (429) pauses its own group only. Times are seconds since the epoch by the database's
clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from ..finding import storable_text
from ..protocol import Operation, Step, Window
from .states import ACCEPTED, PENDING, UNKNOWN, WAITING

#: What a provider may report as its limits.
_MOST_CALLS, _SHORTEST, _LONGEST = 10**9, 0.001, 31 * 86400


@dataclass(frozen=True, slots=True)
class WindowState:
    """One window as it is used: ``tokens`` calls were left at ``at``; none before ``not_before``."""

    window: Window
    tokens: float
    at: float
    not_before: float = 0.0

    @classmethod
    def full(cls, window: Window, now: float) -> WindowState:
        """Return an unused window."""
        return cls(window, float(window.calls), now)

    def refilled(self, now: float) -> WindowState:
        """Return the window as it is at ``now``; time that seems to run backwards adds nothing."""
        gained = max(0.0, now - self.at) * self.window.calls / self.window.seconds
        return replace(
            self, tokens=min(float(self.window.calls), self.tokens + gained), at=max(now, self.at)
        )

    def room(self, now: float) -> int:
        """Return how many calls may start at ``now``."""
        return 0 if now < self.not_before else max(0, int(self.tokens + 1e-9))


class Windows:
    """The windows of one connection during one claim."""

    def __init__(self, states: Iterable[WindowState], now: float):
        self.states = [state.refilled(now) for state in states]
        self._now = now

    def room(self, group: str) -> int | None:
        """Return how many calls of a group may start now, None: the group has no window."""
        rooms = [item.room(self._now) for item in self.states if item.window.group == group]
        return min(rooms, default=None)

    def take(self, group: str) -> bool:
        """Take one call of a group; False where there is no room."""
        if self.room(group) == 0:
            return False
        self.states = [
            replace(item, tokens=item.tokens - 1) if item.window.group == group else item
            for item in self.states
        ]
        return True


def group_of(operation: Operation, step: Step) -> str:
    """Return the group of rate windows that a step of an operation draws from."""
    return operation.limit if step == "send" else operation.status_limit


def blocked(operations: Mapping[str, Operation], windows: Windows) -> list[str]:
    """Return what may not be claimed now, as ``operation:state``."""
    return [
        f"{operation.name}:{state}"
        for operation in operations.values()
        for state, step in steps(operation)
        if windows.room(group_of(operation, step)) == 0
    ]


def steps(operation: Operation) -> Sequence[tuple[str, Step]]:
    """Return the states in which an exchange of this operation is claimed, each with its step."""
    again: Step = "send" if operation.repeat == "key" else "lookup"
    return ((PENDING, "send"), (UNKNOWN, again), (WAITING, "poll"), (ACCEPTED, "receipt"))


def declared(windows: Iterable[Window], from_provider: Any, most: int = 100) -> tuple[Window, ...]:
    """Return the windows that hold: those the provider reported, else those of its documentation.

    :param from_provider: ``[{"group", "calls", "seconds"}, …]``, as the provider's own limits were
        read; entries that are none are ignored
    """
    given = cast("list[Any]", from_provider) if isinstance(from_provider, list) else []
    reported = [
        _reported(cast("Mapping[str, Any]", item))
        for item in given[:most]
        if isinstance(item, dict)
    ]
    # One window of a length in each group: they are stored under both.
    found = {(item.group, item.seconds): item for item in reported if item}
    groups = {item.group for item in found.values()}
    kept = {(item.group, item.seconds): item for item in windows if item.group not in groups}
    return (*kept.values(), *found.values())


def _reported(item: Mapping[str, Any]) -> Window | None:
    try:
        window = Window(
            storable_text(item["group"], 64), int(item["calls"]), float(item["seconds"])
        )
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    sane = 1 <= window.calls <= _MOST_CALLS and _SHORTEST <= window.seconds <= _LONGEST
    return window if sane else None
