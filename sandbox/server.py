"""Runs the sandbox: in this process until a signal, or in a thread for tests and demos."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable

from aiohttp import web
from typing_extensions import Self

from .app import build_app
from .provider import Provider
from .providers import PROVIDERS
from .tls import Authority

BACKLOG = 4096
START_TIMEOUT = 10
SHUTDOWN_TIMEOUT = 0.5


async def start(
    host: str,
    port: int,
    state: str | None = None,
    providers: Iterable[type[Provider]] = PROVIDERS,
    mutual_tls: tuple[int, Authority] | None = None,
) -> tuple[web.AppRunner, str, str]:
    """Listen, and return the address and that of mutual TLS, if wanted; port 0 takes a free one."""
    runner = web.AppRunner(
        build_app(state, providers), access_log=None, shutdown_timeout=SHUTDOWN_TIMEOUT
    )
    await runner.setup()
    await web.TCPSite(runner, host, port, backlog=BACKLOG).start()
    if mutual_tls:
        tls_port, authority = mutual_tls
        context = authority.context()
        await web.TCPSite(runner, host, tls_port, backlog=BACKLOG, ssl_context=context).start()
    shown = f"[{host}]" if ":" in host else host
    ports = [address[1] for address in runner.addresses]
    return runner, f"http://{shown}:{ports[0]}", f"https://{shown}:{ports[1]}" if mutual_tls else ""


async def cancel_others() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


class SandboxThread:
    """A sandbox with its own event loop in a thread: ``with SandboxThread() as sandbox: …``."""

    def __init__(
        self,
        port: int = 0,
        state: str | None = None,
        providers: Iterable[type[Provider]] = PROVIDERS,
        *,
        mutual_tls: bool = False,
    ) -> None:
        self.authority = Authority() if mutual_tls else None
        second = (0, self.authority) if self.authority else None
        self._options = ("127.0.0.1", port, state, providers, second)
        self._loop = asyncio.new_event_loop()
        self._runner: web.AppRunner | None = None
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self.url = self.tls_url = ""

    def __enter__(self) -> Self:
        self._thread.start()
        starting = asyncio.run_coroutine_threadsafe(start(*self._options), self._loop)
        try:
            self._runner, self.url, self.tls_url = starting.result(START_TIMEOUT)
        except BaseException:
            self._stop_loop()
            raise
        return self

    def __exit__(self, *_details: object) -> None:
        if self._runner is not None:
            stopping = asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop)
            stopping.result(START_TIMEOUT)
        self._stop_loop()
        if self.authority:
            self.authority.close()

    def _stop_loop(self) -> None:
        """Stop, without waiting for answers that are still being delayed."""
        asyncio.run_coroutine_threadsafe(cancel_others(), self._loop).result(START_TIMEOUT)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(START_TIMEOUT)
        self._loop.close()
