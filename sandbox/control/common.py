"""What every control handler needs: the core, the JSON body, JSON answers, typed refusals."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web

from ..checks import Field, object_problems
from ..core import Core
from ..provider import Provider
from ..values import read_json

CORE = web.AppKey("core", Core)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Refused(Exception):
    def __init__(self, status: int, *problems: str) -> None:
        super().__init__("; ".join(problems))
        self.status, self.problems = status, problems


@web.middleware
async def refusals(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn a refusal into a JSON answer that lists what is wrong."""
    try:
        return await handler(request)
    except Refused as refused:
        return answer({"errors": refused.problems}, refused.status)


def answer(value: Any, status: int = 200) -> web.Response:
    return web.json_response(value, status=status, dumps=json.dumps)


def core_of(request: web.Request) -> Core:
    return request.app[CORE]


def provider_of(request: web.Request) -> Provider:
    name = request.match_info["provider"]
    return named_provider(core_of(request), name)


def named_provider(core: Core, name: str) -> Provider:
    if name not in core.providers:
        raise Refused(404, f"no provider named {name!r}, only {', '.join(core.providers)}")
    return core.providers[name]


def check_known(core: Core, name: str) -> None:
    """Check that a rule names a provider, or all of them."""
    if name != "*":
        named_provider(core, name)


async def body_of(request: web.Request, fields: Mapping[str, Field] | None = None) -> Any:
    """Return the JSON body (an empty one is an empty object), checked if fields are given."""
    raw = await request.read()
    try:
        value = read_json(raw) if raw else {}
    except ValueError as error:
        raise Refused(400, f"the body is not JSON: {error}") from error
    if fields is not None:
        refuse(object_problems(value, fields, "body", closed=True))
    return value


def refuse(problems: list[str]) -> None:
    if problems:
        raise Refused(400, *problems)
