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

BACKLOG = 4096
START_TIMEOUT = 10
SHUTDOWN_TIMEOUT = 0.5


async def start(
    host: str, port: int, state: str | None = None, providers: Iterable[type[Provider]] = PROVIDERS
) -> tuple[web.AppRunner, str]:
    """Listen, and say at which address; port 0 takes a free one."""
    runner = web.AppRunner(
        build_app(state, providers), access_log=None, shutdown_timeout=SHUTDOWN_TIMEOUT
    )
    await runner.setup()
    await web.TCPSite(runner, host, port, backlog=BACKLOG).start()
    bound = runner.addresses[0][1]
    shown = f"[{host}]" if ":" in host else host
    return runner, f"http://{shown}:{bound}"


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
    ) -> None:
        self._options = ("127.0.0.1", port, state, providers)
        self._loop = asyncio.new_event_loop()
        self._runner: web.AppRunner | None = None
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self.url = ""

    def __enter__(self) -> Self:
        self._thread.start()
        starting = asyncio.run_coroutine_threadsafe(start(*self._options), self._loop)
        try:
            self._runner, self.url = starting.result(START_TIMEOUT)
        except BaseException:
            self._stop_loop()
            raise
        return self

    def __exit__(self, *_details: object) -> None:
        if self._runner is not None:
            stopping = asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop)
            stopping.result(START_TIMEOUT)
        self._stop_loop()

    def _stop_loop(self) -> None:
        """Stop, without waiting for answers that are still being delayed."""
        asyncio.run_coroutine_threadsafe(cancel_others(), self._loop).result(START_TIMEOUT)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(START_TIMEOUT)
        self._loop.close()
