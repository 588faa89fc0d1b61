"""The one place that opens sockets: HTTP over TLS with keep-alive, time-outs always, no redirects.

TLS verification cannot be switched off. Plain HTTP is allowed to a loopback address only, and only
where the
connection's environment is ``sandbox`` (RFC 6749 §3.2 demands TLS for tokens; a loopback sandbox
has no wire).
"""

from __future__ import annotations

import ipaddress
import re
import ssl
import time
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

import certifi
import urllib3
from urllib3 import exceptions

from .wire import HttpRequest, HttpResponse, NoAnswer, NotSent

#: An answer larger than this is cut off and counts as unreadable; provider answers are a few
#: kilobytes.
MAX_BODY = 20 * 1024 * 1024
#: Sent unless the adapter sets its own.
_HEADERS = {"Accept": "*/*", "Accept-Encoding": "gzip, deflate"}
_UNWRITABLE = re.compile(r"[^\t\x20-\x7e\xa0-\xff]")


class ForbiddenAddress(ValueError):
    """The address may not be called: use https, or a loopback address in the sandbox environment."""


def check_address(url: str, environment: str) -> None:
    """Refuse addresses that would send secrets over an open wire.

    :raises ForbiddenAddress: not https, and not plain http to loopback in the sandbox environment.
    """
    parts = urlsplit(url)
    if parts.scheme == "https" and parts.hostname:
        return
    if parts.scheme == "http" and environment == "sandbox" and _is_loopback(parts.hostname or ""):
        return
    raise ForbiddenAddress(f"{parts.scheme or 'no scheme'}://{parts.hostname or ''}")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Transport:
    """Keep-alive connections to one provider, safe to use from several threads.

    urllib3 by itself: it reads neither proxies nor .netrc from the machine, and costs half of what
    a session of
    requests does.
    """

    def __init__(self, environment: str, pool_size: int = 128):
        self._environment = environment
        self._pool = urllib3.PoolManager(
            maxsize=pool_size, cert_reqs="CERT_REQUIRED", ca_certs=certifi.where()
        )

    def send(self, request: HttpRequest) -> HttpResponse | NotSent | NoAnswer:
        """Send once; never retries, never follows redirects, never raises for what the network
        does.

        :raises ForbiddenAddress: before anything is sent.
        """
        check_address(request.url, self._environment)
        if not all(_is_header(*header) for header in request.headers.items()):
            return NotSent("a header that cannot be written")
        started = time.monotonic()
        try:
            return self._exchange(request, started)
        except exceptions.HTTPError as error:
            return _failure(error, time.monotonic() - started)

    def close(self) -> None:
        """Close idle sockets."""
        self._pool.clear()

    def _exchange(self, request: HttpRequest, started: float) -> HttpResponse | NoAnswer:
        connect, read = request.timeout
        # Leaving the block closes the socket unless the answer was read to its end.
        with self._pool.request(
            request.method,
            request.url,
            headers=_with_defaults(request.headers),
            body=request.body,
            timeout=urllib3.Timeout(connect=connect, read=read),
            retries=False,
            redirect=False,
            preload_content=False,
        ) as response:
            body = response.read(MAX_BODY + 1, decode_content=True)
            if len(body) > MAX_BODY:
                return NoAnswer("answer larger than 20 MB", time.monotonic() - started)
            headers = {name.lower(): value for name, value in response.headers.items()}
            return HttpResponse(response.status, headers, body, time.monotonic() - started)


def _with_defaults(headers: Mapping[str, str]) -> dict[str, str]:
    given = {name.lower() for name in headers}
    return {**{n: v for n, v in _HEADERS.items() if n.lower() not in given}, **headers}


def _is_header(name: str, value: str) -> bool:
    """Whether both can be written on the wire (RFC 9110 §5.5: no line breaks, ISO 8859-1 at most)."""
    return not _UNWRITABLE.search(f"{name}{value}")


def _failure(error: exceptions.HTTPError, seconds: float) -> NotSent | NoAnswer:
    """Whether an error of urllib3 leaves room for an effect at the other end; in doubt it does."""
    reason = type(error).__name__
    if any(isinstance(cause, _NEVER_LEFT) for cause in _causes(error)):
        return NotSent(f"{reason}: could not connect", seconds)
    return NoAnswer(reason, seconds)


#: Raised before the first byte of the request is written.
_NEVER_LEFT = (
    exceptions.ConnectTimeoutError,
    exceptions.LocationValueError,
    exceptions.NewConnectionError,
    ssl.SSLCertVerificationError,
)


def _causes(error: BaseException) -> Iterator[object]:
    """The error, what urllib3 wrapped in it, and what those were raised from."""
    todo: list[object] = [error]
    for _depth in range(10):
        if not todo:
            return
        item = todo.pop()
        yield item
        if isinstance(item, BaseException):
            linked = (
                item.__cause__,
                item.__context__,
                getattr(item, "reason", None),
                *item.args,
            )
            todo.extend(other for other in linked if isinstance(other, BaseException))
