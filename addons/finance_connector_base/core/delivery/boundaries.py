"""Named moments between the steps of an effect, for harnesses that interrupt a process there.

The dispatcher calls ``reached`` at each of them. In production no observer is set and the call does
nothing.
"""

from __future__ import annotations

from collections.abc import Callable

#: Moments in the order of one effect.
NAMES = (
    "worker_entered",
    "claim_written",
    "claim_committed",
    "before_send",
    "after_send",
    "after_status_check",
    "before_outcomes",
    "throttle_written",
    "throttle_committed",
    "outcome_written",
    "outcomes_committed",
    "notification_written",
    "before_lease_renewal",
    "lease_renewed",
    "lost_claims_written",
    "probe_claimed",
    "probe_written",
    "webhook_events_written",
    "feed_claimed",
    "before_page",
    "page_written",
    "page_committed",
    "inbound_claimed",
    "inbound_handled",
    "inbound_committed",
)

_observers: list[Callable[[str], None]] = []


def reached(name: str) -> None:
    """Report that the process is at one of the moments in ``NAMES``."""
    for observer in _observers:
        observer(name)


def observe(observer: Callable[[str], None]) -> Callable[[], None]:
    """Call ``observer`` with each moment that is reached from now on, in the thread that reaches
    it.

    :return: a function that ends it
    """
    _observers.append(observer)
    return lambda: _observers.remove(observer)
