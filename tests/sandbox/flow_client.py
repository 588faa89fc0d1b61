"""A plain client of the flow service, as a program under test would be, with its own eyes open."""

from __future__ import annotations

import json
import uuid
from typing import Any

import requests
from flow_contract import Contract
from flow_samples import ubl
from typing_extensions import Self

CLIENT, SECRET = "sandbox-client", "sandbox-secret"
TIMEOUT = 10


class FlowClient:
    """Checks every request and answer against the contract unless called with ``checked=False``."""

    def __init__(self, url: str, contract: Contract | None = None):
        self.url = url
        self.base = f"{url}/afnor/flow-service/v1"
        self.contract = contract
        self.session = requests.Session()
        self.session.trust_env = False
        self._token: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_details: object) -> None:
        self.session.close()

    @property
    def token(self) -> str:
        if self._token is None:
            self._token = self.ask_token().json()["access_token"]
        return self._token

    @token.setter
    def token(self, value: str | None) -> None:
        self._token = value

    def ask_token(self, **changes: Any) -> requests.Response:
        form = {
            "grant_type": "client_credentials",
            "client_id": CLIENT,
            "client_secret": SECRET,
            **changes,
        }
        given = {name: value for name, value in form.items() if value is not None}
        return self.session.post(f"{self.url}/afnor/oauth/token", data=given, timeout=TIMEOUT)

    def create(
        self,
        content: bytes | None = None,
        *,
        file_type: str = "application/xml",
        filename: str = "invoice.xml",
        checked: bool = True,
        valid: bool = True,
        **info: Any,
    ) -> requests.Response:
        content = ubl() if content is None else content
        full = {"flowSyntax": "UBL", "trackingId": str(uuid.uuid4()), **info}
        if self.contract and checked and valid:
            self.contract.check_submission(full, file_type)
        files = {
            "flowInfo": (None, json.dumps(full), "application/json"),
            "file": (filename, content, file_type),
        }
        return self.send("createFlow", "POST", "/flows", checked=checked, files=files)

    def created(self, content: bytes | None = None, **details: Any) -> str:
        """Create a flow that must be taken, and return its identifier."""
        response = self.create(content, **details)
        assert response.status_code == 202, response.text
        return response.json()["flowId"]

    def search(self, limit: Any = None, valid: bool = True, **where: Any) -> requests.Response:
        body = {"where": where, **({} if limit is None else {"limit": limit})}
        if self.contract and valid:
            self.contract.check_search(body)
        return self.send("searchFlow", "POST", "/flows/search", json=body)

    def found(self, limit: int | None = None, **where: Any) -> list[dict[str, Any]]:
        response = self.search(limit, **where)
        assert response.status_code == 200, response.text
        return response.json()["results"]

    def get(self, flow_id: str, doc_type: str | None = None) -> requests.Response:
        params = {"docType": doc_type} if doc_type else {}
        return self.send("getFlow", "GET", f"/flows/{flow_id}", params=params)

    def flow(self, flow_id: str) -> dict[str, Any]:
        response = self.get(flow_id)
        assert response.status_code == 200, response.text
        return response.json()

    def acknowledgement(self, flow_id: str) -> dict[str, Any]:
        return self.flow(flow_id)["acknowledgement"]

    def reason_codes(self, flow_id: str) -> list[str]:
        acknowledgement = self.acknowledgement(flow_id)
        assert acknowledgement["status"] == "Error"
        return [detail["reasonCode"] for detail in acknowledgement["details"]]

    def health(self) -> requests.Response:
        return self.send("getHealth", "GET", "/healthcheck")

    def send(
        self, operation: str, method: str, path: str, *, checked: bool = True, **details: Any
    ) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.token}", **details.pop("headers", {})}
        given = {name: value for name, value in headers.items() if value is not None}
        response = self.session.request(
            method, self.base + path, headers=given, **{"timeout": TIMEOUT, **details}
        )
        if self.contract and checked:
            self.contract.check_response(operation, response)
        return response
