"""What will happen, drawn from the seed: what is killed where, what is sent, what is spoiled, when things break.

The same seed draws the same plan. What the operating system makes of it, which process runs when, is its own affair:
a seed repeats the plan of faults, not the exact order of events.
"""

import random
from dataclasses import dataclass

from .boundaries import OF_ROLE, SELDOM, STALLS

#: The accounting client's own list of what it did, beside the journal of what was done to the processes.
LEDGER, JOURNAL = "ledger", "journal"
#: Files by which the harness speaks to the processes, and the journal's word that it may.
GO, QUIET, STOP, READY = "go", "quiet", "stop", "ready"
SKEW_SECONDS = 3 * 3600.0
COMPANIES = 3
CONNECTIONS = 2
CHAINS = 2
#: Of a hundred documents.
MIX = (
    ("document", 20),
    ("filing", 12),
    ("filing_now", 10),
    ("notice", 8),
    ("chain", 14),
    ("secret_filing", 14),
    ("batch_item", 14),
    ("certified", 8),
)
_ROLLED_BACK = 0.15
#: Documents that the provider has for the accounts, for each exchange; pause between two of them.
_ISSUED_SHARE = 0.25
ISSUE_EVERY = 0.4
#: Of a hundred business transactions, so many ask the provider a question.
_ASKING = 0.3
PARTY = "party"
#: The end of the name of what the authority refuses on its merits.
REFUSED = "-no"
_REFUSABLE = frozenset(
    {"document", "filing", "filing_now", "secret_filing", "batch_item", "certified"}
)
#: What has a signed receipt after acceptance.
CERTIFIED = frozenset({"secret_filing", "certified"})
_REFUSED_SHARE = 0.04
_LARGEST = 4
_STALL_EVERY = 3
_STALL_SECONDS = (10.0, 14.0)
_FILLER = 2000
#: Longer than a call may take and an effect may be late; a person who looks earlier could be wrong.
LATEST_EFFECT = 2.0


@dataclass(frozen=True)
class KillPlan:
    """How one incarnation of a process ends: at a boundary, the n-th time it reaches it, or else after some
    seconds, wherever it is then. One with a ``stall`` is not killed at the boundary but stopped for so many
    seconds. ``pause`` comes before the next one is forked.
    """

    boundary: str
    occurrence: int
    seconds: float
    pause: float
    stall: float = 0.0


@dataclass(frozen=True)
class Item:
    """One document of a business transaction; ``place`` picks its connection, ``chain`` its chain there."""

    name: str
    operation: str
    place: int
    chain: int
    filler: str


@dataclass(frozen=True)
class ProcessLine:
    """A series of processes: the module with their work, a name, the dispatcher's cron, the error of their clock."""

    role: str
    who: str
    cron_number: int = 0
    skew: float = 0.0


@dataclass(frozen=True)
class Transaction:
    """``asks``: the place of the connection that is queried first, None for none."""

    lines: tuple[Item, ...]
    rolled_back: bool
    asks: int | None = None


