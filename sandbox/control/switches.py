"""The state of a provider as a service: up or down, limits, clients, tokens, settings, time."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from ..checks import Field
from ..clock import to_text
from ..core import Core
from ..limits import SECONDS
from ..provider import Provider
from .common import Refused, answer, body_of, core_of, named_provider, provider_of, refuse

PROVIDER = {"provider": Field()}
SECRET = {"secret": Field(required=True, max_length=500)}
LIFETIME = {"lifetime": Field(int, required=True, at_least=1, at_most=10_000_000)}
ADVANCE = {"advance": Field(float, required=True, at_least=0, at_most=1_000_000_000)}
LIMIT = {
    "per_second": Field(float, required=True, at_least=0.01, at_most=1_000_000),
    "burst": Field(float, at_least=1, at_most=1_000_000),
}

WINDOWS = {name: Field(int, at_least=1, at_most=1_000_000) for name in SECONDS}


async def health(request: web.Request) -> web.Response:
    return answer({"status": "ok", "providers": list(core_of(request).providers)})


async def reset(request: web.Request) -> web.Response:
    core_of(request).reset()
    return web.Response(status=204)


async def set_down(request: web.Request) -> web.Response:
    return await switch(request, down=True)


async def set_up(request: web.Request) -> web.Response:
    return await switch(request, down=False)


async def switch(request: web.Request, *, down: bool) -> web.Response:
    core, spec = core_of(request), await body_of(request, PROVIDER)
    names = [spec["provider"]] if "provider" in spec else list(core.providers)
    for provider in [named_provider(core, name) for name in names]:
        provider.down = down
    core.save()
    return answer({name: provider.down for name, provider in core.providers.items()})


async def set_limit(request: web.Request) -> web.Response:
    provider, spec = provider_of(request), await body_of(request, LIMIT)
    provider.limit(spec["per_second"], spec.get("burst"))
    core_of(request).save()
    return answer({"per_second": provider.bucket.per_second, "burst": provider.bucket.burst})


async def clear_limit(request: web.Request) -> web.Response:
    provider_of(request).limit(None)
    core_of(request).save()
    return web.Response(status=204)


async def set_windows(request: web.Request) -> web.Response:
    """Limit a group of operations by calls per second, minute and hour; an empty body removes the limits."""
    provider, spec = provider_of(request), await body_of(request, WINDOWS)
    group = request.match_info["group"]
    groups = sorted({operation.group for operation in provider.operations()} - {""})
    refuse([] if group in groups else [f"no group named {group!r}, only {', '.join(groups)}"])
    provider.windows.set(group, spec)
    core_of(request).save()
    return answer(provider.windows.limits)


async def issue(request: web.Request) -> web.Response:
    """Let the provider have a document for a client, which the client fetches."""
    provider = provider_of(request)
    if not provider.issue_fields:
        raise Refused(404, f"{provider.name} issues no documents")
    spec = await body_of(request, provider.issue_fields)
    try:
        return answer(provider.issue(spec).report(), 201)
    except ValueError as error:
        raise Refused(400, str(error)) from error


async def list_clients(request: web.Request) -> web.Response:
    tokens = provider_of(request).tokens
    return answer({"clients": list(tokens.clients), "lifetime": tokens.lifetime})


async def set_client(request: web.Request) -> web.Response:
    """Add a client or rotate its secret; tokens it already has stay valid."""
    tokens, spec = provider_of(request).tokens, await body_of(request, SECRET)
    tokens.clients[request.match_info["client"]] = spec["secret"]
    core_of(request).save()
    return web.Response(status=204)


async def remove_client(request: web.Request) -> web.Response:
    tokens = provider_of(request).tokens
    if tokens.clients.pop(request.match_info["client"], None) is None:
        raise Refused(404, "no such client")
    core_of(request).save()
    return web.Response(status=204)


async def set_lifetime(request: web.Request) -> web.Response:
    tokens, spec = provider_of(request).tokens, await body_of(request, LIFETIME)
    tokens.lifetime = spec["lifetime"]
    core_of(request).save()
    return web.Response(status=204)


async def expire_tokens(request: web.Request) -> web.Response:
    """Expire the tokens of one client, or of all."""
    provider_of(request).tokens.expire_all(request.query.get("client"))
    return web.Response(status=204)


async def get_settings(request: web.Request) -> web.Response:
    return answer(provider_of(request).settings)


async def change_settings(request: web.Request) -> web.Response:
    provider = provider_of(request)
    refuse(provider.change_settings(await body_of(request)))
    core_of(request).save()
    return answer(provider.settings)


async def get_clock(request: web.Request) -> web.Response:
    return answer(clock_state(core_of(request)))


async def advance_clock(request: web.Request) -> web.Response:
    """Move the sandbox's time forward and decide what has fallen due."""
    core, spec = core_of(request), await body_of(request, ADVANCE)
    core.clock.advance(spec["advance"])
    core.oracle.settle()
    core.wake.set()
    core.save()
    return answer(clock_state(core))


def clock_state(core: Core) -> dict[str, Any]:
    return {"now": to_text(core.clock.peek()), "ahead": core.clock.offset / 1_000_000}


def provider_state(provider: Provider) -> dict[str, Any]:
    bucket = provider.bucket
    limit = {"per_second": bucket.per_second, "burst": bucket.burst} if bucket else None
    return {"title": provider.title, "down": provider.down, "limit": limit}


async def list_providers(request: web.Request) -> web.Response:
    providers = core_of(request).providers
    return answer({name: provider_state(provider) for name, provider in providers.items()})


ROUTES = (
    web.get("/control/health", health),
    web.post("/control/reset", reset),
    web.get("/control/providers", list_providers),
    web.post("/control/down", set_down),
    web.post("/control/up", set_up),
    web.put("/control/limits/{provider}", set_limit),
    web.delete("/control/limits/{provider}", clear_limit),
    web.put("/control/windows/{provider}/{group}", set_windows),
    web.post("/control/issued/{provider}", issue),
    web.get("/control/clients/{provider}", list_clients),
    web.put("/control/clients/{provider}/{client}", set_client),
    web.delete("/control/clients/{provider}/{client}", remove_client),
    web.put("/control/tokens/{provider}", set_lifetime),
    web.delete("/control/tokens/{provider}", expire_tokens),
    web.get("/control/settings/{provider}", get_settings),
    web.patch("/control/settings/{provider}", change_settings),
    web.get("/control/clock", get_clock),
    web.post("/control/clock", advance_clock),
)
