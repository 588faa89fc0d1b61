"""P1 and P7: the table of the client holds for every protocol, wherever a conversation breaks."""

import hashlib
import itertools
import json
import threading

import pytest
from odoo.addons.finance_connector_base.core.conversation import Answer, Ask, Obtained, Page
from odoo.addons.finance_connector_base.core.delivery.outcomes import (
    Accepted,
    Artefact,
    AuthFailed,
    ContractBroken,
    NotFound,
    Outcome,
    Rejected,
    Transient,
    Unknown,
    Waiting,
)
from odoo.addons.finance_connector_base.core.http import resources as stores
from odoo.addons.finance_connector_base.core.http.client import MAX_REQUESTS, ProviderClient
from odoo.addons.finance_connector_base.core.http.resources import MemoryResources
from odoo.addons.finance_connector_base.core.http.wire import (
    HttpRequest,
    HttpResponse,
    NoAnswer,
    NotSent,
)
from odoo.addons.finance_connector_base.core.protocol import (
    Call,
    ClientCredentials,
    ProviderProtocol,
    unreadable,
)
from odoo.addons.finance_connector_reference.core.reference_rest import ReferenceRest
from odoo.addons.finance_einvoice_afnor.core.flow_service import FlowService

URL = "https://p.example"
PAYLOAD = b"bytes"
GRANT = ClientCredentials(f"{URL}/token", "id", "s3cret")
CALL = Call(
    "filing",
    "7b0c0a8e-58b4-4d5c-9c5e-1d6a5a3f0f11",
    PAYLOAD,
    {"number": "N", "name": "F.xml"},
    reference="R-1",
)


def answer(status, value=None, **headers):
    body = value if isinstance(value, bytes) else json.dumps(value or {}).encode()
    return HttpResponse(status, {"content-type": "application/json", **headers}, body)


def accepted(response):
    reference = response.json_object()["reference"]
    return Accepted(reference) if isinstance(reference, str) else unreadable(response)


class Pair(ProviderProtocol):
    """One request a step."""

    def authorization(self):
        return GRANT

    def build(self, step, call):
        method = "POST" if step == "send" else "GET"
        return HttpRequest(method, f"{URL}/{step}", body=call.payload)

    def interpret(self, step, call, response):
        return accepted(response)


class Several(ProviderProtocol):
    """Asks, files and confirms, in a session that rests upon a key."""

    def has_resource(self, name):
        return name in ("token", "session")

    def needs(self, step, call):
        return ("session",) if step == "send" else ()

    def rests_on(self, name):
        return ("key",) if name == "session" else ()

    def obtain(self, name, old, context):
        response = yield Ask(
            HttpRequest("POST", f"{URL}/{name}"), auth="token" if name == "session" else ""
        )
        if response.status != 200:
            return Transient(f"HTTP {response.status}")
        number = response.json_object()["n"]
        return Obtained({"token": f"{name}{number}"}, {"id": f"{name}{number}"}, 300)

    def converse(self, step, call, context):
        if step != "send":
            response = yield Ask(HttpRequest("GET", f"{URL}/{step}"))
            return accepted(response)
        yield Ask(HttpRequest("GET", f"{URL}/ask"), auth="session")
        response = yield Ask(
            HttpRequest("POST", f"{URL}/send", body=call.payload), effect=True, auth="session"
        )
        yield Ask(HttpRequest("POST", f"{URL}/confirm"))
        return accepted(response)


class Provider:
    """Answers every request in good order; ``breaks`` are answers in place of the n-th to a path."""

    def __init__(self, breaks=None):
        self.breaks = breaks or {}
        self.requests = []
        self.count = itertools.count(1)

    def send(self, request):
        path = request.url.split("?")[0].removeprefix(URL)
        self.requests.append(path)
        instead = self.breaks.get(path, {}).get(
            self.requests.count(path), self.breaks.get(path, {}).get("*")
        )
        if instead is not None:
            return instead
        receipt = {
            "reference": "R-1",
            "state": "accepted",
            "sha256": hashlib.sha256(PAYLOAD).hexdigest(),
            "flowId": "R-1",
        }
        if path.endswith("/token"):
            return answer(200, {"access_token": "t1", "expires_in": 300, "n": 1})
        more = {"n": next(self.count), "trackingId": CALL.key}
        flows = {"results": [], "keys": [], "acknowledgement": {"status": "Ok"}}
        status = {"/filings": 201, "/v1/flows": 202}.get(path, 200)
        return answer(status, {**receipt, **flows, **more})


