"""The protocol of the Letterbox: a letter is posted once and can be looked up by its key."""

import hashlib
from dataclasses import dataclass, field
from urllib.parse import quote

from odoo.addons.finance_connector_base.core.delivery.outcomes import (
    Accepted,
    ContractBroken,
    NotFound,
    Rejected,
)
from odoo.addons.finance_connector_base.core.finding import Finding
from odoo.addons.finance_connector_base.core.http.sign_ins import ApiKey
from odoo.addons.finance_connector_base.core.http.wire import HttpRequest
from odoo.addons.finance_connector_base.core.protocol import (
    ProviderProtocol,
    refusal_by_status,
    unreadable,
)


@dataclass(frozen=True)
class Letterbox(ProviderProtocol):
    base_url: str
    api_key: str = field(repr=False)

    def authorization(self):
        return ApiKey(self.api_key)

    def build(self, step, call):
        url = f"{self.base_url.rstrip('/')}/letters/{quote(call.key, safe='')}"
        headers = {"Accept": "application/json"}
        if step == "send":
            headers["Content-Type"] = "application/octet-stream"
            return HttpRequest("POST", url, headers, call.payload)
        return HttpRequest("GET", url, headers)

    def interpret(self, step, call, response):
        refused = refusal_by_status(response, f"HTTP {response.status}")
        if refused:
            return refused
        data = response.json_object() or {}
        if step == "lookup" and response.status == 404 and data.get("error") == "no_letter":
            return NotFound()
        if response.status == 422 and isinstance(data.get("error"), str):
            return Rejected((Finding.of_provider(data["error"], data.get("message") or ""),))
        if response.status not in (200, 201) or not isinstance(data.get("letter"), str):
            return unreadable(response)
        if data.get("sha256") != hashlib.sha256(call.payload).hexdigest():
            return ContractBroken("the provider has other bytes under this key")
        return Accepted(data["letter"])

    def build_probe(self):
        return HttpRequest("GET", f"{self.base_url.rstrip('/')}/ping")

    def interpret_probe(self, response):
        if response.status == 200 and (response.json_object() or {}).get("status") == "ok":
            return Accepted("")
        return refusal_by_status(response, f"HTTP {response.status}") or unreadable(response)
