"""Ports, processes and the gateway in front of Odoo."""

import contextlib
import os
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tools.dev import gateway, ports, processes
from tools.dev.errors import Problem

SERVE = (
    "import http.server, os, sys\n"
    "os.fork() and None\n"
    "http.server.HTTPServer(('127.0.0.1', int(sys.argv[1])), "
    "http.server.SimpleHTTPRequestHandler).serve_forever()\n"
)


def test_free_ports_differ_from_each_other():
    assert len(set(ports.free(5))) == 5


def test_a_taken_port_is_refused_with_its_number_and_use():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Problem, match=f"Port {port} is needed for the sandbox"):
            ports.require(port, "the sandbox")


def test_a_free_port_is_accepted():
    (port,) = ports.free(1)
    assert ports.require(port, "Odoo") == port


def _server(code: str, *words: str) -> processes.Server:
    (port,) = ports.free(1)
    command = [sys.executable, "-c", code, str(port), *words]
    return processes.Server("test-server", command, os.environ, f"http://127.0.0.1:{port}/")


def test_stopping_a_server_ends_its_children_too():
    (port,) = ports.free(1)
    # The child listens, the parent only waits: ending the parent alone would leave the child.
    code = (
        "import http.server, os, sys, time\n"
        "if os.fork():\n    time.sleep(600)\n"
        f"http.server.HTTPServer(('127.0.0.1', {port}), "
        "http.server.SimpleHTTPRequestHandler).serve_forever()\n"
    )
    url = f"http://127.0.0.1:{port}/"
    server = processes.Server("test-server", [sys.executable, "-c", code], os.environ, url)
    server.start()
    assert server.alive()
    assert processes.answers(url)
    server.stop()
    assert not server.alive()
    assert not processes.answers(url)


def test_a_server_that_ends_early_is_explained_by_its_own_words():
    server = _server("raise SystemExit('no such setting')")
    with pytest.raises(Problem, match="ended before it was ready[^$]*no such setting"):
        server.start()


def test_a_server_that_never_answers_is_stopped_in_the_end():
    server = _server("import time; time.sleep(600)")
    with pytest.raises(Problem, match="was not ready"):
        server.start(patience=0.3)
    assert not server.alive()


class _Named(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"{self.server.name} {self.path}".encode())

    def log_message(self, *_args: object) -> None:
        """Keep the test's output quiet."""


@pytest.fixture
def named():
    servers = []

    def start(name: str) -> int:
        server = HTTPServer(("127.0.0.1", 0), _Named)
        server.name = name
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return server.server_address[1]

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def _get(port: int, path: str) -> str:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
        answer = b"".join(iter(lambda: client.recv(4096), b""))
    return answer.rsplit(b"\r\n", 1)[-1].decode()


def test_the_gateway_sends_only_web_sockets_to_the_gevent_process(named):
    (port,) = ports.free(1)
    front = gateway.Gateway(port, named("workers"), named("gevent"))
    front.start()
    try:
        assert _get(port, "/odoo?x=/websocket") == "workers /odoo?x=/websocket"
        assert _get(port, "/websocket?version=19") == "gevent /websocket?version=19"
        assert _get(port, "/websocket/health") == "workers /websocket/health"
    finally:
        front.close()


def test_the_gateway_outlives_a_server_that_is_down(named):
    port, unused = ports.free(2)
    front = gateway.Gateway(port, unused, named("gevent"))
    front.start()
    try:
        assert _get(port, "/odoo") == ""
        assert _get(port, "/websocket") == "gevent /websocket"
    finally:
        front.close()


def test_the_gateway_tells_that_its_port_is_taken():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        front = gateway.Gateway(taken.getsockname()[1], 1, 2)
        with pytest.raises(OSError, match="in use"):
            front.start()


def test_closing_the_gateway_ends_open_connections_and_their_threads(named):
    (port,) = ports.free(1)
    before = threading.active_count()
    front = gateway.Gateway(port, named("workers"), named("gevent"))
    front.start()
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        # Half a request: the server behind waits for the rest.
        client.sendall(b"GET /odoo HTTP/1.0\r\n")
        front.close()
        with contextlib.suppress(ConnectionResetError):
            assert client.recv(1) == b""
    # The two servers behind keep a thread each.
    assert threading.active_count() <= before + 2
    assert ports.require(port, "test") == port
