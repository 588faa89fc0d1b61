"""The invariants, each a question to the evidence of a run. A check answers with what breaks it."""

import base64
import dataclasses
import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator

from .evidence import Evidence
from .plan import CERTIFIED

Faults = Iterator[str]
#: Audit entries about an exchange that report no change of its state.
_NO_CHANGE = frozenset({"exchange.late_answer", "exchange.asked_again"})


@dataclasses.dataclass(frozen=True)
class Check:
    """``naive``: it can be asked of a dispatcher that keeps no attempts and no audit log, too."""

    name: str
    find: Callable[[Evidence], Faults]
    naive: bool = True


@dataclasses.dataclass(frozen=True)
class Finding:
    check: Check
    faults: list[str]

    @property
    def holds(self) -> bool:
        return not self.faults


def look(evidence: Evidence, engine: str) -> list[Finding]:
    """Ask every question that makes sense for the engine."""
    return [
        Finding(check, list(check.find(evidence)))
        for check in CHECKS
        if engine == "ours" or check.naive
    ]


def held_twice(evidence: Evidence) -> Faults:
    for key, held in evidence.held.items():
        if len(held) > 1:
            yield f"{key[1]} is held {len(held)} times"


def lost(evidence: Evidence) -> Faults:
    for (account, name), document in evidence.documents.items():
        expected = evidence.held if document["verdict"] == "accepted" else evidence.arrived
        if (account, name) not in expected:
            yield f"{name} ({document['operation']}, {document['state']}) is not held"
    present = {name for _account, name in evidence.documents}
    for name in sorted(evidence.names("committed") - present):
        yield f"{name} was committed and is gone"


def other_bytes(evidence: Evidence) -> Faults:
    for key, document in evidence.documents.items():
        if document["sha256"] != document["payload_sha256"]:
            yield f"{key[1]}: the stored bytes have another hash"
        for arrived in evidence.arrived.get(key, ()):
            if arrived["sha256"] != document["sha256"]:
                yield f"{key[1]}: other bytes arrived"


def never_was(evidence: Evidence) -> Faults:
    rolled_back = evidence.names("rolled back")
    for account, name in evidence.documents:
        if name in rolled_back:
            yield f"{name} of {account} was rolled back and is there"
    for account, name in evidence.arrived:
        if (account, name) not in evidence.documents:
            yield f"{name} of {account} arrived without having been committed"


def in_part(evidence: Evidence) -> Faults:
    present = {name for _account, name in evidence.documents}
    for line in evidence.ledger:
        there = present.intersection(line.get("names", ()))
        if line["event"] == "begun" and there and len(there) < len(line["names"]):
            yield f"transaction {line['number']} is there in part: {sorted(there)}"


def stuck(evidence: Evidence) -> Faults:
    for (_account, name), document in evidence.documents.items():
        if document["state"] != document["verdict"]:
            yield f"{name} ({document['operation']}) is {document['state']}: {document['status_code']}"
        elif document["claim_token"]:
            yield f"{name} is still claimed"
        elif document["id"] in evidence.cases:
            yield f"{name} is {document['state']} and has an open case"


def refused_again(evidence: Evidence) -> Faults:
    """A refusal on the merits is final (X8): not repeated, not held."""
    for key, document in evidence.documents.items():
        arrived = evidence.arrived.get(key, ())
        if document["verdict"] == "rejected" and (len(arrived) > 1 or key in evidence.held):
            yield f"{key[1]} was refused and arrived {len(arrived)} times"


def not_notified(evidence: Evidence) -> Faults:
    for key, document in evidence.documents.items():
        if document["notification_pending"] or document["document_state"] != document["state"]:
            yield f"{key[1]} shows {document['document_state']}, it is {document['state']}"
        arrived = evidence.arrived.get(key, [])
        if document["reference"] not in [item["reference"] for item in arrived]:
            yield f"{key[1]} knows the reference {document['reference']}, which nothing has"


def out_of_order(evidence: Evidence) -> Faults:
    chains = defaultdict(list)
    for held in evidence.held.values():
        for item in held:
            if item["kind"] == "record":
                chain, _slash, sequence = item["number"].rpartition("/")
                chains[item["seller"], chain].append((item["received_at"], int(sequence)))
    for chain, records in chains.items():
        sequences = [sequence for _moment, sequence in sorted(records)]
        if sequences != list(range(1, len(sequences) + 1)):
            yield f"{chain}: {sequences}"
    for key, arrived in evidence.arrived.items():
        for item in arrived:
            if any(reason["code"] == "out_of_order" for reason in item["reasons"]):
                yield f"{key[1]} came out of order"


def not_audited(evidence: Evidence) -> Faults:
    """The database's own note of each change against the audit log, in their order."""
    for exchange, changes in evidence.changes.items():
        expected = ["exchange.queued", *(f"exchange.{state}" for state in changes[1:])]
        entries = evidence.audited.get(exchange, [])
        recorded = [action for action in entries if action not in _NO_CHANGE]
        if recorded != expected:
            yield f"exchange {exchange}: {expected} happened, {recorded} is recorded"


def attempts_incomplete(evidence: Evidence) -> Faults:
    for (_account, name), document in evidence.documents.items():
        attempts = evidence.attempts.get(document["id"], [])
        sends = [attempt for attempt in attempts if attempt["step"] == "send"]
        if len(sends) != document["send_count"]:
            yield f"{name}: {document['send_count']} sends, {len(sends)} attempts"
        if any(not attempt["ended"] or not attempt["outcome"] for attempt in attempts):
            yield f"{name}: an attempt has no end"


