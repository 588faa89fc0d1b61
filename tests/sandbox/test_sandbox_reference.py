"""The reference provider keeps its own OpenAPI document, and recognises repeats as each operation documents."""

from __future__ import annotations

import base64
import hashlib
import hmac
import queue
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from reference_case import play_connected
from reference_client import Contract, ReferenceClient, record, sha256
from webhook_receiver import Receiver

from sandbox.client import ControlClient, ControlError
from sandbox.providers import Reference
from sandbox.server import SandboxThread

WAIT = 10


@pytest.fixture(scope="module")
def any_reference() -> Contract:
    return Contract()


@pytest.fixture
def provider(control: ControlClient, any_reference: Contract) -> Iterator[ReferenceClient]:
    client = ReferenceClient(control.url, any_reference)
    yield client
    client.close()


def held(control: ControlClient) -> list[str]:
    return [item["number"] for item in control.oracle("reference", state="accepted")]


# -- the document ---------------------------------------------------------------------------------


def play_everything(provider: ReferenceClient, control: ControlClient) -> None:
    """Ask for each status that an operation has of its own."""
    provider.call("ping")
    provider.put("key", b"1")
    provider.put("key", b"2")
    provider.put("bad key")
    provider.call("getDocument", key="key")
    provider.call("getDocument", key="none")
    provider.call("getDocument", key="bad key")
    filing = provider.file("F").json()["reference"]
    provider.file("F")
    provider.call("fileFiling", b"no JSON")
    provider.find("F")
    provider.call("findFiling")
    provider.call("getFiling", reference=filing)
    provider.call("getFiling", reference="none")
    notice = provider.notify("N").json()["reference"]
    provider.call("postNotice", {})
    provider.call("getNotice", reference=notice)
    provider.call("getNotice", reference=filing)
    entry = provider.append("A", 1, "").json()["reference"]
    provider.append("A", 1, "")
    provider.append("A", 3, "")
    provider.call("appendRecord", {"number": "x"}, chain="A")
    provider.call("findRecord", chain="A", query={"sequence": 1})
    provider.call("findRecord", chain="A", query={"sequence": "one"})
    provider.call("getRecord", chain="A", reference=entry)
    provider.call("getRecord", chain="A", reference="none")
    control.default_verdict("late", looks=1)
    provider.put("late")
    provider.file("late")
    provider.notify("late")
    provider.append("late", 1, "")


def play_refusals(provider: ReferenceClient, control: ControlClient, key: str) -> None:
    """Each operation with a wrong key, behind a limit, and out of service."""
    path = dict.fromkeys(("key", "chain", "reference", "session", "batch", "party"), "x")
    other_client = ReferenceClient(control.url, provider.contract, key)
    for operation in provider.contract.operations:
        if provider.contract.operations[operation][2].get("security") != []:
            assert other_client.call(operation, b"{}", **path).status_code == 401
            control.settings("reference", certificate_required=True)
            assert provider.call(operation, b"{}", **path).status_code == 403
            control.settings("reference", certificate_required=False)
        control.fault("status", operation=operation, status=503)
        assert provider.call(operation, b"{}", **path).status_code == 503
    control.limit("reference", per_second=0.01, burst=1)
    provider.call("ping")
    for operation in provider.contract.operations:
        refused = provider.call(operation, b"{}", **path)
        assert (refused.status_code, int(refused.headers["Retry-After"]) > 1) == (429, True)
    provider.seen |= other_client.seen
    other_client.close()


def test_every_documented_status_is_answered_as_documented(
    provider: ReferenceClient, control: ControlClient
) -> None:
    play_everything(provider, control)
    play_connected(provider, control)
    play_refusals(provider, control, key="wrong")
    documented = {
        (name, int(status))
        for name, (_method, _path, operation) in provider.contract.operations.items()
        for status in operation["responses"]
    }
    assert provider.seen == documented


def test_the_document_names_every_operation(
    provider: ReferenceClient, control: ControlClient
) -> None:
    played = {
        operation.name: (operation.method, operation.path)
        for operation in Reference(FakeCore()).operations()
    }
    documented = {
        name: (method, path)
        for name, (method, path, _operation) in provider.contract.operations.items()
    }
    assert played == documented


class FakeCore:
    """What the constructor of a provider asks for."""

    clock = None


def test_unknown_paths_are_answered_in_its_words(control: ControlClient) -> None:
    answer = requests.get(f"{control.url}/reference/elsewhere", timeout=10)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


# -- repeats ---------------------------------------------------------------------------------------


