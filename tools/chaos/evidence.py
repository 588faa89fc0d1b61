"""What there is to look at after a run, read once: the database, the provider's oracle, the accounting client's ledger."""

import base64
import contextlib
import dataclasses
import hashlib
from collections import defaultdict
from typing import Any

import psycopg2
import psycopg2.extras

from .fault_injector import Journal
from .harness import Run, offered
from .plan import LEDGER, REFUSED

_DOCUMENTS = """
SELECT d.name, d.operation, d.state AS document_state, c.name AS account, e.id, e.state, e.reference,
       e.payload, e.payload_sha256, e.send_count, e.claim_token, e.notification_pending, e.status_code
  FROM finance_reference_document d
  JOIN finance_connection c ON c.id = d.connection_id
  JOIN finance_exchange e ON e.id = d.exchange_id
 ORDER BY d.id
"""
_ATTEMPTS = """
SELECT exchange_id, step, outcome, is_late, started_at, ended_at, ended_at IS NOT NULL AS ended
  FROM finance_exchange_attempt ORDER BY id
"""
_RECEIPTS = """
SELECT exchange_id, name, sha256, content FROM finance_exchange_artefact ORDER BY id
"""
_SENDS = """
SELECT exchange_id, resources, batch, wire_sha256 FROM finance_exchange_attempt
 WHERE step = 'send' ORDER BY id
"""
_CASES = "SELECT exchange_id FROM finance_case WHERE state = 'open'"
_SHADOW = "SELECT exchange_id, new FROM chaos_state ORDER BY id"
_AUDIT = """
SELECT record_id AS exchange_id, action FROM finance_audit_entry
 WHERE record_model = 'finance.exchange' ORDER BY id
"""


_INBOUND = """
SELECT i.id, c.name AS account, i.provider_id, i.sha256, i.content, i.state,
       (SELECT count(*) FROM finance_reference_received r WHERE r.inbound_id = i.id) AS handled
  FROM finance_inbound i JOIN finance_connection c ON c.id = i.connection_id ORDER BY i.id
"""
_INBOUND_AUDIT = """
SELECT record_id AS exchange_id, action FROM finance_audit_entry
 WHERE record_model = 'finance.inbound' ORDER BY id
"""
_CALLS = """
SELECT token, step, outcome FROM finance_exchange_attempt WHERE step IN ('query', 'feed')
"""


@dataclasses.dataclass
class Evidence:
    """``held`` and ``arrived`` are the oracle's documents by account and name; ``verdict`` of a document is what the plan
    had the authority decide.
    """

    documents: dict[tuple[str, str], dict[str, Any]]
    held: dict[tuple[str, str], list[dict[str, Any]]]
    arrived: dict[tuple[str, str], list[dict[str, Any]]]
    attempts: dict[int, list[dict[str, Any]]]
    cases: set[int]
    changes: dict[int, list[str]]
    audited: dict[int, list[str]]
    ledger: list[dict[str, Any]]
    #: Artefacts and send attempts by exchange.
    artefacts: dict[int, list[dict[str, Any]]]
    sends: dict[int, list[dict[str, Any]]]
    #: What the provider's feeds hold, see ``harness.offered``; what is stored of it; its audit entries.
    offered: dict[tuple[str, str], str] = dataclasses.field(default_factory=dict)
    inbound: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    inbound_audited: dict[int, list[str]] = dataclasses.field(default_factory=dict)
    #: Attempts of queries and feeds, by token.
    calls: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)

    def names(self, event: str) -> set[str]:
        """Names in the ledger's lines of one kind."""
        return {name for line in self.ledger if line["event"] == event for name in line["names"]}

    def asked(self) -> set[str]:
        """Return the attempts that replies to queries named."""
        return {line["attempt"] for line in self.ledger if line["event"] == "asked"}


def gather(run: Run) -> Evidence:
    with contextlib.closing(psycopg2.connect(run.dsn)) as connection:
        cursor = connection.cursor(cursor_factory=psycopg2.extras.RealDictCursor)

        def rows(query: str) -> list[dict[str, Any]]:
            cursor.execute(query)
            return cursor.fetchall()

        documents = {(row["account"], row["name"]): _with_hash(row) for row in rows(_DOCUMENTS)}
        oracle = run.control.oracle("reference")
        return Evidence(
            documents,
            _by_name([item for item in oracle if item["held"]]),
            _by_name(oracle),
            _grouped(rows(_ATTEMPTS)),
            {row["exchange_id"] for row in rows(_CASES)},
            _lists(rows(_SHADOW), "new"),
            _lists(rows(_AUDIT), "action"),
            Journal(run.folder / LEDGER).read(),
            _grouped(rows(_RECEIPTS)),
            _grouped(rows(_SENDS)),
            offered(run.control),
            rows(_INBOUND),
            _lists(rows(_INBOUND_AUDIT), "action"),
            {row["token"]: row for row in rows(_CALLS)},
        )


def _with_hash(row: dict[str, Any]) -> dict[str, Any]:
    content = base64.b64decode(bytes(row.pop("payload")))
    verdict = "rejected" if row["name"].endswith(REFUSED) else "accepted"
    return {**row, "sha256": hashlib.sha256(content).hexdigest(), "verdict": verdict}


def _by_name(items: list[dict[str, Any]]) -> dict[tuple[str, str], list[dict[str, Any]]]:
    found = defaultdict(list)
    for item in items:
        found[item["seller"], item["tracking_id"]].append(item)
    return found


def _grouped(rows: list[dict[str, Any]]) -> dict[int, list[dict[str, Any]]]:
    found = defaultdict(list)
    for row in rows:
        found[row["exchange_id"]].append(row)
    return found


def _lists(rows: list[dict[str, Any]], name: str) -> dict[int, list[str]]:
    return {key: [row[name] for row in group] for key, group in _grouped(rows).items()}
