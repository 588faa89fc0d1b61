"""The benchmark's provider: it does not recognise a repeat, but can be asked what it holds."""

from odoo import models
from odoo.addons.finance_connector_base.core.delivery.outcomes import Accepted, NotFound
from odoo.addons.finance_connector_base.core.http.wire import HttpRequest
from odoo.addons.finance_connector_base.core.protocol import (
    Operation,
    ProviderProtocol,
    refusal_by_status,
    unreadable,
)

_NOT_FOUND = 404


class BenchProtocol(ProviderProtocol):
    """POST files a document and brings the verdict; GET tells what is held."""

    def __init__(self, base_url):
        self._documents = f"{base_url}/documents"

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

    _operations = (Operation("file", repeat="lookup", verdict="immediate"),)

    def _protocol(self, connection, secrets):
        return BenchProtocol(connection.base_url)
