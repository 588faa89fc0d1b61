"""VIES as its official descriptions say: zeep, driven by the official WSDLs, is the client."""

from __future__ import annotations

import logging
from typing import Any

import pytest
import requests
import yaml
import zeep
from clock_case import to_full_hour
from jsonschema import Draft4Validator
from referencing import Registry
from referencing.jsonschema import DRAFT4

from sandbox.client import ControlClient, ControlError
from sandbox.providers.vies import FAULTS, TEST_NUMBERS
from tools.dev import specifications

FOLDER = specifications.FOLDER / "vies"
SERVICES = ("checkVatService", "checkVatTestService")
REST = FOLDER / "rest-openapi.yaml"
URI = "urn:vies-rest"
TIMEOUT = 10
SELLER = {"requesterCountryCode": "BE", "requesterVatNumber": "0411905847"}


def service_of(control: ControlClient, name: str, wsdl: str) -> Any:
    """Return the operations of a service as its description gives them, at the sandbox's address."""
    session = requests.Session()
    session.trust_env = False
    client = zeep.Client(wsdl, transport=zeep.Transport(session=session, timeout=TIMEOUT))
    binding = next(iter(client.wsdl.bindings))
    return client.create_service(binding, f"{control.url}/vies/services/{name}")


@pytest.fixture(params=["official", "served"])
def wsdl(request: pytest.FixtureRequest, control: ControlClient) -> Any:
    """Provide where the description of a service is: the official one, and the one that is served."""

    def locate(name: str) -> str:
        if request.param == "served":
            return f"{control.url}/vies/services/{name}?wsdl"
        path = FOLDER / f"{name}.wsdl"
        if not path.is_file():
            pytest.skip(specifications.missing("VIES WSDL"))
        return str(path)

    return locate


@pytest.fixture
def live(control: ControlClient, wsdl: Any) -> Any:
    return service_of(control, SERVICES[0], wsdl(SERVICES[0]))


@pytest.fixture
def testing(control: ControlClient, wsdl: Any) -> Any:
    return service_of(control, SERVICES[1], wsdl(SERVICES[1]))


def fault_of(call: Any, *args: Any, **kwargs: Any) -> str:
    with pytest.raises(zeep.exceptions.Fault) as caught:
        call(*args, **kwargs)
    return caught.value.message


def test_a_registered_number_is_valid_with_name_and_address(live: Any) -> None:
    answer = live.checkVat("FR", "83404833048")
    assert (answer.valid, answer.countryCode, answer.vatNumber) == (True, "FR", "83404833048")
    assert (answer.name, answer.address) == ("SAS MARTEL", "12 RUE DU PORT\n44000 NANTES")


def test_an_unregistered_number_is_invalid_and_that_is_no_fault(live: Any) -> None:
    answer = live.checkVat("FR", "00000000000")
    assert (answer.valid, answer.name, answer.address) == (False, "---", "---")


def test_a_member_state_that_discloses_nothing(live: Any) -> None:
    answer = live.checkVat("DE", "136695976")
    assert (answer.valid, answer.name, answer.address) == (True, "---", "---")


def test_only_a_check_with_a_requester_gives_a_consultation_number(
    live: Any, control: ControlClient
) -> None:
    without = live.checkVatApprox("FR", "83404833048")
    assert (without.valid, without.requestIdentifier or "") == (True, "")
    numbers = [
        live.checkVatApprox("FR", "83404833048", **SELLER).requestIdentifier for _ in range(2)
    ]
    assert len(set(numbers)) == 2
    kept = control.issued("vies")
    assert [item["reference"] for item in kept] == numbers
    assert {(item["number"], item["buyer"]) for item in kept} == {("FR83404833048", "BE0411905847")}
    assert control.summary("vies")["received"] == 0


def test_a_requester_must_be_registered(live: Any) -> None:
    unregistered = {**SELLER, "requesterVatNumber": "0000000000"}
    assert fault_of(live.checkVatApprox, "FR", "83404833048", **unregistered) == (
        "INVALID_REQUESTER_INFO"
    )


def test_what_the_requester_says_of_the_trader_is_compared(testing: Any) -> None:
    answer = testing.checkVatApprox("FR", "100", traderName="JOHN DOE", traderCity="Elsewhere")
    assert (answer.traderNameMatch, answer.traderCityMatch) == ("1", "2")
    assert answer.traderStreetMatch is None


