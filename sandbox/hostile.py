"""A provider that answers badly on purpose: bad answers as data, and a server that gives them.

``KINDS`` names each bad answer. The server gives the kind that is the first segment of the path to
every request below it (``http://127.0.0.1:<port>/html_200/documents/1``); kinds of TLS listen on
ports of their own. No protocol is assumed, so any adapter can be tried on it: ``HostileProvider.urls``
has a base address for each kind.

``MixedProvider`` gives all of them at one address, one after the other, so that one connection meets
every kind. ``python -m sandbox.hostile <port> <certificate with key>`` runs it in a process of its
own until its input ends, then prints as JSON how often it gave each kind.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import gzip
import ipaddress
import itertools
import json
import socket
import ssl
import struct
import sys
import tempfile
import threading
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from .tls import pem_of

_DRIP_SECONDS = 0.2
_PIECE = 64 * 1024
_MEGA = 1024 * 1024


@dataclass(frozen=True)
class Kind:
    """One bad answer: the pieces that are sent, or what else is done with the socket."""

    name: str
    pieces: Callable[[], Iterable[bytes]] | None = None
    reset: bool = False
    drip: bool = False
    silent: bool = False
    tls: str = ""

    @property
    def is_slow(self) -> bool:
        """Whether only the end of the call's time ends it."""
        return self.drip or self.silent


def http(
    body: bytes = b"", status: int = 200, kind: str = "application/json", *headers: str
) -> bytes:
    """Return a response in good form."""
    head = [
        f"HTTP/1.1 {status} X",
        f"Content-Type: {kind}",
        f"Content-Length: {len(body)}",
        *headers,
    ]
    return "\r\n".join([*head, "", ""]).encode("utf-8", "surrogateescape") + body


def _raw(name: str, *pieces: bytes) -> Kind:
    return Kind(name, lambda: pieces)


def _answer(
    name: str, body: bytes = b"", status: int = 200, kind: str = "application/json", *headers: str
) -> Kind:
    return _raw(name, http(body, status, kind, *headers))


def _endless(piece: bytes, times: int = 4096) -> Iterator[bytes]:
    for _number in range(times):
        yield piece


