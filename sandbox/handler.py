"""The handling of one request: journal, faults, rate limit, credentials, the operation, the answer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from aiohttp import web

from .clock import to_text
from .core import Core
from .delivery import deliver
from .faults import BEFORE_EFFECT, Fault
from .provider import Provider
from .tls import peer_certificate
from .values import Call, Operation, Reply

_logger = logging.getLogger(__name__)

DROP = Fault("drop_before")


class RequestHandler:
    """The web handler of one operation of one provider."""

    def __init__(self, core: Core, provider: Provider, operation: Operation) -> None:
        self._core = core
        self._provider = provider
        self._operation = operation

    async def serve(self, request: web.Request) -> web.StreamResponse:
        call, too_large = await read(request, body=not self._provider.down)
        tracking_id = self._provider.tracking_id(self._operation.name, call)
        entry = self._note(call, tracking_id)
        fault = call.fault = self._fault(call, lambda: tracking_id)
        entry["fault"] = fault.kind if fault else None
        if self._provider.down or (fault and fault.kind == "drop_before"):
            entry["outcome"] = "dropped"
            return await deliver(request, Reply(), DROP)
        if fault and fault.kind == "delay_before":
            await asyncio.sleep(fault.seconds)
        reply = self._operation.error(413) if too_large else self._reply(call, fault)
        if fault and fault.kind not in BEFORE_EFFECT and not reply.ok:
            self._core.faults.give_back(fault)
            fault = entry["fault"] = None
        if fault and fault.kind == "status_after":
            reply = self._failure(fault)
        reply = self._provider.finish(call, reply)
        dropped = fault is not None and fault.kind == "drop_after"
        entry["status"] = None if dropped else reply.status
        entry["outcome"] = "dropped" if dropped else "answered"
        return await deliver(request, reply, fault)

    def _note(self, call: Call, tracking_id: str | None) -> dict[str, Any]:
        now = to_text(self._core.clock.peek())
        entry = self._core.journal.open(self._provider.name, self._operation.name, call, now)
        entry["tracking_id"] = tracking_id
        return entry

    def _fault(self, call: Call, tracking_id: Callable[[], str | None]) -> Fault | None:
        if self._provider.down:
            return None
        return self._core.faults.take(
            self._provider.name,
            self._operation.name,
            call,
            tracking_id,
            items=self._operation.items,
        )

    def _reply(self, call: Call, fault: Fault | None) -> Reply:
        """Return the answer, with the effect if there is one. No other request runs in between."""
        if fault and fault.kind == "status":
            return self._failure(fault)
        self._core.oracle.settle()
        bucket = self._provider.bucket
        wait = bucket.take() if bucket and self._operation.limited else 0
        if wait:
            reply = self._operation.error(429)
            reply.headers["Retry-After"] = str(wait)
            return reply
        refusal = self._provider.authenticate(call) if self._operation.authenticated else None
        return refusal or self._within_windows(call)

    def _within_windows(self, call: Call) -> Reply:
        """Run the operation unless a rate window of its group has nothing left."""
        windows, group = self._provider.windows, self._operation.group
        if group not in windows.limits:
            return self._run(call)
        account = self._provider.account(call)
        exhausted = windows.take(group, account)
        if exhausted:
            reply = self._provider.throttled(self._operation, exhausted[0])
            reply.headers["Retry-After"] = str(exhausted[1])
        else:
            reply = self._run(call)
        reply.headers.update(windows.headers(group, account))
        return reply

    def _run(self, call: Call) -> Reply:
        try:
            return self._operation.handler(call)
        except Exception:
            _logger.exception("%s %s failed", self._provider.name, self._operation.name)
            return self._operation.error(500)

    def _failure(self, fault: Fault) -> Reply:
        reply = self._operation.error(fault.status)
        if fault.body is not None:
            reply.body, reply.content_type = fault.body.encode(), fault.content_type
        if fault.retry_after is not None:
            reply.headers["Retry-After"] = str(fault.retry_after)
        return reply


async def read(request: web.Request, *, body: bool) -> tuple[Call, bool]:
    """Return the request as a value, and whether its body was too large to be read."""
    call = Call(request.method, request.path, request.headers, request.query, request.match_info)
    call.certificate = peer_certificate(request.transport)
    try:
        call.body = await request.read() if body else b""
    except web.HTTPRequestEntityTooLarge:
        return call, True
    return call, False
