"""The client: tokens are renewed once, a missing token sends nothing, a stumbling adapter loses nothing."""

import pytest
from odoo.addons.finance_connector_base.core.delivery.outcomes import (
    Accepted,
    AuthFailed,
    ContractBroken,
    RateLimited,
    Transient,
    Unknown,
)
from odoo.addons.finance_connector_base.core.http.client import ProviderClient
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
)

CALL = Call("op", "key", b"bytes")
TOKEN = HttpResponse(200, {}, b'{"access_token": "t1", "expires_in": 300}')


class Protocol(ProviderProtocol):
    def authorization(self):
        return ClientCredentials("https://p.example/token", "id", "s3cret")

    def build(self, step, call):
        return HttpRequest("POST", f"https://p.example/{step}", body=call.payload)

    def interpret(self, step, call, response):
        return Accepted(response.json_object()["id"])


class Wire:
    """Plays back answers and remembers the requests, so that values can be compared."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.requests = []

    def send(self, request):
        self.requests.append(request)
        return self.answers.pop(0)


def run(*answers, step="send"):
    wire = Wire(*answers)
    return ProviderClient(Protocol(), wire).perform(step, CALL).outcome, wire


def test_the_call_carries_the_token_and_the_stored_bytes():
    outcome, wire = run(TOKEN, HttpResponse(200, {}, b'{"id": "9"}'))
    assert outcome == Accepted("9")
    assert wire.requests[1].headers["Authorization"] == "Bearer t1"
    assert wire.requests[1].body == b"bytes"


def test_one_refused_token_is_renewed_once():
    refused = HttpResponse(401, {}, b"")
    outcome, wire = run(TOKEN, refused, TOKEN, HttpResponse(200, {}, b'{"id": "9"}'))
    assert outcome == Accepted("9")
    outcome, wire = run(TOKEN, refused, TOKEN, refused)
    assert isinstance(outcome, AuthFailed)
    assert not wire.answers


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (HttpResponse(401, {}, b'{"error": "invalid_client"}'), AuthFailed),
        (HttpResponse(400, {}, b'{"error": "invalid_scope"}'), AuthFailed),
        (HttpResponse(429, {"retry-after": "3"}, b""), RateLimited),
        (HttpResponse(503, {}, b""), Transient),
        (HttpResponse(200, {}, b"<html>"), Transient),
        (NoAnswer("timeout"), Transient),
        (NotSent("refused"), Transient),
    ],
)
def test_without_a_token_nothing_is_sent(answer, kind):
    outcome, wire = run(answer)
    assert isinstance(outcome, kind)
    assert len(wire.requests) == 1


def test_a_token_is_shared_by_later_calls():
    good = HttpResponse(200, {}, b'{"id": "9"}')
    wire = Wire(TOKEN, good, good)
    client = ProviderClient(Protocol(), wire)
    client.perform("send", CALL)
    client.perform("send", CALL)
    assert [request.url.rsplit("/", 1)[1] for request in wire.requests] == ["token", "send", "send"]


def test_x5_no_answer_to_a_send_is_unknown_and_to_a_question_transient():
    assert isinstance(run(TOKEN, NoAnswer("reset"))[0], Unknown)
    assert isinstance(run(TOKEN, NoAnswer("reset"), step="lookup")[0], Transient)
    assert isinstance(run(TOKEN, NotSent("refused"))[0], Transient)


def test_x5_an_answer_that_the_adapter_cannot_read_is_kept():
    report = ProviderClient(
        Protocol(), Wire(TOKEN, HttpResponse(200, {"content-type": "application/json"}, b"[]"))
    ).perform("send", CALL)
    assert isinstance(report.outcome, Unknown)
    assert report.body == b"[]"
    report = ProviderClient(Protocol(), Wire(TOKEN, HttpResponse(200, {}, b"[]"))).perform(
        "lookup", CALL
    )
    assert isinstance(report.outcome, ContractBroken)


def test_the_secret_is_not_in_the_representation():
    assert "s3cret" not in repr(Protocol().authorization())
