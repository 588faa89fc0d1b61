"""Each fault affects exactly what it names: the effect, the answer, or the time it takes."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from flow_client import FlowClient
from flow_samples import ubl

from sandbox.client import ControlClient, ControlError
from sandbox.faults import AFTER_EFFECT, BEFORE_EFFECT

LOST = (requests.ConnectionError, requests.exceptions.ChunkedEncodingError)
WAIT = 10


def held(control: ControlClient) -> int:
    return control.summary("afnor")["held"]


def wait_until(condition: Any) -> None:
    """Poll a condition that must come true; fail if it does not."""
    deadline = time.monotonic() + WAIT
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        threading.Event().wait(0.01)


# The answer is lost


def test_drop_before_loses_the_request(flows: FlowClient, control: ControlClient) -> None:
    control.fault("drop_before", operation="createFlow")
    with pytest.raises(LOST):
        flows.create()
    assert control.oracle("afnor") == []
    assert flows.create().status_code == 202


def test_drop_after_loses_the_answer_only(flows: FlowClient, control: ControlClient) -> None:
    control.fault("drop_after", operation="createFlow")
    with pytest.raises(LOST):
        flows.create(trackingId="lost")
    (document,) = control.oracle("afnor")
    assert (document["tracking_id"], document["held"]) == ("lost", True)
    assert document["times_received"] == 1
    (found,) = flows.found(trackingId="lost")
    assert found["flowId"] == document["reference"]


def test_a_cut_body_has_had_its_effect(flows: FlowClient, control: ControlClient) -> None:
    control.fault("cut_body", operation="createFlow")
    with pytest.raises(LOST):
        flows.create()
    assert held(control) == 1


# The answer is late


def test_delay_comes_after_the_effect(flows: FlowClient, control: ControlClient) -> None:
    control.fault("delay", operation="createFlow", seconds=30)
    with pytest.raises(requests.ReadTimeout):
        flows.send(
            "createFlow",
            "POST",
            "/flows",
            files=submission("late"),
            timeout=(5, 0.3),
            checked=False,
        )
    assert [each["tracking_id"] for each in control.oracle("afnor")] == ["late"]


def test_delay_before_lets_the_effect_happen_when_the_client_is_gone(
    flows: FlowClient, control: ControlClient
) -> None:
    control.fault("delay_before", operation="createFlow", seconds=2)
    with pytest.raises(requests.ReadTimeout):
        flows.send(
            "createFlow",
            "POST",
            "/flows",
            files=submission("late"),
            timeout=(5, 0.3),
            checked=False,
        )
    assert control.oracle("afnor") == []
    wait_until(lambda: held(control) == 1)


def test_delays_answer_in_the_end(flows: FlowClient, control: ControlClient) -> None:
    for kind in ("delay", "delay_before", "slow_body"):
        control.fault(kind, operation="createFlow", seconds=0.3)
        started = time.monotonic()
        assert flows.create().status_code == 202
        assert time.monotonic() - started >= 0.3
    assert held(control) == 3


def test_a_slow_body_starts_at_once(flows: FlowClient, control: ControlClient) -> None:
    control.fault("slow_body", operation="createFlow", seconds=30)
    response = flows.send(
        "createFlow", "POST", "/flows", files=submission("slow"), stream=True, checked=False
    )
    assert response.status_code == 202
    response.close()
    assert held(control) == 1


def test_many_delayed_answers_wait_side_by_side(control: ControlClient, flows: FlowClient) -> None:
    control.fault("delay", operation="getHealth", seconds=0.5, times=100)
    with ThreadPoolExecutor(50) as pool:
        started = time.monotonic()
        statuses = list(pool.map(lambda _: get_health(flows.base), range(100)))
        took = time.monotonic() - started
    assert statuses == [200] * 100
    assert took < 100 * 0.5 / 5


# The answer is wrong


@pytest.mark.parametrize("status", [400, 401, 403, 404, 408, 409, 422, 429, 500, 502, 503, 504])
def test_status_answers_before_the_effect(
    status: int, flows: FlowClient, control: ControlClient
) -> None:
    control.fault("status", operation="createFlow", status=status)
    response = flows.create(checked=False)
    assert response.status_code == status
    assert response.json()["errorCode"]
    assert control.oracle("afnor") == []


def test_status_can_tell_when_to_come_back(flows: FlowClient, control: ControlClient) -> None:
    control.fault("status", operation="createFlow", status=429, retry_after=17)
    response = flows.create()
    assert (response.status_code, response.headers["Retry-After"]) == (429, "17")


def test_status_can_have_any_body(flows: FlowClient, control: ControlClient) -> None:
    page = {"body": "<h1>Bad gateway</h1>", "content_type": "text/html"}
    control.fault("status", operation="createFlow", status=502, **page)
    response = flows.create(checked=False)
    assert response.text == "<h1>Bad gateway</h1>"
    assert response.headers["Content-Type"] == "text/html"


def test_status_after_is_an_error_about_something_done(
    flows: FlowClient, control: ControlClient
) -> None:
    control.fault("status_after", operation="createFlow", status=502)
    assert flows.create(checked=False).status_code == 502
    assert held(control) == 1


def test_a_malformed_body_is_a_success_that_cannot_be_read(
    flows: FlowClient, control: ControlClient
) -> None:
    control.fault("malformed_body", operation="createFlow")
    response = flows.create(checked=False)
    assert response.status_code == 202
    assert response.headers["Content-Type"] == "application/json"
    with pytest.raises(requests.JSONDecodeError):
        response.json()
    assert held(control) == 1


def test_wrong_content_type_is_a_page_instead_of_json(
    flows: FlowClient, control: ControlClient
) -> None:
    control.fault("wrong_content_type", operation="createFlow")
    response = flows.create(checked=False)
    assert (response.status_code, response.headers["Content-Type"]) == (202, "text/html")
    assert response.text.startswith("<!DOCTYPE html>")
    assert held(control) == 1


def test_the_token_endpoint_can_fail_too(flows: FlowClient, control: ControlClient) -> None:
    control.fault("status", operation="token", status=503)
    response = flows.ask_token()
    assert (response.status_code, response.json()) == (503, {"error": "temporarily_unavailable"})
    assert flows.ask_token().status_code == 200


# Which requests, how often


def test_a_fault_is_used_as_often_as_it_says(flows: FlowClient, control: ControlClient) -> None:
    control.fault("status", operation="createFlow", status=503, times=2)
    assert [flows.create().status_code for _ in range(3)] == [503, 503, 202]


def test_faults_are_used_in_the_order_they_were_added(
    flows: FlowClient, control: ControlClient
) -> None:
    control.fault("status", operation="createFlow", status=503)
    control.fault("status", operation="createFlow", status=500)
    assert [flows.create().status_code for _ in range(3)] == [503, 500, 202]


@pytest.mark.parametrize(
    "matcher",
    [
        {"provider": "afnor"},
        {"operation": "createFlow"},
        {"tracking_id": "this"},
        {"text": "INV-THIS"},
        {"operation": "createFlow", "tracking_id": "this", "text": "INV-THIS"},
    ],
)
def test_a_fault_strikes_what_it_matches(
    matcher: dict[str, str], flows: FlowClient, control: ControlClient
) -> None:
    assert flows.token
    control.fault("status", status=503, **matcher)
    assert flows.create(ubl("INV-THIS"), trackingId="this").status_code == 503


@pytest.mark.parametrize(
    "matcher",
    [{"operation": "searchFlow"}, {"tracking_id": "other"}, {"text": "INV-OTHER"}],
)
def test_a_fault_spares_what_it_does_not_match(
    matcher: dict[str, str], flows: FlowClient, control: ControlClient
) -> None:
    control.fault("status", status=503, **matcher)
    assert flows.create(ubl("INV-THIS"), trackingId="this").status_code == 202
    assert control.faults()[0]["used"] == 0


def test_the_tracking_id_also_matches_questions_about_the_document(
    flows: FlowClient, control: ControlClient
) -> None:
    this, other = flows.created(trackingId="this"), flows.created(trackingId="other")
    control.fault("status", status=503, tracking_id="this", times=2)
    assert flows.get(other).status_code == 200
    assert flows.get(this).status_code == 503
    assert flows.search(trackingId="this").status_code == 503


def test_a_refused_request_does_not_use_up_a_fault_after_the_effect(
    flows: FlowClient, control: ControlClient
) -> None:
    control.fault("drop_after", operation="createFlow")
    assert flows.create(valid=False, flowSyntax="none").status_code == 400
    assert control.faults()[0]["spent"] is False
    with pytest.raises(LOST):
        flows.create()
    assert control.faults()[0]["spent"] is True


def outcomes(flows: FlowClient, order: list[int]) -> dict[int, list[int]]:
    met: dict[int, list[int]] = {}
    for number in order:
        status = flows.create(trackingId=f"track-{number}", checked=False).status_code
        met.setdefault(number, []).append(status)
    return met


def test_probability_is_reproducible_for_each_document_in_any_order(
    flows: FlowClient, control: ControlClient
) -> None:
    documents = list(range(40)) * 2
    control.fault("status", operation="createFlow", status=503, probability=0.5, seed=7)
    first = outcomes(flows, documents)
    control.reset()
    flows.token = None
    control.fault("status", operation="createFlow", status=503, probability=0.5, seed=7)
    assert outcomes(flows, documents[::-1]) == first
    struck = [status for met in first.values() for status in met].count(503)
    assert 20 < struck < 60
    assert any(met[0] != met[1] for met in first.values())


def test_another_seed_means_other_faults(flows: FlowClient, control: ControlClient) -> None:
    def run(seed: int) -> dict[int, list[int]]:
        control.clear_faults()
        control.fault("status", operation="createFlow", status=503, probability=0.5, seed=seed)
        return outcomes(flows, list(range(40)))

    assert run(1) != run(2)


@pytest.mark.parametrize(("probability", "expected"), [(0, 202), (1, 503)])
def test_probability_has_its_ends(
    probability: float, expected: int, flows: FlowClient, control: ControlClient
) -> None:
    control.fault("status", operation="createFlow", status=503, probability=probability)
    assert {flows.create().status_code for _ in range(20)} == {expected}


def test_probability_and_times_go_together(flows: FlowClient, control: ControlClient) -> None:
    control.fault("status", operation="createFlow", status=503, probability=1, times=2)
    assert [flows.create().status_code for _ in range(3)] == [503, 503, 202]


def test_times_null_means_until_cleared(flows: FlowClient, control: ControlClient) -> None:
    control.fault("status", operation="createFlow", status=503, times=None)
    assert [flows.create().status_code for _ in range(5)] == [503] * 5
    control.clear_faults()
    assert flows.create().status_code == 202


def test_a_single_fault_can_be_removed(flows: FlowClient, control: ControlClient) -> None:
    first = control.fault("status", operation="createFlow", status=503)
    control.fault("status", operation="createFlow", status=500)
    control.remove_fault(first)
    assert flows.create().status_code == 500
    with pytest.raises(ControlError, match="404"):
        control.remove_fault(first)


@pytest.mark.parametrize(
    "rule",
    [
        {"kind": "explode"},
        {"kind": "delay"},
        {"kind": "status"},
        {"kind": "status", "status": 200},
        {"kind": "status", "status": "503"},
        {"kind": "drop_after", "times": 0},
        {"kind": "drop_after", "probability": 1.1},
        {"kind": "drop_after", "provider": "unknown"},
        {"kind": "drop_after", "operation": "createFlow", "chance": 1},
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(
    rule: dict[str, Any], control: ControlClient
) -> None:
    with pytest.raises(ControlError, match="40[04]"):
        control.fault(**rule)
    assert control.faults() == []


# The truth under fire


def test_the_oracle_counts_every_effect_of_a_spoiled_crowd(
    flows: FlowClient, control: ControlClient
) -> None:
    """Whatever became of the answers: what was done is held, what was not is not there."""
    token = flows.token
    for number, kind in enumerate(sorted((*BEFORE_EFFECT, *AFTER_EFFECT))):
        details: dict[str, Any] = {"status": 503} if kind.startswith("status") else {}
        details |= {"seconds": 0.05} if kind in ("delay", "delay_before", "slow_body") else {}
        control.fault(kind, operation="createFlow", text=f"CROWD-{number}-", times=10, **details)
    jobs = [(number, each) for number in range(10) for each in range(10)]
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda job: shoot(flows.base, token, *job), jobs))
    kinds = sorted((*BEFORE_EFFECT, *AFTER_EFFECT))
    effective = [number for number, kind in enumerate(kinds) if kind not in NO_EFFECT]
    expected = sorted(f"CROWD-{number}-{each}" for number in effective for each in range(10))
    documents = control.oracle("afnor")
    assert sorted(document["number"] for document in documents) == expected
    assert all(document["held"] for document in documents)
    assert all(fault["spent"] for fault in control.faults())


NO_EFFECT = ("drop_before", "status")


def shoot(base: str, token: str, number: int, each: int) -> None:
    """Send one invoice and care nothing for the answer."""
    try:
        requests.post(
            f"{base}/flows",
            headers={"Authorization": f"Bearer {token}"},
            files=submission(f"{number}-{each}", ubl(f"CROWD-{number}-{each}")),
            timeout=10,
        )
    except LOST:
        return


def submission(tracking_id: str, content: bytes | None = None) -> dict[str, Any]:
    info = f'{{"flowSyntax": "UBL", "trackingId": "{tracking_id}"}}'
    return {
        "flowInfo": (None, info, "application/json"),
        "file": ("invoice.xml", content or ubl(), "application/xml"),
    }


def get_health(base: str) -> int:
    return requests.get(f"{base}/healthcheck", timeout=30).status_code
