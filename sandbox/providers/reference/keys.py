"""The provider's own keys: RSA to encrypt for it, Ed25519 to check what it signed."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

AES_KEY, NONCE = 32, 12
SIGNING = "sign-1"
OAEP = padding.OAEP(mgf=padding.MGF1(hashes.SHA256()), algorithm=hashes.SHA256(), label=None)
PSS = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=padding.PSS.DIGEST_LENGTH)


class Keys:
    """Private keys by id, made when they are first needed."""

    def __init__(self) -> None:
        self._private: dict[str, Any] = {}

    def private(self, key_id: str) -> Any:
        if key_id not in self._private:
            made = (
                ed25519.Ed25519PrivateKey.generate()
                if key_id == SIGNING
                else rsa.generate_private_key(public_exponent=65537, key_size=2048)
            )
            self._private[key_id] = made
        return self._private[key_id]

    def public(self, key_id: str) -> str:
        """Return the public key, PEM."""
        encoding, kind = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        return self.private(key_id).public_key().public_bytes(encoding, kind).decode()

    def unwrap(self, key_id: str, encrypted: bytes) -> bytes:
        """Return the AES key of a session; ``ValueError`` if it is none."""
        key = self.private(key_id).decrypt(encrypted, OAEP)
        if len(key) != AES_KEY:
            raise ValueError("not an AES-256 key")
        return key

    def sign(self, payload: bytes) -> bytes:
        """Return a compact JWS (RFC 7515) of the payload by EdDSA (RFC 8037): the same bytes each time."""
        header = json.dumps({"alg": "EdDSA", "kid": SIGNING}, separators=(",", ":")).encode()
        signed = b".".join(map(unpadded, (header, payload)))
        return signed + b"." + unpadded(self.private(SIGNING).sign(signed))

    def dump(self) -> dict[str, str]:
        return {
            name: key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            ).decode()
            for name, key in self._private.items()
        }

    def load(self, state: Mapping[str, str]) -> None:
        for name, pem in state.items():
            self._private[name] = serialization.load_pem_private_key(pem.encode(), None)


def decrypt(key: bytes, nonce: bytes, sealed: bytes, about: str) -> bytes:
    """Return the plain bytes; ``ValueError`` if key, nonce, bytes and associated data do not agree."""
    try:
        return AESGCM(key).decrypt(nonce, sealed, about.encode())
    except InvalidTag as error:
        raise ValueError("not decrypted") from error


def is_signed(public_pem: str, signature: bytes, message: bytes) -> bool:
    """Whether an RSA-PSS signature over SHA-256 is right."""
    try:
        key = serialization.load_pem_public_key(public_pem.encode())
        key.verify(signature, message, PSS, hashes.SHA256())
    except (InvalidSignature, ValueError, AttributeError, TypeError):
        return False
    return True


def unpadded(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
