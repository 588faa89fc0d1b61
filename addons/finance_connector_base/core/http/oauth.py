"""Bearer tokens by the client credentials grant (RFC 6749 §4.4), as a conversation."""

from __future__ import annotations

import re
from urllib.parse import urlencode

from ..conversation import Ask, Obtained, ResourceConversation
from ..delivery.outcomes import AuthFailed, ContractBroken, Outcome, bounded_seconds
from ..protocol import ClientCredentials, refusal_by_status, unreadable
from .wire import QUERY_TIMEOUT, HttpRequest, HttpResponse

_DEFAULT_LIFETIME = 300.0
_MAX_LIFETIME = 86_400.0
#: What a bearer token consists of (RFC 6750 §2.1); platforms issue some of a few kilobytes.
_B64TOKEN = re.compile(r"[A-Za-z0-9\-._~+/]{1,16384}={0,2}")
_CODE = re.compile(r"[a-zA-Z_]{1,40}")
_OK = 200


def obtain_token(grant: ClientCredentials) -> ResourceConversation:
    """Return the conversation that obtains a bearer token; its secret is named ``token``."""
    answer = yield Ask(_token_request(grant), auth="")
    if answer.status != _OK:
        return _refusal(answer)
    data = answer.json_object() or {}
    value = data.get("access_token")
    if not isinstance(value, str) or not _B64TOKEN.fullmatch(value):
        return ContractBroken(f"token endpoint: {unreadable(answer).reason}")
    lifetime = data.get("expires_in")
    given = None if lifetime is None else bounded_seconds(lifetime, _MAX_LIFETIME)
    return Obtained({"token": value}, lifetime=_DEFAULT_LIFETIME if given is None else given)


def _refusal(answer: HttpResponse) -> Outcome:
    code = (answer.json_object() or {}).get("error")
    # A code (RFC 6749 §5.2), never a text: some servers repeat the request, secrets included.
    named = code if isinstance(code, str) and _CODE.fullmatch(code) else ""
    reason = f"token endpoint: HTTP {answer.status} {named}".rstrip()
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
