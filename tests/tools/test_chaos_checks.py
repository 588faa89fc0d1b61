"""Each invariant of the chaos harness notices a break of itself, and a seed draws one plan."""

import base64
import copy
import hashlib
import json
from collections.abc import Callable

import pytest

from tools.chaos.boundaries import OF_ROLE
from tools.chaos.checks import CHECKS, look
from tools.chaos.evidence import Evidence
from tools.chaos.plan import Plan

KEY = ("account-0", "S1-filing-0-0")


def arrival(number: str = "n", kind: str = "filing", **values) -> dict:
    return {
        "reference": "R",
        "sha256": "h",
        "number": number,
        "kind": kind,
        "seller": KEY[0],
        "received_at": "2026-01-01T00:00:00Z",
        "reasons": [],
        **values,
    }


def sound() -> Evidence:
    """One document that went through."""
    document = {
        "name": KEY[1],
        "operation": "filing",
        "document_state": "accepted",
        "account": KEY[0],
        "id": 1,
        "state": "accepted",
        "reference": "R",
        "payload_sha256": "h",
        "sha256": "h",
        "send_count": 1,
        "claim_token": None,
        "notification_pending": False,
        "status_code": "",
        "verdict": "accepted",
    }
    return Evidence(
        documents={KEY: document},
        held={KEY: [arrival()]},
        arrived={KEY: [arrival()]},
        attempts={1: [{"step": "send", "outcome": "accepted", "ended": True}]},
        cases=set(),
        changes={1: ["pending", "sending", "accepted"]},
        audited={1: ["exchange.queued", "exchange.sending", "exchange.accepted"]},
        ledger=[
            *({"event": event, "number": 0, "names": [KEY[1]]} for event in ("begun", "committed")),
            {"event": "asked", "attempt": "T-1"},
        ],
        artefacts={},
        sends={},
        offered={(KEY[0], "IN-1"): hashlib.sha256(b"in").hexdigest(), (KEY[0], "R:accepted"): ""},
        inbound=[inbound(1, "IN-1"), inbound(2, "R:accepted")],
        inbound_audited={number: ["inbound.stored", "inbound.processed"] for number in (1, 2)},
        calls={"T-1": {"token": "T-1", "step": "query", "outcome": "accepted"}},
    )


def inbound(number: int, name: str) -> dict:
    return {
        "id": number,
        "account": KEY[0],
        "provider_id": name,
        "sha256": hashlib.sha256(b"in").hexdigest(),
        "content": base64.b64encode(b"in"),
        "state": "processed",
        "handled": 1,
    }


def the(evidence: Evidence) -> dict:
    return evidence.documents[KEY]


def twice(evidence: Evidence) -> None:
    evidence.held[KEY] *= 2


def not_held(evidence: Evidence) -> None:
    del evidence.held[KEY]


def gone(evidence: Evidence) -> None:
    del evidence.documents[KEY]


def other_bytes(evidence: Evidence) -> None:
    evidence.arrived[KEY][0]["sha256"] = "other"


def rolled_back(evidence: Evidence) -> None:
    evidence.ledger[1]["event"] = "rolled back"


def half(evidence: Evidence) -> None:
    evidence.ledger[0]["names"].append("S1-notice-0-1")


def waiting(evidence: Evidence) -> None:
    the(evidence)["state"] = "waiting"


def claimed(evidence: Evidence) -> None:
    the(evidence)["claim_token"] = "token"


def with_case(evidence: Evidence) -> None:
    evidence.cases.add(1)


def repeated_refusal(evidence: Evidence) -> None:
    the(evidence)["verdict"] = the(evidence)["state"] = "rejected"
    evidence.arrived[KEY] *= 2


def gap(evidence: Evidence) -> None:
    evidence.held[KEY] = [arrival("A/2", "record")]


def disorder(evidence: Evidence) -> None:
    evidence.arrived[KEY][0]["reasons"] = [{"code": "out_of_order"}]


def unnotified(evidence: Evidence) -> None:
    the(evidence)["document_state"] = "sending"


def other_reference(evidence: Evidence) -> None:
    the(evidence)["reference"] = "other"


def entry_missing(evidence: Evidence) -> None:
    evidence.audited[1].pop()


def entry_too_many(evidence: Evidence) -> None:
    evidence.audited[1].append("exchange.accepted")


def endless(evidence: Evidence) -> None:
    evidence.attempts[1][0]["ended"] = False


def uncounted(evidence: Evidence) -> None:
    the(evidence)["send_count"] = 2


