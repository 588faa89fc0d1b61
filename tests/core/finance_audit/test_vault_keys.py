"""Keys in HashiCorp Vault: the published HTTP API of its transit engine, answered by a small server here."""

import base64
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from odoo.addons.finance_audit.core import keys, verify_audit
from odoo.addons.finance_audit.core.keyring import KeyRingError, KeySource, NoKey, Unreadable
from odoo.addons.finance_audit.core.note import Checkpoint, sign, verifier_key

pytest.importorskip("hvac", reason="keys in Vault are optional")

SOURCE = KeySource("TEST_KEYS", "TEST_KEY_FILE", "test_key_file")
TOKEN = "hvs.test"


class Transit(BaseHTTPRequestHandler):
    """Encrypts with one AES key per version, signs with one Ed25519 key; versions are added by `rotate`."""

    secrets = [bytes(range(32))]
    signer = Ed25519PrivateKey.from_private_bytes(bytes(32))

    def log_message(self, *_arguments):
        """Stay silent."""

    def _answer(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(data)

    def _handle(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length) or b"{}")
        if self.headers.get("X-Vault-Token") != TOKEN:
            self._answer(403, {"errors": ["permission denied"]})
            return
        _v1, _mount, operation, _key = self.path.strip("/").split("/")
        try:
            self._answer(200, {"data": getattr(self, f"_{operation}")(body)})
        except (InvalidTag, ValueError):
            self._answer(400, {"errors": ["cipher: message authentication failed"]})

    do_GET = do_POST = do_PUT = _handle  # noqa: N815 - the names of the base class

    def _keys(self, _body):
        public = base64.b64encode(self.signer.public_key().public_bytes_raw()).decode()
        number = len(self.secrets)
        versions = {str(n): {"public_key": public} for n in range(1, number + 1)}
        return {"type": "ed25519", "latest_version": number, "keys": versions}

    def _encrypt(self, body):
        plain, associated = (base64.b64decode(body[k]) for k in ("plaintext", "associated_data"))
        sealed = bytes(12) + AESGCM(self.secrets[-1]).encrypt(bytes(12), plain, associated)
        return {"ciphertext": f"vault:v{len(self.secrets)}:{base64.b64encode(sealed).decode()}"}

    def _decrypt(self, body):
        _vault, version, encoded = body["ciphertext"].split(":")
        raw, key = base64.b64decode(encoded), self.secrets[int(version[1:]) - 1]
        plain = AESGCM(key).decrypt(raw[:12], raw[12:], base64.b64decode(body["associated_data"]))
        return {"plaintext": base64.b64encode(plain).decode()}

    def _sign(self, body):
        signature = self.signer.sign(base64.b64decode(body["input"]))
        return {"signature": f"vault:v{len(self.secrets)}:{base64.b64encode(signature).decode()}"}


@pytest.fixture
def vault(monkeypatch):
    monkeypatch.setattr(Transit, "secrets", list(Transit.secrets))
    server = ThreadingHTTPServer(("127.0.0.1", 0), Transit)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv("VAULT_TOKEN", TOKEN)
    for name in ("TEST_KEYS", "VAULT_TOKEN_FILE", "VAULT_ROLE_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TEST_VAULT", f"http://127.0.0.1:{server.server_port}/transit/ours")
    yield Transit
    server.shutdown()
    thread.join()
    server.server_close()


def test_vault_encrypts_and_decrypts_at_one_place_only(vault):
    provider = keys.load(SOURCE, {})
    stored = provider.encrypt(b"secret", b"here")
    assert stored.startswith("vault.ours.v1:")
    assert provider.decrypt(stored, b"here") == b"secret"
    for other in (stored, stored.replace("ours", "theirs")):
        with pytest.raises(Unreadable):
            provider.decrypt(other, b"there")


def test_vault_rotates_and_still_reads(vault):
    provider = keys.load(SOURCE, {})
    stored = provider.encrypt(b"secret", b"here")
    vault.secrets.append(bytes(32))
    assert provider.current() == "vault.ours.v2"
    assert provider.decrypt(stored, b"here") == b"secret"


def test_vault_signs_a_checkpoint_that_the_verifier_accepts(vault):
    provider = keys.load(SOURCE, {})
    (public,) = provider.public_keys()
    Ed25519PublicKey.from_public_bytes(public)
    note = sign(Checkpoint("log/1", 3, bytes(32)).text(), "log/1", provider.sign)
    trusted = verify_audit.read_keys([verifier_key("log/1", public)])
    assert verify_audit.Head(note).signers(trusted)


def test_vault_without_permission_is_a_typed_error_without_the_secret(vault, monkeypatch):
    monkeypatch.setenv("VAULT_TOKEN", "wrong")
    with pytest.raises(KeyRingError) as caught:
        keys.load(SOURCE, {}).encrypt(b"hunter2", b"")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "address", ["http://vault.example/transit/k", "https://v", "https://v/k", "x"]
)
def test_an_unusable_address_of_vault_is_refused(vault, monkeypatch, address):
    monkeypatch.setenv("TEST_VAULT", address)
    with pytest.raises(NoKey):
        keys.load(SOURCE, {})


def test_two_providers_at_once_are_refused(vault, monkeypatch):
    monkeypatch.setenv("TEST_KEYS", "a:" + base64.b64encode(bytes(32)).decode())
    with pytest.raises(NoKey):
        keys.load(SOURCE, {})