@dataclass(frozen=True)
class Plan:
    seed: int
    exchanges: int
    engine: str = "ours"

    def rng(self, *names: object) -> random.Random:
        """A stream of its own for each purpose, so that one draw more here moves nothing there."""
        return random.Random(":".join(map(str, (self.seed, *names))))

    def lines(self) -> tuple[ProcessLine, ...]:
        """Two dispatchers, one of them with a wrong clock, and the accounting client."""
        role = "dispatcher_worker" if self.engine == "ours" else "naive"
        return (
            ProcessLine(role, "worker-1", 1),
            ProcessLine(role, "worker-2", 2, SKEW_SECONDS),
            ProcessLine("accounting_client", "accounting_client"),
        )

    def kill_plan(self, line: ProcessLine, incarnation: int) -> KillPlan:
        """Every boundary has its turn, in an order of the seed. Of every third process the end is at no boundary; some
        of these are stopped before for longer than a dispatcher's lease: others take over, then it goes on.
        """
        rng = self.rng("kill_plan", line.who, incarnation)
        turn, free = divmod(incarnation, 3)
        pause = rng.uniform(0.0, 0.5)
        if free == 2:
            seconds = rng.uniform(1.0, 6.0)
            if line.role != "dispatcher_worker" or turn % _STALL_EVERY:
                return KillPlan("", 0, seconds, pause)
            stall = rng.uniform(*_STALL_SECONDS)
            return KillPlan(rng.choice(STALLS), rng.randint(1, 3), stall + seconds, pause, stall)
        names = list(OF_ROLE[line.role])
        self.rng("order", line.who).shuffle(names)
        boundary = names[(2 * turn + free) % len(names)]
        if boundary in SELDOM:
            return KillPlan(boundary, 1, rng.uniform(8.0, 20.0), pause)
        return KillPlan(boundary, rng.randint(1, 6), rng.uniform(4.0, 9.0), pause)

    def transaction(self, number: int) -> Transaction:
        """The business transaction with this number."""
        rng = self.rng("transaction", number)
        kinds, weights = zip(*MIX, strict=True)
        lines = tuple(
            self._item(rng, rng.choices(kinds, weights)[0], f"{number}-{position}")
            for position in range(rng.randint(1, _LARGEST))
        )
        rolled_back = rng.random() < _ROLLED_BACK
        asks = self.rng("query", number)
        place = asks.randrange(COMPANIES * CONNECTIONS) if asks.random() < _ASKING else None
        return Transaction(lines, rolled_back, place)

    @property
    def issued(self) -> int:
        """How many documents the provider has for the accounts, beside the statuses of ours."""
        return max(4, round(self.exchanges * _ISSUED_SHARE))

    def inbound(self, number: int) -> tuple[int, str, bytes]:
        """Return place of the account, number and content of a document that comes in."""
        rng = self.rng("inbound", number)
        name = f"IN-{self.seed}-{number}"
        content = f"{name}:{rng.random()}".encode()
        return rng.randrange(COMPANIES * CONNECTIONS), name, content

    def _item(self, rng: random.Random, operation: str, place: str) -> Item:
        refused = operation in _REFUSABLE and rng.random() < _REFUSED_SHARE
        return Item(
            f"S{self.seed}-{operation}-{place}{REFUSED if refused else ''}",
            operation,
            rng.randrange(COMPANIES * CONNECTIONS),
            rng.randrange(CHAINS),
            "x" * rng.randrange(_FILLER),
        )

    def verdicts(self) -> list[dict]:
        """Rules for the authority: some it refuses, filings it decides later."""
        return [
            {"verdict": "reject", "provider": "reference", "number": f"*{REFUSED}"},
            {"verdict": "late", "provider": "reference", "number": "*-filing-*", "seconds": 1.0},
        ]

    def faults(self) -> list[dict]:
        """Rules for the sandbox. It draws from them by document, so every run spoils the same documents."""
        sends = (
            "putDocument",
            "fileFiling",
            "postNotice",
            "appendRecord",
            "sendInSession",
            "sendBatch",
        )
        asks = (
            "findFiling",
            "findRecord",
            "getFiling",
            "listSession",
            "findBatchItem",
            "getReceipt",
            "feedStatuses",
            "feedDocuments",
            "queryParty",
        )
        rules = [
            (kind, {"operation": operation, "probability": chance, **more})
            for operation in sends
            for kind, chance, more in _ON_SENDS
        ]
        rules += [
            (kind, {"operation": operation, "probability": chance, **more})
            for operation in asks
            for kind, chance, more in _ON_ASKS
        ]
        rules += [
            ("items_missing", {"operation": "sendBatch", "share": 0.1, "times": 40}),
            ("items_lost", {"operation": "sendBatch", "share": 0.1, "times": 40}),
            ("items_repeated", {"operation": "sendBatch", "share": 0.1, "times": 40}),
        ]
        rules += [
            ("drop_after", {"operation": operation, "probability": 0.05})
            for operation in _IN_BETWEEN
        ]
        return [
            {"kind": kind, "provider": "reference", "seed": self.seed * 1000 + number, **rule}
            for number, (kind, rule) in enumerate(rules)
        ]

    def intervals(self, what: str) -> "Intervals":
        """When something of the surroundings breaks, again and again."""
        return Intervals(self.rng("intervals", what), *_EVERY[what])


class Intervals:
    """An endless row of pauses."""

    def __init__(self, rng: random.Random, shortest: float, longest: float):
        self._rng, self._range = rng, (shortest, longest)

    def next(self) -> float:
        return self._rng.uniform(*self._range)


#: kind, probability, details; on what has an effect. What happens late comes after the client gave up.
_ON_SENDS = (
    ("drop_before", 0.03, {}),
    ("drop_after", 0.05, {}),
    ("status_after", 0.01, {"status": 500}),
    ("malformed_body", 0.01, {}),
    ("wrong_content_type", 0.01, {}),
    ("cut_body", 0.01, {}),
    ("slow_body", 0.01, {"seconds": 1.0}),
    ("delay", 0.01, {"seconds": 4.5}),
    ("delay_before", 0.01, {"seconds": LATEST_EFFECT}),
    ("status", 0.01, {"status": 503}),
    ("status", 0.005, {"status": 429, "retry_after": 1}),
)
#: What obtains resources; nothing is in doubt where one of these is lost.
_IN_BETWEEN = ("createChallenge", "signIn", "redeemToken", "openSession", "getKeys", "getLimits")
_ON_ASKS = (
    ("drop_before", 0.05, {}),
    ("status", 0.02, {"status": 503}),
    ("malformed_body", 0.02, {}),
    ("delay", 0.02, {"seconds": 1.0}),
)
#: Seconds between two of a kind, shortest and longest.
_EVERY = {
    "database": (10.0, 24.0),
    "outage": (8.0, 20.0),
    "outage lasts": (0.5, 3.0),
    "cron worker": (3.0, 9.0),
    "server": (20.0, 50.0),
}
