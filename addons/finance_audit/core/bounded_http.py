"""One HTTP call with an end: bounded in time, size and memory, to an address that was checked.

The only file of the suite that opens sockets; the connector's transport and the time-stamping client
are built on it. A provider decides when it sends which bytes, so nothing is left to its good will:

* the name is resolved once, every result is checked, and the very address that was checked is dialled
  (no second resolution, which could give another one); TLS and ``Host`` carry the name;
* a deadline for the whole call: one thread per process shuts down the sockets of calls whose time is
  up, whatever they wait for; a time-out between two bytes alone is no bound;
* head, body and decompressed body have limits, and the bodies on their way in a process have one too.

TLS is always verified. There are no redirects, no retries, no proxies and no passwords of the machine.
"""

# The classes of urllib3 and http.client that are extended here are only partly typed.
# pyright: basic

from __future__ import annotations

import contextlib
import functools
import heapq
import http.client
import itertools
import logging
import os
import re
import socket
import ssl
import threading
import time
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import certifi
import urllib3
from urllib3 import connection as urllib3_connection
from urllib3 import exceptions
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.util.ssl_ import create_urllib3_context

from .address import Address, ForbiddenAddress, NetworkPolicy
from .client_certificate import ClientCertificate

#: Bytes of status line, headers and informational responses together.
MAX_HEAD = 64 * 1024
#: Bytes of response bodies on their way in a process.
BUDGET_BYTES = 64 * 1024 * 1024
#: Resolved addresses that are tried one after the other.
_MAX_ADDRESSES = 4
_PIECE = 64 * 1024
#: A call that is still connecting or in a handshake when its time is up is looked at again so soon.
_AGAIN_SECONDS = 0.25
_CHUNK_SIZE = re.compile(rb"[0-9A-Fa-f]{1,8}")
_INFORMATIONAL = range(100, 200)
_SWITCHING = 101


class CallEnded(exceptions.HTTPError):
    """The call was ended here: its time was up, its run was over, or its response too large."""


class NotStarted(CallEnded):
    """The call was ended before anything was sent."""


class TooLarge(CallEnded):
    """The response is larger than the call permits; ``status`` and ``headers`` are those of it."""

    status = 0
    headers: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds to connect, seconds between two bytes, seconds in all; bytes of the decoded body."""

    connect: float
    read: float
    total: float
    body: int


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete response; ``body`` is decoded."""

    status: int
    headers: Mapping[str, str]
    body: bytes


# -- calls in flight ---------------------------------------------------------------------------


class CallScope:
    """The calls of one run. ``end`` shuts down those in flight and refuses new ones.

    A thread enters the scope for the calls it makes; without one a call belongs to no run.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: set[_Guard] = set()
        self.is_ended = False

    @contextlib.contextmanager
    def entered(self) -> Iterator[None]:
        """Make the calls of this thread part of the run while the block runs."""
        _thread.scope = self
        try:
            yield
        finally:
            _thread.scope = None

    def end(self) -> None:
        """Shut down the calls in flight; their threads end with an error at once."""
        with self._lock:
            self.is_ended = True
            calls = list(self._calls)
        for guard in calls:
            guard.expire()
            _watch.add(guard, time.monotonic() + _AGAIN_SECONDS)

    def add(self, guard: _Guard) -> None:
        with self._lock:
            if self.is_ended:
                raise NotStarted("the run is over")
            self._calls.add(guard)

    def remove(self, guard: _Guard) -> None:
        with self._lock:
            self._calls.discard(guard)


class _ThreadState(threading.local):
    scope: CallScope | None = None
    guard: _Guard | None = None


_thread = _ThreadState()


class _Quiet(logging.Filter):
    """Leaves what urllib3 says of a bad response out of the log: the call reports it as its result,
    and a provider does not decide how much is logged.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        return _thread.guard is None


for _name in ("urllib3.connection", "urllib3.connectionpool"):
    logging.getLogger(_name).addFilter(_Quiet())


