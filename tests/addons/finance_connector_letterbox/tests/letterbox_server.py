"""The Letterbox itself, for tests: it knows nothing of the adapter."""

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

KEY = "letterbox-key"


class LetterboxServer:
    """Listens on this machine, as a context manager; ``letters`` are those it took, by key."""

    def __init__(self):
        self.letters, self.posted = {}, {}
        handler = type("BoxHandler", (Handler,), {"box": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_details):
        self._server.shutdown()
        self._server.server_close()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    box: LetterboxServer

    def do_GET(self):
        key = self.path.rpartition("/")[2]
        if self._is_refused():
            return
        if self.path == "/ping":
            self._answer(200, {"status": "ok"})
        elif key in self.box.letters:
            self._answer(200, self.box.letters[key])
        else:
            self._answer(404, {"error": "no_letter"})

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self._is_refused():
            return
        key, box = self.path.rpartition("/")[2], self.box
        box.posted[key] = box.posted.get(key, 0) + 1
        letter = {"letter": f"L-{len(box.letters)}", "sha256": hashlib.sha256(body).hexdigest()}
        self._answer(201, box.letters.setdefault(key, letter))

    def _is_refused(self):
        refused = self.headers.get("X-Api-Key") != KEY
        if refused:
            self._answer(401, {"error": "unauthorized"})
        return refused

    def _answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments):
        """Be quiet."""
