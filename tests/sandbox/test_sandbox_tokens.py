"""The token endpoint (RFC 6749) and what tokens are good for (RFC 6750)."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from flow_client import CLIENT, SECRET, FlowClient

from sandbox.client import ControlClient, ControlError


def ask(flows: FlowClient, **details: Any) -> requests.Response:
    return requests.post(f"{flows.url}/afnor/oauth/token", timeout=10, **details)


def works(flows: FlowClient) -> bool:
    status = flows.search(trackingId="x").status_code
    assert status in (200, 401)
    return status == 200


def test_a_token_is_given_for_the_secret(flows: FlowClient) -> None:
    response = flows.ask_token()
    body = response.json()
    assert response.status_code == 200
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 3600)
    assert response.headers["Cache-Control"] == "no-store"
    assert body["access_token"] != flows.ask_token().json()["access_token"]
    flows.token = body["access_token"]
    assert works(flows)


def test_http_basic_works_with_encoded_characters(
    flows: FlowClient, control: ControlClient
) -> None:
    form = {"grant_type": "client_credentials"}
    assert ask(flows, data=form, auth=(CLIENT, SECRET)).status_code == 200
    control.set_client("afnor", "my:client", "s%cret +é")
    encoded = ("my%3Aclient", "s%25cret+%2B%C3%A9")
    assert ask(flows, data=form, auth=encoded).status_code == 200


@pytest.mark.parametrize(
    "wrong", [{"client_secret": "wrong"}, {"client_id": "unknown"}, {"client_secret": None}]
)
def test_a_wrong_secret_is_an_invalid_client(wrong: dict[str, str], flows: FlowClient) -> None:
    response = flows.ask_token(**wrong)
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")


@pytest.mark.parametrize(
    "header", ["Basic !!!", "Basic eA==", "Bearer x", "Basic", "Basic w6k6eA=="]
)
def test_wrong_basic_credentials_are_challenged(header: str, flows: FlowClient) -> None:
    form = {"grant_type": "client_credentials"}
    response = ask(flows, data=form, headers={"Authorization": header})
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")
    assert response.headers["WWW-Authenticate"].startswith("Basic")


@pytest.mark.parametrize(
    ("details", "error"),
    [
        ({"grant_type": None}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": ["client_credentials"] * 2}, "invalid_request"),
    ],
)
def test_a_wrong_token_request_is_refused(
    details: dict[str, Any], error: str, flows: FlowClient
) -> None:
    response = flows.ask_token(**details)
    assert (response.status_code, response.json()["error"]) == (400, error)


def test_credentials_are_given_in_one_place(flows: FlowClient) -> None:
    form = {"grant_type": "client_credentials", "client_id": CLIENT, "client_secret": SECRET}
    response = ask(flows, data=form, auth=(CLIENT, SECRET))
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


def test_the_request_must_be_a_form(flows: FlowClient) -> None:
    assert ask(flows, json={"grant_type": "client_credentials"}).status_code == 400


def test_a_token_ends_with_its_lifetime(flows: FlowClient, control: ControlClient) -> None:
    control.token_lifetime("afnor", 60)
    body = flows.ask_token().json()
    assert body["expires_in"] == 60
    flows.token = body["access_token"]
    control.advance(59)
    assert works(flows)
    control.advance(1)
    assert not works(flows)


def test_all_tokens_can_be_expired(flows: FlowClient, control: ControlClient) -> None:
    assert works(flows)
    control.expire_tokens("afnor")
    assert not works(flows)
    flows.token = None
    assert works(flows)


def test_a_rotated_secret_replaces_the_old_one(flows: FlowClient, control: ControlClient) -> None:
    assert works(flows)
    control.set_client("afnor", CLIENT, "new-secret")
    assert works(flows), "a token lives on when the secret changes"
    assert flows.ask_token().status_code == 401
    assert flows.ask_token(client_secret="new-secret").status_code == 200


def test_a_removed_client_is_out_at_once(flows: FlowClient, control: ControlClient) -> None:
    assert works(flows)
    control.remove_client("afnor", CLIENT)
    assert not works(flows)
    assert flows.ask_token().status_code == 401
    with pytest.raises(ControlError, match="404"):
        control.remove_client("afnor", CLIENT)


@pytest.mark.parametrize("scheme", ["Basic", "Token", ""])
def test_only_bearer_tokens_count(scheme: str, flows: FlowClient) -> None:
    header = {"Authorization": f"{scheme} {flows.token}".strip()}
    response = flows.send("searchFlow", "POST", "/flows/search", json={}, headers=header)
    assert response.status_code == 401


def test_the_scheme_may_be_written_in_any_case(flows: FlowClient) -> None:
    header = {"Authorization": f"bEARER {flows.token}"}
    body = {"where": {"trackingId": "x"}}
    response = flows.send("searchFlow", "POST", "/flows/search", json=body, headers=header)
    assert response.status_code == 200


def test_secrets_are_never_shown(flows: FlowClient, control: ControlClient) -> None:
    control.set_client("afnor", "other", "very-secret")
    ask(flows, data={"grant_type": "client_credentials"}, auth=("other", "very-secret"))
    flows.send("getFlow", "GET", "/flows/x", params={"access_token": flows.token}, checked=False)
    shown = f"{control._call('GET', 'clients/afnor')} {control.requests()}"
    assert "other" in shown
    for secret in ("very-secret", SECRET, flows.token):
        assert secret not in shown
    assert "Bearer ***" in shown and "Basic ***" in shown