def test_a_key_makes_a_repeat_harmless(provider: ReferenceClient, control: ControlClient) -> None:
    first, again = provider.put("K", b"bytes"), provider.put("K", b"bytes")
    assert (first.status_code, first.content) == (again.status_code, again.content)
    assert [item["times_received"] for item in control.oracle("reference")] == [1]


def test_a_key_is_not_given_to_other_bytes(
    provider: ReferenceClient, control: ControlClient
) -> None:
    first, other = provider.put("K", b"bytes").json(), provider.put("K", b"other")
    assert other.status_code == 409
    assert other.json()["error"]["reference"] == first["reference"]
    assert [item["sha256"] for item in control.oracle("reference")] == [sha256(b"bytes")]


def test_keys_and_numbers_belong_to_an_account(
    provider: ReferenceClient, control: ControlClient
) -> None:
    control.set_client("reference", "neighbour", "another-key")
    neighbour = ReferenceClient(control.url, provider.contract, "another-key")
    filing = provider.file("F").json()["reference"]
    provider.put("K", b"mine")
    assert neighbour.find("F") == []
    assert neighbour.call("getFiling", reference=filing).status_code == 404
    assert neighbour.put("K", b"theirs").status_code == 201
    assert neighbour.call("ping").json()["account"] == "neighbour"
    neighbour.close()


def test_a_number_is_filed_once(provider: ReferenceClient, control: ControlClient) -> None:
    first, again = provider.file("F").json(), provider.file("F")
    error = again.json()["error"]
    assert (again.status_code, error["code"]) == (409, "duplicate")
    assert (error["reference"], error["sha256"]) == (first["reference"], first["sha256"])
    assert [item["reference"] for item in provider.find("F")] == [first["reference"]]
    assert control.summary("reference")["received"] == 1


def test_a_refused_number_may_be_filed_again_and_both_are_found(
    provider: ReferenceClient, control: ControlClient
) -> None:
    control.verdict("reject", number="F", times=1)
    refused = provider.file("F").json()
    assert (refused["state"], [item["code"] for item in refused["reasons"]]) == (
        "rejected",
        ["refused"],
    )
    assert provider.file("F", corrected=True).json()["state"] == "accepted"
    assert sorted(item["state"] for item in provider.find("F")) == ["accepted", "rejected"]


def test_every_notice_is_an_effect(provider: ReferenceClient, control: ControlClient) -> None:
    references = {provider.notify("N").json()["reference"] for _ in range(3)}
    assert len(references) == 3
    assert control.summary("reference")["held_twice"] == [
        {"seller": "reference", "number": "N", "times": 3}
    ]


# -- chains ----------------------------------------------------------------------------------------


def test_a_chain_grows_in_order(provider: ReferenceClient, control: ControlClient) -> None:
    previous = ""
    for sequence in range(1, 4):
        assert provider.append("A", sequence, previous).status_code == 201
        previous = sha256(record(sequence, previous))
    assert provider.append("B", 1, "").status_code == 201
    assert held(control) == ["A/1", "A/2", "A/3", "B/1"]
    found = provider.call("findRecord", chain="A", query={"sequence": 3}).json()["results"]
    assert [item["sha256"] for item in found] == [previous]


@pytest.mark.parametrize(
    ("sequence", "previous"), [(3, "first"), (2, "0" * 64), (2, "")], ids=["gap", "other", "none"]
)
def test_a_record_out_of_order_is_refused_and_counted(
    provider: ReferenceClient, control: ControlClient, sequence: int, previous: str
) -> None:
    provider.append("A", 1, "")
    previous = sha256(record(1, "")) if previous == "first" else previous
    refused = provider.append("A", sequence, previous)
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "out_of_order")
    (counted,) = control.oracle("reference", state="rejected")
    assert [reason["code"] for reason in counted["reasons"]] == ["out_of_order"]
    assert held(control) == ["A/1"]


def test_a_taken_sequence_number_is_a_duplicate(
    provider: ReferenceClient, control: ControlClient
) -> None:
    first = provider.append("A", 1, "").json()
    again = provider.append("A", 1, "", other=True)
    assert again.status_code == 409
    assert again.json()["error"]["sha256"] == first["sha256"]
    assert held(control) == ["A/1"]


# -- verdicts, faults ------------------------------------------------------------------------------


def test_a_late_verdict_is_found_by_looking(
    provider: ReferenceClient, control: ControlClient
) -> None:
    control.verdict("late", looks=1)
    taken = provider.file("F")
    assert (taken.status_code, taken.json()["state"]) == (202, "pending")
    reference = taken.json()["reference"]
    states = [provider.call("getFiling", reference=reference).json()["state"] for _ in range(2)]
    assert states == ["pending", "accepted"]
    assert provider.file("F").status_code == 409