class _Guard:
    """One call: what may be called, when it ends, and the connection it uses at the moment."""

    def __init__(self, policy: NetworkPolicy, *, loopback: bool, end: float):
        self.policy = policy
        self.loopback = loopback
        self.end = end
        self.is_expired = False
        self._is_closed = False
        self._connection: Any = None
        self._socket: socket.socket | None = None
        self._lock = threading.Lock()

    @property
    def left(self) -> float:
        """Return the seconds that are left."""
        return self.end - time.monotonic()

    def use(self, connection: Any) -> None:
        """Note the connection whose socket is shut down when the time is up.

        Its socket by itself too: a connection lets go of it where the body ends with the connection.
        """
        with self._lock:
            self._connection = connection
            self._socket = connection.sock
        self.check()

    def check(self) -> None:
        """:raises CallEnded: the time is up."""
        if self.is_expired or self.left <= 0:
            raise CallEnded("no complete response within the time for the call")

    def expire(self) -> bool:
        """End the call; return whether it is over or must be looked at again."""
        with self._lock:
            if self._is_closed:
                return True
            self.is_expired = True
            for sock in filter(None, (self._socket, getattr(self._connection, "sock", None))):
                # Not SSLSocket.shutdown: it would let the reader go on with undecrypted bytes.
                with contextlib.suppress(OSError, ValueError):
                    socket.socket.shutdown(sock, socket.SHUT_RDWR)
        return False

    def close(self) -> None:
        """Let the connection go: it may serve another call from now on."""
        with self._lock:
            self._is_closed = True
            self._connection = self._socket = None


