"""One address for a prefork Odoo: web sockets go to the gevent process, everything else to the workers.

Odoo expects a reverse proxy to do this. A browser opens a connection of its own for a web socket, so the first
line of a connection decides, and the rest is copied through unread.
"""

import contextlib
import socket
import socketserver
import threading
from collections.abc import Iterator

from .ports import HOST

_BLOCK = 65536
_WEB_SOCKET = b"/websocket"


def is_web_socket(first_line: bytes) -> bool:
    """True for the request line of a web socket (the bus worker's own script is an ordinary page)."""
    parts = first_line.split()
    return len(parts) > 1 and parts[1].split(b"?")[0] == _WEB_SOCKET


def _copy(source: socket.socket, sink: socket.socket) -> None:
    """Pass on until the source ends, then shut the sink down."""
    with contextlib.suppress(OSError):
        while block := source.recv(_BLOCK):
            sink.sendall(block)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


class _Connection(socketserver.BaseRequestHandler):
    """One connection, in a thread of its own."""

    server: "_Listener"
    request: socket.socket

    def handle(self) -> None:
        """Choose the process behind, then copy both ways until both have ended."""
        with contextlib.suppress(OSError):
            begin = self._first_line()
            with self.server.connected(begin) as back:
                back.sendall(begin)
                answers = threading.Thread(target=_copy, args=(back, self.request))
                answers.start()
                _copy(self.request, back)
                answers.join()

    def _first_line(self) -> bytes:
        begin = b""
        while b"\n" not in begin and (block := self.request.recv(_BLOCK)):
            begin += block
        return begin


class _Listener(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, port: int, http_port: int, gevent_port: int) -> None:
        super().__init__((HOST, port), _Connection)
        self._ports = {False: http_port, True: gevent_port}
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._closed = False

    def _keep(self, connection: socket.socket) -> None:
        with self._lock:
            self._open.add(connection)
            if self._closed:
                connection.shutdown(socket.SHUT_RDWR)

    def _forget(self, connection: socket.socket) -> None:
        with self._lock:
            self._open.discard(connection)

    def process_request(self, request: socket.socket, client_address: object) -> None:
        self._keep(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: socket.socket) -> None:
        self._forget(request)
        super().shutdown_request(request)

    @contextlib.contextmanager
    def connected(self, begin: bytes) -> Iterator[socket.socket]:
        """Provide a connection to the process that is to answer."""
        address = HOST, self._ports[is_web_socket(begin.split(b"\n", 1)[0])]
        with socket.create_connection(address) as back:
            self._keep(back)
            try:
                yield back
            finally:
                self._forget(back)

    def end_all(self) -> None:
        """End every connection, so that their threads end."""
        with self._lock:
            self._closed = True
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)


class Gateway:
    """Listens in threads of its own until closed."""

    def __init__(self, port: int, http_port: int, gevent_port: int) -> None:
        self._ports = port, http_port, gevent_port
        self._listener: _Listener | None = None

    def start(self) -> None:
        """Listen; an error of the port is raised here."""
        self._listener = _Listener(*self._ports)
        threading.Thread(target=self._listener.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        """Stop listening, end the connections, wait for their threads."""
        if self._listener is not None:
            self._listener.shutdown()
            self._listener.end_all()
            self._listener.server_close()
            self._listener = None