def effect_without_attempt(evidence: Evidence) -> Faults:
    for key, arrived in evidence.arrived.items():
        document = evidence.documents.get(key)
        attempts = evidence.attempts.get(document["id"], []) if document else []
        sends = sum(attempt["step"] == "send" for attempt in attempts)
        if len(arrived) > sends:
            yield f"{key[1]} arrived {len(arrived)} times, {sends} attempts are known"


def receipt_missing(evidence: Evidence) -> Faults:
    """What was accepted has its signed receipt, once, about its own bytes; what was not has none."""
    for (_account, name), document in evidence.documents.items():
        if document["operation"] not in CERTIFIED:
            continue
        kept = evidence.artefacts.get(document["id"], [])
        if len(kept) != (document["state"] == "accepted"):
            yield f"{name} is {document['state']} and has {len(kept)} receipts"
        for artefact in kept:
            signed = _signed(bytes(artefact["content"]))
            if (signed["reference"], signed["sha256"]) != (
                document["reference"],
                document["sha256"],
            ):
                yield f"{name} has the receipt of {signed['number']}"


def _signed(stored: bytes) -> dict[str, str]:
    body = base64.b64decode(stored).split(b".")[1]
    return json.loads(base64.urlsafe_b64decode(body + b"=" * (-len(body) % 4)))


def other_session(evidence: Evidence) -> Faults:
    """What arrived in a session arrived in one that an attempt of its exchange names (P3)."""
    for key, arrived in evidence.arrived.items():
        document = evidence.documents.get(key)
        if not document or document["operation"] != "secret_filing":
            continue
        sends = evidence.sends.get(document["id"], [])
        named = {((send["resources"] or {}).get("session") or {}).get("session") for send in sends}
        for item in arrived:
            if item["attributes"]["session"] not in named:
                yield f"{key[1]} arrived in a session that no attempt names"


def batch_unnamed(evidence: Evidence) -> Faults:
    """Each send of a batch names it, so that the exchanges that travelled together are found."""
    for (_account, name), document in evidence.documents.items():
        if document["operation"] == "batch_item" and not all(
            send["batch"] for send in evidence.sends.get(document["id"], [])
        ):
            yield f"{name} was sent in a batch that no attempt names"


def inbound_lost(evidence: Evidence) -> Faults:
    """Every item of the provider is stored (P5), as it was sent."""
    stored = {(row["account"], row["provider_id"]): row for row in evidence.inbound}
    for (account, name), sha256 in evidence.offered.items():
        row = stored.get((account, name))
        if row is None:
            yield f"{name} of {account} is not stored"
            continue
        digest = hashlib.sha256(base64.b64decode(bytes(row["content"]))).hexdigest()
        if digest != row["sha256"] or sha256 not in ("", digest):
            yield f"{name} of {account} is stored with other bytes"


def inbound_doubled(evidence: Evidence) -> Faults:
    """No item is stored twice, and nothing that the provider does not have."""
    found = Counter((row["account"], row["provider_id"]) for row in evidence.inbound)
    for (account, name), number in found.items():
        if number > 1:
            yield f"{name} of {account} is stored {number} times"
        if (account, name) not in evidence.offered:
            yield f"{name} of {account} is stored and the provider does not have it"


def handled_once(evidence: Evidence) -> Faults:
    """The effect of a handler is there exactly once (P5)."""
    for row in evidence.inbound:
        if (row["state"], row["handled"]) != ("processed", 1):
            yield f"{row['provider_id']} is {row['state']} and was handled {row['handled']} times"


def inbound_not_audited(evidence: Evidence) -> Faults:
    for row in evidence.inbound:
        recorded = evidence.inbound_audited.get(row["id"], [])
        if recorded != ["inbound.stored", f"inbound.{row['state']}"]:
            yield f"{row['provider_id']} is {row['state']}, {recorded} is recorded"


def query_without_attempt(evidence: Evidence) -> Faults:
    """A reply to a query has its attempt, also where the transaction that asked was rolled back."""
    for token in sorted(evidence.asked()):
        call = evidence.calls.get(token)
        if not call or call["step"] != "query" or not call["outcome"]:
            yield f"the query {token} has no complete attempt"


CHECKS = (
    Check("every item of a feed is stored", inbound_lost, naive=False),
    Check("no item of a feed is stored twice", inbound_doubled, naive=False),
    Check("every item of a feed is handled exactly once", handled_once, naive=False),
    Check(
        "every change of an inbound document has its audit entry", inbound_not_audited, naive=False
    ),
    Check("each reply to a query has its attempt", query_without_attempt, naive=False),
    Check("what was accepted has its receipt", receipt_missing, naive=False),
    Check("a session is one that an attempt names", other_session, naive=False),
    Check("each send of a batch names it", batch_unnamed, naive=False),
    Check("no document is held twice", held_twice),
    Check("none is lost", lost),
    Check("the bytes held are the bytes stored", other_bytes),
    Check("nothing of a rolled-back transaction was sent", never_was),
    Check("business transactions are there whole or not at all", in_part),
    Check("none is stuck", stuck),
    Check("what was refused is not sent again", refused_again),
    Check("chains are in order", out_of_order),
    Check("documents are notified of the last state", not_notified, naive=False),
    Check("every change of a state has its audit entry", not_audited, naive=False),
    Check("attempts are complete", attempts_incomplete, naive=False),
    Check("no effect without a committed attempt", effect_without_attempt, naive=False),
)