class _Watch:
    """The thread that ends calls whose time is up: one for each process, started when needed."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._heap: list[tuple[float, int, _Guard]] = []
        self._count = itertools.count()
        self._pid = 0

    def add(self, guard: _Guard, when: float) -> None:
        with self._condition:
            if self._pid != os.getpid():
                # A forked process has none of the threads of its parent.
                self._pid, self._heap = os.getpid(), []
                threading.Thread(target=self._run, name="finance-deadlines", daemon=True).start()
            heapq.heappush(self._heap, (when, next(self._count), guard))
            if self._heap[0][2] is guard:
                self._condition.notify()

    def renew(self) -> None:
        """Give a forked process a lock that no thread holds."""
        self._condition = threading.Condition()

    def _run(self) -> None:
        while True:
            with self._condition:
                while not self._heap or self._heap[0][0] > time.monotonic():
                    wait = self._heap[0][0] - time.monotonic() if self._heap else None
                    self._condition.wait(wait)
                guard = heapq.heappop(self._heap)[2]
            if not guard.expire():
                self.add(guard, time.monotonic() + _AGAIN_SECONDS)


class Budget:
    """Bytes that the bodies on their way in a process may have together.

    One owner has half of them at most, so that large and slow bodies of one provider leave room for
    those of the others.
    """

    def __init__(self, size: int):
        self.size = size
        self._free = size
        self._held: Counter[int] = Counter()
        self._condition = threading.Condition()

    @contextlib.contextmanager
    def reserved(self, size: int, guard: _Guard, owner: object = None) -> Iterator[None]:
        """Hold ``size`` bytes while the block runs; wait for them within the time of the call.

        All at once: calls that hold a part and wait for the rest could wait for each other.
        """
        size, key = min(size, self.size), id(owner)

        def has_room() -> bool:
            held = self._held[key]
            return self._free >= size and (not held or held + size <= self.size // 2)

        with self._condition:
            if not self._condition.wait_for(has_room, max(0.0, guard.left)):
                raise CallEnded("too many bytes on their way in this process")
            self._take(key, size)
        try:
            yield
        finally:
            with self._condition:
                self._take(key, -size)
                self._condition.notify_all()

    def _take(self, key: int, size: int) -> None:
        self._free -= size
        self._held[key] += size
        if not self._held[key]:
            del self._held[key]

    def renew(self) -> None:
        """Forget what the calls of a parent process hold."""
        self._condition = threading.Condition()
        self._free = self.size
        self._held = Counter()


_watch = _Watch()
_budget = Budget(BUDGET_BYTES)
os.register_at_fork(after_in_child=_watch.renew)
os.register_at_fork(after_in_child=_budget.renew)


# -- connections -------------------------------------------------------------------------------


class _Head:
    """Reads the head of a response, up to ``MAX_HEAD`` bytes of it."""

    def __init__(self, stream: Any):
        self._stream = stream
        self._left = MAX_HEAD

    def readline(self, limit: int = -1) -> bytes:
        line: bytes = self._stream.readline(min(limit, self._left + 1))
        self._left -= len(line)
        if self._left < 0:
            raise http.client.HTTPException("the head of the response is too large")
        return line

    def close(self) -> None:
        self._stream.close()


class _Response(http.client.HTTPResponse):
    """A response whose head is bounded, whose chunks are strict, and that is the final one."""

    fp: Any

    def begin(self) -> None:
        stream, head = self.fp, _Head(self.fp)
        self.fp = head
        super().begin()
        while self.status in _INFORMATIONAL and self.status != _SWITCHING:
            # RFC 9110, section 15.2: interim responses come before the final one.
            self.headers = self.msg = None  # type: ignore[assignment]
            super().begin()
        if self.fp is head:
            self.fp = stream

    def _read_next_chunk_size(self) -> int:
        """Return the size of the next chunk (RFC 9112, section 7.1); ``int`` also takes ``-1``."""
        line = self.fp.readline(_PIECE)
        size = line.partition(b";")[0].strip()
        if not _CHUNK_SIZE.fullmatch(size) or not line.endswith(b"\n"):
            self._close_conn()  # type: ignore[attr-defined]
            raise http.client.HTTPException("not a chunk")
        return int(size, 16)


class _Dialled:
    """Mixed into the connections: dials what was checked, and lets the guard end it."""

    host: Any
    port: Any
    timeout: Any
    response_class = _Response

    def _new_conn(self) -> socket.socket:
        guard = _thread.guard
        if guard is None:
            raise exceptions.NewConnectionError(self, "no call is in progress")  # type: ignore[arg-type]
        try:
            found = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            connection: Any = self
            raise exceptions.NewConnectionError(
                connection, f"{self.host} could not be resolved"
            ) from error
        for *_kind, place in found:
            guard.policy.check_ip(str(place[0]), loopback=guard.loopback)
        failed: Exception | None = None
        for family, kind, protocol, _name, place in found[:_MAX_ADDRESSES]:
            if guard.is_expired or guard.left <= 0:
                raise exceptions.ConnectTimeoutError("no time is left to connect")
            sock = socket.socket(family, kind, protocol)
            try:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                sock.settimeout(min(self.timeout, guard.left))
                sock.connect(place)
            except OSError as error:
                sock.close()
                failed = error
            else:
                return sock
        if isinstance(failed, TimeoutError):
            raise exceptions.ConnectTimeoutError("the connection timed out") from failed
        raise exceptions.NewConnectionError(self, "the connection was refused") from failed  # type: ignore[arg-type]

    def request(self, *args: Any, **options: Any) -> None:
        # Also for one that is kept alive and connected long ago.
        if _thread.guard is not None:
            _thread.guard.use(self)
        super().request(*args, **options)  # type: ignore[misc]
        if _thread.guard is not None:
            _thread.guard.use(self)

    def connect(self) -> None:
        if _thread.guard is not None:
            _thread.guard.use(self)
        super().connect()  # type: ignore[misc]
        if _thread.guard is not None:
            _thread.guard.use(self)


class _PlainConnection(_Dialled, urllib3_connection.HTTPConnection):
    pass


class _TlsConnection(_Dialled, urllib3_connection.HTTPSConnection):
    pass


class _PlainPool(HTTPConnectionPool):
    ConnectionCls: Any = _PlainConnection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls: Any = _TlsConnection


def _new_tls(ca_bundle: str) -> ssl.SSLContext:
    context = create_urllib3_context()
    context.load_verify_locations(ca_bundle or certifi.where())
    context.verify_mode = ssl.CERT_REQUIRED
    context.check_hostname = True
    return context


@functools.lru_cache(maxsize=4)
def _tls(ca_bundle: str) -> ssl.SSLContext:
    """Return the one context of a process; reading the authorities takes longer than a call."""
    return _new_tls(ca_bundle)


def _tls_presenting(ca_bundle: str, certificate: ClientCertificate) -> ssl.SSLContext:
    """Return a context of its own, never shared: sockets of one account serve no other."""
    context = _new_tls(ca_bundle)
    certificate.load_into(context)
    return context


def _pools(context: ssl.SSLContext, size: int) -> Any:
    pools: Any = urllib3.PoolManager(maxsize=size, cert_reqs="CERT_REQUIRED", ssl_context=context)
    pools.pool_classes_by_scheme = {"http": _PlainPool, "https": _TlsPool}
    return pools


class HttpCaller:
    """Keep-alive connections under one policy, safe to use from several threads.

    A client certificate is presented to the servers it was given for, and to no other.
    """

    def __init__(
        self,
        policy: NetworkPolicy,
        *,
        loopback: bool = False,
        pool_size: int = 128,
        certificate: ClientCertificate | None = None,
    ):
        """:raises InvalidCertificate: the certificate cannot be presented."""
        self._policy = policy
        self._loopback = loopback
        self._pools = _pools(_tls(policy.ca_bundle), pool_size)
        self._origins = certificate.origins if certificate else frozenset[tuple[str, str, int]]()
        self._presenting = (
            _pools(_tls_presenting(policy.ca_bundle, certificate), pool_size)
            if certificate
            else self._pools
        )

    def call(
        self,
        method: str,
        address: Address,
        headers: Mapping[str, str],
        body: bytes | None,
        limits: Limits,
    ) -> Answer:
        """Make one call.

        :raises ForbiddenAddress: the host resolves to an address that may not be called; nothing was sent.
        :raises urllib3.exceptions.HTTPError: there is no complete response (``CallEnded``: ended here).
        """
        guard = _Guard(self._policy, loopback=self._loopback, end=time.monotonic() + limits.total)
        scope = _thread.scope
        if scope is not None:
            scope.add(guard)
        _thread.guard = guard
        _watch.add(guard, guard.end)
        try:
            answer = self._exchange(method, address, headers, body, limits, guard)
            # A shut-down socket looks like the end of a body without a length.
            guard.check()
        except CallEnded:
            raise
        except (exceptions.HTTPError, OSError, http.client.HTTPException, ValueError) as error:
            if guard.is_expired and not _never_left(error):
                raise CallEnded("no complete response within the time for the call") from error
            raise
        finally:
            guard.close()
            _thread.guard = None
            if scope is not None:
                scope.remove(guard)
        return answer

    def close(self) -> None:
        """Close idle sockets."""
        self._pools.clear()
        self._presenting.clear()

    def _exchange(
        self,
        method: str,
        address: Address,
        headers: Mapping[str, str],
        body: bytes | None,
        limits: Limits,
        guard: _Guard,
    ) -> Answer:
        pools = self._presenting if address.origin in self._origins else self._pools
        pool = pools.connection_from_host(address.host, address.port, address.scheme)
        response = pool.urlopen(
            method,
            address.target,
            body=body,
            headers=headers,
            timeout=urllib3.Timeout(connect=limits.connect, read=limits.read),
            retries=False,
            redirect=False,
            preload_content=False,
        )
        # Closed unless it was read to its end, so that its rest is not taken for another response.
        try:
            if response.status in _INFORMATIONAL:
                raise exceptions.ProtocolError("no final response")
            expected = min(response.length_remaining or limits.body, limits.body)
            with _budget.reserved(expected + _PIECE, guard, self):
                content = _read(response, limits.body, guard)
        except TooLarge as error:
            response.close()
            error.status, error.headers = response.status, dict(response.headers.items())
            raise
        except BaseException:
            response.close()
            raise
        response.release_conn()
        return Answer(response.status, dict(response.headers.items()), content)


def _never_left(error: BaseException) -> bool:
    return isinstance(
        error,
        (exceptions.ConnectTimeoutError, exceptions.NewConnectionError, ForbiddenAddress),
    )


def _read(response: Any, limit: int, guard: _Guard) -> bytes:
    """Return the decoded body, read in pieces.

    :raises TooLarge: it has more than ``limit`` bytes, compressed or not.
    """
    decoder = _decoder(response.headers.get("content-encoding", ""))
    pieces: list[bytes] = []
    received = size = 0
    while piece := response.read(_PIECE, decode_content=False):
        guard.check()
        received += len(piece)
        if decoder is not None:
            piece = _decoded(decoder, piece, limit - size)
        size += len(piece)
        if size > limit or received > limit:
            raise TooLarge(f"response larger than {limit} bytes")
        pieces.append(piece)
    if decoder is not None and received and not decoder.eof:
        raise exceptions.DecodeError("the compressed response is incomplete")
    return b"".join(pieces)


def _decoder(encoding: str) -> Any:
    """Return a decoder for one of the encodings that are asked for; None for a plain body."""
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        return None
    if encoding in ("gzip", "x-gzip", "deflate"):
        # Either format, by its own header (RFC 1950, RFC 1952).
        return zlib.decompressobj(zlib.MAX_WBITS | 32)
    raise exceptions.DecodeError("the response has an encoding that was not asked for")


def _decoded(decoder: Any, piece: bytes, room: int) -> bytes:
    try:
        plain: bytes = decoder.decompress(piece, room + 1)
    except zlib.error as error:
        raise exceptions.DecodeError("the compressed response is damaged") from error
    if decoder.unused_data or (decoder.unconsumed_tail and len(plain) <= room):
        raise exceptions.DecodeError("the compressed response is damaged")
    return plain
