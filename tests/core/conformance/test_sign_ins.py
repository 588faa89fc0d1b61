"""Each ready-made sign-in keeps the contract against a provider that demands it."""

import base64
import itertools
import json
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from odoo.addons.finance_connector_base.core.conversation import Ask
from odoo.addons.finance_connector_base.core.delivery.outcomes import Accepted, AuthFailed, Waiting
from odoo.addons.finance_connector_base.core.http.client import ProviderClient
from odoo.addons.finance_connector_base.core.http.sign_ins import (
    CLIENT_ASSERTION,
    JWT_GRANT,
    ApiKey,
    Basic,
    JwtAssertion,
)
from odoo.addons.finance_connector_base.core.http.wire import HttpRequest
from odoo.addons.finance_connector_base.core.protocol import Call, ClientCredentials, Operation
from odoo.addons.finance_connector_base.tests.conformance import Subject, examine
from odoo.addons.finance_connector_letterbox.core.letterbox import Letterbox

from .subjects import transport
from .test_toy_provider import _server

pytestmark = pytest.mark.slow

SECRET = "päss:word-of-the-account"
KEY = ec.generate_private_key(ec.SECP256R1())


def pem(key):
    kind = serialization.PrivateFormat.PKCS8
    encoding, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    return key.private_bytes(encoding, kind, plain).decode()