@pytest.mark.parametrize(("country", "number"), [("GB", "123456789"), ("FR", ""), ("fr", "12")])
def test_what_is_no_number_is_invalid_input(live: Any, country: str, number: str) -> None:
    assert fault_of(live.checkVat, country, number) == "INVALID_INPUT"


@pytest.mark.parametrize("number", sorted(TEST_NUMBERS))
@pytest.mark.parametrize("operation", ["checkVat", "checkVatApprox"])
def test_the_test_service_answers_the_documented_numbers(
    testing: Any, operation: str, number: str
) -> None:
    planned = TEST_NUMBERS[number]
    call = getattr(testing, operation)
    if isinstance(planned, bool):
        assert call("FR", number).valid is planned
    else:
        assert fault_of(call, "FR", number) == planned


def test_the_table_of_test_numbers_is_the_official_one() -> None:
    path = FOLDER / "checkVatTestService.wsdl"
    if not path.is_file():
        pytest.skip(specifications.missing("VIES WSDL"))
    pairs = [line.split("=", 1) for line in path.read_text("utf-8").splitlines() if " = " in line]
    official = {left.strip(): right.rpartition(":")[2].strip() for left, right in pairs}
    assert official.pop("100") == "Valid request with Valid VAT Number"
    assert official.pop("200") == "Valid request with an Invalid VAT Number"
    assert official == {
        key: value for key, value in TEST_NUMBERS.items() if value not in (True, False)
    }


def test_any_other_number_of_the_test_service_is_unavailable(testing: Any) -> None:
    assert fault_of(testing.checkVat, "FR", "999") == "SERVICE_UNAVAILABLE"


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_is_a_soap_fault_with_status_500(
    control: ControlClient, fault: str, live: Any
) -> None:
    control.settings("vies", answer_with={"FR": fault})
    assert fault_of(live.checkVat, "FR", "83404833048") == fault
    assert [entry["status"] for entry in control.requests(operation="checkVat")] == [500]
    assert live.checkVat("BE", "0411905847").valid


def test_a_member_state_sleeps_at_night(live: Any, control: ControlClient) -> None:
    now = int(control.advance(0)["now"][11:13])
    control.settings("vies", night={"FR": [f"{(now + 2) % 24:02}:00", f"{(now + 4) % 24:02}:00"]})
    assert live.checkVat("FR", "83404833048").valid
    control.advance(2 * 3600)
    assert fault_of(live.checkVat, "FR", "83404833048") == "MS_UNAVAILABLE"
    assert live.checkVat("BE", "0411905847").valid
    control.advance(2 * 3600)
    assert live.checkVat("FR", "83404833048").valid


def test_a_rate_limit_is_the_fault_for_too_many_requests(live: Any, control: ControlClient) -> None:
    to_full_hour(control)
    control.windows("vies", "query", minute=1)
    assert live.checkVat("FR", "83404833048").valid
    assert fault_of(live.checkVat, "FR", "83404833048") == "GLOBAL_MAX_CONCURRENT_REQ"


def test_a_fault_rule_finds_its_number(live: Any, control: ControlClient) -> None:
    control.fault("status", provider="vies", tracking_id="FR83404833048", status=503)
    assert live.checkVat("BE", "0411905847").valid
    assert fault_of(live.checkVat, "FR", "83404833048") == "SERVICE_UNAVAILABLE"
    control.fault("wrong_content_type", provider="vies")
    with pytest.raises(zeep.exceptions.Error):
        live.checkVat("FR", "83404833048")


def soap(control: ControlClient, body: bytes) -> requests.Response:
    url = f"{control.url}/vies/services/checkVatService"
    return requests.post(url, body, headers={"Content-Type": "text/xml"}, timeout=TIMEOUT)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<a/>",
        b"<!DOCTYPE a><a/>",
        b'<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"><e:Body/></e:Envelope>',
        b'<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><x/></e:Body>'
        b"</e:Envelope>",
    ],
)
def test_what_is_no_request_of_the_service_is_the_clients_fault(
    control: ControlClient, body: bytes
) -> None:
    answer = soap(control, body)
    assert (answer.status_code, b"env:Client" in answer.content) == (500, True)


