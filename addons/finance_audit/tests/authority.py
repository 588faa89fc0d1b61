"""A real time-stamping authority on 127.0.0.1: `openssl ts` behind a few lines of HTTP."""

import shutil
import subprocess
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

CONFIG = """\
[req]
distinguished_name = dn
[dn]
[ca]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
[tsa]
basicConstraints = CA:FALSE
extendedKeyUsage = critical, timeStamping
[tsa_default]
serial = {folder}/serial
signer_cert = {folder}/tsa.pem
certs = {folder}/ca.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha384, sha512
accuracy = secs:1
ess_cert_id_chain = no
"""
AVAILABLE = shutil.which("openssl")


class Authority:
    """Answers on a free port; `misbehave` replaces its answer."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="tsa-"))
        self.misbehave = None
        self._certify()
        self._server = HTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    @property
    def certificate(self):
        return (self.folder / "ca.pem").read_text()

    def close(self):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        shutil.rmtree(self.folder)

    def _openssl(self, *words, data=None):
        done = subprocess.run(
            ["openssl", *words], cwd=self.folder, input=data, capture_output=True, check=True
        )
        return done.stdout

    def _certify(self):
        (self.folder / "openssl.cnf").write_text(CONFIG.format(folder=self.folder))
        (self.folder / "serial").write_text("01\n")
        common = ("-config", "openssl.cnf", "-newkey", "rsa:2048", "-nodes", "-days", "2")
        self._openssl(
            *("req", "-x509", *common, "-keyout", "ca.key", "-out", "ca.pem"),
            *("-subj", "/CN=Test Authority", "-extensions", "ca"),
        )
        self._openssl(
            "req", *common[:5], "-keyout", "tsa.key", "-out", "tsa.csr", "-subj", "/CN=Test TSA"
        )
        self._openssl(
            *(
                "x509",
                "-req",
                "-in",
                "tsa.csr",
                "-CA",
                "ca.pem",
                "-CAkey",
                "ca.key",
                "-set_serial",
                "7",
            ),
            *("-days", "2", "-extfile", "openssl.cnf", "-extensions", "tsa", "-out", "tsa.pem"),
        )

    def _answer(self, question):
        (self.folder / "question").write_bytes(question)
        return self._openssl(
            *("ts", "-reply", "-config", "openssl.cnf", "-section", "tsa_default"),
            *("-queryfile", "question"),
        )

    def _handler(self):
        authority = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                question = self.rfile.read(int(self.headers["Content-Length"]))
                status, body = 200, authority._answer(question)
                if authority.misbehave:
                    status, body = authority.misbehave(body)
                self.send_response(status)
                self.send_header("Content-Type", "application/timestamp-reply")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_words):
                """Quiet."""

        return Handler
