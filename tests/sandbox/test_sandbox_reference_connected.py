"""Sign-in, sessions, batches, receipts, feeds, queries, rate windows and mutual TLS of the reference provider."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from clock_case import to_full_hour
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from reference_case import OpenSession, answer, b64, batch, challenge, opened, sign_in
from reference_client import KEY, Contract, ReferenceClient

from sandbox.client import ControlClient
from sandbox.server import SandboxThread


@pytest.fixture(scope="module")
def any_reference() -> Contract:
    return Contract()


@pytest.fixture
def provider(control: ControlClient, any_reference: Contract) -> Iterator[ReferenceClient]:
    client = ReferenceClient(control.url, any_reference)
    yield client
    client.close()


def refusal(response: requests.Response) -> tuple[int, str]:
    return response.status_code, response.json()["error"]["code"]


def taken(control: ControlClient) -> dict[str, tuple[int, int]]:
    """Return how often each number was received and is held."""
    return {item["number"]: (item["received"], item["held"]) for item in control.taken("reference")}


# -- sign-in ---------------------------------------------------------------------------------------


def test_a_token_of_several_requests_opens_every_operation(
    provider: ReferenceClient, control: ControlClient
) -> None:
    control.settings("reference", api_keys=False, sign_in_polls=2)
    assert refusal(provider.call("ping")) == (401, "unauthorized")
    sign_in(provider)
    assert provider.call("ping").json()["account"] == "reference"
    assert control.counts("reference")["getSignIn"] == 3


def test_the_token_is_not_ready_before_its_time_and_given_once(
    provider: ReferenceClient, control: ControlClient
) -> None:
    given = challenge(provider)
    answer(provider, given)
    assert refusal(provider.call("redeemToken", reference=given["reference"])) == (409, "not_ready")
    provider.call("getSignIn", reference=given["reference"])
    assert provider.call("redeemToken", reference=given["reference"]).status_code == 201
    again = provider.call("redeemToken", reference=given["reference"])
    assert refusal(again) == (409, "already_redeemed")


def test_a_challenge_is_answered_once_and_in_time(
    provider: ReferenceClient, control: ControlClient
) -> None:
    given = challenge(provider)
    assert refusal(answer(provider, given, secret="wrong")) == (401, "bad_signature")
    assert refusal(answer(provider, given)) == (401, "challenge_invalid")
    late = challenge(provider)
    control.advance(301)
    assert refusal(answer(provider, late)) == (401, "challenge_invalid")
    assert refusal(answer(provider, challenge(provider, "unknown"))) == (401, "bad_signature")


def test_an_rsa_key_signs_in_where_its_public_key_is_registered(
    provider: ReferenceClient, control: ControlClient
) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    encoding, form = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    public = key.public_key().public_bytes(encoding, form).decode()
    pss = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=padding.PSS.DIGEST_LENGTH)

    def signed() -> requests.Response:
        given = challenge(provider)
        signature = key.sign(given["challenge"].encode(), pss, hashes.SHA256())
        body = {"reference": given["reference"], "scheme": "rsa-pss-sha256"}
        return provider.call("signIn", {**body, "signature": b64(signature)})

    assert refusal(signed()) == (401, "bad_signature")
    control.settings("reference", public_keys={"reference": public})
    assert signed().status_code == 202


def test_tokens_end_by_time_on_demand_and_by_revocation(
    provider: ReferenceClient, control: ControlClient
) -> None:
    control.token_lifetime("reference", 60)
    sign_in(provider)
    control.advance(61)
    assert refusal(provider.call("ping")) == (401, "token_invalid")
    sign_in(provider)
    control.expire_tokens("reference", client="another")
    assert provider.call("ping").status_code == 200
    control.expire_tokens("reference", client="reference")
    assert provider.call("ping").status_code == 401
    sign_in(provider)
    provider.call("revokeToken")
    assert provider.call("ping").status_code == 401


def test_a_refresh_token_is_used_up(provider: ReferenceClient, control: ControlClient) -> None:
    first = sign_in(provider)
    body = {"refresh_token": first["refresh_token"]}
    fresh = provider.call("refreshToken", body).json()
    assert refusal(provider.call("refreshToken", body)) == (401, "refresh_invalid")
    provider.authorize(fresh["access_token"])
    assert provider.call("ping").status_code == 200


# -- sessions --------------------------------------------------------------------------------------


def test_an_encrypted_document_is_filed_as_its_plain_bytes(
    provider: ReferenceClient, control: ControlClient
) -> None:
    session = opened(provider)
    receipt = session.send("S-1", b"plain bytes").json()
    assert receipt["session"] == session.reference
    assert receipt["sha256"] == hashlib.sha256(b"plain bytes").hexdigest() != receipt["wire_sha256"]
    assert control.oracle_bytes("reference", receipt["reference"]) == b"plain bytes"


def test_the_same_bytes_in_another_session_are_recognised(
    provider: ReferenceClient, control: ControlClient
) -> None:
    first, second = opened(provider), opened(provider)
    receipt = first.send("S-1", b"bytes").json()
    again = second.send("S-1", b"bytes")
    assert refusal(again) == (409, "duplicate")
    assert again.json()["error"]["reference"] == receipt["reference"]
    assert taken(control) == {"S-1": (1, 1)}


def test_what_cannot_be_decrypted_or_differs_has_no_effect(
    provider: ReferenceClient, control: ControlClient
) -> None:
    session, other = opened(provider), opened(provider)
    assert refusal(session.send("S", sha256="0" * 64)) == (422, "hash_mismatch")
    foreign = other.sealed("S", b"{}")  # another key, another session
    body = provider.call("sendInSession", foreign, session=session.reference)
    assert refusal(body) == (422, "undecryptable")
    assert session.send("S", nonce="AAAA").status_code == 400
    assert taken(control) == {}


@pytest.mark.parametrize("kind", ["drop_after", "cut_body", "status_after"])
def test_a_lost_send_is_found_in_the_list_of_its_session(
    provider: ReferenceClient, control: ControlClient, kind: str
) -> None:
    session = opened(provider)
    status = {"status": 503} if kind == "status_after" else {}
    control.fault(kind, operation="sendInSession", tracking_id="S-1", **status)
    try:
        session.send("S-1", b"bytes")
    except requests.RequestException:
        assert kind != "status_after"
    provider.call("closeSession", session=session.reference)
    control.expire_tokens("reference")
    (found,) = session.list(number="S-1")["results"]
    assert found["sha256"] == hashlib.sha256(b"bytes").hexdigest()
    assert session.list(number="S-2")["results"] == []
    assert taken(control) == {"S-1": (1, 1)}


def test_a_session_ends_by_closing_and_by_time_and_is_listed_in_pages(
    provider: ReferenceClient, control: ControlClient
) -> None:
    closed, expired = opened(provider), opened(provider)
    sent = [closed.send(f"S-{number}").json()["number"] for number in range(5)]
    for _ in range(2):
        report = provider.call("closeSession", session=closed.reference).json()
        assert (report["state"], report["documents"]) == ("closed", 5)
    assert refusal(closed.send("late")) == (409, "session_closed")
    control.advance(3601)
    assert refusal(expired.send("late")) == (409, "session_expired")
    state = provider.call("getSession", session=expired.reference).json()["state"]
    pages, cursor = [], {}
    while True:
        page = closed.list(limit=2, **cursor)
        pages.append([item["number"] for item in page["results"]])
        if "next_cursor" not in page:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert (state, pages) == ("expired", [sent[:2], sent[2:4], sent[4:]])


def test_sessions_are_bounded_and_keys_are_replaced(
    provider: ReferenceClient, control: ControlClient
) -> None:
    control.settings("reference", sessions_at_once=1)
    session = opened(provider)
    assert refusal(OpenSession(provider).open()) == (409, "too_many_sessions")
    provider.call("closeSession", session=session.reference)
    old = provider.call("getKeys").json()["keys"][0]["key_id"]
    control.settings("reference", encryption_key=2)
    body = {"key_id": old, "encrypted_key": ""}
    assert refusal(provider.call("openSession", body)) == (422, "unknown_key")
    assert OpenSession(provider).open().status_code == 201


def test_sessions_and_keys_survive_a_restart(tmp_path: Any, any_reference: Contract) -> None:
    state = str(tmp_path / "state")
    with SandboxThread(state=state) as running:
        session = opened(ReferenceClient(running.url, any_reference))
        session.send("before")
        keys = session.provider.call("getKeys").json()
    with SandboxThread(state=state) as running:
        session.provider = ReferenceClient(running.url, any_reference)
        assert session.send("after").status_code == 201
        assert [item["number"] for item in session.list()["results"]] == ["before", "after"]
        assert session.provider.call("getKeys").json() == keys


# -- batches ---------------------------------------------------------------------------------------


def outcomes(response: requests.Response) -> list[tuple[str, str]]:
    return [(item["key"], item["outcome"]) for item in response.json()["results"]]


def test_a_batch_answers_each_key_and_rejects_a_subset(
    provider: ReferenceClient, control: ControlClient
) -> None:
    control.verdict("reject", number="B*")
    control.verdict("never", number="C")
    assert outcomes(batch(provider, "A", "B1", "B2", "C")) == [
        ("A", "accepted"),
        ("B1", "rejected"),
        ("B2", "rejected"),
        ("C", "pending"),
    ]
    assert outcomes(batch(provider, "A", "B1", "C", "D")) == [
        ("A", "duplicate"),
        ("B1", "rejected"),
        ("C", "duplicate"),
        ("D", "accepted"),
    ]
    assert taken(control) == {
        "A": (1, 1),
        "B1": (2, 0),
        "B2": (1, 0),
        "C": (1, 0),
        "D": (1, 1),
    }


def test_missing_lost_and_repeated_items(provider: ReferenceClient, control: ControlClient) -> None:
    control.fault("items_missing", operation="sendBatch", items=["A"])
    response = batch(provider, "A", "B", "C")
    assert outcomes(response) == [("B", "accepted"), ("C", "accepted")]
    stored = provider.call("getBatch", batch=response.json()["batch"])
    assert [key for key, _outcome in outcomes(stored)] == ["A", "B", "C"]
    control.fault("items_lost", operation="sendBatch", items=["D*"])
    assert outcomes(batch(provider, "D", "E")) == [("E", "accepted")]
    assert provider.call("findBatchItem", query={"key": "D"}).json()["results"] == []
    control.fault("items_repeated", operation="sendBatch", items=["F"])
    assert outcomes(batch(provider, "F", "G")) == [
        ("F", "accepted"),
        ("F", "accepted"),
        ("G", "accepted"),
    ]
    assert taken(control) == dict.fromkeys("ABCEFG", (1, 1))


def test_a_share_of_a_thousand_items_is_the_same_in_every_run(
    provider: ReferenceClient, control: ControlClient
) -> None:
    keys = [f"K-{number}" for number in range(1000)]
    missing = []
    for _run in range(2):
        control.reset()
        control.fault("items_missing", share=0.3, seed=7)
        answered = {key for key, _outcome in outcomes(batch(provider, *keys))}
        missing.append([key for key in keys if key not in answered])
        assert taken(control) == dict.fromkeys(keys, (1, 1))
    assert missing[0] == missing[1]
    assert 200 < len(missing[0]) < 400


def test_an_item_fault_waits_for_a_batch(provider: ReferenceClient, control: ControlClient) -> None:
    control.fault("items_lost", provider="reference")
    assert provider.put("K").status_code == 201
    assert batch(provider, "A").json()["results"] == []


def test_a_batch_is_all_refused_for_its_form(
    provider: ReferenceClient, control: ControlClient
) -> None:
    assert batch(provider, "A", "A").status_code == 400
    control.settings("reference", batch_max_items=1)
    assert refusal(batch(provider, "A", "B")) == (413, "too_large")
    assert taken(control) == {}


def test_repeats_can_be_taken_so_that_the_oracle_sees_them(
    provider: ReferenceClient, control: ControlClient
) -> None:
    control.settings("reference", batch_repeats="taken")
    batch(provider, "A")
    batch(provider, "A")
    assert taken(control) == {"A": (2, 2)}


# -- receipts, feeds, queries ----------------------------------------------------------------------


def from_base64url(text: bytes) -> bytes:
    return base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4))


def test_a_receipt_is_signed_and_always_the_same_bytes(
    provider: ReferenceClient, control: ControlClient
) -> None:
    filed = provider.file("F").json()
    first, second = (
        provider.call("getReceipt", reference=filed["reference"]).content for _ in range(2)
    )
    assert first == second
    header, payload, signature = first.split(b".")
    key_id = json.loads(from_base64url(header))["kid"]
    keys = provider.call("getKeys").json()["keys"]
    public = next(key["public_key"] for key in keys if key["key_id"] == key_id)
    verifier = serialization.load_pem_public_key(public.encode())
    verifier.verify(from_base64url(signature), header + b"." + payload)
    receipt = json.loads(from_base64url(payload))
    assert {**filed, "accepted_at": receipt["accepted_at"]} == receipt


def test_a_receipt_comes_after_acceptance_and_later(
    provider: ReferenceClient, control: ControlClient
) -> None:
    control.settings("reference", receipt_delay=30)
    control.verdict("reject", number="refused")
    refused, taken_now = provider.file("refused").json(), provider.file("F").json()
    answered = provider.call("getReceipt", reference=refused["reference"])
    assert refusal(answered) == (409, "not_accepted")
    early = provider.call("getReceipt", reference=taken_now["reference"])
    assert (refusal(early), int(early.headers["Retry-After"])) == ((409, "not_ready"), 30)
    control.advance(31)
    assert provider.call("getReceipt", reference=taken_now["reference"]).status_code == 200


def read_feed(provider: ReferenceClient, feed: str, cursor: str = "") -> tuple[list[Any], str]:
    """Return every item after a cursor, in pages of two, and the cursor then."""
    found: list[Any] = []
    while True:
        page = provider.call(feed, query={"limit": 2, "cursor": cursor}).json()
        found += page["items"]
        cursor = page["next_cursor"]
        if not page["more"]:
            return found, cursor


def test_the_feed_of_statuses_has_each_verdict_once(
    provider: ReferenceClient, control: ControlClient
) -> None:
    control.verdict("late", number="late", seconds=60)
    for number in ("late", "A", "B", "C", "D"):
        provider.file(number)
    items, cursor = read_feed(provider, "feedStatuses")
    assert [item["data"]["number"] for item in items] == ["A", "B", "C", "D"]
    assert read_feed(provider, "feedStatuses", cursor)[0] == []
    control.advance(60)
    fresh, _cursor = read_feed(provider, "feedStatuses", cursor)
    assert [(item["data"]["number"], item["data"]["state"]) for item in fresh] == [
        ("late", "accepted")
    ]


def test_the_feed_of_documents_has_what_was_issued_to_the_account(
    provider: ReferenceClient, control: ControlClient
) -> None:
    for number in ("I-1", "I-2", "I-3"):
        control.issue("reference", kind="invoice", number=number, content=b64(number.encode()))
    control.issue("reference", kind="invoice", number="X", content="", account="another")
    items, _cursor = read_feed(provider, "feedDocuments")
    assert [base64.b64decode(item["data"]["content"]) for item in items] == [
        b"I-1",
        b"I-2",
        b"I-3",
    ]
    assert control.summary("reference")["received"] == 0
    assert len(control.issued("reference")) == 4


def test_a_feed_may_repeat_what_was_read(provider: ReferenceClient, control: ControlClient) -> None:
    control.settings("reference", feed_overlap=1)
    for number in ("A", "B", "C"):
        provider.file(number)
    items, _cursor = read_feed(provider, "feedStatuses")
    assert [item["data"]["number"] for item in items] == ["A", "B", "B", "C"]
    assert len({item["id"] for item in items}) == 3


def test_a_query_leaves_nothing_behind(provider: ReferenceClient, control: ControlClient) -> None:
    assert provider.call("queryParty", party="GOOD").json()["registered"] is True
    assert provider.call("queryParty", party="OTHER").json()["registered"] is False
    assert control.summary("reference")["received"] == 0
    assert control.counts("reference") == {"queryParty": 2}


# -- rate windows ----------------------------------------------------------------------------------


def test_windows_are_separate_by_group_and_account(
    provider: ReferenceClient, control: ControlClient
) -> None:
    to_full_hour(control)
    control.windows("reference", "query", second=50, minute=1)
    control.set_client("reference", "neighbour", "another-key")
    neighbour = ReferenceClient(control.url, provider.contract, "another-key")
    first = provider.call("ping")
    assert first.headers["RateLimit-Policy"] == '"second";q=50;w=1, "minute";q=1;w=60'
    assert first.headers["RateLimit"].startswith('"second";r=49;t=1, "minute";r=0;t=')
    refused = provider.call("ping")
    assert refusal(refused) == (429, "too_many_requests")
    assert 30 < int(refused.headers["Retry-After"]) <= 60
    assert provider.file("F").status_code == 201
    assert neighbour.call("ping").status_code == 200
    neighbour.close()


def test_a_window_is_full_again_when_it_ends(
    provider: ReferenceClient, control: ControlClient
) -> None:
    to_full_hour(control)
    control.windows("reference", "send", hour=1)
    assert [provider.file(number).status_code for number in ("A", "B")] == [201, 429]
    left = provider.call("getLimits").json()["groups"]["send"]["hour"]
    assert (left["limit"], left["remaining"]) == (1, 0)
    control.advance(left["reset"])
    assert provider.file("B").status_code == 201
    control.windows("reference", "send")
    assert "RateLimit" not in provider.file("C").headers
    assert taken(control) == dict.fromkeys("ABC", (1, 1))


# -- mutual TLS ------------------------------------------------------------------------------------


def test_mutual_tls_verifies_the_client_and_binds_the_account() -> None:
    with SandboxThread(mutual_tls=True) as running, ControlClient(running.url) as control:
        authority = running.authority
        control.settings("reference", certificate_required=True)
        url, headers = f"{running.tls_url}/reference/ping", {"X-Api-Key": KEY}

        def ping(url: str, files: tuple[str, str] | None) -> requests.Response:
            with requests.Session() as session:
                session.trust_env = False
                details: dict[str, Any] = {"headers": headers, "cert": files, "timeout": 10}
                return session.get(url, verify=authority.ca, **details)

        right = authority.write_client("reference", "right")
        assert ping(url, right).status_code == 200
        with pytest.raises(requests.ConnectionError):
            ping(url, None)
        wrong = authority.write_client("another", "wrong")
        assert refusal(ping(url, wrong)) == (403, "certificate_mismatch")
        plain = f"{running.url}/reference/ping"
        assert refusal(ping(plain, None)) == (403, "certificate_required")
        revoked = authority.client("reference")
        files = [authority.folder / "revoked.pem", authority.folder / "revoked.key"]
        files[0].write_bytes(revoked.certificate)
        files[1].write_bytes(revoked.key)
        paths = (str(files[0]), str(files[1]))
        assert ping(url, paths).status_code == 200
        control.settings("reference", revoked_certificates=[revoked.serial])
        assert refusal(ping(url, paths)) == (403, "certificate_revoked")