PROTOCOLS = {
    "pair": (Pair, "/send"),
    "several": (Several, "/send"),
    "reference": (lambda: ReferenceRest(URL, "key"), "/filings"),
    "afnor": (lambda: FlowService(URL, GRANT), "/v1/flows"),
}


def run(name, breaks=None, step="send", protocol=None):
    provider = Provider(breaks)
    client = ProviderClient(protocol or PROTOCOLS[name][0](), provider)
    report = client.perform(step, CALL)
    return report.outcome, provider


@pytest.fixture(params=PROTOCOLS)
def name(request):
    return request.param


@pytest.fixture
def effect(name):
    return PROTOCOLS[name][1]


def test_p1_a_send_in_good_order_is_accepted_or_waiting(name, effect):
    outcome, provider = run(name)
    assert isinstance(outcome, (Accepted, Waiting))
    assert provider.requests.count(effect) == 1


@pytest.mark.parametrize(
    ("broken", "kind"), [(NotSent("refused"), Transient), (NoAnswer("reset"), Unknown)]
)
def test_p1_the_marked_request_breaks(name, effect, broken, kind):
    outcome, _provider = run(name, {effect: {1: broken}})
    assert type(outcome) is kind


@pytest.mark.parametrize("broken", [NotSent("refused"), NoAnswer("reset")])
def test_p1_a_step_without_effect_leaves_nothing_in_doubt(name, broken):
    for step in ("lookup", "poll"):
        breaks = {path: {"*": broken} for path in _paths(name, step)}
        outcome, _provider = run(name, breaks, step)
        assert isinstance(outcome, Transient)


def _paths(name, step):
    _outcome, provider = run(name, step=step)
    return set(provider.requests) - {"/token"}


def test_p1_a_refused_credential_before_the_effect_is_renewed_and_doubles_nothing(name, effect):
    refused = answer(401)
    outcome, provider = run(name, {effect: {1: refused}})
    if name == "reference":
        assert isinstance(outcome, AuthFailed)
    elif name == "several":
        # In the session of its attempt or not at all.
        assert isinstance(outcome, Transient)
        assert provider.requests.count(effect) == 1
    else:
        assert isinstance(outcome, (Accepted, Waiting))
        assert provider.requests.count(effect) == 2


def test_p1_refused_again_and_again_is_no_effect(name, effect):
    outcome, provider = run(name, {effect: {"*": answer(401)}})
    assert isinstance(outcome, (AuthFailed, Transient))
    assert provider.requests.count(effect) <= 2


class Wrapped:
    """A protocol whose conversation is changed."""

    def __init__(self, protocol, change):
        self._protocol, self._change = protocol, change

    def __getattr__(self, attribute):
        return getattr(self._protocol, attribute)

    def converse(self, *arguments):
        return self._change(self._protocol.converse(*arguments))


def _fails_at_once(conversation):
    raise KeyError("before")
    yield conversation


def _fails_before(conversation):
    for ask in _asks(conversation):
        if ask.effect:
            raise KeyError("before")
        yield ask


def _fails_after(conversation):
    value = None
    ask = next(conversation)
    while True:
        value = yield ask
        if ask.effect:
            raise KeyError("after")
        ask = conversation.send(value)


def _asks(conversation):
    ask = next(conversation)
    while True:
        response = yield ask
        ask = conversation.send(response)


def _returning(value):
    def change(conversation):
        try:
            response, ask = None, next(conversation)
            while True:
                response = yield ask
                ask = conversation.send(response)
        except StopIteration:
            return value

    return change


