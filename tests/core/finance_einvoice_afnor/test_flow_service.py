"""The AFNOR codec by comparing values: what is sent for each step, what each answer means."""

import json
import re

import pytest
from odoo.addons.finance_connector_base.core.delivery.outcomes import (
    Accepted,
    AuthFailed,
    ContractBroken,
    Duplicate,
    NotFound,
    Permanent,
    RateLimited,
    Rejected,
    Transient,
    Unknown,
    Waiting,
)
from odoo.addons.finance_connector_base.core.http.wire import HttpResponse
from odoo.addons.finance_connector_base.core.protocol import Call, ClientCredentials
from odoo.addons.finance_einvoice_afnor.core.error_table import CODES, finding
from odoo.addons.finance_einvoice_afnor.core.flow_service import FlowService

KEY = "7b0c0a8e-58b4-4d5c-9c5e-1d6a5a3f0f11"
SERVICE = FlowService(
    "https://platform.example/flow-service/", ClientCredentials("https://t.example", "id", "s")
)
CALL = Call(
    "submit_invoice",
    KEY,
    b"<Invoice/>",
    {"name": "F1.xml", "flowSyntax": "UBL", "flowProfile": "CIUS", "processingRule": "B2B"},
    reference="F-1",
    correlation_id="0c1b8a52-8c1c-4d57-8f4c-6f0d3e0c2a10",
)


def answer(status, value, **headers):
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return HttpResponse(status, {"content-type": "application/json", **headers}, body)


def flow(status, flow_id="F-1", *reasons, key=KEY):
    details = [
        {"level": "Error", "item": "file", "reasonCode": code, "reasonMessage": "said so"}
        for code in reasons
    ]
    acknowledgement = {"status": status, **({"details": details} if details else {})}
    return {"flowId": flow_id, "trackingId": key, "acknowledgement": acknowledgement}


def test_x1_a_submission_is_the_same_bytes_every_time():
    first, second = SERVICE.build("send", CALL), SERVICE.build("send", CALL)
    assert first == second
    assert first.url == "https://platform.example/flow-service/v1/flows"


def test_a_submission_has_the_parts_of_the_specification():
    request = SERVICE.build("send", CALL)
    boundary = re.search(r"boundary=(\S+)", request.headers["Content-Type"])[1].encode()
    info, file = request.body.split(b"--" + boundary)[1:3]
    value = json.loads(info.split(b"\r\n\r\n", 1)[1])
    assert b"Content-Type: application/json" in info
    assert value["trackingId"] == KEY
    assert value["flowSyntax"] == "UBL"
    assert re.fullmatch("[a-f0-9]{64}", value["sha256"])
    assert b"Content-Type: application/xml" in file
    assert file.split(b"\r\n\r\n", 1)[1].removesuffix(b"\r\n") == CALL.payload
    assert request.headers["X-Request-Id"] == CALL.correlation_id


def test_lookup_and_poll_ask_without_effect():
    lookup, poll = SERVICE.build("lookup", CALL), SERVICE.build("poll", CALL)
    assert json.loads(lookup.body) == {"where": {"trackingId": KEY}}
    assert lookup.url.endswith("/v1/flows/search")
    assert poll.method == "GET"
    assert poll.url.endswith("/flow-service/v1/flows/F-1?docType=Metadata")


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        (answer(202, {"flowId": "F-1", "trackingId": KEY}), Waiting),
        (answer(202, {}), ContractBroken),
        (answer(202, b"<html>"), ContractBroken),
        (answer(202, {"flowId": "x" * 37}), ContractBroken),
        (answer(202, {"flowId": "F-1", "sha256": "0" * 64}), ContractBroken),
        (answer(400, {"errorCode": "MISSING_REQUIRED_FIELD"}), Permanent),
        (answer(413, {"errorCode": "FILE_SIZE_EXCEEDED"}), Permanent),
        (answer(401, {"errorCode": "MISSING_TOKEN"}), AuthFailed),
        (answer(403, {"errorCode": "FORBIDDEN_ACCESS"}), AuthFailed),
        (answer(422, {"errorCode": "UNPROCESSABLE_ENTITY"}), Rejected),
        (answer(422, {"errorCode": "AlreadyExistingFlow"}), Duplicate),
        (answer(429, {"errorCode": "TOO_MANY_REQUESTS"}, **{"retry-after": "9"}), RateLimited),
        (answer(500, {"errorCode": "INTERNAL_ERROR"}), Unknown),
        (answer(502, b"<html>"), Unknown),
        (answer(503, {"errorCode": "RESOURCE_ERROR"}), Transient),
        (answer(404, b"<html>"), ContractBroken),
        (answer(302, b""), ContractBroken),
    ],
)
def test_each_answer_to_a_submission_has_one_meaning(response, kind):
    assert type(SERVICE.interpret("send", CALL, response)) is kind


