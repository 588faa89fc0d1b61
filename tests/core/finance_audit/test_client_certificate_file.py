"""The file a client certificate is loaded from: what a killed process leaves behind opens nothing."""

import ssl
import stat
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import NameOID
from odoo.addons.finance_audit.core.client_certificate import ClientCertificate, bundle


def certificate():
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "account-1")])
    now = datetime.now(timezone.utc)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    return ClientCertificate(bundle(key, [made]), frozenset())


class Seen:
    """Stands for a TLS context; notes what it is given, and ends like a process that is killed."""

    def __init__(self, error):
        self.error, self.path, self.pem, self.mode = error, None, b"", 0

    def load_cert_chain(self, path, password):
        self.path = Path(path)
        self.pem, self.mode = self.path.read_bytes(), self.path.stat().st_mode
        if self.error:
            raise self.error


@pytest.mark.parametrize("error", [None, OSError(), KeyboardInterrupt(), ssl.SSLError()])
def test_a_key_in_a_file_is_encrypted_private_and_removed(error):
    seen = Seen(error)
    try:
        certificate().load_into(seen)
    except BaseException as raised:
        assert error is not None, raised
    assert not seen.path.exists()
    assert stat.S_IMODE(seen.mode) == 0o600
    with pytest.raises((TypeError, ValueError)):
        load_pem_private_key(seen.pem, None)
    assert b"BEGIN PRIVATE KEY" not in seen.pem


def test_a_certificate_does_not_show_its_key():
    held = certificate()
    for text in (repr(held), str(held), f"{held}"):
        assert "PRIVATE KEY" not in text
