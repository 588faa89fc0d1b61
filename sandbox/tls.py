"""Mutual TLS: an authority of its own that issues the server's certificate and those of clients.

Every key is made for one run and is worth nothing outside it.
"""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
import tempfile
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from .values import Certificate

LIFETIME = timedelta(days=30)
CLOCKS_DIFFER = timedelta(hours=1)
CLIENT = "reference"


@dataclass(frozen=True)
class KeyPair:
    """A certificate and its private key, both PEM."""

    certificate: bytes
    key: bytes

    @property
    def serial(self) -> str:
        return f"{x509.load_pem_x509_certificate(self.certificate).serial_number:x}"


class Authority:
    """A certificate authority; ``folder`` receives ca.pem, client.pem and client.key for clients."""

    def __init__(self, folder: str | Path | None = None) -> None:
        self._temporary = None if folder else tempfile.TemporaryDirectory(prefix="sandbox-tls-")
        self.folder = Path(folder or self._temporary.name)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = common_name("Sandbox authority")
        self._root = self._signed(self._name, self._key, None)
        self.ca = self._write("ca.pem", self._root.public_bytes(serialization.Encoding.PEM))
        self.write_client()

    def issue(self, name: str, usage: x509.ObjectIdentifier) -> KeyPair:
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._signed(common_name(name), key, usage)
        return KeyPair(certificate.public_bytes(serialization.Encoding.PEM), pem_of(key))

    def client(self, name: str = CLIENT) -> KeyPair:
        """Return a new client certificate; the common name is the account."""
        return self.issue(name, ExtendedKeyUsageOID.CLIENT_AUTH)

    def write_client(self, name: str = CLIENT, files: str = "client") -> tuple[str, str]:
        """Issue a client certificate and return the paths of its two files."""
        pair = self.client(name)
        certificate = self._write(f"{files}.pem", pair.certificate)
        return certificate, self._write(f"{files}.key", pair.key)

    def context(self) -> ssl.SSLContext:
        """Return the server's side: a connection without a valid client certificate is refused."""
        pair = self.issue("127.0.0.1", ExtendedKeyUsageOID.SERVER_AUTH)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        files = self._write("server.pem", pair.certificate), self._write("server.key", pair.key)
        context.load_cert_chain(*files)
        context.load_verify_locations(self.ca)
        context.verify_mode = ssl.CERT_REQUIRED
        return context

    def close(self) -> None:
        if self._temporary:
            self._temporary.cleanup()

    def _signed(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        usage: x509.ObjectIdentifier | None,
    ) -> x509.Certificate:
        now = datetime.now(timezone.utc)
        authority = usage is None
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - CLOCKS_DIFFER)
            .not_valid_after(now + LIFETIME)
            .add_extension(x509.BasicConstraints(authority, None), critical=True)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
            )
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()),
                critical=False,
            )
            .add_extension(key_usage(authority), critical=True)
        )
        if usage:
            builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        if usage == ExtendedKeyUsageOID.SERVER_AUTH:
            address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
            names = x509.SubjectAlternativeName([x509.DNSName("localhost"), address])
            builder = builder.add_extension(names, critical=False)
        return builder.sign(self._key, hashes.SHA256())

    def _write(self, name: str, content: bytes) -> str:
        path = self.folder / name
        path.touch(mode=0o600)
        path.write_bytes(content)
        return str(path)


def common_name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def key_usage(authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def pem_of(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def peer_certificate(transport: asyncio.BaseTransport | None) -> Certificate | None:
    """Return what the verified certificate of the client says, if the connection has one."""
    found = transport.get_extra_info("peercert") if transport else None
    if not found:
        return None
    subject = dict(pair for part in found["subject"] for pair in part)
    return Certificate(subject.get("commonName", ""), found["serialNumber"].lower().lstrip("0"))