def test_retry_after_is_handed_on():
    response = answer(429, {"errorCode": "TOO_MANY_REQUESTS"}, **{"retry-after": "9"})
    assert SERVICE.interpret("send", CALL, response).retry_after == 9.0


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        ([], NotFound()),
        ([flow("Ok")], Accepted("F-1")),
        ([flow("Error", "F-2", "AlreadyExistingFlow"), flow("Ok", "F-1")], Accepted("F-1")),
    ],
)
def test_x6_a_lookup_adopts_what_the_platform_holds(results, expected):
    assert SERVICE.interpret("lookup", CALL, answer(200, {"results": results})) == expected


def test_x6_a_flow_of_another_tracking_id_is_never_adopted():
    foreign = answer(200, {"results": [flow("Ok", key="another")]})
    assert isinstance(SERVICE.interpret("lookup", CALL, foreign), ContractBroken)


@pytest.mark.parametrize("status", [500, 503, 429])
def test_x5_a_lookup_that_gets_no_answer_never_says_not_found(status):
    outcome = SERVICE.interpret("lookup", CALL, answer(status, {"errorCode": "X"}))
    assert not isinstance(outcome, (NotFound, Accepted, Rejected))


def test_verdicts_are_read_with_their_reasons():
    assert isinstance(SERVICE.interpret("poll", CALL, answer(200, flow("Pending"))), Waiting)
    assert SERVICE.interpret("poll", CALL, answer(200, flow("Ok"))) == Accepted("F-1")
    rejected = SERVICE.interpret("poll", CALL, answer(200, flow("Error", "F-1", "InvalidSchema")))
    assert isinstance(rejected, Rejected)
    reason = rejected.findings[0]
    assert (reason.code, reason.item) == ("InvalidSchema", "file")
    assert reason.text == "said so"


def test_x6_already_there_is_a_question_before_it_is_a_rejection():
    repeated = answer(200, flow("Error", "F-1", "AlreadyExistingFlow"))
    assert isinstance(SERVICE.interpret("poll", CALL, repeated), Duplicate)
    nothing_else = answer(200, {"results": [flow("Error", "F-1", "AlreadyExistingFlow")]})
    assert isinstance(SERVICE.interpret("lookup", CALL, nothing_else), Rejected)


def test_a_verdict_about_another_flow_is_refused():
    assert isinstance(
        SERVICE.interpret("poll", CALL, answer(200, flow("Ok", "F-9"))), ContractBroken
    )


def test_an_unlisted_reason_keeps_the_platforms_words():
    rejected = SERVICE.interpret("poll", CALL, answer(200, flow("Error", "F-1", "PF-77")))
    assert rejected.findings[0].text == "said so"


def test_a_rejection_always_has_a_reason():
    rejected = SERVICE.interpret("poll", CALL, answer(200, flow("Error")))
    assert [item.code for item in rejected.findings] == ["NoReason"]
    unsaid = finding({"reasonCode": "EmptyFlow"})
    assert (unsaid.code, unsaid.text) == ("EmptyFlow", "EmptyFlow")


def test_codes_are_listed_once():
    assert len(set(CODES)) == len(CODES)


def test_the_probe_works_only_with_a_real_answer():
    assert isinstance(SERVICE.interpret_probe(answer(200, {"results": []})), Accepted)
    assert isinstance(SERVICE.interpret_probe(answer(403, {"errorCode": "X"})), AuthFailed)
    assert isinstance(SERVICE.interpret_probe(answer(200, b"<html>")), ContractBroken)
    assert isinstance(SERVICE.interpret_probe(answer(404, b"<html>")), ContractBroken)


@pytest.mark.parametrize("step", ["send", "lookup"])
def test_a_key_that_is_no_tracking_id_is_refused_and_not_cut(step):
    long = Call("submit_invoice", f"{KEY}-2", b"x", {"name": "F1.xml"})
    with pytest.raises(ValueError, match="36"):
        SERVICE.build(step, long)
