"""Carries a reply to the client over the wire, complete or corrupted by a fault."""

from __future__ import annotations

import asyncio
import contextlib

from aiohttp import web

from .faults import Fault
from .values import Reply

PAGE = b"<!DOCTYPE html><html><body><h1>Gateway</h1><p>Please come back later.</p></body></html>"
PIECES = 10


async def deliver(request: web.Request, reply: Reply, fault: Fault | None) -> web.StreamResponse:
    kind = fault.kind if fault else ""
    if kind in ("drop_before", "drop_after"):
        return drop(request)
    if kind == "delay":
        await asyncio.sleep(fault.seconds)
    if kind == "slow_body":
        return await drip(request, reply, fault.seconds)
    if kind == "cut_body":
        return await cut(request, reply)
    return whole(corrupt(reply, kind))


def corrupt(reply: Reply, kind: str) -> Reply:
    if kind == "malformed_body":
        half = reply.body[: len(reply.body) // 2] or b'{"'
        return Reply(reply.status, half, reply.content_type, reply.headers)
    if kind == "wrong_content_type":
        return Reply(reply.status, PAGE, "text/html", reply.headers)
    return reply


def headers(reply: Reply) -> dict[str, str]:
    typed = {"Content-Type": reply.content_type} if reply.content_type else {}
    return {**typed, **reply.headers}


def whole(reply: Reply) -> web.Response:
    return web.Response(status=reply.status, body=reply.body, headers=headers(reply))


def drop(request: web.Request) -> web.Response:
    """Close the connection without a byte of answer; the response returned here goes nowhere."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def drip(request: web.Request, reply: Reply, seconds: float) -> web.StreamResponse:
    """Send the headers at once and the body in pieces over the given time."""
    response = await opened(request, reply)
    size = max(1, -(-len(reply.body) // PIECES))
    with contextlib.suppress(ConnectionResetError):  # a client may lose its patience
        for start in range(0, len(reply.body), size):
            await asyncio.sleep(seconds / PIECES)
            await response.write(reply.body[start : start + size])
        await response.write_eof()
    return response


async def cut(request: web.Request, reply: Reply) -> web.StreamResponse:
    """Announce the full length, send half of it, close the connection."""
    response = await opened(request, reply)
    with contextlib.suppress(ConnectionResetError):
        await response.write(reply.body[: len(reply.body) // 2])
    if request.transport is not None:
        request.transport.close()
    return response


async def opened(request: web.Request, reply: Reply) -> web.StreamResponse:
    response = web.StreamResponse(status=reply.status, headers=headers(reply))
    response.content_length = len(reply.body)
    await response.prepare(request)
    return response
