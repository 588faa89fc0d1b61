"""The benchmark's provider: it does not recognise a repeat, but can be asked what it holds."""

import base64
import json

from odoo import models
from odoo.addons.finance_connector_base.core.conversation import Ask
from odoo.addons.finance_connector_base.core.delivery.outcomes import Accepted, NotFound
from odoo.addons.finance_connector_base.core.http.wire import HttpRequest
from odoo.addons.finance_connector_base.core.protocol import (
    Batch,
    Operation,
    ProviderProtocol,
    refusal_by_status,
    unreadable,
)

_NOT_FOUND = 404
_LARGEST = 1024 * 1024


class BenchProtocol(ProviderProtocol):
    """POST files a document and brings the verdict; GET tells what is held."""

    def __init__(self, base_url):
        self._documents = f"{base_url}/documents"
        self._batches = f"{base_url}/batches"

    def converse_batch(self, calls, context):
        items = [
            {"key": call.key, "content": base64.b64encode(call.payload).decode()} for call in calls
        ]
        url = f"{self._batches}/{calls[0].parameters['batch']}"
        body = json.dumps({"items": items}).encode()
        response = yield Ask(HttpRequest("POST", url, body=body, max_body=_LARGEST), effect=True)
        refusal = refusal_by_status(response, f"HTTP {response.status}")
        if refusal:
            return refusal
        answer = response.json_object()
        if not answer:
            return unreadable(response)
        return {item["key"]: Accepted(item["reference"]) for item in answer["results"]}

    def build(self, step, call):
        url = f"{self._documents}/{call.parameters['batch']}/{call.key}"
        return (
            HttpRequest("POST", url, body=call.payload)
            if step == "send"
            else HttpRequest("GET", url)
        )

    def interpret(self, step, call, response):
        if step == "lookup" and response.status == _NOT_FOUND:
            return NotFound()
        refusal = refusal_by_status(response, f"HTTP {response.status}")
        if refusal:
            return refusal
        answer = response.json_object()
        return Accepted(answer["reference"]) if answer else unreadable(response)

    def build_probe(self):
        return HttpRequest("GET", self._documents)

    def interpret_probe(self, response):
        return refusal_by_status(response, "not there") or Accepted("probe")


class FinanceAdapterBench(models.AbstractModel):
    _name = "finance.adapter.bench"
    _description = "Provider of the benchmark"
    _inherit = "finance.adapter"

    _operations = (
        Operation("file", repeat="lookup", verdict="immediate"),
        Operation(
            "file_batch",
            repeat="lookup",
            verdict="immediate",
            batch=Batch(1000, same=("batch",)),
        ),
    )

    def _protocol(self, connection, secrets):
        return BenchProtocol(connection.base_url)
