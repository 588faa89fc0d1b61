"""Mutual TLS against a real server: who is let in, what a refusal says, and where the key goes."""

import ssl
import tempfile
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from odoo.addons.finance_audit.core.address import NetworkPolicy
from odoo.addons.finance_audit.core.client_certificate import (
    ClientCertificate,
    InvalidCertificate,
)
from odoo.addons.finance_connector_base.core.conversation import Ask
from odoo.addons.finance_connector_base.core.delivery.outcomes import Accepted, AuthFailed
from odoo.addons.finance_connector_base.core.http.client import ProviderClient
from odoo.addons.finance_connector_base.core.http.transport import Transport
from odoo.addons.finance_connector_base.core.http.wire import (
    CertificateRefused,
    HttpRequest,
    HttpResponse,
)
from odoo.addons.finance_connector_base.core.protocol import Call, ProviderProtocol
from odoo.addons.finance_connector_base.tests.tls_authority import DAY, Authority, TlsServer

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def authority():
    return Authority()


@pytest.fixture(params=[None, ssl.TLSVersion.TLSv1_2], ids=["tls1.3", "tls1.2"])
def server(authority, tmp_path, request):
    running = TlsServer(authority, tmp_path, version=request.param)
    running.version = request.param
    yield running
    running.stop()


def transport(server, pem=None, origins=None):
    certificate = None
    if pem:
        certificate = ClientCertificate(pem, frozenset(origins or {server.origin}))
    policy = NetworkPolicy(sandbox=True, ca_bundle=server.ca_bundle)
    return Transport("sandbox", policy, certificate=certificate)


def client_of(answer):
    assert isinstance(answer, HttpResponse), answer
    return answer.json_object()["client"]


def test_the_server_sees_the_certificate(server, authority):
    network = transport(server, authority.issue("account-1"))
    for _number in range(2):
        assert client_of(network.send(HttpRequest("GET", server.url))) == "account-1"


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("another authority", "TLS: issuer of the client certificate not accepted"),
        ("expired", "TLS: client certificate expired"),
        ("not yet valid", "TLS: client certificate refused"),
    ],
)
def test_a_refused_certificate_is_a_value_of_its_own(server, authority, kind, reason):
    pem = {
        "another authority": lambda: Authority("Another").issue("account-1"),
        "expired": lambda: authority.issue("account-1", life=(-3 * DAY, -DAY)),
        "not yet valid": lambda: authority.issue("account-1", life=(DAY, 3 * DAY)),
    }[kind]()
    answer = transport(server, pem).send(HttpRequest("POST", server.url, body=b"{}"))
    assert isinstance(answer, CertificateRefused)
    assert answer.reason == reason
    assert server.requests == 0


def test_a_missing_certificate_is_a_value_of_its_own(server):
    answer = transport(server).send(HttpRequest("POST", server.url, body=b"{}"))
    assert isinstance(answer, CertificateRefused), answer
    assert server.requests == 0


class Sending(ProviderProtocol):
    def __init__(self, url):
        self.url = url

    def converse(self, step, call, context):
        response = yield Ask(HttpRequest("POST", self.url, body=call.payload), effect=True)
        return Accepted(response.json_object()["client"])


def test_a_refused_certificate_leaves_no_doubt_about_the_effect(server, authority):
    call = Call("send", "key", b"{}")
    pem = authority.issue("account-1", life=(-3 * DAY, -DAY))
    refused = ProviderClient(Sending(server.url), transport(server, pem)).perform("send", call)
    assert isinstance(refused.outcome, AuthFailed)
    taken = ProviderClient(Sending(server.url), transport(server, authority.issue("account-1")))
    assert taken.perform("send", call).outcome == Accepted("account-1")


def test_sockets_of_one_account_serve_no_other(server, authority):
    first = transport(server, authority.issue("account-1"))
    second = transport(server, authority.issue("account-2"))
    without = transport(server)
    for _number in range(2):
        assert client_of(first.send(HttpRequest("GET", server.url))) == "account-1"
        assert client_of(second.send(HttpRequest("GET", server.url))) == "account-2"
        assert isinstance(without.send(HttpRequest("GET", server.url)), CertificateRefused)


def test_other_servers_do_not_see_it(server, authority, tmp_path):
    other = TlsServer(authority, tmp_path, demands=False)
    try:
        network = transport(server, authority.issue("account-1"))
        assert client_of(network.send(HttpRequest("GET", other.url))) == ""
        assert client_of(network.send(HttpRequest("GET", server.url))) == "account-1"
    finally:
        other.stop()


def test_the_key_is_on_no_disk_and_in_no_representation(authority, tmp_path, monkeypatch):
    pem = authority.issue("account-1")
    seen = []

    class Context(ssl.SSLContext):
        def load_cert_chain(self, path, keyfile=None, password=None):
            file = Path(path)
            seen.append((file.read_text(), file.stat().st_mode & 0o777))
            super().load_cert_chain(path, keyfile, password)

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    certificate = ClientCertificate(pem, frozenset())
    certificate.load_into(Context(ssl.PROTOCOL_TLS_CLIENT))
    ((written, mode),) = seen
    assert mode == 0o600
    assert "BEGIN ENCRYPTED PRIVATE KEY" in written
    with pytest.raises(TypeError):
        serialization.load_pem_private_key(written.encode(), None)
    assert list(tmp_path.iterdir()) == []
    assert "PRIVATE" not in repr(certificate)


def test_a_key_of_another_certificate_is_refused(authority):
    key = authority.issue("account-1").partition("-----BEGIN CERT")[0]
    other = authority.issue("account-2")
    mixed = key + other[other.index("-----BEGIN CERT") :]
    for text in (mixed, key, "no certificate"):
        with pytest.raises(InvalidCertificate):
            ClientCertificate(text, frozenset()).load_into(ssl.create_default_context())
