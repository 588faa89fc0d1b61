"""``python -m sandbox --port 8070``: run the sandbox until interrupted."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal

from .server import start

LEVELS = ("debug", "info", "warning", "error")


def options(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="sandbox", description="Plays finance providers.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument("--port", type=int, default=8070, help="0 takes a free one (%(default)s)")
    parser.add_argument("--state", metavar="FILE", help="keep everything in this SQLite file")
    parser.add_argument("--log-level", choices=LEVELS, default="info")
    return parser.parse_args(arguments)


async def run(host: str, port: int, state: str | None) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    runner, url = await start(host, port, state)
    print(f"sandbox ready on {url}", flush=True)
    try:
        await stop.wait()
    finally:
        await runner.cleanup()


def main() -> None:
    chosen = options()
    logging.basicConfig(level=chosen.log_level.upper(), format="%(levelname)s %(name)s %(message)s")
    asyncio.run(run(chosen.host, chosen.port, chosen.state))


if __name__ == "__main__":
    main()
