"""Steps of a client of the reference provider: sign-in, sessions, batches."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from dataclasses import dataclass, field
from typing import Any

import requests
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from reference_client import KEY, ReferenceClient

from sandbox.client import ControlClient

OAEP = padding.OAEP(mgf=padding.MGF1(hashes.SHA256()), algorithm=hashes.SHA256(), label=None)


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def challenge(provider: ReferenceClient, account: str = "reference") -> dict[str, Any]:
    return provider.call("createChallenge", {"account": account}).json()


def answer(
    provider: ReferenceClient, given: dict[str, Any], secret: str = KEY
) -> requests.Response:
    signature = hmac.new(secret.encode(), given["challenge"].encode(), hashlib.sha256).digest()
    body = {"reference": given["reference"], "scheme": "hmac-sha256", "signature": b64(signature)}
    return provider.call("signIn", body)


def sign_in(provider: ReferenceClient) -> dict[str, Any]:
    """Sign in with all the requests it takes, and use the token."""
    given = challenge(provider)
    assert answer(provider, given).status_code == 202
    while provider.call("getSignIn", reference=given["reference"]).json()["state"] == "pending":
        continue
    tokens = provider.call("redeemToken", reference=given["reference"]).json()
    provider.authorize(tokens["access_token"])
    return tokens


@dataclass
class OpenSession:
    provider: ReferenceClient
    reference: str = ""
    key: bytes = field(default_factory=lambda: os.urandom(32))

    def open(self) -> requests.Response:
        keys = self.provider.call("getKeys").json()["keys"]
        public = next(key for key in keys if key["use"] == "encrypt")
        wrapped = serialization.load_pem_public_key(public["public_key"].encode()).encrypt(
            self.key, OAEP
        )
        body = {"key_id": public["key_id"], "encrypted_key": b64(wrapped)}
        response = self.provider.call("openSession", body)
        if response.ok:
            self.reference = response.json()["session"]
        return response

    def sealed(self, number: str, content: bytes, **changes: str) -> dict[str, str]:
        nonce = os.urandom(12)
        encrypted = AESGCM(self.key).encrypt(nonce, content, self.reference.encode())
        sha256 = hashlib.sha256(content).hexdigest()
        body = {"number": number, "nonce": b64(nonce), "encrypted": b64(encrypted)}
        return {**body, "sha256": sha256, **changes}

    def send(self, number: str, content: bytes = b"{}", **changes: str) -> requests.Response:
        body = self.sealed(number, content, **changes)
        return self.provider.call("sendInSession", body, session=self.reference)

    def list(self, **query: Any) -> dict[str, Any]:
        return self.provider.call("listSession", session=self.reference, query=query).json()


def opened(provider: ReferenceClient) -> OpenSession:
    session = OpenSession(provider)
    assert session.open().status_code == 201
    return session


def batch(provider: ReferenceClient, *keys: str, content: bytes = b"{}") -> requests.Response:
    items = [{"key": key, "content": b64(content)} for key in keys]
    return provider.call("sendBatch", {"items": items})


def play_connected(provider: ReferenceClient, control: ControlClient) -> None:
    """Ask for each status that an operation around signing in, sessions, batches and feeds has of its own."""
    control.default_verdict("accept")
    play_sign_in(provider, control)
    play_session(provider, control)
    taken = batch(provider, "A", "B").json()
    batch(provider)
    control.settings("reference", batch_max_items=1)
    batch(provider, "C", "D")
    provider.call("findBatchItem", query={"key": "A"})
    provider.call("findBatchItem")
    provider.call("getBatch", batch=taken["batch"])
    provider.call("getBatch", batch="none")
    provider.call("getReceipt", reference=taken["results"][0]["receipt"]["reference"])
    provider.call("getReceipt", reference="none")
    control.default_verdict("never")
    provider.call("getReceipt", reference=provider.put("waiting").json()["reference"])
    for feed in ("feedStatuses", "feedDocuments"):
        provider.call(feed)
        provider.call(feed, query={"cursor": "?"})
    provider.call("queryParty", party="GOOD")
    provider.call("queryParty", party="not a name")
    provider.call("getLimits")


def play_sign_in(provider: ReferenceClient, control: ControlClient) -> None:
    other = ReferenceClient(control.url, provider.contract)
    tokens = sign_in(other)
    provider.call("createChallenge", {})
    provider.call("signIn", {})
    answer(provider, {"reference": "none", "challenge": ""})
    control.settings("reference", certificate_required=True)
    given = challenge(provider)
    answer(provider, given)
    control.settings("reference", certificate_required=False)
    waiting = challenge(provider)
    answer(provider, waiting)
    provider.call("redeemToken", reference=waiting["reference"])
    provider.call("redeemToken", reference="none")
    provider.call("getSignIn", reference="none")
    for body in ({}, {"refresh_token": "none"}, {"refresh_token": tokens["refresh_token"]}):
        provider.call("refreshToken", body)
    other.call("revokeToken")
    provider.seen |= other.seen
    other.close()


def play_session(provider: ReferenceClient, control: ControlClient) -> None:
    session = opened(provider)
    provider.call("openSession", {})
    provider.call("openSession", {"key_id": "none", "encrypted_key": ""})
    control.settings("reference", sessions_at_once=1)
    session_again = OpenSession(provider)
    session_again.open()
    session.send("S")
    session.send("S")
    session.send("T", sha256="0" * 64)
    provider.call("sendInSession", {}, session=session.reference)
    provider.call("sendInSession", {}, session="none")
    control.default_verdict("late", looks=1)
    session.send("U")
    control.default_verdict("accept")
    session.list()
    session.list(cursor="?")
    for operation in ("listSession", "getSession", "closeSession"):
        provider.call(operation, session="none")
    provider.call("getSession", session=session.reference)
    provider.call("closeSession", session=session.reference)
