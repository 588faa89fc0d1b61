"""``python -m sandbox --port 8070``: run the sandbox until interrupted."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal

from .server import start
from .tls import Authority

LEVELS = ("debug", "info", "warning", "error")


def options(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="sandbox", description="Plays finance providers.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument("--port", type=int, default=8070, help="0 takes a free one (%(default)s)")
    parser.add_argument("--state", metavar="FILE", help="keep everything in this SQLite file")
    parser.add_argument(
        "--tls-port", type=int, help="also listen with mutual TLS; 0 takes a free one"
    )
    parser.add_argument(
        "--tls-folder", metavar="FOLDER", help="gets ca.pem, client.pem, client.key for clients"
    )
    parser.add_argument("--log-level", choices=LEVELS, default="info")
    return parser.parse_args(arguments)


async def run(
    host: str, port: int, state: str | None, mutual_tls: tuple[int, Authority] | None = None
) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    runner, url, tls_url = await start(host, port, state, mutual_tls=mutual_tls)
    print(f"sandbox ready on {url}", flush=True)
    if mutual_tls:
        print(f"mutual TLS on {tls_url}, certificates in {mutual_tls[1].folder}", flush=True)
    try:
        await stop.wait()
    finally:
        await runner.cleanup()
        if mutual_tls:
            mutual_tls[1].close()


def main() -> None:
    chosen = options()
    logging.basicConfig(level=chosen.log_level.upper(), format="%(levelname)s %(name)s %(message)s")
    tls = None if chosen.tls_port is None else (chosen.tls_port, Authority(chosen.tls_folder))
    asyncio.run(run(chosen.host, chosen.port, chosen.state, tls))


if __name__ == "__main__":
    main()
