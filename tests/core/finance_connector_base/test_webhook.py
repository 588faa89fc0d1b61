"""Webhooks are accepted only with a signature on their raw bytes (Standard Webhooks 1.0.0), or with a known bearer."""

import base64
import hashlib
import hmac
import random
from unittest.mock import patch

import pytest
from odoo.addons.finance_connector_base.core.protocol import ProviderProtocol
from odoo.addons.finance_connector_base.core.security import webhook
from odoo.addons.finance_connector_base.core.security.webhook import (
    TOLERANCE,
    BadMessage,
    WebhookEvent,
    WebhookRefused,
    checked_events,
    dedupe_key,
    kept_headers,
    refuse_unknown,
    verify_bearer,
    verify_standard_webhook,
)

NOW = 1_790_000_000
BODY = b'{"type":"document.accepted","data":{"reference":"r-1"}}'


def secret(seed=b"a", size=32):
    return "whsec_" + base64.b64encode(seed * size).decode()


def signature(key, body=BODY, message_id="msg_1", timestamp=NOW):
    """One signature, computed here on its own."""
    raw = base64.b64decode(key.removeprefix("whsec_"))
    content = b"%s.%d.%s" % (message_id.encode(), timestamp, body)
    return "v1," + base64.b64encode(hmac.new(raw, content, hashlib.sha256).digest()).decode()


def headers(*signatures, message_id="msg_1", timestamp=NOW):
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signatures),
    }


def refused(given, body=BODY, secrets=None, now=NOW):
    with pytest.raises(WebhookRefused) as caught:
        verify_standard_webhook(given, body, [secret()] if secrets is None else secrets, now)
    return caught.value.reason


def test_a_signed_message_is_accepted_under_its_id():
    given = headers(signature(secret()))
    assert verify_standard_webhook(given, BODY, [secret()], NOW) == "msg_1"


def test_the_example_of_the_specification_s_libraries_is_accepted():
    """Known answer: not computed with our own code."""
    given = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    found = verify_standard_webhook(
        given, b'{"test": 2432232314}', ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"], 1614265330
    )
    assert found == "msg_p5jXN8AQM9LWM0D4loKWxJek"


@pytest.mark.parametrize("position", range(len(BODY)))
def test_one_altered_byte_is_refused(position):
    altered = bytearray(BODY)
    altered[position] ^= 1
    assert refused(headers(signature(secret())), bytes(altered)) == "mismatch"


@pytest.mark.parametrize(
    "changed",
    [{"message_id": "msg_2"}, {"timestamp": NOW + 1}],
)
def test_id_and_time_are_signed_too(changed):
    assert refused(headers(signature(secret()), **changed)) == "mismatch"


def test_another_secret_is_refused():
    assert refused(headers(signature(secret(b"b")))) == "mismatch"


@pytest.mark.parametrize("offset", [-TOLERANCE, TOLERANCE])
def test_within_the_tolerance_is_accepted(offset):
    given = headers(signature(secret()))
    assert verify_standard_webhook(given, BODY, [secret()], NOW + offset)


@pytest.mark.parametrize("offset", [-TOLERANCE - 1, TOLERANCE + 1])
def test_a_replay_outside_the_tolerance_is_refused(offset):
    assert refused(headers(signature(secret())), now=NOW + offset) == "stale"


def test_during_our_rotation_either_secret_is_accepted():
    secrets = [secret(b"n"), secret(b"o")]
    for used in secrets:
        assert verify_standard_webhook(headers(signature(used)), BODY, secrets, NOW)


def test_during_the_sender_s_rotation_any_signature_is_enough():
    given = headers("v1a,asymmetric", signature(secret(b"x")), signature(secret()))
    assert verify_standard_webhook(given, BODY, [secret()], NOW)


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
@pytest.mark.parametrize("value", [None, "", "  "])
def test_a_missing_header_is_refused(name, value):
    given = headers(signature(secret()))
    given.pop(name)
    if value is not None:
        given[name] = value
    assert refused(given) == "missing_header"


@pytest.mark.parametrize(
    "timestamp", ["now", "1790000000.0", "-1", "١٧٩", "1" * 5000, "1e9", "0x6ab"]
)
def test_a_time_that_is_no_unix_time_is_refused(timestamp):
    assert refused(headers(signature(secret())) | {"webhook-timestamp": timestamp}) == "bad_header"