def decoded(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def verified(token, key):
    """Return header and claims of a JWT that this key signed."""
    content, _dot, signature = token.rpartition(".")
    signature, message = decoded(signature), content.encode()
    if isinstance(key, rsa.RSAPrivateKey):
        key.public_key().verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
    elif isinstance(key, ed25519.Ed25519PrivateKey):
        key.public_key().verify(signature, message)
    else:
        half = len(signature) // 2
        parts = (int.from_bytes(part, "big") for part in (signature[:half], signature[half:]))
        digest = hashes.SHA256() if half == 32 else hashes.SHA384()
        key.public_key().verify(encode_dss_signature(*parts), message, ec.ECDSA(digest))
    header, claims = (json.loads(decoded(part)) for part in content.split("."))
    return header, claims


class Account:
    """What the provider demands of each request of an account, and its token endpoint."""

    def __init__(self, kind):
        self.kind, self.tokens, self.seen = kind, set(), set()

    def lets_in(self, headers):
        given = headers.get("Authorization", "")
        if self.kind == "basic":
            pair = base64.b64encode(f"user:{SECRET}".encode()).decode()
            return given == f"Basic {pair}"
        if self.kind == "api key":
            return headers.get("X-Account") == f"Token {SECRET}"
        return given.removeprefix("Bearer ") in self.tokens

    def token(self, form):
        """Return a token, None where the request is refused."""
        if self.kind == "client":
            good = (form.get("client_id"), form.get("client_secret")) == ("user", SECRET)
        else:
            name = "assertion" if self.kind == "jwt" else "client_assertion"
            wanted = JWT_GRANT if self.kind == "jwt" else "client_credentials"
            kind = form.get("client_assertion_type", "")
            _header, claims = verified(form[name], KEY)
            good = form["grant_type"] == wanted and claims["jti"] not in self.seen
            good &= kind == ("" if self.kind == "jwt" else CLIENT_ASSERTION)
            good &= claims["iss"] == "user" and claims["exp"] > time.time() >= claims["iat"]
            self.seen.add(claims["jti"])
        if not good:
            return None
        self.tokens.add(f"token-{len(self.seen)}-{len(self.tokens)}-of-the-provider")
        return max(self.tokens)


@pytest.fixture
def provider(request):
    module, account = _server(), Account(request.param)

    class Handler(module.Handler):
        def do_POST(self):
            if self.path != "/token":
                super().do_POST()
                return
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            token = account.token({name: text[0] for name, text in parse_qs(body).items()})
            answer = {"access_token": token, "expires_in": 300} if token else {}
            self._answer(200 if token else 401, answer or {"error": "invalid_client"})

        def _is_refused(self):
            refused = not account.lets_in(self.headers)
            if refused:
                self._answer(401, {"error": "unauthorized"})
            return refused

    module.Handler = Handler
    with module.LetterboxServer() as box:
        box.account = account
        yield box


@dataclass(frozen=True)
class SignedLetterbox(Letterbox):
    """The toy provider under one of the sign-ins."""

    sign_in: Any = None

    def authorization(self):
        return self.sign_in

    def build(self, step, call):
        return _without_key(super().build(step, call))

    def build_probe(self):
        return _without_key(super().build_probe())


def _without_key(request):
    headers = {name: text for name, text in request.headers.items() if name != "X-Api-Key"}
    return HttpRequest(request.method, request.url, headers, request.body)


def sign_in(box, secret=SECRET, key=KEY):
    url = f"{box.url}/token"
    return {
        "basic": lambda: Basic("user", secret),
        "api key": lambda: ApiKey(secret, "X-Account", "Token"),
        "client": lambda: ClientCredentials(url, "user", secret),
        "jwt": lambda: JwtAssertion(url, "user", "user", pem(key)),
        "jwt client": lambda: JwtAssertion(url, "user", "user", pem(key), is_client=True),
    }[box.account.kind]()


KINDS = ("basic", "api key", "client", "jwt", "jwt client")
OBTAINED = KINDS[2:]
NUMBERS = itertools.count(1)


def letter(operation):
    number = next(NUMBERS)
    return Call(operation, f"letter-{number}", b"Dear %d" % number)


@pytest.mark.parametrize("provider", KINDS, indirect=True)
@pytest.mark.slow
def test_p8_each_sign_in_keeps_the_contract(provider):
    grant = sign_in(provider)
    subject = Subject(
        protocol=lambda: SignedLetterbox(provider.url, "", sign_in=grant),
        transport=transport,
        operations=(Operation("letter", repeat="lookup"),),
        call=letter,
        effects=lambda call: provider.posted.get(call.key, 0),
        reference=lambda call: provider.letters.get(call.key, {}).get("letter", ""),
        secrets=(SECRET, pem(KEY).splitlines()[1]),
        **({"revoke": provider.account.tokens.clear} if provider.account.kind in OBTAINED else {}),
    )
    assert [str(problem) for problem in examine(subject)] == []


@pytest.mark.parametrize("provider", KINDS, indirect=True)
def test_wrong_credentials_are_refused_and_nothing_is_taken(provider):
    wrong = sign_in(provider, "another-secret", ec.generate_private_key(ec.SECP256R1()))
    if "jwt" in provider.account.kind:
        provider.account.token = lambda form: None
    call = letter("letter")
    client = ProviderClient(SignedLetterbox(provider.url, "", sign_in=wrong), transport())
    assert isinstance(client.perform("send", call).outcome, AuthFailed)
    assert isinstance(client.probe().outcome, AuthFailed)
    assert not provider.posted
    good = SignedLetterbox(provider.url, "", sign_in=sign_in(provider))
    if "jwt" not in provider.account.kind:
        assert isinstance(ProviderClient(good, transport()).perform("send", call).outcome, Waiting)


@pytest.mark.parametrize("provider", ("basic", "api key"), indirect=True)
def test_a_request_without_credentials_carries_none(provider):
    class Anonymous(SignedLetterbox):
        def probe(self, context):
            yield Ask(HttpRequest("GET", f"{self.base_url}/ping"), auth="")
            return Accepted("")

    client = ProviderClient(Anonymous(provider.url, "", sign_in=sign_in(provider)), transport())
    report = client.probe()
    assert report.status == 401


@pytest.mark.parametrize(
    "key",
    [
        KEY,
        ec.generate_private_key(ec.SECP384R1()),
        rsa.generate_private_key(65537, 2048),
        ed25519.Ed25519PrivateKey.generate(),
    ],
    ids=["ES256", "ES384", "RS256", "EdDSA"],
)
def test_assertions_are_signed_as_their_header_says(key, request):
    grant = JwtAssertion(
        "https://p.example/token", "issuer", "subject", pem(key), scope="a", key_id="k1",
        claims={"purposeId": "p", "iss": "not ours to replace"},
    )  # fmt: skip
    form = grant.form(1000.5, b"\x01" * 16)
    header, claims = verified(form["assertion"], key)
    assert header == {"alg": request.node.callspec.id, "typ": "JWT", "kid": "k1"}
    assert claims == {
        "iss": "issuer",
        "sub": "subject",
        "aud": "https://p.example/token",
        "iat": 1000,
        "exp": 1300,
        "jti": "01" * 16,
        "purposeId": "p",
    }
    assert (form["grant_type"], form["scope"]) == (JWT_GRANT, "a")
    assert pem(key).splitlines()[1] not in repr(grant)


@pytest.mark.parametrize("text", ["", "no key", pem(ec.generate_private_key(ec.SECP256K1()))])
def test_a_key_that_signs_nothing_sends_nothing(text):
    with pytest.raises(ValueError, match="private key"):
        JwtAssertion("https://p.example/token", "i", "s", text).form(0.0, b"")


def test_basic_is_written_in_utf_8():
    # RFC 7617 §2.1 has this example.
    assert Basic("test", "123£").header() == ("Authorization", "Basic dGVzdDoxMjPCow==")
