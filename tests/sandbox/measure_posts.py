"""How many invoices a second one sandbox takes: ``python tests/sandbox/measure_posts.py``.

Not a test: figures depend on the machine. The sender writes prepared bytes on kept-alive
connections, so that the sandbox, not the sender, is what is measured.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]

from flow_client import FlowClient  # noqa: E402 - needs the line above
from flow_samples import ubl  # noqa: E402

LENGTH = re.compile(rb"Content-Length: (\d+)")
HEAD = """POST /afnor/flow-service/v1/flows HTTP/1.1\r
Host: sandbox\r
Authorization: Bearer {token}\r
Content-Type: multipart/form-data; boundary=XX\r
Content-Length: {length}\r
\r
"""
BODY = """--XX\r
Content-Disposition: form-data; name="flowInfo"\r
Content-Type: application/json\r
\r
{info}\r
--XX\r
Content-Disposition: form-data; name="file"; filename="invoice.xml"\r
Content-Type: application/xml\r
\r
{file}\r
--XX--\r
"""


def prepared(token: str, number: int, size: int) -> bytes:
    """One whole request with an invoice of about the given size."""
    padding = "".join(f"</cbc:Note><cbc:Note>line {line:05}" for line in range(size // 32))
    file = ubl(f"M-{number:07}", note=padding).decode()
    body = BODY.format(info=json.dumps({"flowSyntax": "UBL", "trackingId": f"{number}"}), file=file)
    head = HEAD.format(token=token, length=len(body.encode()))
    return (head + body).encode()


async def send(host: str, port: int, messages: Iterator[bytes], taken: list[float]) -> None:
    reader, writer = await asyncio.open_connection(host, port)
    for message in messages:
        started = time.perf_counter()
        writer.write(message)
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(int(LENGTH.search(head)[1]))
        if b" 202 " not in head[:20]:
            raise SystemExit(head.decode())
        taken.append(time.perf_counter() - started)
    writer.close()


async def run(url: str, messages: list[bytes], at_once: int) -> None:
    parts, taken = urlsplit(url), []
    shared = iter(messages)
    started = time.perf_counter()
    senders = [send(parts.hostname, parts.port, shared, taken) for _ in range(at_once)]
    await asyncio.gather(*senders)
    seconds = time.perf_counter() - started
    taken.sort()
    half, most = (taken[int(len(taken) * part)] * 1000 for part in (0.5, 0.99))
    size = len(messages[0])
    print(f"{len(taken)} invoices of {size} bytes, {at_once} at once: {len(taken) / seconds:.0f}/s")
    print(f"median {half:.1f} ms, 99 of 100 within {most:.1f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--posts", type=int, default=6000)
    parser.add_argument("--at-once", type=int, default=32)
    parser.add_argument("--size", type=int, default=10_000, help="bytes of an invoice, about")
    parser.add_argument("--state", help="measure with this state file")
    chosen = parser.parse_args()
    command = [sys.executable, "-m", "sandbox", "--port=0"]
    command += [f"--state={chosen.state}"] if chosen.state else []
    with subprocess.Popen(
        command, cwd=HERE.parents[1], stdout=subprocess.PIPE, text=True
    ) as server:
        url = server.stdout.readline().split()[-1]
        token = FlowClient(url).token
        messages = [prepared(token, number, chosen.size) for number in range(chosen.posts)]
        asyncio.run(run(url, messages, chosen.at_once))
        server.terminate()


if __name__ == "__main__":
    main()
