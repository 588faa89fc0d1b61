"""OAuth 2.0 client credentials: the token endpoint (RFC 6749 4.4) and bearer tokens (RFC 6750)."""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote_plus

from .clock import MICROSECONDS, Clock
from .multipart import media_type
from .values import Call, Reply, json_reply

LIFETIME = 3600
FORM = "application/x-www-form-urlencoded"
NOT_STORED = {"Cache_Control": "no-store", "Pragma": "no-cache"}
FAILURES = {429: "slow_down", 500: "server_error", 503: "temporarily_unavailable"}


class Refused(Exception):
    """The token request is refused; ``code`` is the ``error`` of RFC 6749 5.2."""

    def __init__(self, code: str, description: str, status: int = 400, **headers: str) -> None:
        super().__init__(description)
        self.code, self.status, self.headers = code, status, headers


@dataclass(frozen=True)
class Grant:
    client: str
    expires_at: int
    scopes: tuple[str, ...] = ()


def failure(status: int) -> Reply:
    """Return the token endpoint's answer to trouble that is not the client's."""
    return json_reply({"error": FAILURES.get(status, "invalid_request")}, status)


class TokenEndpoint:
    """The registered clients of an authority and the tokens issued to them."""

    def __init__(
        self, clock: Clock, clients: Mapping[str, str], scopes: Sequence[str] = ()
    ) -> None:
        self._clock = clock
        self._scopes = tuple(scopes)
        self._defaults = dict(clients)
        self._grants: dict[str, Grant] = {}
        self.clients = dict(clients)
        self.lifetime = LIFETIME

    def issue(self, call: Call) -> Reply:
        """Answer a token request."""
        try:
            form = read_form(call)
            client = self._client(call, form)
            scopes = self._granted_scopes(form)
        except Refused as refused:
            body = {"error": refused.code, "error_description": str(refused)}
            return json_reply(body, refused.status, **NOT_STORED, **refused.headers)
        token = self.grant(client, scopes)
        answer = {"access_token": token, "token_type": "Bearer", "expires_in": self.lifetime}
        named = {"scope": " ".join(scopes)} if scopes else {}
        return json_reply({**answer, **named}, **NOT_STORED)

    def grant(self, client: str, scopes: tuple[str, ...] = ()) -> str:
        """Return a new access token of the client."""
        self._forget_expired()
        token = secrets.token_urlsafe(32)
        expires_at = self._clock.peek() + self.lifetime * MICROSECONDS
        self._grants[token] = Grant(client, expires_at, scopes)
        return token

    def holder(self, call: Call) -> str | None:
        """Return the client whose valid token the call carries."""
        found = self.held(call)
        return found.client if found else None

    def held(self, call: Call) -> Grant | None:
        """Return the grant of the valid token that the call carries."""
        grant = self._grants.get(bearer(call))
        if grant is None or grant.expires_at <= self._clock.peek():
            return None
        return grant if grant.client in self.clients else None

    def expire_all(self, client: str | None = None) -> None:
        """Expire the tokens of one client, or of all."""
        self._grants = {
            token: grant
            for token, grant in self._grants.items()
            if client is not None and grant.client != client
        }

    def revoke(self, call: Call) -> None:
        """Revoke the token that the call carries."""
        self._grants.pop(bearer(call), None)

    def reset(self) -> None:
        self.clients = dict(self._defaults)
        self.lifetime = LIFETIME
        self.expire_all()

    def dump(self) -> dict[str, Any]:
        return {"clients": self.clients, "lifetime": self.lifetime}

    def load(self, state: Mapping[str, Any]) -> None:
        self.clients = dict(state["clients"])
        self.lifetime = state["lifetime"]

    def _granted_scopes(self, form: Mapping[str, str]) -> tuple[str, ...]:
        """Return the scopes asked for; all there are, if none is named."""
        wanted = tuple(form.get("scope", "").split())
        if self._scopes and any(scope not in self._scopes for scope in wanted):
            raise Refused("invalid_scope", "an unknown scope")
        return wanted if self._scopes and wanted else self._scopes

    def _client(self, call: Call, form: Mapping[str, str]) -> str:
        client, secret, challenge = credentials(call, form)
        known = self.clients.get(client)
        if known is None or not hmac.compare_digest(known.encode(), secret.encode()):
            raise Refused("invalid_client", "unknown client or wrong secret", 401, **challenge)
        if "grant_type" not in form:
            raise Refused("invalid_request", "grant_type is missing")
        if form["grant_type"] != "client_credentials":
            raise Refused("unsupported_grant_type", "only client_credentials is offered")
        return client

    def _forget_expired(self) -> None:
        now = self._clock.peek()
        expired = [token for token, grant in self._grants.items() if grant.expires_at <= now]
        for token in expired:
            del self._grants[token]


def bearer(call: Call) -> str:
    """Return the bearer token of the call; empty without one."""
    scheme, _space, token = call.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def read_form(call: Call) -> dict[str, str]:
    if media_type(call.content_type) != FORM:
        raise Refused("invalid_request", f"the body must be {FORM}")
    values = parse_qs(call.body.decode("utf-8", "replace"))
    repeated = [name for name, given in values.items() if len(given) > 1]
    if repeated:
        raise Refused("invalid_request", f"{repeated[0]} is given more than once")
    return {name: given[0] for name, given in values.items()}


def credentials(call: Call, form: Mapping[str, str]) -> tuple[str, str, dict[str, str]]:
    """Client id, secret, and the challenge owed if they are wrong (RFC 6749 2.3.1 and 5.2)."""
    header = call.headers.get("Authorization")
    if header is None:
        return form.get("client_id", ""), form.get("client_secret", ""), {}
    challenge = {"WWW_Authenticate": 'Basic realm="sandbox"'}
    if "client_secret" in form:
        raise Refused("invalid_request", "credentials in the header and in the body")
    scheme, _space, encoded = header.partition(" ")
    try:
        decoded = base64.b64decode(encoded.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        decoded = ""
    client, colon, secret = decoded.partition(":")
    if scheme.lower() != "basic" or not colon:
        raise Refused("invalid_client", "unreadable Authorization header", 401, **challenge)
    return unquote_plus(client), unquote_plus(secret), challenge
