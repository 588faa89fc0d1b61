"""Bearer tokens by client credentials (RFC 6749 §4.4) or an assertion (RFC 7523), as a conversation."""

from __future__ import annotations

import re
from urllib.parse import urlencode

from ..conversation import Ask, Context, Obtained, ResourceConversation
from ..delivery.outcomes import AuthFailed, ContractBroken, Outcome, bounded_seconds
from ..protocol import ClientCredentials, refusal_by_status, unreadable
from .sign_ins import JwtAssertion
from .wire import QUERY_TIMEOUT, HttpRequest, HttpResponse

_DEFAULT_LIFETIME = 300.0
_MAX_LIFETIME = 86_400.0
#: What a bearer token consists of (RFC 6750 §2.1); platforms issue some of a few kilobytes.
_B64TOKEN = re.compile(r"[A-Za-z0-9\-._~+/]{1,16384}={0,2}")
_CODE = re.compile(r"[a-zA-Z_]{1,40}")
_OK = 200
_IDENTITY_BYTES = 16


def obtain_token(grant: ClientCredentials | JwtAssertion, context: Context) -> ResourceConversation:
    """Return the conversation that obtains a bearer token; its secret is named ``token``."""
    try:
        form = _form(grant, context)
    except ValueError as error:
        return AuthFailed(f"token endpoint not called: {error}")
    answer = yield Ask(_token_request(grant.token_url, form), auth="")
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


def _form(grant: ClientCredentials | JwtAssertion, context: Context) -> dict[str, str]:
    if isinstance(grant, JwtAssertion):
        return grant.form(context.now, context.random(_IDENTITY_BYTES))
    form = {
        "grant_type": "client_credentials",
        "client_id": grant.client_id,
        "client_secret": grant.client_secret,
    }
    return {**form, "scope": grant.scope} if grant.scope else form


def _token_request(url: str, form: dict[str, str]) -> HttpRequest:
    return HttpRequest(
        "POST",
        url,
        {
            "Content-Type": "application/x-www-form-urlencoded",
            "Accept": "application/json",
        },
        urlencode(form).encode(),
        QUERY_TIMEOUT,
    )