@pytest.mark.parametrize("kind", ["drop_after", "cut_body"])
def test_the_effect_happens_although_the_answer_is_lost(
    provider: ReferenceClient, control: ControlClient, kind: str
) -> None:
    control.fault(kind, operation="postNotice", tracking_id="N")
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        provider.notify("N")
    assert held(control) == ["N"]


@pytest.mark.parametrize(
    ("operation", "send"),
    [
        ("putDocument", lambda provider: provider.put("X")),
        ("findFiling", lambda provider: provider.find("X")),
        ("fileFiling", lambda provider: provider.file("X")),
        ("appendRecord", lambda provider: provider.append("A", 1, "", number="X")),
    ],
)
def test_a_fault_finds_its_document(
    provider: ReferenceClient, control: ControlClient, operation: str, send: Any
) -> None:
    control.fault("drop_before", operation=operation, tracking_id="X")
    with pytest.raises(requests.ConnectionError):
        send(provider)
    assert held(control) == []


def test_latency_is_a_fault_without_end(provider: ReferenceClient, control: ControlClient) -> None:
    control.fault("delay", provider="reference", seconds=0.05, times=None)
    taken = [provider.file(f"F{number}").elapsed.total_seconds() for number in range(3)]
    assert min(taken) >= 0.05
    assert len(held(control)) == 3


def test_what_it_holds_survives_a_restart(tmp_path: Any, any_reference: Contract) -> None:
    state = str(tmp_path / "state")
    with SandboxThread(state=state) as running:
        ReferenceClient(running.url, any_reference).append("A", 1, "")
    with SandboxThread(state=state) as running:
        client = ReferenceClient(running.url, any_reference)
        assert client.append("A", 1, "").status_code == 409
        assert client.append("A", 2, sha256(record(1, ""))).status_code == 201


# -- webhooks --------------------------------------------------------------------------------------


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


def signature(secret: str, headers: Any, body: bytes) -> str:
    """As a receiver computes it."""
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def test_a_webhook_is_signed_and_as_documented(
    provider: ReferenceClient, control: ControlClient, receiver: Receiver
) -> None:
    secret = control.settings("reference", webhook_url=receiver.url)["webhook_secret"]
    control.verdict("reject", number="F", seconds=0.05)
    taken = provider.file("F").json()
    event = receiver.next(WAIT)
    assert provider.contract.errors("Event", event.json()) == []
    assert event.json()["type"] == "filing.rejected"
    assert event.json()["data"]["reference"] == taken["reference"]
    assert event.headers["webhook-signature"] == signature(secret, event.headers, event.body)


def test_a_repeated_try_is_the_same_event(
    provider: ReferenceClient, control: ControlClient, receiver: Receiver
) -> None:
    receiver.answers.put(503)
    secret = control.settings("reference", webhook_url=receiver.url)["webhook_secret"]
    provider.put("K")
    first, again = receiver.next(WAIT), receiver.next(WAIT)
    assert first.headers["webhook-id"] == again.headers["webhook-id"]
    assert again.headers["webhook-signature"] == signature(secret, again.headers, again.body)


def test_an_account_may_have_an_address_of_its_own(
    provider: ReferenceClient, control: ControlClient, receiver: Receiver
) -> None:
    elsewhere = "http://127.0.0.1:1/elsewhere"
    urls = {"reference": receiver.url}
    control.settings("reference", webhook_url=elsewhere, webhook_urls=urls)
    provider.put("K")
    assert receiver.next(WAIT).json()["data"]["number"] == "K"
    assert [item["url"] for item in control.webhooks()] == [receiver.url]
    with pytest.raises(ControlError, match="loopback"):
        control.settings("reference", webhook_urls={"reference": "http://example.com/"})


def test_only_the_chosen_kinds_are_sent(
    provider: ReferenceClient, control: ControlClient, receiver: Receiver
) -> None:
    control.settings("reference", webhook_url=receiver.url, webhook_kinds=["filing"])
    provider.put("K")
    provider.file("F")
    assert receiver.next(WAIT).json()["type"] == "filing.accepted"
    assert len(control.webhooks()) == 1


def test_copies_and_lateness_are_settings(
    provider: ReferenceClient, control: ControlClient, receiver: Receiver
) -> None:
    control.settings("reference", webhook_url=receiver.url, webhook_copies=3, webhook_delay=0.2)
    provider.put("K")
    with pytest.raises(queue.Empty):
        receiver.next(0.05)
    events = [receiver.next(WAIT) for _ in range(3)]
    assert len({event.headers["webhook-id"] for event in events}) == 1
    assert events[0].body == events[1].body == events[2].body
