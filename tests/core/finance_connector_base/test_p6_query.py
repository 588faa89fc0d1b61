"""A query never has an effect: the client refuses the request before it is sent (P6)."""

from odoo.addons.finance_connector_base.core.conversation import Answer, Ask
from odoo.addons.finance_connector_base.core.delivery.outcomes import ContractBroken
from odoo.addons.finance_connector_base.core.http.client import ProviderClient
from odoo.addons.finance_connector_base.core.http.wire import HttpRequest, HttpResponse
from odoo.addons.finance_connector_base.core.protocol import ProviderProtocol


class Asking(ProviderProtocol):
    def __init__(self, *, effect):
        self.effect = effect

    def query(self, operation, payload, context):
        yield Ask(HttpRequest("POST", "https://example.com"), effect=self.effect, auth="")
        return Answer("valid", dict(payload), "P1")


class Wire:
    def __init__(self):
        self.sent = []

    def send(self, request):
        self.sent.append(request)
        return HttpResponse(200, {}, b"{}")


def test_p6_a_query_with_an_effect_is_not_sent():
    wire = Wire()
    report = ProviderClient(Asking(effect=True), wire).query("any", {"number": "1"}, 5)
    assert isinstance(report.outcome, ContractBroken)
    assert report.value is None
    assert not wire.sent


def test_p6_a_query_is_one_call_and_bounded_by_its_deadline():
    wire = Wire()
    report = ProviderClient(Asking(effect=False), wire).query("any", {"number": "1"}, 2)
    assert report.value == Answer("valid", {"number": "1"}, "P1")
    assert [request.seconds_in_all <= 2 for request in wire.sent] == [True]
