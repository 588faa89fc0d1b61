"""Holds messages against the AFNOR Flow Service OpenAPI document.

OpenAPI 3.0 schemas are close to JSON Schema draft 4. One schema cannot be taken literally:
``ReasonCode`` is ``oneOf`` an enumeration and any string, so every code of the enumeration matches
twice and is invalid. ``anyOf`` is what its description says.
"""

from __future__ import annotations

import copy
import json
import re
from typing import Any

import requests
from jsonschema import Draft4Validator, FormatChecker
from referencing import Registry
from referencing.jsonschema import DRAFT4

from tools.dev import specifications

SPECIFICATIONS = specifications.FOLDER / "afnor"
URI = "urn:flow-service"
METHODS = ("get", "post", "put", "patch", "delete")
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")

formats = FormatChecker(formats=())
formats.checks("uuid")(lambda value: not isinstance(value, str) or bool(UUID.fullmatch(value)))
formats.checks("date-time")(
    lambda value: not isinstance(value, str) or bool(DATE_TIME.fullmatch(value))
)


def load_specification() -> dict[str, Any] | None:
    """Return the OpenAPI document, or nothing where it is not at hand."""
    path = SPECIFICATIONS / "flow-service-1.1.0.json"
    return json.loads(path.read_text("utf-8")) if path.is_file() else None


class Contract:
    def __init__(self, document: dict[str, Any]):
        self.document = copy.deepcopy(document)
        reason = self.document["components"]["schemas"]["ReasonCode"]
        reason["anyOf"] = reason.pop("oneOf")
        resource = DRAFT4.create_resource(self.document)
        self._registry = Registry().with_resource(URI, resource)
        self.operations = {
            operation["operationId"]: operation
            for item in self.document["paths"].values()
            for method, operation in item.items()
            if method in METHODS
        }

    def validator(self, pointer: str) -> Draft4Validator:
        schema = {"$ref": f"{URI}#{pointer}"}
        return Draft4Validator(schema, registry=self._registry, format_checker=formats)

    def errors(self, schema: str, value: Any) -> list[str]:
        found = self.validator(f"/components/schemas/{schema}").iter_errors(value)
        return [f"{error.json_path}: {error.message}" for error in found]

    def statuses(self, operation: str) -> list[int]:
        return [int(status) for status in self.operations[operation]["responses"]]

    def check_response(self, operation: str, response: requests.Response) -> None:
        """Check that the status is documented for the operation, and that the body conforms."""
        status = str(response.status_code)
        documented = self.operations[operation]["responses"]
        assert status in documented, f"{operation} does not document {status}: {response.text}"
        promise = self._resolve(documented[status])
        contents = promise.get("content", {})
        media_type = response.headers.get("Content-Type", "").partition(";")[0]
        if not contents:
            assert response.content == b"", f"{operation} {status} documents no body"
            return
        assert media_type in contents, f"{operation} {status}: {media_type} is not documented"
        self._check_headers(promise, response, media_type)
        schema = contents[media_type].get("schema")
        if schema:
            errors = self.errors(schema["$ref"].rpartition("/")[2], response.json())
            assert not errors, errors

    def check_submission(self, info: Any, file_type: str) -> None:
        """Return a createFlow request as its request body and encodings say."""
        body = self.document["components"]["requestBodies"]["FlowPostRequest"]
        encoding = body["content"]["multipart/form-data"]["encoding"]
        assert self.errors("FlowInfo", info) == []
        assert file_type in encoding["file"]["contentType"].split(", ")

    def check_search(self, body: Any) -> None:
        assert self.errors("SearchFlowParams", body) == []

    def _resolve(self, node: dict[str, Any]) -> dict[str, Any]:
        target: Any = self.document
        for step in node["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        return target

    @staticmethod
    def _check_headers(
        promise: dict[str, Any], response: requests.Response, media_type: str
    ) -> None:
        if media_type != "application/octet-stream":
            return
        for name, header in promise.get("headers", {}).items():
            assert re.search(header["schema"]["pattern"], response.headers[name])
