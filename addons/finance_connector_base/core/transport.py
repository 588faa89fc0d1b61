"""The one place that opens sockets: HTTP over TLS with keep-alive, time-outs always, no redirects.

TLS verification cannot be switched off. Plain HTTP is allowed to a loopback address only, and only where the
connection's environment is ``sandbox`` (RFC 6749 §3.2 demands TLS for tokens; a loopback sandbox has no wire).
"""

from __future__ import annotations

import ipaddress
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import NewConnectionError
from urllib3.util.retry import Retry

from .wire import HttpRequest, HttpResponse, NoAnswer, NotSent

#: An answer larger than this is cut off and counts as unreadable; provider answers are a few kilobytes.
MAX_BODY = 20 * 1024 * 1024
_CHUNK = 64 * 1024


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
    """Keep-alive sessions for one connection, safe to use from several threads (one session per call at a time)."""

    def __init__(self, environment: str, pool_size: int = 128):
        self._environment = environment
        self._pool_size = pool_size
        self._idle: list[requests.Session] = []
        self._lock = threading.Lock()

    def send(self, request: HttpRequest) -> HttpResponse | NotSent | NoAnswer:
        """Send once; never retries, never follows redirects, never raises for what the network does.

        :raises ForbiddenAddress: before anything is sent.
        """
        check_address(request.url, self._environment)
        started = time.monotonic()
        try:
            with self._session() as session:
                return self._exchange(session, request, started)
        except requests.RequestException as error:
            return _failure(error, time.monotonic() - started)

    def close(self) -> None:
        """Close idle sockets."""
        with self._lock:
            sessions, self._idle = self._idle, []
        for session in sessions:
            session.close()

    def _exchange(
        self, session: requests.Session, request: HttpRequest, started: float
    ) -> HttpResponse | NoAnswer:
        with session.request(
            request.method,
            request.url,
            headers=dict(request.headers),
            data=request.body,
            timeout=request.timeout,
            allow_redirects=False,
            stream=True,
        ) as response:
            body = bytearray()
            for chunk in response.iter_content(_CHUNK):
                body += chunk
                if len(body) > MAX_BODY:
                    return NoAnswer("answer larger than 20 MB", time.monotonic() - started)
            headers = {name.lower(): value for name, value in response.headers.items()}
            return HttpResponse(
                response.status_code, headers, bytes(body), time.monotonic() - started
            )

    @contextmanager
    def _session(self) -> Iterator[requests.Session]:
        with self._lock:
            session = self._idle.pop() if self._idle else None
        session = session or _new_session()
        try:
            yield session
        except BaseException:
            session.close()
            raise
        with self._lock:
            if len(self._idle) < self._pool_size:
                self._idle.append(session)
                return
        session.close()


def _new_session() -> requests.Session:
    session = requests.Session()
    # Proxies and .netrc of the machine must not see or change what goes to an authority.
    session.trust_env = False
    adapter = HTTPAdapter(max_retries=Retry(0, read=False, redirect=False))
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


def _failure(error: requests.RequestException, seconds: float) -> NotSent | NoAnswer:
    """Whether an error of ``requests`` leaves room for an effect at the other end; in doubt it does."""
    reason = type(error).__name__
    if isinstance(error, _NEVER_LEFT) or any(
        isinstance(cause, (NewConnectionError, ssl.SSLCertVerificationError))
        for cause in _causes(error)
    ):
        return NotSent(f"{reason}: could not connect", seconds)
    return NoAnswer(reason, seconds)


#: Raised by ``requests`` before the first byte of the request is written.
_NEVER_LEFT = (
    requests.exceptions.ConnectTimeout,
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    requests.exceptions.MissingSchema,
    requests.exceptions.InvalidHeader,
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
