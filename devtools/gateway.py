"""One address for a prefork Odoo: web sockets go to the gevent process, everything else to the workers.

Odoo expects a reverse proxy to do this. A browser opens a connection of its own for a web socket, so the first
line of a connection decides, and the rest is copied through unread.
"""

import asyncio
import contextlib
import threading

from .ports import HOST

_BLOCK = 65536
_WEB_SOCKET = b"/websocket"


def is_web_socket(first_line: bytes) -> bool:
    """True for the request line of a web socket (the bus worker's own script is an ordinary page)."""
    words = first_line.split()
    return len(words) > 1 and words[1].split(b"?")[0] == _WEB_SOCKET


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while block := await reader.read(_BLOCK):
            writer.write(block)
            await writer.drain()
    with contextlib.suppress(OSError, RuntimeError):
        writer.write_eof()


class Gateway:
    """Listens in a thread of its own until closed."""

    def __init__(self, port: int, http_port: int, gevent_port: int) -> None:
        self.port = port
        self._http_port = http_port
        self._gevent_port = gevent_port
        self._loop: asyncio.AbstractEventLoop
        self._closing: asyncio.Event
        self._thread = threading.Thread(target=self._run, daemon=True, name="gateway")
        self._listening = threading.Event()
        self._error: OSError | None = None

    def start(self) -> None:
        """Listen; an error of the port is raised here."""
        self._thread.start()
        self._listening.wait()
        if self._error:
            raise self._error

    def _run(self) -> None:
        try:
            asyncio.run(self._listen())
        except OSError as error:
            self._error = error
        finally:
            self._listening.set()

    async def _listen(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._closing = asyncio.Event()
        server = await asyncio.start_server(self._serve, HOST, self.port)
        self._listening.set()
        await self._closing.wait()
        server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer):
            try:
                first = await reader.readline()
                port = self._gevent_port if is_web_socket(first) else self._http_port
                back_reader, back_writer = await asyncio.open_connection(HOST, port)
            except (OSError, ValueError):
                return
            with contextlib.closing(back_writer):
                back_writer.write(first)
                await asyncio.gather(_copy(reader, back_writer), _copy(back_reader, writer))

    def close(self) -> None:
        """Stop listening."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._closing.set)
            self._thread.join()
