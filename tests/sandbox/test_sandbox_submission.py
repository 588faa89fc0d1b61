"""createFlow: what is answered at once, before the platform has looked into the file."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from flow_client import FlowClient
from flow_samples import ubl

from sandbox.client import ControlClient


def post(flows: FlowClient, files: Any = None, **details: Any) -> Any:
    return flows.send("createFlow", "POST", "/flows", files=files, **details)


def parts(info: Any = None, content: bytes = b"<a/>") -> dict[str, Any]:
    text = json.dumps(info if info is not None else {"flowSyntax": "UBL"})
    return {
        "flowInfo": (None, text, "application/json"),
        "file": ("a.xml", content, "application/xml"),
    }


def test_a_taken_flow_gets_an_identifier_and_its_information_back(flows: FlowClient) -> None:
    content = ubl()
    digest = hashlib.sha256(content).hexdigest()
    info = {
        "trackingId": "track-1",
        "name": "My invoice",
        "processingRule": "B2B",
        "flowProfile": "CIUS",
        "sha256": digest,
    }
    body = flows.create(content, **info).json()
    assert {name: body[name] for name in info} == info
    assert body["flowId"] and body["submittedAt"].endswith("Z")


def test_a_missing_fingerprint_is_computed(flows: FlowClient) -> None:
    content = ubl()
    assert flows.create(content).json()["sha256"] == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize(
    "wrong",
    [
        {"flowSyntax": "ubl"},
        {"flowSyntax": None},
        {"flowProfile": "Extended"},
        {"processingRule": "B2G"},
        {"trackingId": "x" * 37},
        {"trackingId": 7},
        {"trackingId": None},
        {"name": "x" * 256},
        {"sha256": "A" * 64},
        {"sha256": "a" * 63},
        {"sha256": "a" * 64 + "\n"},
    ],
)
def test_wrong_flow_info_is_refused(
    wrong: dict[str, Any], flows: FlowClient, control: ControlClient
) -> None:
    response = flows.create(valid=False, **wrong)
    assert response.status_code == 400
    assert next(iter(wrong)) in response.json()["errorMessage"]
    assert control.oracle("afnor") == []


def test_flow_syntax_is_required(flows: FlowClient) -> None:
    assert post(flows, parts({"trackingId": "x"})).status_code == 400


def test_the_longest_allowed_values_pass(flows: FlowClient) -> None:
    assert flows.create(trackingId="x" * 36, name="é" * 255).status_code == 202


@pytest.mark.parametrize("name", ["flowInfo", "file"])
def test_both_parts_are_required(name: str, flows: FlowClient) -> None:
    some = parts()
    del some[name]
    response = post(flows, some)
    assert response.status_code == 400
    assert name in response.json()["errorMessage"]


@pytest.mark.parametrize("info", ["", "{", "[]", '"UBL"', "null", "NaN", '{"name": "\\ud800"}'])
def test_flow_info_must_be_a_json_object(info: str, flows: FlowClient) -> None:
    files = {**parts(), "flowInfo": (None, info, "application/json")}
    assert post(flows, files).status_code == 400


def test_flow_info_nested_without_end_is_refused(flows: FlowClient) -> None:
    files = {**parts(), "flowInfo": (None, "[" * 200_000, "application/json")}
    assert post(flows, files).status_code == 400


@pytest.mark.parametrize(
    ("part", "media_type"),
    [("flowInfo", "text/plain"), ("flowInfo", None), ("file", "text/xml"), ("file", None)],
)
def test_parts_carry_the_documented_media_types(
    part: str, media_type: str | None, flows: FlowClient
) -> None:
    files = parts()
    files[part] = (files[part][0] or "x", files[part][1], media_type or "")
    assert post(flows, files).status_code == 400


@pytest.mark.parametrize(
    ("media_type", "body"),
    [
        ("application/json", b"{}"),
        ("multipart/form-data", b"no boundary"),
        ("multipart/form-data; boundary=b", b""),
        ("multipart/form-data; boundary=b", b"--b\r\n\r\ncut off"),
        ("multipart/form-data; boundary=b", b"--b\r\nno: empty line\r\n--b--"),
    ],
)
def test_the_body_must_be_multipart(media_type: str, body: bytes, flows: FlowClient) -> None:
    response = post(flows, data=body, headers={"Content-Type": media_type})
    assert response.status_code == 400


@pytest.mark.parametrize(
    "info",
    [
        {"flowSyntax": "FRR", "processingRule": "B2B"},
        {"flowSyntax": "FRR", "flowProfile": "Basic"},
        {"flowSyntax": "CDAR", "flowProfile": "CIUS"},
    ],
)
def test_information_that_contradicts_itself_is_unprocessable(
    info: dict[str, Any], flows: FlowClient, control: ControlClient
) -> None:
    assert flows.create(**info).status_code == 422
    assert control.oracle("afnor") == []


def test_the_size_limit_is_the_files_and_is_exact(
    flows: FlowClient, control: ControlClient
) -> None:
    content = ubl()
    control.settings("afnor", max_file_bytes=len(content))
    assert flows.create(content).status_code == 202
    assert flows.create(content + b" ").status_code == 413
    assert len(control.oracle("afnor")) == 1


@pytest.mark.parametrize("token", [None, "", "nonsense"])
def test_without_a_valid_token_nothing_is_taken(
    token: str | None, flows: FlowClient, control: ControlClient
) -> None:
    headers = {"Authorization": token and f"Bearer {token}"}
    response = post(flows, parts(), headers=headers)
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].startswith("Bearer")
    assert control.oracle("afnor") == []


def test_unknown_paths_and_methods_are_not_found(flows: FlowClient) -> None:
    for method, path in (("GET", "/flows"), ("DELETE", "/flows/x"), ("GET", "/nowhere")):
        response = flows.send("", method, path, checked=False)
        assert response.status_code == 404
        assert response.json()["errorCode"] == "MISSING_RESOURCE"