def test_a_message_cannot_be_split_at_another_full_stop():
    """The signed text of id ``a``, time ``t`` and body ``t.x`` is also that of id ``a.t``, time ``t``, body ``x``."""
    body = b"%d.{}" % NOW
    valid = headers(signature(secret(), body, "a"), message_id="a")
    assert verify_standard_webhook(valid, body, [secret()], NOW) == "a"
    resplit = {**valid, "webhook-id": f"a.{NOW}"}
    assert refused(resplit, b"{}") == "bad_header"


@pytest.mark.parametrize(
    "damaged",
    ["", "whsec_", "whsec_%%%", secret(size=23), secret(size=65), "whsec_é"],
)
def test_a_damaged_or_short_secret_verifies_nothing(damaged):
    try:
        forged = signature(damaged)
    except ValueError:
        forged = "v1,x"
    assert refused(headers(forged), secrets=[damaged]) == "no_secret"
    assert refused(headers(forged), secrets=[]) == "no_secret"


@pytest.mark.parametrize(
    "given", ["v1", "v1,", ",", "v2," + "A" * 43 + "=", "v1,é", "v1,\ud800", "AAAA"]
)
def test_no_signature_of_another_form_is_accepted(given):
    assert refused(headers(given)) == "mismatch"


def test_signatures_are_compared_by_compare_digest_alone():
    """Constant time: whatever the strings are, its verdict is the verdict."""
    good, bad = headers(signature(secret())), headers(signature(secret(b"z")))
    with patch.object(webhook.hmac, "compare_digest", return_value=False):
        assert refused(good) == "mismatch"
        with pytest.raises(WebhookRefused):
            verify_bearer({"authorization": "Bearer right"}, ["right"])
    with patch.object(webhook.hmac, "compare_digest", return_value=True):
        assert verify_standard_webhook(bad, BODY, [secret()], NOW)


def test_every_pair_is_compared_even_after_a_match():
    """How long it takes says nothing about which of the secrets matched."""
    first = headers(signature(secret(b"1")), signature(secret(b"2")))
    secrets = [secret(b"1"), secret(b"2"), secret(b"3")]
    with patch.object(webhook.hmac, "compare_digest", wraps=hmac.compare_digest) as compare:
        assert verify_standard_webhook(first, BODY, secrets, NOW)
        assert compare.call_count == 6
        compare.reset_mock()
        verify_bearer({"authorization": "Bearer one"}, ["one", "two"])
        assert compare.call_count == 2


def test_a_bearer_is_accepted_when_it_is_one_of_ours():
    verify_bearer({"authorization": "Bearer new"}, ["new", "old"])
    verify_bearer({"authorization": "bearer old"}, ["new", "old"])


@pytest.mark.parametrize(
    ("value", "secrets", "reason"),
    [
        ("Bearer other", ["new"], "mismatch"),
        ("Bearer", ["new"], "mismatch"),
        ("Basic new", ["new"], "bad_header"),
        ("", ["new"], "missing_header"),
        ("Bearer ", [""], "no_secret"),
        ("Bearer x", [], "no_secret"),
    ],
)
def test_any_other_bearer_is_refused(value, secrets, reason):
    with pytest.raises(WebhookRefused) as caught:
        verify_bearer({"authorization": value}, secrets)
    assert caught.value.reason == reason


def test_an_unknown_address_costs_the_same_work():
    with (
        patch.object(webhook.hmac, "digest", wraps=hmac.digest) as digest,
        patch.object(webhook.hmac, "compare_digest", wraps=hmac.compare_digest) as compare,
        pytest.raises(WebhookRefused),
    ):
        refuse_unknown({}, BODY)
    assert digest.call_args.args[1].endswith(BODY)
    assert compare.call_count == 1


def test_no_credential_is_kept_and_no_header_that_was_not_named():
    given = {
        "authorization": "Bearer s3cret",
        "cookie": "session_id=1",
        "x-forwarded-for": "10.0.0.1",
        "webhook-id": "msg_1\0",
        "user-agent": "a" * 5000,
    }
    kept = kept_headers(given)
    assert set(kept) == {"webhook-id", "user-agent"}
    assert kept["webhook-id"] == "msg_1"
    assert len(kept["user-agent"]) == 1000


