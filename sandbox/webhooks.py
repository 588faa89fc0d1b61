"""Webhooks to the client when a document's state changes: few attempts, loopback addresses only."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import ipaddress
import json
import logging
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
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
#: From the exact body to the headers that vouch for it.
Sign = Callable[[bytes], Mapping[str, str]]


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


def unsigned(_body: bytes) -> Mapping[str, str]:
    return {}


@dataclass(frozen=True)
class StandardSignature:
    """Signs one event by the Standard Webhooks specification: the same id at every attempt, the time of the attempt."""

    secret: str = field(repr=False)
    event: str

    def __call__(self, body: bytes) -> Mapping[str, str]:
        key = base64.b64decode(self.secret.removeprefix("whsec_"))
        moment = str(int(time.time()))
        signed = b".".join((self.event.encode(), moment.encode(), body))
        mark = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        return {
            "webhook-id": self.event,
            "webhook-timestamp": moment,
            "webhook-signature": f"v1,{mark}",
        }


@dataclass(frozen=True)
class BearerToken:
    """Authenticates by HTTP alone (RFC 6750): for providers whose document names no signature."""

    token: str = field(repr=False)

    def __call__(self, body: bytes) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


class WebhookSender:
    """Deliver webhooks in the background and keep the result of each."""

    def __init__(self) -> None:
        self.deliveries: deque[dict[str, Any]] = deque(maxlen=KEPT)
        self._tasks: set[asyncio.Task[None]] = set()
        self._session: aiohttp.ClientSession | None = None
        self._places = asyncio.Semaphore(AT_ONCE)

    def send(
        self,
        provider: str,
        url: str,
        content: Any,
        *,
        sign: Sign = unsigned,
        delay: float = 0,
    ) -> None:
        delivery = {
            "provider": provider,
            "url": url,
            "content": content,
            "tries": [],
            "delivered": False,
        }
        self.deliveries.append(delivery)
        task = asyncio.get_running_loop().create_task(self._deliver(delivery, sign, delay))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    async def _deliver(self, delivery: dict[str, Any], sign: Sign, delay: float) -> None:
        await asyncio.sleep(delay)
        async with self._places:
            for number in range(TRIES):
                if number:
                    await asyncio.sleep(FIRST_PAUSE * 2 ** (number - 1))
                result = await self._try(delivery["url"], delivery["content"], sign)
                delivery["tries"].append(result)
                if isinstance(result, int) and result < HTTP_ERRORS_FROM:
                    delivery["delivered"] = True
                    return
        _logger.warning("gave up a webhook to %s: %s", delivery["url"], delivery["tries"][-1])

    async def _try(self, url: str, content: Any, sign: Sign) -> int | str:
        """Return the status of the answer, or the name of what went wrong."""
        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=TIMEOUT)
            self._session = aiohttp.ClientSession(timeout=timeout)
        body = json.dumps(content).encode()
        headers = {"Content-Type": "application/json", **sign(body)}
        post = self._session.post(url, data=body, headers=headers, allow_redirects=False)
        try:
            async with post as answer:
                return answer.status
        except (aiohttp.ClientError, asyncio.TimeoutError) as error:
            return type(error).__name__
