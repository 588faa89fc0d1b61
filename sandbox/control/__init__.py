"""The control API under ``/control``: for demos and tests, never for a client under test."""

from __future__ import annotations

from aiohttp import web

from . import readings, rules, switches

ROUTES = (*rules.ROUTES, *switches.ROUTES, *readings.ROUTES)


def add_routes(app: web.Application) -> None:
    app.add_routes(ROUTES)
