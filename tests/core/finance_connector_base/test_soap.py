"""SOAP envelopes by the official descriptions of VIES: written, read, and refused where hostile."""

import logging
from pathlib import Path

import pytest
from odoo.addons.finance_connector_base.core.http import soap
from odoo.addons.finance_connector_base.core.http.wire import HttpResponse

DATA = Path(__file__).parents[3] / "addons" / "finance_registry" / "data"
TYPES = "urn:ec.europa.eu:taxud:vies:services:checkVat:types"
PARTS = {"countryCode": "FR", "vatNumber": "83404833048"}
URL = "https://ec.europa.eu/taxation_customs/vies/services/checkVatService"


@pytest.fixture(params=["checkVatService.wsdl", "checkVatTestService.wsdl"])
def described(request):
    return soap.service((DATA / request.param).read_bytes()), request.param


def envelope(inner):
    text = (
        f'<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>{inner}</e:Body>'
        "</e:Envelope>"
    )
    return text.encode()


def answer(body, status=200):
    return HttpResponse(status, {"content-type": "text/xml; charset=utf-8"}, body)


def verdict(name):
    prefix = "" if name == "checkVatService.wsdl" else "t:"
    values = {**PARTS, "requestDate": "2026-11-25+01:00", "valid": "true"}
    values |= {"name": "SAS MARTEL", "address": "NANTES"}
    parts = "".join(f"<{prefix}{key}>{text}</{prefix}{key}>" for key, text in values.items())
    return envelope(f'<t:checkVatResponse xmlns:t="{TYPES}">{parts}</t:checkVatResponse>')


def test_a_request_is_the_operation_of_the_description(described):
    service, _name = described
    request = service.request(URL, "checkVat", PARTS)
    assert request.url == URL
    assert request.method == "POST"
    assert b"checkVat" in request.body
    assert b"83404833048" in request.body


def test_an_answer_is_read_and_its_date_is_no_error(described, caplog):
    service, name = described
    response = answer(verdict(name))
    with caplog.at_level(logging.ERROR):
        values = service.read_response("checkVat", response)
    assert values["valid"] is True
    assert values["name"] == "SAS MARTEL"
    assert not caplog.records
    assert soap.element_text(response, "requestDate") == "2026-11-25+01:00"


def test_a_fault_with_status_500_is_a_value(described):
    service, _name = described
    fault = "<e:Fault><faultcode>e:Server</faultcode><faultstring>MS_UNAVAILABLE</faultstring></e:Fault>"
    found = service.read_response("checkVat", answer(envelope(fault), 500))
    assert found == soap.SoapFault("Server", "MS_UNAVAILABLE")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html><body>Gateway</body></html>",
        b'<?xml version="1.0"?><!DOCTYPE e [<!ENTITY a "aaaa">]>' + envelope("&a;"),
        '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE e>'.encode("utf-16"),
        envelope("<x/>"),
        envelope("") + b" " * soap.MAX_ENVELOPE,
        envelope("<a>" * 2000 + "</a>" * 2000),
    ],
    ids=["empty", "html", "entity", "utf16", "other", "large", "deep"],
)
def test_what_is_no_answer_is_unreadable(described, body):
    service, _name = described
    with pytest.raises(soap.Unreadable):
        service.read_response("checkVat", answer(body))


def test_a_description_that_loads_something_is_refused():
    wsdl = (DATA / "checkVatService.wsdl").read_bytes()
    loads = wsdl.replace(
        b"<wsdl:types>",
        b'<wsdl:import namespace="urn:other" location="http://127.0.0.1:9/other.wsdl"/><wsdl:types>',
    )
    with pytest.raises(soap.Unreadable):
        soap.SoapService(loads)
