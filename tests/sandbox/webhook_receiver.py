"""Receive webhooks on a free port, in a thread."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from typing_extensions import Self


@dataclass(frozen=True)
class Received:
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Receiver:
    """``answers`` are the statuses it gives, then 200."""

    def __init__(self) -> None:
        self.received: queue.Queue[Received] = queue.Queue()
        self.answers: queue.Queue[int] = queue.Queue()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"

    def next(self, timeout: float) -> Received:
        """Return the next webhook; ``queue.Empty`` if none comes in time."""
        return self.received.get(timeout=timeout)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_details: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = 200 if receiver.answers.empty() else receiver.answers.get()
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()
                receiver.received.put(Received(self.headers, body))

            def log_message(self, *_details: Any) -> None:
                """Say nothing on the terminal."""

        return Handler