def unattempted(evidence: Evidence) -> None:
    evidence.arrived[KEY] *= 2


def without_receipt(evidence: Evidence) -> None:
    the(evidence)["operation"] = "certified"


def foreign_receipt(evidence: Evidence) -> None:
    the(evidence)["operation"] = "certified"
    signed = json.dumps({"reference": "other", "sha256": "h", "number": "m"}).encode()
    content = b"e30." + base64.urlsafe_b64encode(signed).rstrip(b"=") + b".x"
    evidence.artefacts[1] = [{"content": base64.b64encode(content)}]


def strange_session(evidence: Evidence) -> None:
    the(evidence)["operation"] = "secret_filing"
    evidence.arrived[KEY][0]["attributes"] = {"session": "one"}
    evidence.sends[1] = [{"resources": {"session": {"session": "another"}}, "batch": None}]


def without_batch(evidence: Evidence) -> None:
    the(evidence)["operation"] = "batch_item"
    evidence.sends[1] = [{"resources": None, "batch": None}]


def item_missing(evidence: Evidence) -> None:
    evidence.inbound.pop()


def item_changed(evidence: Evidence) -> None:
    evidence.inbound[0]["content"] = base64.b64encode(b"other")


def item_twice(evidence: Evidence) -> None:
    evidence.inbound.append(inbound(3, "IN-1"))


def item_invented(evidence: Evidence) -> None:
    evidence.offered.popitem()


def handled_twice(evidence: Evidence) -> None:
    evidence.inbound[0]["handled"] = 2


def not_handled(evidence: Evidence) -> None:
    evidence.inbound[0] |= {"state": "stored", "handled": 0}


def inbound_entry_missing(evidence: Evidence) -> None:
    evidence.inbound_audited[1].pop()


def query_unattempted(evidence: Evidence) -> None:
    evidence.calls.clear()


BREAKS = {
    "every item of a feed is stored": (item_missing, item_changed),
    "no item of a feed is stored twice": (item_twice, item_invented),
    "every item of a feed is handled exactly once": (handled_twice, not_handled),
    "every change of an inbound document has its audit entry": (inbound_entry_missing,),
    "each reply to a query has its attempt": (query_unattempted,),
    "what was accepted has its receipt": (without_receipt, foreign_receipt),
    "a session is one that an attempt names": (strange_session,),
    "each send of a batch names it": (without_batch,),
    "no document is held twice": (twice,),
    "none is lost": (not_held, gone),
    "the bytes held are the bytes stored": (other_bytes,),
    "nothing of a rolled-back transaction was sent": (rolled_back, gone),
    "business transactions are there whole or not at all": (half,),
    "none is stuck": (waiting, claimed, with_case),
    "what was refused is not sent again": (repeated_refusal,),
    "chains are in order": (gap, disorder),
    "documents are notified of the last state": (unnotified, other_reference),
    "every change of a state has its audit entry": (entry_missing, entry_too_many),
    "attempts are complete": (endless, uncounted),
    "no effect without a committed attempt": (unattempted,),
}


def test_all_is_well_where_all_is_well() -> None:
    assert [finding.check.name for finding in look(sound(), "ours") if not finding.holds] == []


def test_every_check_has_its_break() -> None:
    assert set(BREAKS) == {check.name for check in CHECKS}


@pytest.mark.parametrize(
    ("name", "spoil"),
    [(name, spoil) for name, spoils in BREAKS.items() for spoil in spoils],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_each_check_notices_its_break(name: str, spoil: Callable[[Evidence], None]) -> None:
    evidence = copy.deepcopy(sound())
    spoil(evidence)
    broken = {finding.check.name for finding in look(evidence, "ours") if not finding.holds}
    assert name in broken


def drawn(seed: int) -> tuple:
    plan = Plan(seed, 100)
    kill_plans = [plan.kill_plan(line, number) for line in plan.lines() for number in range(30)]
    return kill_plans, [plan.transaction(number) for number in range(30)], plan.faults()


def test_a_seed_draws_one_plan_and_another_seed_another() -> None:
    assert drawn(1) == drawn(1)
    assert all(one != two for one, two in zip(drawn(1), drawn(2), strict=True))


def test_every_boundary_has_its_turn() -> None:
    plan = Plan(1, 100)
    for line in plan.lines():
        reached = {plan.kill_plan(line, number).boundary for number in range(60)}
        assert reached == {*OF_ROLE[line.role], ""}
