"""Ready-made sign-ins: what a protocol's ``authorization`` returns.

``Basic`` and ``ApiKey`` put the same header on every request. ``ClientCredentials`` (in
``core.protocol``) and ``JwtAssertion`` obtain a bearer token, which is a resource.
"""

from __future__ import annotations

import base64
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from .wire import HttpRequest

JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
CLIENT_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
#: ECDSA by curve (RFC 7518 §3.4): algorithm, hash, octets of each half of the signature.
_CURVES: Mapping[str, tuple[str, hashes.HashAlgorithm, int]] = {
    "secp256r1": ("ES256", hashes.SHA256(), 32),
    "secp384r1": ("ES384", hashes.SHA384(), 48),
    "secp521r1": ("ES512", hashes.SHA512(), 66),
}


class FixedCredentials(ABC):
    """Credentials that every request carries as they are; nothing is obtained."""

    @abstractmethod
    def header(self) -> tuple[str, str]:
        """Return the name and the value of the header."""

    def put_on(self, request: HttpRequest) -> HttpRequest:
        """Return the request with the credentials."""
        return request.with_header(*self.header())


@dataclass(frozen=True, slots=True)
class Basic(FixedCredentials):
    """HTTP Basic authentication (RFC 7617), in UTF-8."""

    username: str
    password: str = field(repr=False)

    def header(self) -> tuple[str, str]:
        """Return the Authorization header."""
        pair = f"{self.username}:{self.password}".encode()
        return "Authorization", f"Basic {base64.b64encode(pair).decode()}"


@dataclass(frozen=True, slots=True)
class ApiKey(FixedCredentials):
    """A key in a header of the provider's choice, never in an address, which logs keep.

    ``prefix`` comes before the key, ``Token`` for instance, with a space between them.
    """

    key: str = field(repr=False)
    name: str = "X-Api-Key"
    prefix: str = ""

    def header(self) -> tuple[str, str]:
        """Return the provider's header."""
        return self.name, f"{self.prefix} {self.key}".lstrip()


@dataclass(frozen=True, slots=True)
class JwtAssertion:
    """A bearer token for a statement signed by a key of ours (RFC 7523).

    The assertion is the grant itself (§2.1), or with ``is_client`` it takes the place of the client's
    secret in the client credentials grant (§2.2). ``private_key`` is PEM (PKCS #8): RSA signs with
    RS256, a P-256, P-384 or P-521 key with ES256, ES384 or ES512, Ed25519 with EdDSA. ``claims`` are
    the provider's own.
    """

    token_url: str
    issuer: str
    subject: str
    private_key: str = field(repr=False)
    audience: str = ""
    scope: str = ""
    key_id: str = ""
    is_client: bool = False
    lifetime: float = 300.0
    claims: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def form(self, now: float, identity: bytes) -> dict[str, str]:
        """Return the token request; ``identity`` are random bytes, by which replays are recognised.

        :raises ValueError: the key cannot be read, or is of a kind that signs no JWT.
        """
        statement = {
            **self.claims,
            "iss": self.issuer,
            "sub": self.subject,
            "aud": self.audience or self.token_url,
            "iat": int(now),
            "exp": int(now + self.lifetime),
            "jti": identity.hex(),
        }
        signed = signed_jwt(statement, self.private_key, self.key_id)
        form = {"grant_type": JWT_GRANT, "assertion": signed}
        if self.is_client:
            form = {
                "grant_type": "client_credentials",
                "client_id": self.subject,
                "client_assertion_type": CLIENT_ASSERTION,
                "client_assertion": signed,
            }
        return {**form, "scope": self.scope} if self.scope else form


def signed_jwt(claims: Mapping[str, Any], private_key: str, key_id: str = "") -> str:
    """Return claims as a signed JWT in compact form (RFC 7515 §3.1, RFC 7519).

    :raises ValueError: the key cannot be read, or is of a kind that signs no JWT.
    """
    try:
        key = serialization.load_pem_private_key(private_key.encode(), None)
    except (TypeError, ValueError) as error:
        raise ValueError("the private key cannot be read") from error
    named = {"kid": key_id} if key_id else {}
    header = {"alg": _algorithm(key), "typ": "JWT", **named}
    content = f"{_encoded(_json(header))}.{_encoded(_json(claims))}"
    return f"{content}.{_encoded(_signature(key, content.encode()))}"


def _algorithm(key: object) -> str:
    if isinstance(key, rsa.RSAPrivateKey):
        return "RS256"
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return "EdDSA"
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name in _CURVES:
        return _CURVES[key.curve.name][0]
    raise ValueError("a private key of this kind signs no JWT")


def _signature(key: object, content: bytes) -> bytes:
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(content, padding.PKCS1v15(), hashes.SHA256())
    if isinstance(key, ec.EllipticCurvePrivateKey):
        _name, digest, size = _CURVES[key.curve.name]
        first, second = decode_dss_signature(key.sign(content, ec.ECDSA(digest)))
        return first.to_bytes(size, "big") + second.to_bytes(size, "big")
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(content)
    raise ValueError("a private key of this kind signs no JWT")


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _encoded(content: bytes) -> str:
    """Return base64url without padding (RFC 7515 §2)."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