def _second_effect(conversation):
    result = yield from conversation
    yield Ask(HttpRequest("POST", f"{URL}/again"), effect=True)
    return result


def _endless(conversation):
    yield from conversation
    while True:
        yield Ask(HttpRequest("GET", f"{URL}/more"), auth="")


def _endless_before(conversation):
    while True:
        yield Ask(HttpRequest("GET", f"{URL}/more"), auth="")
    yield conversation


def _no_ask(conversation):
    yield "not a request"
    yield conversation


class _Derived(Accepted):
    """Not an outcome of the table."""


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (_fails_at_once, Transient),
        (_fails_after, Unknown),
        (_returning(None), Unknown),
        (_returning("accepted"), Unknown),
        (_returning(Outcome()), Unknown),
        (_returning(_Derived("x")), Unknown),
        (_returning(Answer("yes")), Unknown),
        (_second_effect, ContractBroken),
        (_endless, Unknown),
        (_endless_before, Transient),
        (_no_ask, Transient),
    ],
)
def test_p1_whatever_the_adapter_does_the_outcome_says_what_is_certain(name, effect, change, kind):
    outcome, provider = run(name, protocol=Wrapped(PROTOCOLS[name][0](), change))
    assert type(outcome) is kind
    assert "/again" not in provider.requests
    assert len(provider.requests) <= MAX_REQUESTS + 10
    if kind is Transient:
        assert effect not in provider.requests


def test_p1_an_error_before_the_marked_request_sends_nothing(name, effect):
    outcome, provider = run(name, protocol=Wrapped(PROTOCOLS[name][0](), _fails_before))
    assert isinstance(outcome, Transient)
    assert effect not in provider.requests


def test_p1_a_marked_request_in_a_step_without_effect_is_not_sent(name, effect):
    def marks(conversation):
        yield Ask(HttpRequest("POST", f"{URL}/again"), effect=True)
        yield conversation

    for step in ("lookup", "poll", "receipt"):
        outcome, provider = run(name, step=step, protocol=Wrapped(PROTOCOLS[name][0](), marks))
        assert type(outcome) is ContractBroken
        assert "/again" not in provider.requests


class Marking(Pair):
    def query(self, operation, payload, context):
        yield Ask(HttpRequest("POST", f"{URL}/again"), effect=True)
        return Answer("yes")

    def feed(self, name, cursor, context):
        yield Ask(HttpRequest("POST", f"{URL}/again"), effect=True)
        return Page((), "")

    def probe(self, context):
        yield Ask(HttpRequest("POST", f"{URL}/again"), effect=True)
        return Accepted("")

    def obtain(self, name, old, context):
        yield Ask(HttpRequest("POST", f"{URL}/again"), effect=True, auth="")
        return Obtained({"token": "t"})


def test_p1_nothing_else_may_have_an_effect():
    provider = Provider()
    client = ProviderClient(Marking(), provider)
    for report in (client.query("q", {}), client.feed("f", ""), client.probe()):
        assert type(report.outcome) is ContractBroken
        assert report.value is None
    assert isinstance(client.perform("send", CALL).outcome, Transient)
    assert provider.requests == []


def test_p1_a_query_or_feed_that_returns_an_outcome_of_an_effect_has_no_value():
    class Wrong(Pair):
        def query(self, operation, payload, context):
            yield Ask(HttpRequest("GET", f"{URL}/q"))
            return Accepted("yes")

    report = ProviderClient(Wrong(), Provider()).query("q", {})
    assert type(report.outcome) is ContractBroken


# -- resources -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given",
    [
        Accepted("x"), Rejected(()), NotFound(), Waiting("x"), Unknown("x"), ContractBroken("x"),
        None, "token", Outcome(),
    ],
)  # fmt: skip
@pytest.mark.parametrize("step", ["send", "lookup"])
def test_p1_no_resource_is_no_verdict_on_the_document(given, step):
    """An outcome of a sign-in was once the outcome of the step that needed it."""

    class Odd(Pair):
        def obtain(self, name, old, context):
            yield Ask(HttpRequest("POST", f"{URL}/token"), auth="")
            return given

    outcome, provider = run("pair", step=step, protocol=Odd())
    assert type(outcome) is Transient
    assert provider.requests == ["/token"]


