"""HTTP over TLS with keep-alive: what became of a request, as a value.

Every call has an end, every response a limit, and every address is checked as it is dialled
(``finance_audit.core.bounded_http``, ``finance_audit.core.address``). TLS verification cannot be
switched off. Plain HTTP is possible to this machine only, where the connection's environment is
``sandbox`` and the server has a sandbox (RFC 6749 §3.2 demands TLS for tokens; a loopback sandbox has
no wire).
"""

from __future__ import annotations

import re
import ssl
import time
from collections.abc import Iterable, Iterator, Mapping

from odoo.addons.finance_audit.core import address as addresses
from odoo.addons.finance_audit.core.address import Address, ForbiddenAddress, NetworkPolicy
from odoo.addons.finance_audit.core.bounded_http import (
    CallEnded,
    HttpCaller,
    Limits,
    NotStarted,
    TooLarge,
)
from odoo.addons.finance_audit.core.client_certificate import ClientCertificate
from urllib3 import exceptions

from .wire import CertificateRefused, HttpRequest, HttpResponse, NoAnswer, NotSent

SANDBOX = "sandbox"
#: Sent unless the adapter sets its own.
_HEADERS = {"Accept": "*/*", "Accept-Encoding": "gzip"}
_UNWRITABLE = re.compile(r"[^\t\x20-\x7e\xa0-\xff]")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")

__all__ = ["ForbiddenAddress", "NetworkPolicy", "Transport", "check_address"]


def check_address(
    url: str,
    environment: str,
    policy: NetworkPolicy,
    hosts: Iterable[str] | None = None,
    *,
    query: bool = False,
) -> Address:
    """Return the parts of an address that a connection of this environment may call.

    :param hosts: patterns of the provider's hosts in this environment; None: any public one
    :raises ForbiddenAddress: not https, not a public address or not the provider's, and not permitted
        by the administrator of the server.
    """
    if environment == SANDBOX and not policy.sandbox:
        raise ForbiddenAddress(
            f"the sandbox environment is switched off ({addresses.SANDBOX_OPTION})"
        )
    return addresses.check_address(
        url, policy, loopback=environment == SANDBOX, hosts=hosts, query=query
    )


class Transport:
    """Keep-alive connections to one provider, safe to use from several threads."""

    def __init__(
        self,
        environment: str,
        policy: NetworkPolicy,
        hosts: Iterable[str] | None = None,
        pool_size: int = 128,
        certificate: ClientCertificate | None = None,
    ):
        """``certificate`` is presented to the servers it was given for (mutual TLS).

        :raises InvalidCertificate: it cannot be presented.
        """
        self._environment = environment
        self._policy = policy
        self._hosts = None if hosts is None else tuple(hosts)
        self._caller = HttpCaller(
            policy,
            loopback=environment == SANDBOX,
            pool_size=pool_size,
            certificate=certificate,
        )

    def send(self, request: HttpRequest) -> HttpResponse | NotSent | NoAnswer:
        """Send once; never retries, never follows redirects, and raises for nothing that the network
        or the other end does.
        """
        started = time.monotonic()
        try:
            return self._exchange(request, started)
        except ForbiddenAddress as error:
            return NotSent(f"address not allowed: {error}", time.monotonic() - started)
        except Exception as error:  # noqa: BLE001 - whatever a response can provoke in a parser
            return _failure(error, time.monotonic() - started)

    def close(self) -> None:
        """Close idle sockets."""
        self._caller.close()

    def _exchange(self, request: HttpRequest, started: float) -> HttpResponse | NotSent:
        address = check_address(
            request.url, self._environment, self._policy, self._hosts, query=True
        )
        if not _is_writable(request):
            return NotSent("a header that cannot be written")
        connect, read = request.timeout
        try:
            answer = self._caller.call(
                request.method,
                address,
                _with_defaults(request.headers),
                request.body,
                Limits(connect, read, request.seconds_in_all, request.max_body),
            )
        except TooLarge as error:
            if not request.accepts_oversize:
                raise
            return HttpResponse(
                error.status,
                error.headers,
                b"",
                time.monotonic() - started,
                request.expected_types,
                is_oversize=True,
            )
        return HttpResponse(
            answer.status,
            answer.headers,
            answer.body,
            time.monotonic() - started,
            request.expected_types,
        )


def _with_defaults(headers: Mapping[str, str]) -> dict[str, str]:
    given = {name.lower() for name in headers}
    return {**{n: v for n, v in _HEADERS.items() if n.lower() not in given}, **headers}


def _is_writable(request: HttpRequest) -> bool:
    """Return whether method and headers can be written on the wire (RFC 9110 §5.5: no line breaks, ISO
    8859-1 at most).
    """
    return bool(_TOKEN.fullmatch(request.method)) and all(
        _TOKEN.fullmatch(name) and not _UNWRITABLE.search(value)
        for name, value in request.headers.items()
    )


def _failure(error: Exception, seconds: float) -> NotSent | NoAnswer:
    """Return whether an error leaves room for an effect at the other end; in doubt it does."""
    reason = type(error).__name__
    causes = list(_causes(error))
    alerts = [_alert_about_certificate(cause) for cause in causes]
    alert = next(filter(None, alerts), "")
    if alert:
        return CertificateRefused(f"TLS: {alert}", seconds)
    if any(isinstance(cause, _NEVER_LEFT) for cause in causes):
        return NotSent(f"{reason}: could not connect", seconds)
    return NoAnswer(str(error) if isinstance(error, CallEnded) else reason, seconds)


#: Alerts by which a server refuses the client's certificate (RFC 8446 §6.2), in OpenSSL's names.
_CERTIFICATE_ALERTS = {
    "ACCESS_DENIED": "access denied",
    "BAD_CERTIFICATE": "client certificate refused",
    "CERTIFICATE_EXPIRED": "client certificate expired",
    "CERTIFICATE_REQUIRED": "client certificate required",
    "CERTIFICATE_REVOKED": "client certificate revoked",
    "CERTIFICATE_UNKNOWN": "client certificate refused",
    # What a missing certificate is answered with before TLS 1.3 (RFC 5246 §7.4.6).
    "HANDSHAKE_FAILURE": "handshake refused, a client certificate may be required",
    "UNKNOWN_CA": "issuer of the client certificate not accepted",
    "UNSUPPORTED_CERTIFICATE": "client certificate of an unsupported kind",
}


def _alert_about_certificate(cause: object) -> str:
    """Return what the server says of the client's certificate; empty where it is another error.

    In TLS 1.3 the alert arrives when the request may have been written, but a server reads no
    request before it has accepted the client (RFC 8446 §4.4.2.4): nothing was processed.
    """
    if not isinstance(cause, ssl.SSLError):
        return ""
    return _CERTIFICATE_ALERTS.get((cause.reason or "").partition("_ALERT_")[2], "")


#: Raised before the first byte of the request is written.
_NEVER_LEFT = (
    NotStarted,
    exceptions.ConnectTimeoutError,
    exceptions.LocationValueError,
    exceptions.NewConnectionError,
    ssl.SSLCertVerificationError,
)


def _causes(error: BaseException) -> Iterator[object]:
    """Yield the error, what urllib3 wrapped in it, and what those were raised from."""
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
