"""The certificate a client presents in the TLS handshake (mutual TLS), and its private key.

Python loads a key from files only. The file written here holds the key encrypted under a random
passphrase that exists in memory for as long as it is loaded, and is removed at once: what a crash
leaves behind opens nothing.
"""

from __future__ import annotations

import os
import secrets
import ssl
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes, PublicKeyTypes

_FORMAT = serialization.PrivateFormat.PKCS8


class InvalidCertificate(ValueError):
    """Certificate or private key cannot be read, or they do not belong together."""


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """A certificate with its chain and private key, for the servers it was given for.

    ``pem`` holds the private key, the certificate and the certificates above it, in this order.
    ``origins`` are scheme, host and port of the servers it is presented to.
    """

    pem: str = field(repr=False)
    origins: frozenset[tuple[str, str, int]]

    def load_into(self, context: ssl.SSLContext) -> None:
        """Let a TLS context present this certificate.

        :raises InvalidCertificate: it cannot be read, or the key is another one's.
        """
        key, chain = read_bundle(self.pem)
        passphrase = secrets.token_urlsafe(32)
        sealed = key.private_bytes(
            serialization.Encoding.PEM,
            _FORMAT,
            serialization.BestAvailableEncryption(passphrase.encode()),
        )
        handle, path = tempfile.mkstemp(prefix="finance-tls-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(sealed + b"".join(_pem(item) for item in chain))
            context.load_cert_chain(path, password=passphrase)
        except ssl.SSLError as error:
            raise InvalidCertificate("certificate and private key do not match") from error
        finally:
            Path(path).unlink()


def bundle(key: PrivateKeyTypes, chain: list[x509.Certificate]) -> str:
    """Return private key and certificates as one PEM text."""
    plain = key.private_bytes(serialization.Encoding.PEM, _FORMAT, serialization.NoEncryption())
    return (plain + b"".join(_pem(item) for item in chain)).decode()


def read_bundle(pem: str) -> tuple[PrivateKeyTypes, list[x509.Certificate]]:
    """Return the private key and the certificates of a PEM text, the client's own first.

    :raises InvalidCertificate: there is no key or no certificate, or they do not belong together.
    """
    try:
        key = serialization.load_pem_private_key(pem.encode(), None)
        chain = x509.load_pem_x509_certificates(pem.encode())
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise InvalidCertificate("certificate or private key cannot be read") from error
    if _public(key.public_key()) != _public(chain[0].public_key()):
        raise InvalidCertificate("certificate and private key do not match")
    return key, chain


def _public(key: PublicKeyTypes) -> bytes:
    return key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
