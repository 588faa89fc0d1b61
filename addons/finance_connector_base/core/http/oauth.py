"""Bearer tokens by the client credentials grant (RFC 6749 §4.4), shared by the sending threads of a
process.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlencode

from ..delivery.outcomes import AuthFailed, ContractBroken, Outcome, Transient
from ..protocol import ClientCredentials, refusal_by_status, unreadable
from .wire import (
    QUERY_TIMEOUT,
    HttpRequest,
    HttpResponse,
    NoAnswer,
    NotSent,
    bounded_number,
)

#: A token is renewed this many seconds before it ends, so that it does not end on the way.
_MARGIN = 30.0
_DEFAULT_LIFETIME = 300.0
_MAX_LIFETIME = 86_400.0
#: What a bearer token consists of (RFC 6750 §2.1); platforms issue some of a few kilobytes.
_B64TOKEN = re.compile(r"[A-Za-z0-9\-._~+/]{1,16384}={0,2}")
_OK = 200

Send = Callable[[HttpRequest], HttpResponse | NotSent | NoAnswer]


@dataclass(frozen=True, slots=True)
class _Token:
    value: str
    ends: float


class TokenCache:
    """One grant's current token. A failed renewal is an outcome, so that a call is never sent
    without a token.
    """

    def __init__(self, grant: ClientCredentials, clock: Callable[[], float] = time.monotonic):
        self._grant = grant
        self._clock = clock
        self._lock = threading.Lock()
        self._token: _Token | None = None
        self._failure: Outcome | None = None
        self._failed_at = 0.0

    def bearer(self, send: Send) -> str | Outcome:
        """The value of a valid token, or the outcome that says why there is none. Waits for a
        running renewal.
        """
        asked_at = self._clock()
        with self._lock:
            if self._token and self._token.ends > self._clock():
                return self._token.value
            if self._failure and self._failed_at > asked_at:
                # One renewal for all that waited for it: a slow endpoint holds none of them for longer.
                return self._failure
            renewed = _renew(self._grant, send, self._clock())
            if isinstance(renewed, _Token):
                self._token, self._failure = renewed, None
                return renewed.value
            self._token, self._failure, self._failed_at = None, renewed, self._clock()
            return renewed

    def forget(self, value: str) -> None:
        """Drop the token that the provider refused, unless another thread has renewed it already."""
        with self._lock:
            if self._token and self._token.value == value:
                self._token = None


def _renew(grant: ClientCredentials, send: Send, now: float) -> _Token | Outcome:
    answer = send(_token_request(grant))
    if isinstance(answer, (NotSent, NoAnswer)):
        # A token request has no effect at the provider, so not knowing is the same as not done.
        return Transient(f"token endpoint: {answer.reason}")
    if answer.status != _OK:
        return _refusal(answer)
    data = answer.json_object()
    value = data.get("access_token") if data else None
    if data is None or not isinstance(value, str) or not _B64TOKEN.fullmatch(value):
        return ContractBroken(f"token endpoint: {unreadable(answer).reason}")
    seconds = bounded_number(data.get("expires_in"), 0.0, _MAX_LIFETIME)
    seconds = _DEFAULT_LIFETIME if seconds is None else seconds
    return _Token(value, now + seconds - min(_MARGIN, seconds / 2))


def _refusal(answer: HttpResponse) -> Outcome:
    data = answer.json_object() or {}
    reason = f"token endpoint: HTTP {answer.status} {data.get('error', '')}".rstrip()
    outcome = refusal_by_status(answer, reason)
    if outcome is None:
        # RFC 6749 §5.2: 400 carries invalid_client, invalid_grant, …: the credentials or the scope
        # are wrong.
        return AuthFailed(reason)
    return outcome


def _token_request(grant: ClientCredentials) -> HttpRequest:
    form = {
        "grant_type": "client_credentials",
        "client_id": grant.client_id,
        "client_secret": grant.client_secret,
    }
    if grant.scope:
        form["scope"] = grant.scope
    return HttpRequest(
        "POST",
        grant.token_url,
        {
            "Content-Type": "application/x-www-form-urlencoded",
            "Accept": "application/json",
        },
        urlencode(form).encode(),
        QUERY_TIMEOUT,
    )
