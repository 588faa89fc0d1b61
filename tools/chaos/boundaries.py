"""Where a process can be killed: the moments between the steps of an effect, as data.

A boundary lies before or after one method of the code under test. The methods are wrapped by the harness in its own
processes; the code under test knows nothing of it. Names are the harness's own and appear in its table.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

BEFORE, AFTER = "before", "after"


def always(_arguments: tuple, _result: Any) -> bool:
    return True


def claimed_something(_arguments: tuple, result: Any) -> bool:
    return bool(result.claims)


def found_something(_arguments: tuple, result: Any) -> bool:
    return bool(result)


def is_send(arguments: tuple, _result: Any) -> bool:
    return arguments[1] == "send"


def is_question(arguments: tuple, _result: Any) -> bool:
    return arguments[1] != "send"


@dataclass(frozen=True)
class Boundary:
    """``place`` is a model's name, or ``module:Class`` for plain classes; ``only_if`` sees arguments and result."""

    name: str
    place: str
    method: str
    moment: str
    only_if: Callable[[tuple, Any], bool] = always


_DISPATCHER = "finance.dispatcher"
_CORE = "odoo.addons.finance_connector_base.core"
_HEARTBEAT = "odoo.addons.finance_connector_base.models.finance_dispatcher_worker:Heartbeat"

#: Of the dispatcher, in the order of an effect's life.
DISPATCHER = (
    Boundary("worker entered, nothing claimed", _HEARTBEAT, "_enter", AFTER),
    Boundary("claimed, not committed", _DISPATCHER, "_claim_from", AFTER, found_something),
    Boundary("claim committed, nothing sent", _DISPATCHER, "_claim", AFTER, claimed_something),
    Boundary("about to send", f"{_CORE}.http.client:ProviderClient", "perform", BEFORE, is_send),
    Boundary(
        "sent, answer not handed on",
        f"{_CORE}.http.client:ProviderClient",
        "perform",
        AFTER,
        is_send,
    ),
    Boundary(
        "asked, answer not handed on",
        f"{_CORE}.http.client:ProviderClient",
        "perform",
        AFTER,
        is_question,
    ),
    Boundary("answer there, outcome not begun", _DISPATCHER, "_commit_outcomes", BEFORE),
    Boundary("outcome written, not committed", _DISPATCHER, "_write_outcomes", AFTER),
    Boundary("outcome committed, gate not told", _DISPATCHER, "_commit_group", AFTER),
    Boundary("gate written, not committed", "finance.connection.gate", "_note_calls", AFTER),
    Boundary("outcome committed, owner not told", _DISPATCHER, "_commit_outcomes", AFTER),
    Boundary("owner told, not committed", _DISPATCHER, "_tell_some", AFTER),
    Boundary("lease about to be renewed", _HEARTBEAT, "_renew", BEFORE),
    Boundary("lease renewed", _HEARTBEAT, "_renew", AFTER),
    Boundary("lost claims taken over, not committed", _DISPATCHER, "_release_lost", AFTER),
    Boundary("probe claimed, not made", _DISPATCHER, "_claim_probes", AFTER, found_something),
    Boundary("probe answered, not committed", "finance.connection.gate", "_note_probe", AFTER),
    Boundary(
        "webhook event processed, not committed", "finance.webhook.event", "_process_due", AFTER
    ),
)
#: Of the naive dispatcher; reached by name.
SENT_NOT_STORED = "naive: sent, not stored"
NAIVE = (SENT_NOT_STORED, "naive: stored, not committed")
#: Of the business transactions and the person; reached by name.
QUEUED_NOT_COMMITTED = "business: queued, not committed"
QUEUED_COMMITTED = "business: queued and committed"
DECIDED_NOT_COMMITTED = "person: decided, not committed"
OFFICE = (QUEUED_NOT_COMMITTED, QUEUED_COMMITTED, DECIDED_NOT_COMMITTED)

#: Reached seldom: a process meant to end there is given the time, and ends the first time.
SELDOM = frozenset(
    {
        "worker entered, nothing claimed",
        "lease about to be renewed",
        "lease renewed",
        "lost claims taken over, not committed",
        "probe claimed, not made",
        "probe answered, not committed",
        DECIDED_NOT_COMMITTED,
    }
)
#: Where a dispatcher may be stopped for longer than its lease, to go on later as if nothing had been.
STALLS = (
    "claim committed, nothing sent",
    "sent, answer not handed on",
    "outcome written, not committed",
)

#: The boundaries at which a process of each role may be killed.
OF_ROLE = {
    "work": tuple(boundary.name for boundary in DISPATCHER),
    "naive": NAIVE,
    "office": OFFICE,
}
