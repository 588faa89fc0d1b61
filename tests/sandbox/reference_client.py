"""A plain client of the reference provider that holds every answer against the provider's OpenAPI document."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import requests
from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

OPENAPI = Path(__file__).resolve().parents[2] / "docs" / "reference-provider.openapi.json"
URI = "urn:reference-provider"
TIMEOUT = 10
KEY = "reference-key"


class Contract:
    """The OpenAPI document, and whether a message keeps it."""

    def __init__(self) -> None:
        self.document = json.loads(OPENAPI.read_text("utf-8"))
        resource = DRAFT202012.create_resource(self.document)
        self._registry = Registry().with_resource(URI, resource)
        self.operations = {
            operation["operationId"]: (method.upper(), path, operation)
            for path, item in self.document["paths"].items()
            for method, operation in item.items()
        }

    def errors(self, schema: str, value: Any) -> list[str]:
        reference = {"$ref": f"{URI}#/components/schemas/{schema}"}
        found = Draft202012Validator(reference, registry=self._registry).iter_errors(value)
        return [f"{error.json_path}: {error.message}" for error in found]

    def check(self, operation: str, response: requests.Response) -> None:
        """Check that the status is documented for the operation, and that the body conforms."""
        documented = self.operations[operation][2]["responses"]
        status = str(response.status_code)
        assert status in documented, f"{operation} does not document {status}: {response.text}"
        promise = documented[status]
        if "$ref" in promise:
            promise = self.document["components"]["responses"][promise["$ref"].rpartition("/")[2]]
        if "application/jose" in promise["content"]:
            assert response.headers["Content-Type"] == "application/jose"
            return
        schema = promise["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        assert response.headers["Content-Type"].startswith("application/json")
        errors = self.errors(schema, response.json())
        assert not errors, errors


class ReferenceClient:
    """Operations by the ids of the document; ``seen`` are the pairs of operation and status that were answered."""

    def __init__(self, url: str, contract: Contract, key: str = KEY):
        self.contract = contract
        self.seen: set[tuple[str, int]] = set()
        self._base = f"{url}/reference"
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["X-Api-Key"] = key

    def authorize(self, token: str | None) -> None:
        """Use an access token instead of the API key."""
        self._session.headers.pop("X-Api-Key", None)
        self._session.headers["Authorization"] = f"Bearer {token}"

    def close(self) -> None:
        self._session.close()

    def call(
        self, operation: str, body: Any = None, *, query: Any = None, **path: Any
    ) -> requests.Response:
        method, template, _document = self.contract.operations[operation]
        content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        response = self._session.request(
            method,
            self._base + template.format(**path),
            params=query,
            data=content,
            timeout=TIMEOUT,
        )
        self.contract.check(operation, response)
        self.seen.add((operation, response.status_code))
        return response

    def put(self, key: str, content: bytes = b"{}") -> requests.Response:
        return self.call("putDocument", content, key=key)

    def file(self, number: str, **more: Any) -> requests.Response:
        return self.call("fileFiling", {"number": number, **more})

    def find(self, number: str) -> list[dict[str, Any]]:
        return self.call("findFiling", query={"key": number}).json()["results"]

    def notify(self, number: str) -> requests.Response:
        return self.call("postNotice", {"number": number})

    def append(self, chain: str, sequence: int, previous: str, **more: Any) -> requests.Response:
        return self.call("appendRecord", record(sequence, previous, **more), chain=chain)


def record(sequence: int, previous: str, **more: Any) -> bytes:
    """Return the bytes of a record."""
    body = {"number": f"R-{sequence}", "sequence": sequence, "previous": previous, **more}
    return json.dumps(body).encode()


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
