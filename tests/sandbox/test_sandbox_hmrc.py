"""HMRC's check of VAT numbers as its OpenAPI document and reference guide say."""

from __future__ import annotations

from typing import Any

import pytest
import requests
import yaml
from clock_case import to_full_hour
from jsonschema import Draft4Validator
from referencing import Registry
from referencing.jsonschema import DRAFT4

from sandbox.client import ControlClient, ControlError
from sandbox.providers.hmrc import PUBLISHED
from tools.dev import specifications

DOCUMENT = specifications.FOLDER / "hmrc" / "vat-registered-companies-2.0.yaml"
URI = "urn:hmrc"
ACCEPT = "application/vnd.hmrc.2.0+json"
TARGET, REQUESTER, UNKNOWN = "553557881", "146295999727", "999999999"
LOOKUP = "/organisations/vat/check-vat-number/lookup/{targetVrn}"
TIMEOUT = 10


class Client:
    """Checks each documented answer against the document, where that is at hand."""

    def __init__(self, url: str):
        self.url = f"{url}/hmrc"
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers["Accept"] = ACCEPT
        self.document = yaml.safe_load(DOCUMENT.read_text("utf-8")) if DOCUMENT.is_file() else None

    def token(self, **changes: Any) -> requests.Response:
        form = {
            "grant_type": "client_credentials",
            "client_id": "hmrc-client",
            "client_secret": "hmrc-secret",
            **changes,
        }
        return requests.post(f"{self.url}/oauth/token", data=form, timeout=TIMEOUT)

    def sign_in(self, **changes: Any) -> None:
        token = self.token(**changes).json()["access_token"]
        self.session.headers["Authorization"] = f"Bearer {token}"

    def get(self, target: str = TARGET, requester: str | None = None) -> requests.Response:
        path = LOOKUP.format(targetVrn=target) + (f"/{requester}" if requester else "")
        response = self.session.get(self.url + path, timeout=TIMEOUT)
        self.check(LOOKUP + ("/{requesterVrn}" if requester else ""), response)
        return response

    def check(self, path: str, response: requests.Response) -> None:
        responses = self.document["paths"][path]["get"]["responses"] if self.document else {}
        promise = responses.get(str(response.status_code))
        if promise is None:
            assert set(response.json()) == {"code", "message"} or not self.document
            return
        schema = promise["content"]["application/json"]["schema"]["allOf"][0]["$ref"]
        registry = Registry().with_resource(URI, DRAFT4.create_resource(self.document))
        validator = Draft4Validator({"$ref": f"{URI}{schema}"}, registry=registry)
        assert list(validator.iter_errors(response.json())) == []


@pytest.fixture
def hmrc(control: ControlClient) -> Client:
    client = Client(control.url)
    client.sign_in()
    return client


def refusal(response: requests.Response) -> tuple[int, str]:
    return response.status_code, response.json()["code"]


def test_a_lookup_gives_name_and_address_and_no_proof(hmrc: Client, control: ControlClient) -> None:
    answer = hmrc.get()
    assert answer.status_code == 200
    assert set(answer.json()) == {"target", "processingDate"}
    assert answer.json()["target"]["vatNumber"] == TARGET
    assert control.issued("hmrc") == []


def test_a_lookup_with_requester_gives_a_consultation_number(
    hmrc: Client, control: ControlClient
) -> None:
    numbers = [hmrc.get(TARGET, REQUESTER).json()["consultationNumber"] for _ in range(2)]
    assert len(set(numbers)) == 2
    kept = control.issued("hmrc")
    assert [item["reference"] for item in kept] == numbers
    assert {(item["number"], item["buyer"]) for item in kept} == {(TARGET, REQUESTER)}


@pytest.mark.parametrize(
    ("target", "requester", "expected"),
    [
        ("12345678", None, (400, "INVALID_REQUEST")),
        ("GB553557881", None, (400, "INVALID_REQUEST")),
        (TARGET, "1234567890", (400, "INVALID_REQUEST")),
        (UNKNOWN, None, (404, "NOT_FOUND")),
        (UNKNOWN, REQUESTER, (404, "NOT_FOUND")),
        (TARGET, UNKNOWN, (403, "INVALID_REQUEST")),
    ],
)
def test_documented_refusals(
    hmrc: Client, control: ControlClient, target: str, requester: Any, expected: tuple[int, str]
) -> None:
    assert refusal(hmrc.get(target, requester)) == expected
    assert control.issued("hmrc") == []


def test_an_internal_error_is_as_documented(hmrc: Client, control: ControlClient) -> None:
    control.fault("status", provider="hmrc", tracking_id=TARGET, status=500)
    assert refusal(hmrc.get()) == (500, "INTERNAL_SERVER_ERROR")


def test_an_outage_and_throttling(hmrc: Client, control: ControlClient) -> None:
    control.fault("status", provider="hmrc", status=503)
    assert refusal(hmrc.get()) == (503, "SERVER_ERROR")
    to_full_hour(control)
    hmrc.sign_in()
    control.windows("hmrc", "query", second=1, minute=2)
    hmrc.get()
    control.advance(1)
    hmrc.get()
    control.advance(1)
    throttled = hmrc.get()
    assert refusal(throttled) == (429, "MESSAGE_THROTTLED_OUT")
    assert int(throttled.headers["Retry-After"]) > 1
    control.advance(60)
    assert hmrc.get().status_code == 200


@pytest.mark.parametrize("error", sorted(PUBLISHED))
def test_each_published_error_can_be_set(
    hmrc: Client, control: ControlClient, error: tuple[int, str]
) -> None:
    control.settings("hmrc", answer_with={TARGET: "{} {}".format(*error)})
    assert refusal(hmrc.get()) == error
    assert hmrc.get(REQUESTER).status_code == 200


def test_an_error_that_is_not_published_cannot_be_set(control: ControlClient) -> None:
    with pytest.raises(ControlError, match="answer_with"):
        control.settings("hmrc", answer_with={"*": "418 TEAPOT"})


def test_a_token_is_demanded_and_expires(hmrc: Client, control: ControlClient) -> None:
    control.expire_tokens("hmrc")
    assert refusal(hmrc.get()) == (401, "INVALID_CREDENTIALS")
    del hmrc.session.headers["Authorization"]
    assert refusal(hmrc.get()) == (401, "MISSING_CREDENTIALS")
    control.token_lifetime("hmrc", 60)
    hmrc.sign_in()
    assert hmrc.get().status_code == 200
    control.advance(61)
    assert hmrc.get().status_code == 401


def test_the_scope_is_read_vat(hmrc: Client) -> None:
    assert hmrc.token(scope="read:vat").json()["scope"] == "read:vat"
    assert refusal_of_token(hmrc.token(scope="write:vat")) == (400, "invalid_scope")
    assert refusal_of_token(hmrc.token(client_secret="wrong")) == (401, "invalid_client")


def refusal_of_token(response: requests.Response) -> tuple[int, str]:
    return response.status_code, response.json()["error"]


@pytest.mark.parametrize("accept", ["application/json", "application/vnd.hmrc.1.0+json"])
def test_the_version_is_asked_for_by_the_accept_header(hmrc: Client, accept: str) -> None:
    hmrc.session.headers["Accept"] = accept
    assert refusal(hmrc.get()) == (406, "ACCEPT_HEADER_INVALID")
