"""Which claimed sends travel together. Pure.

A slot carries one call. Where an operation may be sent in batches, one call carries many exchanges;
each keeps its own life, only the call is shared.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from ..protocol import Operation, Step
from .pipeline import Claim, ClaimBatch
from .windows import Windows, group_of, steps

#: Exchanges claimed in one transaction at most, whatever the slots.
MAX_CLAIMED = 2000


@dataclass(slots=True)
class _Open:
    """A batch that has room."""

    operation: Operation
    claims: list[Claim] = field(default_factory=list[Claim])
    size: int = 0

    def has_room_for(self, claim: Claim) -> bool:
        batch = self.operation.batch
        assert batch is not None  # noqa: S101 (only batches are opened)
        return (
            len(self.claims) < batch.max_items
            and self.size + len(claim.call.payload) <= batch.max_bytes
        )

    def add(self, claim: Claim) -> None:
        self.claims.append(claim)
        self.size += len(claim.call.payload)


def batch_sizes(operations: Mapping[str, Operation]) -> dict[str, int]:
    """Return how many exchanges one call may carry at most, by ``operation:state``; what is not
    named travels alone.
    """
    return {
        f"{operation.name}:{state}": operation.batch.max_items
        for operation in operations.values()
        if operation.batch
        for state, step in steps(operation)
        if step == "send"
    }


def pack(
    claims: Iterable[Claim],
    slots: int,
    operations: Mapping[str, Operation],
    windows: Windows | None = None,
    new_id: Callable[[], str] = lambda: str(uuid.uuid4()),
) -> list[Claim | ClaimBatch]:
    """Return the calls that carry these claims, in order, as far as ``slots`` and the rate windows
    reach; the rest is left out.
    """

    def may_start(operation: Operation | None, step: Step) -> bool:
        if len(tasks) >= slots:
            return False
        return windows is None or operation is None or windows.take(group_of(operation, step))

    tasks: list[Claim | _Open] = []
    open_batches: dict[object, _Open] = {}
    for claim in claims:
        operation = operations.get(claim.call.operation)
        if claim.step != "send" or operation is None or operation.batch is None:
            if may_start(operation, claim.step):
                tasks.append(claim)
            continue
        key = _shared(claim, operation.batch.same)
        batch = open_batches.get(key)
        if batch is None or not batch.has_room_for(claim):
            if not may_start(operation, claim.step):
                continue
            batch = open_batches[key] = _Open(operation)
            tasks.append(batch)
        batch.add(claim)
    return [
        ClaimBatch(new_id(), tuple(task.claims)) if isinstance(task, _Open) else task
        for task in tasks
    ]


def _shared(claim: Claim, same: tuple[str, ...]) -> object:
    """Return what all calls of one batch have in common."""
    parameters = {name: claim.call.parameters.get(name) for name in same}
    return (
        claim.connection_id,
        claim.call.operation,
        json.dumps([parameters, claim.resources], sort_keys=True, default=str),
    )