def _large(head: bytes, size: int) -> Iterator[bytes]:
    yield head
    yield from _endless(b"x" * _PIECE, size // _PIECE)


@functools.lru_cache
def _bomb(layers: int) -> bytes:
    bomb = zlib.compressobj(9, wbits=31)
    data = b"".join([*(bomb.compress(b"\0" * _MEGA) for _n in range(100)), bomb.flush()])
    return gzip.compress(data) if layers > 1 else data


def _bomb_answer(layers: int) -> Iterator[bytes]:
    names = ", ".join(["gzip"] * layers)
    yield http(_bomb(layers), 200, "application/json", f"Content-Encoding: {names}")


_HTML = b"<!DOCTYPE html><html><body><h1>Welcome</h1></body></html>"
_FAULT = (
    b'<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body><soap:Fault>'
    b"<faultcode>soap:Server</faultcode><faultstring>a&#0;b</faultstring></soap:Fault></soap:Body></soap:Envelope>"
)
_OPEN = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"

KINDS: tuple[Kind, ...] = (
    # -- something in between answers
    _answer("html_200", _HTML, 200, "text/html"),
    _answer("html_502", _HTML, 502, "text/html"),
    _answer("waf_403", _HTML, 403, "text/html"),
    _answer("empty_200"),
    _answer("empty_204", b"", 204),
    _answer("empty_500", b"", 500),
    _answer("soap_fault_500", _FAULT, 500, "text/xml"),
    _answer("redirect_301", b"", 301, "text/plain", "Location: http://169.254.169.254/latest/"),
    _answer("redirect_307", b"", 307, "text/plain", "Location: /html_200/"),
    _answer("proxy_auth_407", b"", 407, "text/plain", "Proxy-Authenticate: Basic"),
    # -- status lines
    _raw("status_999", http(b"{}", 999)),
    _raw("status_000", b"HTTP/1.1 000 X\r\nContent-Length: 0\r\n\r\n"),
    _raw("status_text", b"HTTP/1.1 OK\r\nContent-Length: 0\r\n\r\n"),
    _raw("http_09", b"{}"),
    _raw("http_2", b"HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\n{}"),
    _raw("switching_101", b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n"),
    Kind("interim_flood", lambda: _endless(b"HTTP/1.1 100 Continue\r\n\r\n", 100_000)),
    Kind(
        "interim_103_flood", lambda: _endless(b"HTTP/1.1 103 Early\r\nLink: <x>\r\n\r\n", 100_000)
    ),
    # -- heads
    _answer("header_long", b"{}", 200, "application/json", "X-Request-Id: " + "a" * 60_000),
    _answer("headers_99", b"{}", 200, "application/json", *(f"X-{n}: y" for n in range(95))),
    Kind("headers_endless", lambda: [_OPEN, *_endless(b"X-A: " + b"b" * 1000 + b"\r\n", 2000)]),
    _raw("header_nul", b"HTTP/1.1 200 OK\r\nX-Request-Id: a\0b\r\nContent-Length: 2\r\n\r\n{}"),
    _raw(
        "header_latin",
        b"HTTP/1.1 200 OK\r\nX-Request-Id: \xff\xfe\x9b\r\nContent-Length: 2\r\n\r\n{}",
    ),
    _raw("header_no_colon", b"HTTP/1.1 200 OK\r\nnonsense\r\nContent-Length: 2\r\n\r\n{}"),
    _answer("request_id_bidi", b"{}", 500, "application/json", "X-Request-Id: a\u202eb"),
    # -- pauses
    *(
        _answer(f"retry_{name}", b"", 429, "text/plain", f"Retry-After: {value}")
        for name, value in {
            "huge": "9999999999999999",
            "inf": "9" * 400,
            "nan": "NaN",
            "negative": "-5",
            "superscript": "\u00b2",
            "year": "Wed, 21 Oct 9999999 07:28:00 GMT",
            "zone": "Wed, 21 Oct 2026 07:28:00 99999999999999999999",
            "ms": "1799999999999",
        }.items()
    ),
    _answer("retry_503", b"", 503, "text/plain", "Retry-After: 300000000000"),
    # -- frames
    _raw("length_short", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"),
    _raw("length_negative", b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n{}"),
    _raw("length_twice", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}"),
    _raw("length_text", b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n{}"),
    _raw("chunk_garbage", _OPEN + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n"),
    _raw("chunk_negative", _OPEN + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n{}\r\n0\r\n\r\n"),
    _raw("chunk_huge", _OPEN + b"Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\n{}"),
    _raw("chunk_cut", _OPEN + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{}"),
    _raw("smuggled", http(b"{}") + http(b'{"reference": "of another"}', 201)),
    Kind("reset_before", reset=True),
    Kind("reset_in_head", lambda: [b"HTTP/1.1 200 OK\r\nContent-"], reset=True),
    Kind("reset_in_body", lambda: [_OPEN + b"Content-Length: 50\r\n\r\n{"], reset=True),
    Kind("closed_before", list),
    # -- time
    Kind("silent", silent=True),
    Kind("drip_head", lambda: _endless(b"H"), drip=True),
    Kind(
        "drip_body", lambda: [_OPEN + b"Content-Length: 4000\r\n\r\n", *_endless(b" ")], drip=True
    ),
    Kind("drip_until_close", lambda: [_OPEN + b"\r\n", *_endless(b" ")], drip=True),
    # -- sizes
    Kind(
        "body_20_mb",
        lambda: _large(_OPEN + b"Content-Length: %d\r\n\r\n" % (20 * _MEGA), 20 * _MEGA),
    ),
    Kind("body_endless", lambda: _large(_OPEN + b"\r\n", 64 * _MEGA)),
    Kind("gzip_bomb", lambda: _bomb_answer(1)),
    Kind("gzip_gzip_bomb", lambda: _bomb_answer(2)),
    _answer("gzip_garbage", b"no gzip", 200, "application/json", "Content-Encoding: gzip"),
    _answer("encoding_unknown", b"{}", 200, "application/json", "Content-Encoding: br"),
    # -- JSON
    *(
        _answer(f"json_{name}", body, status)
        for name, status, body in (
            (
                "nul",
                403,
                rb'{"error": {"code": "a\u0000b", "message": "c\u0000"}, "errorCode": "a\u0000b"}',
            ),
            ("surrogate", 422, rb'{"error": {"code": "\ud800", "message": "\udfff"}}'),
            ("bidi", 422, '{"error": {"code": "x", "message": "\u202e\u2066evil"}}'.encode()),
            ("deep", 201, b"[" * 100_000),
            ("deep_object", 201, b'{"a":' * 40_000 + b"1" + b"}" * 40_000),
            ("scalar", 201, b"7"),
            ("null", 201, b"null"),
            ("nan", 201, b'{"reference": NaN, "state": Infinity}'),
            ("huge_number", 201, b'{"reference": 1e999, "state": ' + b"9" * 5000 + b"}"),
            ("duplicate", 201, b'{"state": "accepted", "state": "rejected", "reference": "x"}'),
            ("bom", 201, b"\xef\xbb\xbf{}"),
            ("utf16", 201, '{"reference": "x"}'.encode("utf-16")),
            ("latin1", 201, b'{"reference": "\xe9\xff"}'),
            (
                "types",
                201,
                b'{"reference": {"a": []}, "state": true, "sha256": [1], "error": "text"}',
            ),
            ("long_text", 422, b'{"error": {"code": "x", "message": "' + b"m" * 200_000 + b'"}}'),
        )
    ),
    # -- TLS
    Kind("tls_self_signed", tls="self_signed"),
    Kind("tls_wrong_host", tls="wrong_host"),
    Kind("tls_expired", tls="expired"),
    Kind("tls_garbage", tls="garbage"),
)


class HostileProvider:
    """The servers of all kinds, as a context manager. ``requests`` counts what arrived, by kind."""

    def __init__(self, kinds: Iterable[Kind] = KINDS) -> None:
        self.kinds = {kind.name: kind for kind in kinds}
        self.urls: dict[str, str] = {}
        self.requests: dict[str, int] = {}
        self._stopped = threading.Event()
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> HostileProvider:  # noqa: PYI034 (Self needs Python 3.11)
        port = self._listen(None)
        for name, kind in self.kinds.items():
            if kind.tls:
                context = None if kind.tls == "garbage" else _tls_context(kind.tls)
                self.urls[name] = f"https://127.0.0.1:{self._listen(context)}/{name}"
            else:
                self.urls[name] = f"http://127.0.0.1:{port}/{name}"
        return self

    def __exit__(self, *_details: object) -> None:
        self._stopped.set()
        self._stack.close()

    def _listen(self, context: ssl.SSLContext | None) -> int:
        listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self._stack.enter_context(listener)
        # Closing alone does not wake up a thread that accepts.
        self._stack.push(lambda *_details: _shut(listener))
        threading.Thread(target=self._accept, args=(listener, context), daemon=True).start()
        return int(listener.getsockname()[1])

    def _accept(self, listener: socket.socket, context: ssl.SSLContext | None) -> None:
        while not self._stopped.is_set():
            try:
                sock, _address = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(sock, context), daemon=True).start()

    def _serve(self, sock: socket.socket, context: ssl.SSLContext | None) -> None:
        with contextlib.suppress(OSError, ssl.SSLError), sock:
            sock.settimeout(30)
            plain = context.wrap_socket(sock, server_side=True) if context else sock
            with plain:
                self._respond(plain)

    def _respond(self, sock: socket.socket) -> None:
        name = _path(sock).strip("/").split("/")[0]
        self.requests[name] = self.requests.get(name, 0) + 1
        if kind := self.kinds.get(name):
            _give(kind, sock, self._stopped)


class MixedProvider:
    """Every kind at one address, in turn, as a context manager; ``given`` counts the answers.

    Each request comes on a socket of its own, because no answer keeps one open. The certificate is
    the given one (a PEM file with its key), except where another is the bad answer.
    """

    def __init__(self, port: int, certificate: str, kinds: Iterable[Kind] = KINDS) -> None:
        self.kinds = tuple(kinds)
        self.given: Counter[str] = Counter()
        self.url = f"https://127.0.0.1:{port}/mixed"
        self._next = itertools.cycle(self.kinds)
        self._port = port
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        bad = {
            kind.tls: _tls_context(kind.tls)
            for kind in self.kinds
            if kind.tls not in ("", "garbage")
        }
        self._contexts = {**bad, "": _context_of(Path(certificate).read_bytes())}

    def __enter__(self) -> MixedProvider:  # noqa: PYI034 (Self needs Python 3.11)
        self._listener = socket.create_server(("127.0.0.1", self._port), backlog=1024)
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_details: object) -> None:
        self._stopped.set()
        _shut(self._listener)
        self._listener.close()

    def _accept(self) -> None:
        while not self._stopped.is_set():
            try:
                sock, _address = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        with self._lock:
            kind = next(self._next)
            self.given[kind.name] += 1
        with contextlib.suppress(OSError, ssl.SSLError), sock:
            sock.settimeout(30)
            if kind.tls == "garbage":
                sock.recv(4096)
                sock.sendall(http(b"{}"))
                return
            with self._contexts[kind.tls].wrap_socket(sock, server_side=True) as wrapped:
                _path(wrapped)
                _give(kind, wrapped, self._stopped)


def _give(kind: Kind, sock: socket.socket, stopped: threading.Event) -> None:
    if kind.silent:
        stopped.wait(120)
        return
    for piece in kind.pieces() if kind.pieces else ():
        sock.sendall(piece)
        if kind.drip and stopped.wait(_DRIP_SECONDS):
            return
    if kind.reset:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _shut(listener: socket.socket) -> None:
    with contextlib.suppress(OSError):
        listener.shutdown(socket.SHUT_RDWR)


def _path(sock: socket.socket) -> str:
    """Read a request with its body and return the path."""
    stream = sock.makefile("rb")
    first = stream.readline(4096).split()
    size = 0
    while (line := stream.readline(65536)) not in (b"", b"\r\n"):
        name, _colon, value = line.partition(b":")
        if name.lower() == b"content-length":
            size = int(value)
    stream.read(size)
    return first[1].decode("ascii", "replace") if len(first) > 1 else ""


def _tls_context(kind: str) -> ssl.SSLContext:
    """Return the context of a server whose certificate no client accepts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"hostile {kind}")])
    now = dt.datetime.now(dt.timezone.utc)
    ends = now + dt.timedelta(days=-1 if kind == "expired" else 1)
    host = ipaddress.ip_address("127.0.0.9" if kind == "wrong_host" else "127.0.0.1")
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=2))
        .not_valid_after(ends)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    return _context_of(pem_of(key) + certificate.public_bytes(serialization.Encoding.PEM))


def _context_of(pem: bytes) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "both.pem"
        path.write_bytes(pem)
        context.load_cert_chain(path)
    return context


def main(port: str, certificate: str) -> None:
    """Give bad answers until the input ends."""
    for layers in (1, 2):
        _bomb(layers)  # compressed before the first call, not during one
    with MixedProvider(int(port), certificate) as provider:
        print("ready", flush=True)
        sys.stdin.read()
    print(json.dumps(provider.given), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
