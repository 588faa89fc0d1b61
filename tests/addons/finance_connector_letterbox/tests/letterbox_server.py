"""The Letterbox itself, for tests: it does not import the adapter."""

import base64
import hashlib
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

KEY = "letterbox-key"


class LetterboxServer:
    """Listens on this machine, as a context manager; ``letters`` are those it took, by key."""

    def __init__(self, port=0):
        self.letters, self.statuses = {}, []
        #: How often each key arrived, whether or not the client received an answer.
        self.posted = {}
        #: What a test sets: keys to refuse, keys to leave out of answers, answers to lose.
        self.refused, self.omitted, self.lost_answers = set(), set(), 0
        handler = type("BoxHandler", (Handler,), {"box": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", port), handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_details):
        self._server.shutdown()
        self._server.server_close()

    def take(self, key, text):
        """Take a letter once; return it, or None where the key is taken by other bytes."""
        self.posted[key] = self.posted.get(key, 0) + 1
        sha256 = hashlib.sha256(text).hexdigest()
        new = {"key": key, "letter": f"L-{len(self.letters) + 1}", "state": "sorting"}
        letter = self.letters.setdefault(key, {**new, "sha256": sha256})
        return letter if letter["sha256"] == sha256 else None

    def decide(self, letter):
        """Deliver or refuse a letter when it is looked at, and report it in the feed."""
        if letter["state"] == "sorting":
            is_refused = letter["key"] in self.refused
            letter["state"] = "refused" if is_refused else "delivered"
            letter.update({"error": "no_stamp", "message": "No stamp"} if is_refused else {})
            self.report(letter["letter"], letter["state"])
        return letter

    def report(self, letter, state):
        """Add a status to the feed."""
        number = len(self.statuses) + 1
        self.statuses.append({"id": f"S-{number}", "letter": letter, "state": state})


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    box: LetterboxServer

    def do_GET(self):
        if self._is_refused():
            return
        path, key = urlsplit(self.path), unquote(self.path.rpartition("/")[2])
        if path.path == "/ping":
            self._answer(200, {"status": "ok"})
        elif path.path == "/statuses":
            start = int(parse_qs(path.query).get("after", ["0"])[0])
            end = min(start + 5, len(self.box.statuses))
            more = end < len(self.box.statuses)
            page = {"statuses": self.box.statuses[start:end], "next": str(end), "more": more}
            self._answer(200, page)
        elif path.path.startswith("/numbers/"):
            self._answer(200, {"number": key, "exists": key.isdigit(), "proof": f"C-{key}"})
        elif key in self.box.letters:
            self._answer(200, self.box.decide(self.box.letters[key]))
        else:
            self._answer(404, {"error": "no_letter"})

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self._is_refused():
            return
        if self.path == "/letters":
            answers = [self._take_item(item) for item in json.loads(body)["letters"]]
            kept = [item for item in answers if item["key"] not in self.box.omitted]
            self._answer(200, {"letters": kept})
            return
        letter = self.box.take(unquote(self.path.rpartition("/")[2]), body)
        self._answer(*((202, letter) if letter else (409, {"error": "key_taken"})))

    def _take_item(self, item):
        letter = self.box.take(item["key"], base64.b64decode(item["text"]))
        return letter or {"key": item["key"], "error": "key_taken"}

    def _is_refused(self):
        refused = self.headers.get("X-Api-Key") != KEY
        if refused:
            self._answer(401, {"error": "unauthorized"})
        return refused

    def _answer(self, status, value):
        if self.command == "POST" and self.box.lost_answers:
            self.box.lost_answers -= 1
            self.close_connection = True
            return
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments):
        """Be quiet."""


if __name__ == "__main__":
    with LetterboxServer(int(sys.argv[1])) as running:
        sys.stdout.write(f"{running.url}\n")
        sys.stdout.flush()
        threading.Event().wait()