def test_a_repetition_has_the_same_key_and_another_event_a_different_one():
    assert dedupe_key(WebhookEvent(), "msg_1", BODY, 0) == "msg_1"
    assert dedupe_key(WebhookEvent(), "msg_1", BODY, 1) == "msg_1#1"
    assert dedupe_key(WebhookEvent(dedupe_key="event-7"), "msg_1", BODY, 1) == "event-7"
    without_id = dedupe_key(WebhookEvent(), None, BODY, 0)
    assert without_id == f"sha256:{hashlib.sha256(BODY).hexdigest()}"
    assert without_id != dedupe_key(WebhookEvent(), None, BODY + b" ", 0)


@pytest.mark.parametrize("strange", ["k" * 5000, "nul\0", "half \ud800"])
def test_a_key_that_the_database_cannot_hold_becomes_its_hash(strange):
    key = dedupe_key(WebhookEvent(dedupe_key=strange), None, BODY, 0)
    assert key.startswith("sha256:")
    assert len(key) < 100
    assert key != dedupe_key(WebhookEvent(dedupe_key=strange + "x"), None, BODY, 0)


def test_a_provider_that_declares_no_webhooks_refuses_them():
    with pytest.raises(WebhookRefused) as caught:
        ProviderProtocol().verify_webhook({}, BODY, NOW)
    assert caught.value.reason == "unsupported"


def mutated(chance, text):
    """Return a text with some characters replaced, removed, repeated or added."""
    parts = list(text)
    for _change in range(chance.choice((1, 1, 1, 2, 5))):
        place = chance.randrange(len(parts))
        parts[place] = chance.choice(
            (
                "",
                parts[place] * 2,
                chr(chance.randrange(0x20, 0x180)),
                "\0",
                "=",
                " ",
                ",",
                "\ud800",
            )
        )
        if not any(parts):
            return "x"
    return "".join(parts)


def test_no_mutation_of_a_signature_is_accepted():
    chance, right = random.Random(20261125), signature(secret())
    for _round in range(4000):
        text = mutated(chance, right)
        # The header is split at spaces; a part that is the signature itself is one.
        if right in text.split():
            continue
        with pytest.raises(WebhookRefused):
            verify_standard_webhook(headers(text), BODY, [secret()], NOW)


def test_no_mutation_of_a_bearer_is_accepted():
    chance, right = random.Random(20261125), "token-of-the-provider-0123456789"
    for _round in range(4000):
        text = mutated(chance, right)
        if text.strip() == right:
            continue
        with pytest.raises(WebhookRefused):
            verify_bearer({"authorization": f"Bearer {text}"}, [right])


@pytest.mark.parametrize("found", [[None], [{}], [WebhookEvent(), 1]])
def test_f1_what_is_no_event_is_refused(found):
    with pytest.raises(BadMessage):
        checked_events(found, 10)


@pytest.mark.parametrize(
    ("number", "size", "kept"),
    [(1000, 10, True), (1001, 10, False), (1, 10**9, True), (2, 10**9, False), (32, 2**20, True), (33, 2**20, False)],
)  # fmt: skip
def test_f19_events_of_a_message_are_bounded(number, size, kept):
    def endless():
        count = 0
        while kept is False or count < number:
            count += 1
            yield WebhookEvent()

    if kept:
        assert len(checked_events(endless(), size)) == number
    else:
        with pytest.raises(BadMessage):
            checked_events(endless(), size)


@pytest.mark.parametrize("given", [5, 1.5, True, ["a"], "a\0b\ud800", "x" * 201, None])
def test_f1_identifiers_of_an_event_are_texts_that_can_be_stored(given):
    (event,) = checked_events([WebhookEvent(given, given, feed=given, dedupe_key=given)], 10)
    for text in (event.reference, event.key, event.feed):
        assert isinstance(text, str)
        assert len(text) <= 200
        assert "\0" not in text
        assert text == text.encode().decode()
    assert dedupe_key(event, None, BODY, 0).encode()
