"""Callbacks to the client when a document's state changes: few tries, loopback addresses only."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
from collections import deque
from typing import Any
from urllib.parse import urlsplit

import aiohttp

_logger = logging.getLogger(__name__)

TRIES = 4
FIRST_PAUSE = 0.1
TIMEOUT = 5
AT_ONCE = 20
KEPT = 1_000
HTTP_ERRORS_FROM = 300


def is_loopback(url: str) -> bool:
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return False
    if parts.scheme not in ("http", "https"):
        return False
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Courier:
    """Delivers callbacks in the background and remembers what became of each."""

    def __init__(self) -> None:
        self.deliveries: deque[dict[str, Any]] = deque(maxlen=KEPT)
        self._tasks: set[asyncio.Task[None]] = set()
        self._session: aiohttp.ClientSession | None = None
        self._places = asyncio.Semaphore(AT_ONCE)

    def send(self, provider: str, url: str, content: Any) -> None:
        delivery = {
            "provider": provider,
            "url": url,
            "content": content,
            "tries": [],
            "delivered": False,
        }
        self.deliveries.append(delivery)
        task = asyncio.get_running_loop().create_task(self._deliver(delivery))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    async def _deliver(self, delivery: dict[str, Any]) -> None:
        async with self._places:
            for number in range(TRIES):
                if number:
                    await asyncio.sleep(FIRST_PAUSE * 2 ** (number - 1))
                result = await self._try(delivery["url"], delivery["content"])
                delivery["tries"].append(result)
                if isinstance(result, int) and result < HTTP_ERRORS_FROM:
                    delivery["delivered"] = True
                    return
        _logger.warning("gave up a callback to %s: %s", delivery["url"], delivery["tries"][-1])

    async def _try(self, url: str, content: Any) -> int | str:
        """The status of the answer, or the name of what went wrong."""
        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=TIMEOUT)
            self._session = aiohttp.ClientSession(timeout=timeout)
        try:
            async with self._session.post(url, json=content, allow_redirects=False) as answer:
                return answer.status
        except (aiohttp.ClientError, asyncio.TimeoutError) as error:
            return type(error).__name__
