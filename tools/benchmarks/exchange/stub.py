"""A provider in a process of its own: every POST is an effect, and it remembers each one.

It does not recognise a repeat, as many authorities do not, so that a caller who sends twice is seen to have sent twice.
What it holds can be asked for by number. It answers after the chosen latency and counts on arrival.
"""

import asyncio
import sys
import time
from dataclasses import asdict, dataclass, field

from aiohttp import web

HOST = "127.0.0.1"
BACKLOG = 4096
LARGEST = 64 * 1024 * 1024


@dataclass
class Batch:
    """What arrived of the documents whose numbers begin alike."""

    effects: dict[str, int] = field(default_factory=dict)
    #: Number of a document that is being answered: the caller's port.
    flying: dict[str, int] = field(default_factory=dict)
    first: float = 0.0

    def arrive(self, number: str, port: int) -> None:
        """Count one effect."""
        self.first = self.first or time.time()
        self.effects[number] = self.effects.get(number, 0) + 1
        self.flying[number] = port


class Stub:
    """The provider's memory and its latency."""

    def __init__(self) -> None:
        self._batches: dict[str, Batch] = {}
        self._latency = 0.0

    def app(self) -> web.Application:
        """The routes: documents for the callers, the rest for whoever measures."""
        app = web.Application(client_max_size=LARGEST)
        app.router.add_post("/documents/{batch}/{number}", self._post)
        app.router.add_get("/documents/{batch}/{number}", self._get)
        app.router.add_get("/documents", _alive)
        app.router.add_post("/batches/{batch}", self._post_batch)
        app.router.add_get("/oracle/{batch}", self._oracle)
        app.router.add_put("/latency/{seconds}", self._set_latency)
        return app

    def _batch(self, request: web.Request) -> Batch:
        return self._batches.setdefault(request.match_info["batch"], Batch())

    async def _post(self, request: web.Request) -> web.Response:
        await request.read()
        number = request.match_info["number"]
        batch = self._batch(request)
        batch.arrive(number, request.transport.get_extra_info("peername")[1])
        if self._latency:
            await asyncio.sleep(self._latency)
        batch.flying.pop(number, None)
        return web.json_response({"reference": f"R-{number}"}, status=201)

    async def _post_batch(self, request: web.Request) -> web.Response:
        """Many documents in one call, an answer for each; the number is the key."""
        items = (await request.json())["items"]
        batch, port = self._batch(request), request.transport.get_extra_info("peername")[1]
        for item in items:
            batch.arrive(item["key"], port)
        if self._latency:
            await asyncio.sleep(self._latency)
        for item in items:
            batch.flying.pop(item["key"], None)
        results = [{"key": item["key"], "reference": f"R-{item['key']}"} for item in items]
        return web.json_response({"results": results}, status=201)

    async def _get(self, request: web.Request) -> web.Response:
        number = request.match_info["number"]
        if number not in self._batch(request).effects:
            return web.json_response({}, status=404)
        return web.json_response({"reference": f"R-{number}"})

    async def _oracle(self, request: web.Request) -> web.Response:
        return web.json_response(asdict(self._batch(request)))

    async def _set_latency(self, request: web.Request) -> web.Response:
        self._latency = float(request.match_info["seconds"])
        return web.Response()


async def _alive(_request: web.Request) -> web.Response:
    return web.json_response({})


if __name__ == "__main__":
    web.run_app(
        Stub().app(), host=HOST, port=int(sys.argv[1]), access_log=None, print=None, backlog=BACKLOG
    )
