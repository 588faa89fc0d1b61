"""What an account at the reference provider owns for a while: a token, a session with a key, the
provider's keys, its rate windows.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from odoo.addons.finance_connector_base.core.conversation import (
    Ask,
    Context,
    Obtained,
    Resource,
    ResourceConversation,
)
from odoo.addons.finance_connector_base.core.delivery.outcomes import (
    AuthFailed,
    ContractBroken,
    Outcome,
    Transient,
)
from odoo.addons.finance_connector_base.core.http.wire import (
    HttpRequest,
    HttpResponse,
    bounded_number,
)
from odoo.addons.finance_connector_base.core.protocol import refusal_by_status, unreadable

KEYS, SESSION = "keys", "session"
#: Polls of one sign-in; the provider is ready after one or two.
_SIGN_IN_POLLS = 20
_KEYS_SECONDS, _LIMITS_SECONDS = 3600.0, 60.0
_DEFAULT_TOKEN_SECONDS = 300.0
_WINDOWS = {"second": 1.0, "minute": 60.0, "hour": 3600.0}
_OK, _CREATED, _ACCEPTED, _UNAUTHORIZED = 200, 201, 202, 401

#: Makes a request: method, path, body.
Requests = Callable[[str, str, Mapping[str, Any] | None], HttpRequest]


def obtain_token(
    request: Requests, account: str, secret: str, old: Resource | None
) -> ResourceConversation:
    """Sign in: by the refresh token where there is one, else by a signed challenge."""
    if old and old.secret.get("refresh"):
        body = {"refresh_token": old.secret["refresh"]}
        answer = yield Ask(request("POST", "auth/refresh", body), auth="")
        if answer.status == _CREATED:
            return _token(answer)
    answer = yield Ask(request("POST", "auth/challenge", {"account": account}), auth="")
    data = answer.json_object() or {}
    if answer.status != _CREATED or not _is_text(data, "reference", "challenge"):
        return _refused(answer)
    signature = hmac.new(secret.encode(), data["challenge"].encode(), hashlib.sha256).digest()
    signed = {
        "reference": data["reference"],
        "scheme": "hmac-sha256",
        "signature": base64.b64encode(signature).decode(),
    }
    answer = yield Ask(request("POST", "auth/sign-in", signed), auth="")
    if answer.status != _ACCEPTED:
        return _refused(answer)
    for _poll in range(_SIGN_IN_POLLS):
        answer = yield Ask(request("GET", f"auth/{data['reference']}", None), auth="")
        if answer.status != _OK:
            return _refused(answer)
        if (answer.json_object() or {}).get("state") == "ready":
            answer = yield Ask(request("POST", f"auth/{data['reference']}/token", None), auth="")
            return _token(answer)
    return Transient("the sign-in is not finished")


def obtain_keys(request: Requests) -> ResourceConversation:
    """Fetch the provider's public keys; their ids are public, and what they are for."""
    answer = yield Ask(request("GET", "keys", None), auth="")
    keys = (answer.json_object() or {}).get("keys")
    if answer.status != _OK or not isinstance(keys, list):
        return _refused(answer)
    secret: dict[str, str] = {}
    public: dict[str, str] = {}
    for key in keys:
        if isinstance(key, dict) and _is_text(key, "key_id", "use", "public_key"):
            secret[key["key_id"]] = key["public_key"]
            public[key["use"]] = key["key_id"]
    return Obtained(secret, public, _KEYS_SECONDS)


def obtain_session(request: Requests, context: Context) -> ResourceConversation:
    """Open a session with a key of its own, encrypted for the provider's."""
    keys = context.resources[KEYS]
    key_id = keys.public.get("encrypt", "")
    key = context.random(32)
    encrypted = _encrypt_key(keys.secret[key_id], key, context.random(32))
    body = {"key_id": key_id, "encrypted_key": base64.b64encode(encrypted).decode()}
    answer = yield Ask(request("POST", "sessions", body))
    data = answer.json_object() or {}
    if answer.status == _CREATED and _is_text(data, "session", "expires_at"):
        ends = dt.datetime.fromisoformat(data["expires_at"].replace("Z", "+00:00")).timestamp()
        secret = {"key": base64.b64encode(key).decode()}
        return Obtained(secret, {"session": data["session"]}, max(ends - context.now, 0.0))
    if error_code(answer) == "unknown_key":
        return Transient("the provider has another key now", ended=(KEYS,))
    return _refused(answer)


