"""Puts the sandbox together: the providers' operations, the control API, the background work."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable

from aiohttp import web

from . import control
from .control.common import CORE, refusals
from .core import Core
from .handler import RequestHandler
from .provider import Provider
from .providers import PROVIDERS
from .values import Call, Operation, Reply

LARGEST_BODY = 256 * 1024 * 1024
ANY_METHOD = "*"


def build_app(
    state: str | None = None, providers: Iterable[type[Provider]] = PROVIDERS
) -> web.Application:
    app = web.Application(client_max_size=LARGEST_BODY, middlewares=[refusals])
    core = app[CORE] = Core(providers, state)
    control.add_routes(app)
    for provider in core.providers.values():
        add_provider(app, provider)
    app.cleanup_ctx.append(background)
    return app


def add_provider(app: web.Application, provider: Provider) -> None:
    for operation in (*provider.operations(), unknown(provider)):
        path = f"/{provider.name}{operation.path}"
        app.router.add_route(
            operation.method, path, RequestHandler(app[CORE], provider, operation).serve
        )


def unknown(provider: Provider) -> Operation:
    """Answer any other request with the provider's own error, and record it in the journal."""

    def not_found(call: Call) -> Reply:
        return provider.error(404)

    return Operation(
        "unknown", ANY_METHOD, "/{tail:.*}", not_found, provider.error, authenticated=False
    )


async def background(app: web.Application) -> AsyncIterator[None]:
    core = app[CORE]
    events = asyncio.create_task(core.run_scheduled_events())
    yield
    events.cancel()
    await asyncio.gather(events, return_exceptions=True)
    await core.webhook_sender.close()
    core.close()
