"""Sign-in by challenge: challenge, signed answer, waiting, token; refresh and revocation.

Nothing here is an effect. What is issued ends with the process, as access tokens do.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from ...checks import Field
from ...clock import MICROSECONDS, to_text
from ...provider import Provider
from ...values import Call, Reply, json_reply
from .common import AUTH, Refused, checked_body
from .keys import is_signed

CHALLENGE_SECONDS = 300
REFRESH_SECONDS = 86_400
OPEN_AT_ONCE = 10_000
HMAC, RSA = "hmac-sha256", "rsa-pss-sha256"
CHALLENGE = {"account": Field(required=True, max_length=100)}
ANSWER = {
    "reference": Field(required=True, max_length=100),
    "scheme": Field(required=True, choices=(HMAC, RSA)),
    "signature": Field(required=True, max_length=2000),
}
REFRESH = {"refresh_token": Field(required=True, max_length=200)}


@dataclass
class Started:
    """One sign-in on its way."""

    account: str
    challenge: str
    expires_at: int
    answered: bool = False
    redeemed: bool = False
    polls_left: int = 0


class SignIn(Provider):
    """The operations that end in an access token."""

    def __init__(self, core: Any) -> None:
        super().__init__(core)
        self.sign_ins: dict[str, Started] = {}
        self.refresh_tokens: dict[str, tuple[str, int]] = {}

    def sign_in_operations(self) -> tuple[tuple[Any, ...], ...]:
        return (
            ("createChallenge", "POST", "/auth/challenge", self.challenge, AUTH),
            ("signIn", "POST", "/auth/sign-in", self.sign_in, AUTH),
            ("getSignIn", "GET", "/auth/{reference}", self.sign_in_state, AUTH),
            ("redeemToken", "POST", "/auth/{reference}/token", self.redeem, AUTH),
            ("refreshToken", "POST", "/auth/refresh", self.refresh, AUTH),
            ("revokeToken", "POST", "/auth/revoke", self.revoke, AUTH),
        )

    def certificate_refusal(self, call: Call, account: str) -> str:
        """Return why the client certificate will not do, where one is required."""
        if not self.settings["certificate_required"]:
            return ""
        if call.certificate is None:
            return "certificate_required"
        if call.certificate.serial in self.settings["revoked_certificates"]:
            return "certificate_revoked"
        return "" if call.certificate.common_name == account else "certificate_mismatch"

    def challenge(self, call: Call) -> Reply:
        """createChallenge: something to sign, once, within minutes. Any account name gets one."""
        account = checked_body(call, CHALLENGE)["account"]
        while len(self.sign_ins) >= OPEN_AT_ONCE:
            self.sign_ins.pop(next(iter(self.sign_ins)))
        reference, challenge = str(uuid4()), secrets.token_urlsafe(32)
        expires_at = self.core.clock.peek() + CHALLENGE_SECONDS * MICROSECONDS
        self.sign_ins[reference] = Started(account, challenge, expires_at)
        found = {"reference": reference, "challenge": challenge, "expires_at": to_text(expires_at)}
        return json_reply(found, 201)

    def sign_in(self, call: Call) -> Reply:
        """signIn: the signed challenge; ready after some polls."""
        body = checked_body(call, ANSWER)
        started = self.sign_ins.get(body["reference"])
        now = self.core.clock.peek()
        if started is None or started.answered or started.expires_at <= now:
            raise Refused(401, "challenge_invalid", "The challenge is unknown, used or expired")
        started.answered = True  # one attempt for each challenge
        if not self.signature_holds(started, body["scheme"], body["signature"]):
            del self.sign_ins[body["reference"]]
            raise Refused(401, "bad_signature", "The signature does not belong to the account")
        refusal = self.certificate_refusal(call, started.account)
        if refusal:
            raise Refused(403, refusal, "The client certificate is refused")
        started.polls_left = self.settings["sign_in_polls"]
        return json_reply(sign_in_state(body["reference"], started), 202)

    def sign_in_state(self, call: Call) -> Reply:
        """getSignIn: whether the token is ready. Each call is one poll."""
        started = self.answered(call)
        found = sign_in_state(call.params["reference"], started)
        started.polls_left = max(0, started.polls_left - 1)
        return json_reply(found)

    def redeem(self, call: Call) -> Reply:
        """redeemToken: the tokens of a sign-in that is ready, once."""
        started = self.answered(call)
        if started.polls_left:
            raise Refused(409, "not_ready", "The sign-in is not finished yet", retry_after=1)
        if started.redeemed:
            raise Refused(409, "already_redeemed", "The tokens of this sign-in were given out")
        started.redeemed = True
        return self.tokens_of(started.account)

    def refresh(self, call: Call) -> Reply:
        """refreshToken: new tokens for a refresh token, which is used up by this."""
        token = checked_body(call, REFRESH)["refresh_token"]
        account, expires_at = self.refresh_tokens.pop(token, ("", 0))
        if account not in self.tokens.clients or expires_at <= self.core.clock.peek():
            raise Refused(401, "refresh_invalid", "The refresh token is unknown, used or expired")
        return self.tokens_of(account)

    def revoke(self, call: Call) -> Reply:
        """revokeToken: sign out. Without a valid token there is nothing to do."""
        self.tokens.revoke(call)
        return json_reply({"state": "revoked"})

    def signature_holds(self, started: Started, scheme: str, signature: str) -> bool:
        try:
            given = base64.b64decode(signature, validate=True)
        except ValueError:
            return False
        message = started.challenge.encode()
        if scheme == RSA:
            public = self.settings["public_keys"].get(started.account, "")
            return started.account in self.tokens.clients and is_signed(public, given, message)
        secret = self.tokens.clients.get(started.account)
        expected = hmac.new((secret or "").encode(), message, hashlib.sha256).digest()
        return secret is not None and hmac.compare_digest(expected, given)

    def answered(self, call: Call) -> Started:
        started = self.sign_ins.get(call.params["reference"])
        if started is None or not started.answered:
            raise Refused(404)
        return started

    def tokens_of(self, account: str) -> Reply:
        refresh = secrets.token_urlsafe(32)
        ends = self.core.clock.peek() + REFRESH_SECONDS * MICROSECONDS
        while len(self.refresh_tokens) >= OPEN_AT_ONCE:
            self.refresh_tokens.pop(next(iter(self.refresh_tokens)))
        self.refresh_tokens[refresh] = (account, ends)
        found = {
            "access_token": self.tokens.grant(account),
            "token_type": "Bearer",
            "expires_in": self.tokens.lifetime,
            "refresh_token": refresh,
            "refresh_expires_in": REFRESH_SECONDS,
        }
        return json_reply(found, 201, Cache_Control="no-store")


def sign_in_state(reference: str, started: Started) -> dict[str, str]:
    return {"reference": reference, "state": "pending" if started.polls_left else "ready"}