def obtain_limits(request: Requests) -> ResourceConversation:
    """Read the provider's rate windows."""
    answer = yield Ask(request("GET", "limits", None))
    groups = (answer.json_object() or {}).get("groups")
    if answer.status != _OK or not isinstance(groups, dict):
        return _refused(answer)
    windows = [
        {"group": group, "calls": state.get("limit"), "seconds": _WINDOWS[name]}
        for group, found in groups.items()
        for name, state in (found or {}).items()
        if name in _WINDOWS
    ]
    return Obtained(public={"windows": windows}, lifetime=_LIMITS_SECONDS)


def encrypted_document(call_number: str, payload: bytes, context: Context) -> dict[str, str]:
    """Return the body of a document in a session: AES-256-GCM, bound to the session."""
    session = context.resources[SESSION]
    nonce, about = context.random(12), session.public["session"].encode()
    sealed = AESGCM(base64.b64decode(session.secret["key"])).encrypt(nonce, payload, about)
    return {
        "number": call_number,
        "nonce": base64.b64encode(nonce).decode(),
        "encrypted": base64.b64encode(sealed).decode(),
        "sha256": hashlib.sha256(payload).hexdigest(),
    }


def signed_payload(token: bytes, keys: Resource) -> dict[str, Any] | None:
    """Return what a compact JWS (RFC 7515, EdDSA) states; None where no key of the provider signed it.

    :raises KeyError: it names a key that is not among the provider's.
    """
    try:
        head, body, signature = token.split(b".")
        header = json.loads(_unpadded(head))
        public = load_pem_public_key(keys.secret[str(header["kid"])].encode())
        if header.get("alg") != "EdDSA" or not isinstance(public, ed25519.Ed25519PublicKey):
            return None
        public.verify(_unpadded(signature), head + b"." + body)
        value = json.loads(_unpadded(body))
    except (ValueError, InvalidSignature, TypeError):
        return None
    return value if isinstance(value, dict) else None


def error_code(response: HttpResponse) -> str:
    """Return the provider's error code, empty for none."""
    error = (response.json_object() or {}).get("error")
    return str(error.get("code") or "") if isinstance(error, dict) else ""


def _token(answer: HttpResponse) -> Obtained | Outcome:
    data = answer.json_object() or {}
    if answer.status != _CREATED or not _is_text(data, "access_token"):
        return _refused(answer)
    lifetime = bounded_number(data.get("expires_in"), 0, 86_400)
    secret = {"token": data["access_token"]}
    if _is_text(data, "refresh_token"):
        secret["refresh"] = data["refresh_token"]
    return Obtained(secret, lifetime=_DEFAULT_TOKEN_SECONDS if lifetime is None else lifetime)


def _refused(answer: HttpResponse) -> Outcome:
    reason = f"HTTP {answer.status} {error_code(answer)}".strip()
    if answer.status == _UNAUTHORIZED:
        return AuthFailed(reason)
    found = refusal_by_status(answer, reason)
    if found is None and error_code(answer):
        return Transient(reason, answer.retry_after())
    return found or ContractBroken(unreadable(answer).reason)


def _is_text(data: Mapping[str, Any], *names: str) -> bool:
    return all(isinstance(data.get(name), str) and data[name] for name in names)


def _unpadded(text: bytes) -> bytes:
    return base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4))


def _encrypt_key(public_pem: str, message: bytes, seed: bytes) -> bytes:
    """Return RSAES-OAEP with SHA-256 (RFC 8017 §7.1.1) under the given seed.

    A conversation draws no random number, so the seed comes from outside.
    """
    key = load_pem_public_key(public_pem.encode())
    if not isinstance(key, rsa.RSAPublicKey):
        raise TypeError("not an RSA key")
    numbers, size = key.public_numbers(), key.key_size // 8
    label = hashlib.sha256(b"").digest()
    padding = b"\0" * (size - len(message) - 2 * len(label) - 2)
    block = _xor(label + padding + b"\1" + message, _mask(seed, size - len(label) - 1))
    encoded = b"\0" + _xor(seed, _mask(block, len(label))) + block
    return pow(int.from_bytes(encoded, "big"), numbers.e, numbers.n).to_bytes(size, "big")


def _mask(seed: bytes, length: int) -> bytes:
    """Return MGF1 with SHA-256 (RFC 8017 §B.2.1)."""
    blocks = (
        hashlib.sha256(seed + number.to_bytes(4, "big")).digest()
        for number in range(-(-length // 32))
    )
    return b"".join(blocks)[:length]


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))