@pytest.mark.parametrize(
    "broken", [NotSent("refused"), NoAnswer("reset"), answer(500), answer(401)]
)
def test_p1_a_resource_that_fails_after_the_effect_leaves_it_in_doubt(broken):
    """The token of the last request is gone, and no new one is to be had."""
    outcome, provider = run(
        "several", {"/confirm": {1: answer(401)}, "/token": {2: broken, 3: broken}}
    )
    assert provider.requests.count("/send") == 1
    assert type(outcome) is Unknown


@pytest.mark.parametrize("place", ["/key", "/session", "/token"])
@pytest.mark.parametrize("broken", [NotSent("refused"), NoAnswer("reset"), answer(500)])
def test_p1_without_its_resources_nothing_is_sent(place, broken):
    outcome, provider = run("several", {place: {"*": broken}})
    assert isinstance(outcome, Transient)
    assert "/send" not in provider.requests


def test_p1_a_resource_that_rests_upon_another_is_obtained_after_it():
    _outcome, provider = run("several")
    before = [path for path in provider.requests if path in ("/key", "/token", "/session")]
    assert before == ["/key", "/token", "/session"]


@pytest.mark.parametrize("circle", [{"a": ("a",)}, {"a": ("b",), "b": ("a",)}])
def test_p1_resources_in_a_circle_end(circle):
    class Circle(Pair):
        def needs(self, step, call):
            return ("a",)

        def has_resource(self, name):
            return True

        def rests_on(self, name):
            return circle.get(name, ())

        def obtain(self, name, old, context):
            yield Ask(HttpRequest("POST", f"{URL}/{name}"), auth="")
            return Obtained({"token": "x"})

    done = []
    thread = threading.Thread(
        target=lambda: done.append(run("pair", protocol=Circle())[0]), daemon=True
    )
    thread.start()
    thread.join(10)
    assert done, "the client waits for itself"
    assert isinstance(done[0], Transient)


def test_p1_a_request_for_credentials_that_are_not_declared_is_not_sent():
    class Typo(Pair):
        def converse(self, step, call, context):
            yield Ask(HttpRequest("POST", f"{URL}/send"), effect=True, auth="tokn")
            return Accepted("x")

    outcome, provider = run("pair", protocol=Typo())
    assert type(outcome) is ContractBroken
    assert provider.requests == []


@pytest.mark.parametrize("content", ["text", None, 5, bytearray(b"x")])
def test_p1_an_artefact_is_bytes(content):
    with pytest.raises(TypeError):
        Artefact("receipt", "text/plain", content)


@pytest.mark.parametrize(
    ("secret", "public", "error"),
    [({"token": b"x"}, {}, TypeError), ({}, {"a": object()}, TypeError), ({}, {"a": "x" * 20_000}, ValueError)],
)  # fmt: skip
def test_p2_what_cannot_be_stored_is_no_resource(secret, public, error):
    with pytest.raises(error):
        Obtained(secret, public)


def test_p2_the_public_part_can_be_stored():
    assert "\0" not in json.dumps(Obtained(public={"id": "a\0b"}).public)


# -- P2, P3: under the claimed resources or not at all ----------------------------------------------


def test_p3_another_session_than_the_claimed_one_is_not_used():
    provider, store = Provider(), MemoryResources()
    client = ProviderClient(Several(), provider, store)
    client.prepare(("session",))
    claimed = client.public(("session",))
    store.refuse("session", claimed["session"]["generation"])
    client.prepare(("session",))
    outcome = client.perform("send", CALL, claimed).outcome
    assert isinstance(outcome, Transient)
    assert "/send" not in provider.requests
    assert isinstance(client.perform("send", CALL, client.public(("session",))).outcome, Accepted)


