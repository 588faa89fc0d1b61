"""The checks of the conformance kit, property by property."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from ...core.conversation import Answer, Item, Obtained, Page
from ...core.delivery.outcomes import (
    Accepted,
    ContractBroken,
    Duplicate,
    NotFound,
    Outcome,
    RateLimited,
    Rejected,
    Transient,
    Unknown,
    Waiting,
    is_declared,
)
from ...core.http.wire import HttpResponse, NotSent
from ...core.protocol import Call, Operation
from .subject import LOST, Problem, Subject, Trial, response

_HTML = b"<!DOCTYPE html><html><body><h1>Welcome</h1></body></html>"
_FAULT = (
    b'<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body><soap:Fault>'
    b"<faultcode>soap:Server</faultcode></soap:Fault></soap:Body></soap:Envelope>"
)
#: Successes that say nothing anybody could read.
GARBAGE: dict[str, HttpResponse] = {
    "HTTP 200 with an HTML page": response(200, _HTML, "text/html"),
    "HTTP 201 with an HTML page": response(201, _HTML, "text/html"),
    "HTTP 200 with an empty body": response(200),
    "HTTP 201 with an empty body": response(201),
    "HTTP 202 with an empty body": response(202),
    "HTTP 204": response(204),
    "HTTP 201 with JSON null": response(201, b"null"),
    "HTTP 200 with a JSON number": response(200, b"7"),
    "HTTP 201 with an empty object": response(201, b"{}"),
    "HTTP 201 with other types": response(
        201, b'{"reference": {"a": []}, "state": true, "sha256": [1], "results": 3, "items": "x"}'
    ),
    "HTTP 201 with deep nesting": response(201, b"[" * 100_000),
    "HTTP 201 with a byte that is no UTF-8": response(201, b'{"reference": "\xe9\xff"}'),
}
#: Failures that leave the effect open (RFC 9110 §15.6).
DOUBTFUL: dict[str, HttpResponse] = {
    "HTTP 502 with an HTML page": response(502, _HTML, "text/html"),
    "HTTP 500 with an empty body": response(500),
    "HTTP 500 with a SOAP fault": response(500, _FAULT, "text/xml"),
    "HTTP 504 with an HTML page": response(504, _HTML, "text/html"),
}
#: Answers of something in between that decide nothing about a document.
REFUSED: dict[str, HttpResponse] = {
    "HTTP 403 of a firewall": response(403, _HTML, "text/html"),
    "HTTP 404 with an HTML page": response(404, _HTML, "text/html"),
    "HTTP 301": response(301, b"", "text/plain", location="/elsewhere"),
    "HTTP 407": response(407, b"", "text/plain"),
}
_ALL = {**GARBAGE, **DOUBTFUL, **REFUSED}
_DECIDED = (Accepted, Waiting, Rejected, Duplicate, NotFound)
_IN_DOUBT = (Unknown, ContractBroken)
_RETRY_AFTER = 7.0
_MAX_BODY = 64 * 1024 * 1024
_MAX_SECONDS = 60.0
_MAX_PAGES = 20
#: Polls after which a provider has decided about a document that it rejects.
_MAX_POLLS = 5

Found = Iterator[Problem]


def examine(subject: Subject) -> list[Problem]:
    """Return every violation of the contract; of one kind, the first in each operation and step."""
    found: dict[tuple[str, str], Problem] = {}
    for check in _checks(subject):
        subject.restore()
        for problem in check():
            found.setdefault((problem.code, problem.text.partition(":")[0]), problem)
    subject.restore()
    return list(found.values())


def _checks(subject: Subject) -> Iterator[Callable[[], Found]]:
    yield lambda: _declarations(subject)
    for operation in subject.operations:
        yield lambda op=operation: _resources(subject, op)
        yield lambda op=operation: _send(subject, op)
        yield lambda op=operation: _breaks(subject, op)
        yield lambda op=operation: _bad_answers(subject, op)
        yield lambda op=operation: _lost(subject, op)
        yield lambda op=operation: _status(subject, op)
        if operation.batch:
            yield lambda op=operation: _batch(subject, op)
        if operation.receipt:
            yield lambda op=operation: _receipt(subject, op)
    yield lambda: _probe(subject)
    for name, payload in subject.queries.items():
        yield lambda name=name, payload=payload: _query(subject, name, payload)
    for name in subject.fill:
        yield lambda name=name: _feed(subject, name)


# -- what is declared ------------------------------------------------------------------------------


def _declarations(subject: Subject) -> Found:
    shown = repr(subject.protocol())
    if any(secret in shown for secret in subject.secrets):
        yield Problem("P2", "secret_shown", "protocol: its representation shows a secret")
    names = [operation.name for operation in subject.operations]
    if len(names) != len(set(names)):
        yield Problem("P1", "operation_twice", "operations: a name is declared twice")


def _resources(subject: Subject, operation: Operation) -> Found:
    """P2: what a step needs can be obtained, once, and is renewed when the provider ends it."""
    where, call = operation.name, subject.call(operation.name)
    trial = Trial(subject)
    needs = trial.client.needs("send", call)
    if not isinstance(needs, tuple) or not all(isinstance(name, str) for name in needs):
        yield Problem("P2", "needs_no_names", f"{where}: needs() returns no tuple of names")
        return
    for name in needs:
        failed = trial.client.prepare((name,))
        if failed:
            reason = getattr(failed.outcome, "reason", failed.outcome.code)
            text = f"{where}: needs() names the resource {name}, but obtain() does not return it ({reason})"
            yield Problem("P2", "resource_not_given", text)
            return
    asked = trial.network.requests
    trial.client.prepare(needs)
    if trial.network.requests != asked:
        text = f"{where}: a resource that is still valid is obtained again; its lifetime is too short or missing"
        yield Problem("P2", "resource_not_kept", text)
    trial.perform("send", call)
    for name, obtained in trial.watched.obtained:
        if isinstance(obtained, Obtained) and _is_shown(obtained):
            text = f"{where}: the public part of the resource {name} shows its secret"
            yield Problem("P2", "secret_shown", text)
    if subject.revoke:
        yield from _revoked(subject, operation)


def _is_shown(obtained: Obtained) -> bool:
    public = json.dumps(dict(obtained.public))
    return any(len(secret) > 8 and secret in public for secret in obtained.secret.values())


def _revoked(subject: Subject, operation: Operation) -> Found:
    """A resource that ended at the provider is renewed; the document is sent once."""
    trial, call = Trial(subject), subject.call(operation.name)
    trial.perform("send", subject.call(operation.name))
    subject.revoke()  # type: ignore[misc]
    for _try in range(3):
        outcome = trial.perform("send", call).outcome
        if isinstance(outcome, _DECIDED):
            break
    if subject.effects(call) != 1:
        text = (
            f"{operation.name}: after sessions and tokens have ended, a document is not taken once"
        )
        yield Problem("P2", "not_renewed", text)


# -- sending ---------------------------------------------------------------------------------------


def _send(subject: Subject, operation: Operation) -> Found:
    """P1: one request carries the effect, and what is given is all that is used."""
    where, call, trial = operation.name, subject.call(operation.name), Trial(subject)
    report = trial.perform("send", call)
    outcome, effects = report.outcome, trial.effects
    if not isinstance(outcome, (Accepted, Waiting)):
        text = f"{where}: a valid document is {trial.explain(outcome)} after a send"
        yield Problem("P1", "not_delivered", text)
    if not effects and trial.watched.asks:
        yield Problem(
            "P1", "effect_not_marked", f"{where}: no request of a send is marked with effect=True"
        )
    if len(effects) > 1:
        yield Problem(
            "P1", "two_effects", f"{where}: a send marks more than one request with effect=True"
        )
    if subject.effects(call) != 1 and isinstance(outcome, (Accepted, Waiting)):
        yield Problem(
            "P1", "no_effect", f"{where}: the provider did not take a sent document exactly once"
        )
    reference = subject.reference(call)
    if isinstance(outcome, (Accepted, Waiting)) and outcome.reference != reference:
        text = (
            f"{where}: the reference of the outcome is not the one the provider gave the document"
        )
        yield Problem("P1", "wrong_reference", text)
    if trial.watched.impure:
        names = ", ".join(sorted(trial.watched.impure))
        yield Problem(
            "P1",
            "not_pure",
            f"{where}: the protocol reads a clock or draws random numbers ({names}); use context",
        )
    yield from _requests(subject, trial, f"{where}")


def _requests(subject: Subject, trial: Trial, where: str) -> Found:
    """Check addresses, credentials and limits of the requests that were sent."""
    for ask, request in trial.network.sent:
        if any(secret in ask.request.url for secret in subject.secrets):
            yield Problem(
                "P2", "secret_in_address", f"{where}: a secret is in the address of a request"
            )
        carried = json.dumps([dict(request.headers), request.url, str(request.body)])
        is_authorized = request != replace(ask.request, total=request.total) or any(
            secret in carried for secret in subject.secrets
        )
        if ask.auth and subject.secrets and not is_authorized:
            yield Problem("P2", "no_credentials", f"{where}: a request carries no credentials")
        if request.max_body > _MAX_BODY:
            yield Problem("P7", "unbounded_body", f"{where}: a response may be larger than 64 MB")
        if ask.request.seconds_in_all > _MAX_SECONDS:
            yield Problem("P7", "unbounded_time", f"{where}: a call may take longer than a minute")


def _breaks(subject: Subject, operation: Operation) -> Found:
    """P1: the table, by a break at each request of the conversation."""
    where = operation.name
    happy = Trial(subject)
    happy.perform("send", subject.call(where))
    effect = happy.effects[0] if happy.effects else 0
    for place in range(1, len(happy.watched.asks) + 1):
        cases: list[tuple[str, Trial, tuple[type, ...]]] = [
            (
                "was not sent",
                Trial(subject).broken(place, NotSent("refused")),
                (Transient,) if place <= effect else (Unknown,),
            ),
            (
                "got no answer",
                Trial(subject).broken(place, LOST, reaches=True),
                (Transient,) if place < effect else (Unknown,),
            ),
            (
                "met an error of the adapter",
                Trial(subject).failing(place),
                (Transient,) if place <= effect else (Unknown,),
            ),
        ]
        for kind, trial, wanted in cases:
            call = subject.call(where)
            outcome = trial.perform("send", call).outcome
            if effect and not isinstance(outcome, wanted):
                text = f"{where}: when request {place} {kind}, the outcome is {outcome.code}"
                yield Problem("P1", "break_misread", text)
            if isinstance(outcome, Transient) and subject.effects(call):
                text = f"{where}: when request {place} {kind}, the document arrived but counts as not sent"
                yield Problem("P1", "effect_denied", text)


def _bad_answers(subject: Subject, operation: Operation) -> Found:
    """P7: whatever comes in place of an answer to the request with the effect, nothing is believed."""
    where = operation.name
    happy = Trial(subject)
    happy.perform("send", subject.call(where))
    place = happy.effects[0] if happy.effects else len(happy.watched.asks)
    if not place:
        return
    for kind, answer in _ALL.items():
        trial = Trial(subject).broken(place, answer)
        outcome = trial.perform("send", subject.call(where)).outcome
        yield from _wrong_type(trial, f"{where} send", kind)
        if isinstance(outcome, _DECIDED):
            yield Problem(
                "P7", "answer_believed", f"{where} send: {kind} is taken as {outcome.code}"
            )
        elif kind not in REFUSED and not isinstance(outcome, _IN_DOUBT):
            text = f"{where} send: {kind} leaves the effect open, but is taken as {outcome.code}"
            yield Problem("P7", "doubt_denied", text)
    yield from _too_many(subject, where, place)


def _too_many(subject: Subject, where: str, place: int) -> Found:
    answer = response(429, b"", "text/plain", retry_after=str(int(_RETRY_AFTER)))
    outcome = Trial(subject).broken(place, answer).perform("send", subject.call(where)).outcome
    if not isinstance(outcome, RateLimited):
        text = f"{where} send: a refusal for too many calls (HTTP 429) is taken as {outcome.code}"
        yield Problem("P7", "rate_limit_misread", text)
    elif outcome.retry_after != _RETRY_AFTER:
        text = f"{where} send: the time the provider asks for (Retry-After) is not passed on"
        yield Problem("P7", "retry_after_ignored", text)


def _wrong_type(trial: Trial, where: str, kind: str) -> Found:
    """Check what the adapter itself returned; where it failed, it returned nothing."""
    if trial.watched.has_returned and not is_declared(trial.watched.result):
        name = type(trial.watched.result).__name__
        yield Problem("P1", "wrong_type", f"{where}: returns a {name} after {kind}")


def _lost(subject: Subject, operation: Operation) -> Found:
    """P3: a send whose answer was lost is found, also after the process and its session are gone."""
    where, call, trial = operation.name, subject.call(operation.name), Trial(subject)
    happy = Trial(subject)
    happy.perform("send", subject.call(where))
    place = happy.effects[0] if happy.effects else len(happy.watched.asks)
    trial.broken(place, LOST, reaches=True).perform("send", call)
    if subject.effects(call) != 1:
        return
    if operation.repeat == "key":
        Trial(subject).perform("send", call)
        if subject.effects(call) != 1 and not _is_same(subject, call):
            text = f"{where}: a second send under the same key has a second effect"
            yield Problem("P3", "repeat_doubles", text)
    if operation.repeat != "lookup":
        return
    if subject.revoke:
        subject.revoke()
    found = Trial(subject)
    outcome = found.perform("lookup", replace(call, resources=trial.public)).outcome
    if not isinstance(outcome, (Accepted, Waiting)):
        text = f"{where}: a lookup of a document that the provider has returns {found.explain(outcome)}"
        yield Problem("P3", "lost_not_found", text)
    elif outcome.reference != subject.reference(call):
        yield Problem(
            "P3", "wrong_reference", f"{where}: a lookup returns the reference of another document"
        )


def _is_same(subject: Subject, call: Call) -> bool:
    """Return whether the provider still has one document of this identity."""
    return bool(subject.reference(call)) and subject.effects(call) <= 1


def _status(subject: Subject, operation: Operation) -> Found:
    """P1, P3, P7: lookups and polls have no effect and decide nothing without word of the provider."""
    where, sent = operation.name, subject.call(operation.name)
    trial = Trial(subject)
    sending = trial.perform("send", sent)
    known = replace(
        sent, reference=getattr(sending.outcome, "reference", ""), resources=trial.public
    )
    steps = ["lookup"] if operation.repeat == "lookup" else []
    steps += ["poll"] if operation.verdict == "poll" and known.reference else []
    for step in steps:
        before = subject.effects(sent)
        happy = Trial(subject)
        happy.perform(step, known)
        yield from _without_effect(happy, f"{where} {step}")
        yield from _requests(subject, happy, f"{where} {step}")
        if subject.effects(sent) != before:
            yield Problem("P1", "effect_in_step", f"{where} {step}: has an effect")
        for kind, answer in _ALL.items():
            broken = Trial(subject).broken(len(happy.watched.asks) or 1, answer)
            outcome = broken.perform(step, known).outcome
            yield from _wrong_type(broken, f"{where} {step}", kind)
            # An address that is gone (404) may end a poll: a lookup follows it.
            if isinstance(outcome, _DECIDED) and not (
                step == "poll" and isinstance(outcome, NotFound) and answer.status == 404
            ):
                text = f"{where} {step}: {kind} is taken as {outcome.code}"
                yield Problem("P7", "answer_believed", text)
    if "lookup" in steps:
        yield from _absent(subject, where, trial.public)
        yield from _other(subject, where, known)


def _without_effect(trial: Trial, where: str) -> Found:
    if trial.effects:
        yield Problem("P1", "effect_in_step", f"{where}: marks a request with effect=True")
    if trial.watched.impure:
        names = ", ".join(sorted(trial.watched.impure))
        yield Problem(
            "P1",
            "not_pure",
            f"{where}: reads a clock or draws random numbers ({names}); use context",
        )


def _absent(subject: Subject, where: str, public: Any) -> Found:
    never = replace(subject.call(where), resources=public)
    trial = Trial(subject)
    outcome = trial.perform("lookup", never).outcome
    if not isinstance(outcome, NotFound):
        found = trial.explain(outcome)
        text = f"{where}: a lookup of a document that the provider does not have returns {found}"
        yield Problem("P3", "absence_misread", text)


def _other(subject: Subject, where: str, known: Call) -> Found:
    if not subject.other:
        return
    other = replace(subject.other(known), resources=known.resources, reference="")
    outcome = Trial(subject).perform("lookup", other).outcome
    if isinstance(outcome, (Accepted, Waiting)):
        text = f"{where}: a lookup adopts a document with other bytes"
        yield Problem("P3", "other_adopted", text)


# -- batches ---------------------------------------------------------------------------------------


def _batch(subject: Subject, operation: Operation) -> Found:
    """P4: each key has an outcome of its own, and a missing one is unknown."""
    where = operation.name
    calls = tuple(subject.call(where) for _n in range(6))
    rejected, omitted = calls[4:5], calls[0:2]
    if subject.reject:
        for call in rejected:
            subject.reject(call)
    if subject.omit:
        subject.omit([call.key for call in omitted])
    trial = Trial(subject)
    reports = trial.client.perform_batch(calls)
    for call in calls:
        outcome = reports[call.key].outcome
        if subject.omit and call in omitted:
            if not isinstance(outcome, _IN_DOUBT):
                text = f"{where}: a document missing from the response to a batch is {trial.explain(outcome)}"
                yield Problem("P4", "missing_believed", text)
        elif subject.reject and call in rejected:
            outcome = _decided(subject, operation, call, outcome)
            if not isinstance(outcome, Rejected):
                text = f"{where}: a document of a batch that the provider rejects is {outcome.code}"
                yield Problem("P4", "rejection_lost", text)
        else:
            yield from _taken(subject, where, call, outcome, trial)
    if len(trial.effects) != 1:
        text = f"{where}: a batch marks {len(trial.effects)} requests with effect=True, not one"
        yield Problem("P4", "effect_not_marked" if not trial.effects else "two_effects", text)
    yield from _batch_answers(subject, operation)


def _decided(subject: Subject, operation: Operation, call: Call, outcome: Any) -> Any:
    """Return the outcome after the polls that follow where the provider decides later."""
    for _poll in range(_MAX_POLLS if operation.verdict == "poll" else 0):
        if not isinstance(outcome, Waiting):
            break
        known = replace(call, reference=outcome.reference)
        outcome = Trial(subject).perform("poll", known).outcome
    return outcome


def _taken(subject: Subject, where: str, call: Call, outcome: Any, trial: Trial) -> Found:
    if not isinstance(outcome, (Accepted, Waiting)) or subject.effects(call) != 1:
        text = f"{where}: a document of a batch that the provider took is {trial.explain(outcome)}"
        yield Problem("P4", "batch_misread", text)
    elif outcome.reference != subject.reference(call):
        text = f"{where}: documents of a batch are matched by position, not by key"
        yield Problem("P4", "batch_by_position", text)


def _batch_answers(subject: Subject, operation: Operation) -> Found:
    where = operation.name
    for kind, answer in {**GARBAGE, **DOUBTFUL}.items():
        calls = tuple(subject.call(where) for _n in range(2))
        reports = Trial(subject).broken(1, answer).client.perform_batch(calls)
        for report in reports.values():
            if not isinstance(report.outcome, _IN_DOUBT):
                text = f"{where} batch: {kind} is taken as {report.outcome.code}"
                yield Problem("P7", "answer_believed", text)


# -- receipts --------------------------------------------------------------------------------------


def _receipt(subject: Subject, operation: Operation) -> Found:
    """A receipt is the same evidence each time, of this document, and no effect."""
    where, call, trial = operation.name, subject.call(operation.name), Trial(subject)
    sent = trial.perform("send", call).outcome
    if not isinstance(sent, Accepted):
        return
    known = replace(call, reference=sent.reference, resources=trial.public)
    fetched = Trial(subject)
    first = fetched.perform("receipt", known).outcome
    second = Trial(subject).perform("receipt", known).outcome
    yield from _without_effect(fetched, f"{where} receipt")
    if not isinstance(first, Accepted) or not first.artefacts:
        text = f"{where} receipt: has no artefact: {fetched.explain(first)}"
        yield Problem("P1", "receipt_not_kept", text)
    elif first.artefacts != second.artefacts:
        yield Problem(
            "P1", "receipt_differs", f"{where} receipt: is different when it is fetched again"
        )
    for kind, answer in _ALL.items():
        broken = Trial(subject).broken(len(fetched.watched.asks), answer)
        outcome = broken.perform("receipt", known).outcome
        if isinstance(outcome, (Accepted, Rejected)):
            text = f"{where} receipt: {kind} is taken as {outcome.code}"
            yield Problem("P7", "receipt_believed", text)
    if subject.other:
        outcome = Trial(subject).perform("receipt", subject.other(known)).outcome
        if isinstance(outcome, Accepted):
            text = f"{where} receipt: the receipt of other bytes is kept as evidence"
            yield Problem("P1", "receipt_of_another", text)


# -- without effect --------------------------------------------------------------------------------


def _probe(subject: Subject) -> Found:
    happy = Trial(subject)
    outcome = happy.client.probe().outcome
    if not isinstance(outcome, Accepted):
        yield Problem(
            "P1", "probe_fails", f"probe: a connection that works is {happy.explain(outcome)}"
        )
    yield from _without_effect(happy, "probe")
    for kind, answer in _ALL.items():
        broken = Trial(subject).broken(len(happy.watched.asks) or 1, answer)
        if isinstance(broken.client.probe().outcome, Accepted):
            yield Problem(
                "P7", "answer_believed", f"probe: {kind} is taken as a working connection"
            )


def _query(subject: Subject, name: str, payload: Any) -> Found:
    """P6: a query has no effect, and "could not be determined" is never an answer."""
    happy = Trial(subject)
    report = happy.client.query(name, payload)
    if not isinstance(report.value, Answer):
        yield Problem(
            "P6", "query_fails", f"query {name}: has no answer: {happy.explain(report.outcome)}"
        )
    yield from _query_effect(happy, name)
    yield from _requests(subject, happy, f"query {name}")
    for kind, answer in _ALL.items():
        broken = Trial(subject).broken(len(happy.watched.asks) or 1, answer)
        if isinstance(broken.client.query(name, payload).value, Answer):
            text = f"query {name}: {kind} is taken as an answer"
            yield Problem("P7", "answer_believed", text)
    late = Trial(subject).client.query(name, payload, 0.0)
    if late.value is not None:
        yield Problem("P6", "query_late", f"query {name}: has an answer after its time has ended")


def _query_effect(trial: Trial, name: str) -> Found:
    if trial.effects:
        yield Problem("P6", "query_effect", f"query {name}: marks a request with effect=True")
    if trial.watched.impure:
        names = ", ".join(sorted(trial.watched.impure))
        yield Problem(
            "P1",
            "not_pure",
            f"query {name}: reads a clock or draws random numbers ({names}); use context",
        )


def _feed(subject: Subject, name: str) -> Found:
    """P5: every item is read, can be read again after a kill, and the cursor leads on to an end."""
    expected, cursor = subject.fill[name](), ""
    seen: dict[str, bytes] = {}
    for _page in range(_MAX_PAGES):
        known = set(seen)
        trial = Trial(subject)
        report = trial.client.feed(name, cursor)
        yield from _feed_effect(trial, name)
        if not isinstance(report.value, Page):
            yield from _feed_refused(trial, name, report.outcome)
            return
        page = report.value
        yield from _feed_again(subject, name, cursor, page)
        if any(
            seen.setdefault(item.provider_id, item.content) != item.content for item in page.items
        ):
            text = f"feed {name}: the same id stands for different content"
            yield Problem("P5", "id_reused", text)
            return
        if seen.keys() - known and page.cursor == cursor:
            text = f"feed {name}: the cursor does not change, so the same items would be read without end"
            yield Problem("P5", "cursor_stuck", text)
            return
        cursor = page.cursor
        if not page.more:
            break
    else:
        yield Problem(
            "P5", "feed_endless", f"feed {name}: still says more=True after {_MAX_PAGES} pages"
        )
    if expected - seen.keys():
        yield Problem(
            "P5",
            "items_skipped",
            f"feed {name}: some of the items that the provider has were not read",
        )
    for kind, answer in _ALL.items():
        broken = Trial(subject).broken(1, answer)
        if isinstance(broken.client.feed(name, "").value, Page):
            yield Problem("P7", "answer_believed", f"feed {name}: {kind} is taken as a page")


def _feed_refused(trial: Trial, name: str, outcome: Outcome) -> Found:
    """Say why a page is none: what the adapter returned may have been refused at the edge."""
    result = trial.watched.result
    items = result.items if isinstance(result, Page) else ()
    if any(isinstance(item, Item) and not item.provider_id for item in items):
        yield Problem("P5", "item_unnamed", f"feed {name}: an item has no id")
        return
    yield Problem("P5", "feed_fails", f"feed {name}: cannot be read: {trial.explain(outcome)}")


def _feed_again(subject: Subject, name: str, cursor: str, page: Page) -> Found:
    """A page whose worker was killed is read again: the same items, with the same bytes."""
    again = Trial(subject).client.feed(name, cursor).value
    items = again.items if isinstance(again, Page) else ()
    found = {item.provider_id: item.content for item in items}
    if any(item.provider_id not in found for item in page.items):
        text = f"feed {name}: a page that is read again from the same cursor lacks items"
        yield Problem("P5", "not_repeated", text)
    elif page.items != items[: len(page.items)]:
        yield Problem(
            "P5", "item_differs", f"feed {name}: an item has other bytes when it is read again"
        )


def _feed_effect(trial: Trial, name: str) -> Found:
    if trial.effects:
        yield Problem("P5", "feed_effect", f"feed {name}: marks a request with effect=True")
    if trial.watched.impure:
        names = ", ".join(sorted(trial.watched.impure))
        yield Problem(
            "P1",
            "not_pure",
            f"feed {name}: reads a clock or draws random numbers ({names}); use context",
        )
