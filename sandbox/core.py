"""Everything the parts of the sandbox share, independent of any provider."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from .clock import Clock
from .database import Memory, connect
from .documents import Arrival, Document
from .faults import FaultRules
from .journal import Journal
from .oracle import Oracle
from .provider import Provider
from .verdicts import REJECTED, VerdictRules
from .webhooks import WebhookSender

MEMORY = "control"


class Core:
    def __init__(self, providers: Iterable[type[Provider]], state: str | None = None) -> None:
        self._database = connect(state)
        self.memory = Memory(self._database)
        self.clock = Clock()
        self.oracle = Oracle(self._database, self.clock)
        self.oracle.on_change = self._announce
        self.faults = FaultRules()
        self.verdicts = VerdictRules()
        self.journal = Journal()
        self.webhook_sender = WebhookSender()
        self.wake = asyncio.Event()
        self.providers = {provider.name: provider(self) for provider in providers}
        self._load()

    def receive(
        self, provider: Provider, arrival: Arrival, defects: list[dict[str, Any]]
    ) -> Document:
        """File a document with the outcome that the rules and its own defects give it.

        Rules say when the authority answers; defects found by the provider say what. A rule that
        says never stays never.
        """
        plan = self.verdicts.plan(provider.name, arrival.facts)
        if plan.reasons and provider.reason_problems(plan.reasons):
            plan = replace(plan, reasons=())
        if defects and plan.outcome:
            plan = replace(plan, outcome=REJECTED, reasons=tuple(defects))
        elif plan.outcome == REJECTED and not plan.reasons:
            plan = replace(plan, reasons=(dict(provider.default_reason),))
        document = self.oracle.receive(provider.name, arrival, plan)
        self.wake.set()
        return document

    async def run_scheduled_events(self) -> None:
        """Decide documents when they fall due, also without a request."""
        while True:
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self.wake.wait(), self.oracle.next_due())
            self.wake.clear()
            self.oracle.settle()

    def save(self) -> None:
        providers = {name: provider.dump() for name, provider in self.providers.items()}
        self.memory.save(
            MEMORY,
            {
                "verdicts": self.verdicts.dump(),
                "offset": self.clock.offset,
                "providers": providers,
            },
        )

    def reset(self) -> None:
        """Forget everything: as if just started without a state file."""
        self.oracle.reset()
        self.faults.clear()
        self.verdicts.clear()
        self.journal.clear()
        self.webhook_sender.deliveries.clear()
        self.clock.reset()
        for provider in self.providers.values():
            provider.reset()
        self.memory.clear()

    def close(self) -> None:
        self._database.close()

    def _announce(self, document: Document) -> None:
        self.providers[document.provider].announce(document)

    def _load(self) -> None:
        state = self.memory.load(MEMORY, None)
        if state is None:
            return
        self.verdicts.load(state["verdicts"])
        self.clock.offset = state["offset"]
        for name, provider in self.providers.items():
            if name in state["providers"]:
                provider.load(state["providers"][name])