def test_p3_a_session_that_ended_after_the_claim_is_not_replaced_on_the_way():
    provider, store = Provider(), MemoryResources()
    client = ProviderClient(Several(), provider, store)
    client.prepare(("session",))
    claimed = client.public(("session",))
    store.refuse("session", claimed["session"]["generation"])
    assert isinstance(client.perform("send", CALL, claimed).outcome, Transient)
    assert "/send" not in provider.requests


def test_p2_what_the_provider_says_has_ended_is_obtained_again():
    class Ended(Several):
        def converse(self, step, call, context):
            yield Ask(HttpRequest("POST", f"{URL}/send"), effect=True, auth="session")
            return Transient("the session is closed", ended=("session",))

    client = ProviderClient(Ended(), Provider())
    client.prepare(("session",))
    assert client.missing(("session",)) == ()
    client.perform("send", CALL, client.public(("session",)))
    assert client.missing(("session",)) == ("session",)


def test_p2_one_thread_obtains_and_the_others_use_it():
    provider = Provider()
    client = ProviderClient(Several(), provider)
    threads = [threading.Thread(target=client.prepare, args=(("session",),)) for _n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert sorted(provider.requests) == ["/key", "/session", "/token"]


def test_p2_waiting_for_a_resource_ends(monkeypatch):
    monkeypatch.setattr(stores, "WAIT_SECONDS", 0.01)
    store, inside, leave = MemoryResources(), threading.Event(), threading.Event()

    def slow(_old):
        inside.set()
        leave.wait(10)
        return Obtained({"token": "t"})

    thread = threading.Thread(target=store.renew, args=("token", 0, slow))
    thread.start()
    inside.wait(10)
    assert isinstance(store.renew("token", 0, slow), Transient)
    leave.set()
    thread.join(10)


# -- P7 --------------------------------------------------------------------------------------------

HTML = b"<!DOCTYPE html><html></html>"
BAD = {
    "html_200": HttpResponse(200, {"content-type": "text/html"}, HTML),
    "html_201": HttpResponse(201, {"content-type": "text/html"}, HTML),
    "empty_200": HttpResponse(200, {}, b""),
    "empty_202": HttpResponse(202, {}, b""),
    "soap_fault": HttpResponse(500, {"content-type": "text/xml"}, b"<Fault/>"),
    "bad_gateway": HttpResponse(502, {"content-type": "text/html"}, HTML),
    "null": answer(201, b"null"),
    "types": answer(202, b'{"reference": {}, "flowId": [], "state": 7, "acknowledgement": 3}'),
    "bomb": NoAnswer("the response is larger than 262144 bytes"),
    "nothing": NoAnswer("timeout"),
}


@pytest.mark.parametrize("bad", BAD)
def test_p7_a_bad_answer_to_a_send_leaves_it_in_doubt(name, effect, bad):
    outcome, _provider = run(name, {effect: {"*": BAD[bad]}})
    assert type(outcome) in (Unknown, ContractBroken)


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("step", ["lookup", "poll"])
def test_p7_a_bad_answer_to_a_question_decides_nothing(name, step, bad):
    breaks = {path: {"*": BAD[bad]} for path in _paths(name, step)}
    outcome, _provider = run(name, breaks, step)
    assert type(outcome) in (Unknown, ContractBroken, Transient)


def test_p7_a_firewall_decides_nothing(name, effect):
    outcome, _provider = run(name, {effect: {"*": HttpResponse(403, {}, HTML)}})
    assert not isinstance(outcome, (Accepted, Waiting, Rejected, NotFound))


def test_canary_a_position_of_a_feed_with_a_secret_is_not_stored():
    """Hidden it would be the position of another page, so the feed stops."""
    canary = "canary-of-a-position-0123456789"

    class Leaking(Pair):
        def feed(self, name, cursor, context):
            yield Ask(HttpRequest("GET", f"{URL}/f"))
            return Page((), f"{URL}/next?key={name}")

    client = ProviderClient(Leaking(), Provider(), secrets=(canary,))
    report = client.feed(canary, "")
    assert type(report.outcome) is ContractBroken
    assert report.value is None
    assert canary not in repr(report)
    assert client.feed("documents", "").value is not None
