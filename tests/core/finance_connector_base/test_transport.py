"""The transport: real sockets on the loopback interface, and what each failure says about the effect."""

import socket
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest
from odoo.addons.finance_connector_base.core.http.transport import (
    ForbiddenAddress,
    NetworkPolicy,
    Transport,
    check_address,
)
from odoo.addons.finance_connector_base.core.http.wire import (
    HttpRequest,
    HttpResponse,
    NoAnswer,
    NotSent,
)

from sandbox.hostile import KINDS, HostileProvider

SANDBOX = NetworkPolicy(sandbox=True)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    connections = set()
    release = threading.Event()

    def log_message(self, *args):
        pass

    def do_POST(self):
        type(self).connections.add(self.client_address)
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        getattr(self, self.path.strip("/"))()

    def answer(self, status, body, **headers):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def good(self):
        self.answer(200, b'{"a": 1}')

    def limited(self):
        self.answer(429, b"", Retry_After="7")

    def redirect(self):
        self.answer(302, b"", Location="/good")

    def reset(self):
        self.close_connection = True
        self.connection.close()

    def cut(self):
        self.send_response(200)
        self.send_header("Content-Length", "100")
        self.end_headers()
        self.wfile.write(b"{")
        self.close_connection = True

    def silent(self):
        self.release.wait(20)
        self.close_connection = True


@pytest.fixture(scope="module")
def server():
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=httpd.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{httpd.server_port}"
    Handler.release.set()
    httpd.shutdown()
    httpd.server_close()


def post(server, path, timeout=(1.0, 1.0)):
    request = HttpRequest("POST", server + path, body=b"x", timeout=timeout)
    return Transport("sandbox", SANDBOX).send(request)


def test_an_answer_comes_back_whole(server):
    answer = post(server, "/good")
    assert isinstance(answer, HttpResponse)
    assert answer.status == 200
    assert answer.json_object() == {"a": 1}


def test_an_error_status_keeps_its_headers(server):
    assert post(server, "/limited").retry_after() == 7.0


def test_redirects_are_answers_and_not_followed(server):
    assert post(server, "/redirect").status == 302


@pytest.mark.parametrize("path", ["/reset", "/cut", "/silent"])
def test_x5_what_may_have_arrived_is_no_answer(server, path):
    assert isinstance(post(server, path, timeout=(1.0, 0.3)), NoAnswer)


def test_what_never_left_is_known_not_to_be_sent():
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        assert isinstance(post(f"http://127.0.0.1:{port}", "/good"), NotSent)


def test_tls_to_an_unknown_server_is_refused_before_anything_is_sent(server):
    answer = post(server.replace("http://", "https://"), "/good")
    assert isinstance(answer, (NotSent, NoAnswer))


def test_connections_are_kept_alive(server):
    transport = Transport("sandbox", SANDBOX)
    Handler.connections.clear()
    for _n in range(5):
        transport.send(HttpRequest("POST", server + "/good", body=b"x"))
    transport.close()
    assert len(Handler.connections) == 1


@pytest.mark.parametrize(
    ("url", "environment"),
    [
        ("http://platform.example", "production"),
        ("http://platform.example", "sandbox"),
        ("http://127.0.0.1:8070", "production"),
        ("http://127.0.0.1.example.org", "sandbox"),
        ("ftp://127.0.0.1", "sandbox"),
        ("https://", "production"),
        ("", "sandbox"),
    ],
)
def test_open_wires_are_refused(url, environment):
    with pytest.raises(ForbiddenAddress):
        check_address(url, environment, SANDBOX)


@pytest.mark.parametrize(
    ("url", "environment"),
    [
        ("https://platform.example/v1", "production"),
        ("http://127.0.0.1:8070/x", "sandbox"),
        ("http://localhost:8070", "sandbox"),
        ("http://[::1]:8070", "sandbox"),
    ],
)
def test_safe_addresses_pass(url, environment):
    check_address(url, environment, SANDBOX)


@pytest.mark.parametrize("lower", [False, True])
def test_nothing_of_the_environment_leads_elsewhere(server, monkeypatch, tmp_path, lower):
    """No proxy, no other authority, no credentials of the machine."""
    with socket.create_server(("127.0.0.1", 0)) as elsewhere:
        elsewhere.setblocking(False)
        proxy = f"http://127.0.0.1:{elsewhere.getsockname()[1]}"
        (tmp_path / "netrc").write_text("machine 127.0.0.1 login a password b\n")
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name.lower() if lower else name, proxy)
        monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
        assert post(server, "/good").status == 200
        assert isinstance(post(server.replace("http://", "https://"), "/good"), (NotSent, NoAnswer))
        with pytest.raises(BlockingIOError):
            elsewhere.accept()


@pytest.mark.slow
def test_authorities_of_the_environment_are_not_believed(monkeypatch, tmp_path):
    with HostileProvider() as provider:
        kinds = [kind for kind in KINDS if kind.tls and kind.tls != "garbage"]
        assert kinds
        for kind in kinds:
            place = urlsplit(provider.urls[kind.name])
            known = tmp_path / f"{kind.name}.pem"
            known.write_text(ssl.get_server_certificate((place.hostname, place.port)))
            for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
                monkeypatch.setenv(name, str(known))
            monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
            assert isinstance(post(provider.urls[kind.name], "/x"), NotSent)
            assert not provider.requests.get(kind.name)
