"""An authority of certificates, and a server that demands a certificate of each client, for tests."""

import datetime as dt
import ipaddress
import json
import socket
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from odoo.addons.finance_audit.core.client_certificate import bundle

DAY = dt.timedelta(days=1)


def name_of(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


class Authority:
    """Issues certificates under a root of its own."""

    def __init__(self, name="Authority of the test"):
        self.name, self.key = name_of(name), ec.generate_private_key(ec.SECP256R1())
        self.root = self._signed(self.name, self.key.public_key(), True, (-DAY, 30 * DAY))

    @property
    def pem(self):
        return self.root.public_bytes(serialization.Encoding.PEM)

    def issue(self, name, usage=ExtendedKeyUsageOID.CLIENT_AUTH, life=(-DAY, 30 * DAY)):
        """Return private key and certificate as one PEM text."""
        key = ec.generate_private_key(ec.SECP256R1())
        return bundle(key, [self._signed(name_of(name), key.public_key(), False, life, usage)])

    def _signed(self, name, key, is_authority, life, usage=None):
        now = dt.datetime.now(dt.timezone.utc)
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self.name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + life[0])
            .not_valid_after(now + life[1])
            .add_extension(x509.BasicConstraints(is_authority, None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), False
            )
        )
        if usage:
            builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        if usage == ExtendedKeyUsageOID.SERVER_AUTH:
            address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
            builder = builder.add_extension(x509.SubjectAlternativeName([address]), critical=False)
        return builder.sign(self.key, hashes.SHA256())


class TlsServer(ThreadingHTTPServer):
    """Answers with the name of the client's certificate; ``requests`` counts what it read."""

    daemon_threads = True

    def __init__(self, authority, folder, *, demands=True, version=None):
        super().__init__(("127.0.0.1", 0), Handler)
        (folder / "ca.pem").write_bytes(authority.pem)
        server = folder / f"server-{self.server_port}.pem"
        server.write_text(authority.issue("127.0.0.1", ExtendedKeyUsageOID.SERVER_AUTH))
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(server)
        self.context.load_verify_locations(folder / "ca.pem")
        self.context.verify_mode = ssl.CERT_REQUIRED if demands else ssl.CERT_OPTIONAL
        if version:
            self.context.maximum_version = version
        self.ca_bundle, self.requests = str(folder / "ca.pem"), 0
        self.url = f"https://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def origin(self):
        return ("https", "127.0.0.1", self.server_port)

    def finish_request(self, request, client_address):
        """Shake hands in the thread of the connection; read a refused one to its end."""
        secured = self.context.wrap_socket(request, server_side=True, do_handshake_on_connect=False)
        secured.settimeout(10)
        try:
            secured.do_handshake()
        except (ssl.SSLError, OSError):
            # As a server does: the client can read why, instead of a reset.
            plain = socket.socket(fileno=secured.detach())
            plain.settimeout(5)
            plain.shutdown(socket.SHUT_WR)
            while plain.recv(4096):
                pass
            plain.close()
            return
        self.RequestHandlerClass(secured, client_address, self)
        secured.close()

    def handle_error(self, request, client_address):
        """Be quiet."""

    def stop(self):
        self.shutdown()
        self.server_close()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self._answer()

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._answer()

    def _answer(self):
        self.server.requests += 1
        peer = self.connection.getpeercert() or {}
        subject = dict(pair for part in peer.get("subject", ()) for pair in part)
        body = json.dumps({"client": subject.get("commonName", "")}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments):
        """Be quiet."""