@pytest.mark.parametrize("name", SERVICES)
def test_the_served_description_has_the_official_operations(
    control: ControlClient, name: str
) -> None:
    if not (FOLDER / f"{name}.wsdl").is_file():
        pytest.skip(specifications.missing("VIES WSDL"))
    assert shape(str(FOLDER / f"{name}.wsdl")) == shape(f"{control.url}/vies/services/{name}?wsdl")


def shape(wsdl: str) -> Any:
    """Return service, binding, port and, by operation, the elements of input and output."""
    client = zeep.Client(wsdl)
    ((name, service),) = client.wsdl.services.items()
    ((port_name, port),) = service.ports.items()
    elements = {
        operation.name: [
            [element for element, _type in message.body.type.elements if element != "traderAddress"]
            for message in (operation.input, operation.output)
        ]
        for operation in port.binding.all().values()
    }
    return name, port_name, port.binding.name.localname, elements


# -- REST ------------------------------------------------------------------------------------------


@pytest.fixture
def check_rest() -> Any:
    """Provide a check of an answer against the official description."""
    if not REST.is_file():
        pytest.skip(specifications.missing("VIES REST description"))
    logging.getLogger("yaml").setLevel(logging.CRITICAL)
    document = yaml.safe_load(REST.read_text("utf-8"))
    registry = Registry().with_resource(URI, DRAFT4.create_resource(document))

    def check(path: str, method: str, response: requests.Response) -> Any:
        promise = document["paths"][path][method]["responses"][str(response.status_code)]
        reference = {"$ref": f"{URI}{promise['schema']['$ref']}"}
        found = list(Draft4Validator(reference, registry=registry).iter_errors(response.json()))
        assert not found, found
        known = document["definitions"][promise["schema"]["$ref"].rpartition("/")[2]]["properties"]
        assert set(response.json()) <= set(known)
        return response.json()

    return check


def post(control: ControlClient, path: str, **body: Any) -> requests.Response:
    return requests.post(f"{control.url}/vies/rest-api{path}", json=body, timeout=TIMEOUT)


def test_rest_checks_exactly_and_approximately_at_once(
    control: ControlClient, check_rest: Any
) -> None:
    path = "/check-vat-number"
    body = {"countryCode": "FR", "vatNumber": "83404833048", "traderCity": "Nantes"}
    requester = {"requesterMemberStateCode": "BE", "requesterNumber": "0411905847"}
    answer = check_rest(path, "post", post(control, path, **body, **requester))
    assert (answer["valid"], answer["traderCityMatch"]) == (True, "VALID")
    assert answer["traderNameMatch"] == "NOT_PROCESSED"
    assert [item["reference"] for item in control.issued("vies")] == [answer["requestIdentifier"]]


@pytest.mark.parametrize("number", sorted(TEST_NUMBERS))
def test_rest_test_service_answers_the_documented_numbers(
    control: ControlClient, check_rest: Any, number: str
) -> None:
    path = "/check-vat-test-service"
    answer = check_rest(path, "post", post(control, path, countryCode="FR", vatNumber=number))
    planned = TEST_NUMBERS[number]
    if isinstance(planned, bool):
        assert answer["valid"] is planned
    else:
        assert [each["error"] for each in answer["errorWrappers"]] == [planned]


def test_rest_says_which_member_states_answer(control: ControlClient, check_rest: Any) -> None:
    control.settings("vies", unavailable=["DE"])
    url = f"{control.url}/vies/rest-api/check-status"
    answer = check_rest("/check-status", "get", requests.get(url, timeout=TIMEOUT))
    states = {each["countryCode"]: each["availability"] for each in answer["countries"]}
    assert (states["DE"], states["FR"], answer["vow"]["available"]) == (
        "Unavailable",
        "Available",
        True,
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"answer_with": {"FR": "OUT_OF_ORDER"}},
        {"night": {"FR": ["22:00"]}},
        {"night": {"GB": ["22:00", "23:00"]}},
        {"unavailable": ["GB"]},
        {"registered": {"FR12": {"nickname": "x"}}},
    ],
)
def test_settings_are_checked(control: ControlClient, changes: dict[str, Any]) -> None:
    with pytest.raises(ControlError):
        control.settings("vies", **changes)
