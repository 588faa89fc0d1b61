"""The dispatcher: claims due exchanges, lets threads perform the calls, commits the outcomes,
notifies documents.

Each numbered step of the delivery of an effect is a transaction of its own, so that a kill at any
moment leaves a state from which the next run continues: 2 claim and commit a fencing token, 3 send
outside of any transaction, 4 commit the outcome where the token is still ours, 5 check the status
of what a lost worker held, 6 notify the document. (1, the exchange itself, is part of the business
transaction.)

Several scheduled actions, numbered from 1, run it at the same time; one that cannot keep up
triggers the next.
"""

import base64
import hashlib
import json
import logging
import time
import uuid
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta

import psycopg2
from odoo import SUPERUSER_ID, api, models
from odoo.addons.finance_audit.core.entry import storable
from odoo.tools import config
from psycopg2.extensions import TRANSACTION_STATUS_IDLE

from ..core import cases
from ..core.delivery import outcomes, states, throttle
from ..core.delivery.batches import MAX_CLAIMED, batch_sizes, pack
from ..core.delivery.boundaries import reached
from ..core.delivery.outcomes import AuthFailed, Unknown
from ..core.delivery.pipeline import Claim, ClaimBatch, Pipeline, Preparation, Probe, Release
from ..core.delivery.queries import QUERIES, parameters
from ..core.delivery.run import DATABASE_AWAY, FIRST_IDLE_TIMEOUT_SECONDS, Run
from ..core.delivery.transitions import (
    Change,
    Exchange,
    Transition,
    next_step,
    on_claim,
    on_worker_lost,
    status_on_claim,
)
from ..core.delivery.windows import blocked, group_of
from ..core.finding import Finding
from ..core.protocol import LIMITS, Call, Feed, Operation
from ..core.security.masking import MaskingFilter, mask_secrets
from ..secret_store import ClientHandle, former_client, pooled_client
from .finance_dispatcher_worker import Heartbeat

_logger = logging.getLogger(__name__)
_logger.addFilter(MaskingFilter())

CRONS = 4
#: Calls in flight at the same time per process. Threads wait for the network most of the time and
#: are cheap.
CALL_SLOTS = 192
#: The scheduled action stays this long for work that becomes due soon, because Odoo wakes sleeping
#: crons by the minute.
RUN_SECONDS = 40.0
#: Odoo's cron workers look for triggers of the future every 60 to 69 seconds; being early costs
#: nothing.
_EARLY_SECONDS = 72.0
#: What is due but blocked (by a chain, say) is looked at again after this time.
BLOCKED_SECONDS = 10.0
#: What is committed here must survive a crash of the database, also where that was traded for
#: speed.
_OWN_TRANSACTION = """
SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
SET LOCAL synchronous_commit = on
"""
#: Response bodies are kept up to this size; providers' responses are a few kilobytes.
_KEPT_BODY = 1024 * 1024
_KEPT_HEADER = 200
_LOST_AT_ONCE = 500
_NOTIFIED_AT_ONCE = 128
_WEBHOOK_EVENTS_AT_ONCE = 64
_INBOUND_AT_ONCE = 16
_INBOUND_SECONDS = 0.1
#: One part of so many of the free slots is for feeds at most.
_SHARE_OF_FEEDS = 4
#: A failed notification is repeated after this time; the others do not wait for it.
_NOTIFICATION_RETRY_SECONDS = 30


@dataclass(frozen=True)
class SendTarget:
    """A connection that may be used, as plain values."""

    client: ClientHandle
    operations: dict[str, Operation]
    api_version: str = ""
    adapter_version: str = ""
    feeds: dict[str, Feed] = field(default_factory=dict)

    def windows(self):
        """Return the provider's rate windows."""
        return self.client.windows()

    def lacks_limits(self) -> bool:
        """Return whether the provider reports its rate windows and these are not in place.

        Nothing waits for them: until they are known, the declared ones hold.
        """
        return self.client.reports_limits() and bool(self.client.missing((LIMITS,)))

    def group(self, claim: Claim, report) -> str:
        """Return the group of rate windows that a call drew from."""
        operation = self.operations.get(claim.call.operation)
        return report.limit or (group_of(operation, claim.step) if operation else "")

    def needs(self, claim: Claim) -> tuple[str, ...]:
        """Return the resources that must be in place before a step."""
        return self.client.needs(claim.step, claim.call)


@dataclass(frozen=True)
class Claimed:
    """The result of a claim. ``more``: there is more due than was taken; ``preparations`` obtain
    what the rest waits for.
    """

    claims: list[Claim | ClaimBatch]
    more: bool
    preparations: list[Preparation] = field(default_factory=list)


class FinanceDispatcher(models.AbstractModel):
    _name = "finance.dispatcher"
    _description = "Dispatcher of exchanges"

    # -- runs --------------------------------------------------------------------------------------

    @api.model
    def _cron_dispatch(self, cron_number=1):
        """Work until nothing is due soon or the time is up; then leave a trigger for what is due
        later.

        It stops claiming long before Odoo's time limit, so that every call in flight can still end
        in good order.
        """
        try:
            with (
                Heartbeat(self._transaction, cron_number).beating() as heartbeat,
                Pipeline(CALL_SLOTS, heartbeat.holds) as pipeline,
            ):
                run = Run(self, heartbeat, pipeline, cron_number)
                run.work(self._run_seconds(), on_progress=self._report_progress)
                due_in = self._seconds_to_next(heartbeat.worker_id)
        except psycopg2.OperationalError:
            # The database went away; the status of what this worker held is checked by the next
            # one.
            _logger.warning("dispatcher cron %s lost the database", cron_number, exc_info=True)
            raise
        if run.is_out_of_time:
            # Odoo looks at future triggers by the minute only; one for now continues after the
            # other jobs.
            self._wake_in(0, cron_number)
        elif due_in is not None and cron_number == 1:
            self._wake_in(_seconds_to_wake(due_in))

    def _report_progress(self, steps):
        """Tell Odoo's scheduler that the job makes progress."""
        self.env["ir.cron"]._commit_progress(steps)

    def _run_seconds(self):
        limit = config["limit_time_real_cron"]
        if limit is None or limit <= 0:
            limit = config["limit_time_real"]
        return min(RUN_SECONDS, 0.3 * limit) if limit else RUN_SECONDS

    @api.model
    def _round(self):
        """Make one pass from claim to notified document; return the number of steps. For callers
        without a cron.
        """
        with self._transaction() as env:
            worker_id = env["finance.dispatcher.worker"]._enter(0)
        try:
            with Pipeline(CALL_SLOTS) as pipeline:
                return Run(self, _Registered(worker_id), pipeline, 0).once()
        finally:
            with self._transaction() as env:
                env["finance.dispatcher.worker"]._leave(worker_id)

    # -- transactions and triggers -----------------------------------------------------------------

    @contextmanager
    def _transaction(self):
        """Open a short transaction of its own, READ COMMITTED.

        SKIP LOCKED under Odoo's REPEATABLE READ still fails with serialization errors. The level
        can be chosen only before the first statement of a connection's transaction.
        """
        with self.env.registry.cursor() as cr:
            if cr.connection.info.transaction_status == TRANSACTION_STATUS_IDLE:
                cr.execute(_OWN_TRANSACTION)
            yield api.Environment(cr, SUPERUSER_ID, {})

    @api.model
    def _seconds_to_next(self, worker_id=0, with_feeds=True):
        """Return the seconds until the next step of any active connection (negative: overdue),
        None: there is none.

        :param with_feeds: count feeds as well, which are read for ever: no run stays for them
        """
        with self._transaction() as env:
            env.cr.execute(QUERIES["next_step"], parameters(worker=worker_id or 0))
            due = [
                env.cr.fetchone()[0],
                env["finance.webhook.event"]._seconds_to_next(),
                env["finance.inbound"]._seconds_to_next(),
            ]
            if with_feeds:
                due.append(env["finance.feed"]._seconds_to_next())
        return min((seconds for seconds in due if seconds is not None), default=None)

    @api.model
    def _wake(self, at=None, cron_number=1):
        """Trigger a cron as soon as this transaction is committed, or at ``at`` (UTC, naive)."""
        name = "ir_cron_dispatcher" if cron_number == 1 else f"ir_cron_dispatcher_{cron_number}"
        cron = self.env.ref(f"finance_connector_base.{name}", raise_if_not_found=False)
        if cron:
            cron.sudo()._trigger(at=at)

    def _wake_in(self, seconds, cron_number=1):
        """Trigger a cron in ``seconds`` by the database's clock; 0: at once."""
        with self._transaction() as env:
            at = None
            if seconds:
                env.cr.execute("SELECT clock_timestamp() AT TIME ZONE 'UTC'")
                at = env.cr.fetchone()[0].replace(microsecond=0) + timedelta(
                    seconds=max(1, round(seconds))
                )
            env["finance.dispatcher"]._wake(at=at, cron_number=cron_number)

    @api.model
    def _wake_next_cron(self, cron_number):
        """Trigger the next cron: there is more to do than this one has slots for."""
        if 0 < cron_number < CRONS:
            with self._transaction() as env:
                env["finance.dispatcher"]._wake(cron_number=cron_number + 1)

    # -- step 2: claim -----------------------------------------------------------------------------

    @api.model
    def _sendable_connections(self):
        """Return the connections that may be used now, by id; the others show their blocking
        reason.
        """
        with self._transaction() as env:
            return {
                connection.id: _send_target(connection)
                for connection in env["finance.connection"]._usable_for_sending()
            }

    @api.model
    def _claim(self, worker_id=None, slots=64, held=None, targets=None, start=None):
        """Claim what is due, as far as throttles, fairness and free slots allow; committed before
        it is returned.

        :param held: calls this worker has in flight, by connection id
        :param targets: see ``_sendable_connections``; determined anew where none are given
        :param start: ``core.delivery.throttle.SlowStart`` of this worker
        """
        targets = self._sendable_connections() if targets is None else targets
        if not targets or slots <= 0:
            return Claimed([], False)
        with self._transaction() as env:
            claimed = env["finance.dispatcher"]._claim_due(
                worker_id, slots, held or Counter(), targets, start
            )
            if claimed.claims:
                reached("claim_written")
        if claimed.claims:
            reached("claim_committed")
        return claimed

    def _claim_due(self, worker_id, slots, held, targets, start=None):
        self.env.cr.execute(
            QUERIES["due_connections"], parameters(connections=sorted(targets), limit=slots)
        )
        due = [row[0] for row in self.env.cr.fetchall()]
        if not due:
            return Claimed([], False)
        quotas, throttles, admissible = self._quotas(due, slots, held, start)
        claims, preparations = [], []
        for connection_id, quota in quotas.items():
            target = targets[connection_id]
            declared = self._declared_windows(connection_id, target)
            if declared is None:
                continue
            windows = self.env["finance.throttle"]._lock_windows(connection_id, declared)
            taken, missing = self._claim_from(connection_id, quota, target, worker_id, windows)
            self.env["finance.throttle"]._save_windows(connection_id, windows)
            throttles[connection_id] = throttles[connection_id].taken(len(taken))
            claims += taken
            if target.lacks_limits():
                missing = [(*names, LIMITS) for names in missing] or [(LIMITS,)]
            preparations += [Preparation(connection_id, target.client, names) for names in missing]
        self.env["finance.throttle"]._save(
            [item for item in throttles.values() if not item.bucket.unlimited]
        )
        return Claimed(claims, admissible > len(claims), preparations)

    @api.model
    def _declared_windows(self, connection_id, target):
        """Return the rate windows of a connection; None where its adapter fails, which keeps no
        other connection back (X10).
        """
        try:
            return target.windows()
        except Exception:
            _logger.exception("the rate windows of connection %s broke", connection_id)
            return None

    def _quotas(self, due, slots, held, start):
        """Return how many calls each connection may start, the throttles, and how many calls are
        admissible in all.
        """
        throttles, now = self.env["finance.throttle"]._lock_limited(due)
        self.env.cr.execute(QUERIES["demand"], parameters(connections=list(throttles), limit=slots))
        wanted, admissible = {}, 0
        for connection_id, company_id, number, in_flight in self.env.cr.fetchall():
            admitted, throttles[connection_id] = throttles[connection_id].admits(
                number, in_flight, now
            )
            admissible += admitted
            most = throttle.ceiling(slots, held[connection_id])
            if start:
                most = min(most, start.room(connection_id, held[connection_id]))
            wanted[company_id, connection_id] = min(admitted, most)
        given = throttle.shares(slots, wanted)
        quotas = {connection: number for (_company, connection), number in given.items() if number}
        return quotas, throttles, admissible

    def _claim_from(self, connection_id, quota, target, worker_id, windows=None):
        """Claim due exchanges of one connection for up to ``quota`` calls, in the caller's
        transaction.

        :return: the calls, and the names of resources that exchanges wait for
        """
        sizes = batch_sizes(target.operations)
        limit = min(quota * max(sizes.values(), default=1), max(quota, MAX_CLAIMED))
        barred = blocked(target.operations, windows) if windows else []
        self.env.cr.execute(
            QUERIES["claimable"],
            parameters(
                connection=connection_id,
                limit=limit,
                quota=quota,
                batch_sizes=json.dumps(sizes),
                blocked=barred,
            ),
        )
        ids = [row[0] for row in self.env.cr.fetchall()]
        if not ids:
            return [], []
        exchanges = self.env["finance.exchange"]._snapshots(ids)
        self.env.cr.execute(QUERIES["payloads"], {"ids": ids})
        payloads = {row[0]: row[1:] for row in self.env.cr.fetchall()}
        changes, starts, missing = [], {}, []
        for exchange_id in ids:
            exchange = exchanges[exchange_id]
            try:
                change, start = self._claim_one(exchange, *payloads[exchange_id], target, worker_id)
                absent = start and target.client.missing(target.needs(start))
            except Exception as error:
                # One poisoned record must not keep the others back (X10).
                _logger.exception("exchange %s cannot be prepared for sending", exchange_id)
                status = Finding("exchange.not_prepared", args={"error": type(error).__name__})
                change, start = _stopped(exchange, status, cases.IMPOSSIBLE), None
                absent = ()
            if absent:
                missing += [absent] if absent not in missing else []
                continue
            changes.append(change)
            if start:
                public = target.client.public(target.needs(start))
                starts[start.token] = replace(start, resources=public)
        tasks = pack(starts.values(), quota, target.operations, windows)
        batches = {
            token: task.id
            for task in tasks
            if isinstance(task, ClaimBatch)
            for token in task.tokens
        }
        kept = {token for task in tasks for token in task.tokens}
        changes = [change for change in changes if not change.token or change.token in kept]
        self.env["finance.exchange"]._apply_changes(changes)
        claimed = [change for change in changes if change.token]
        attempts = self._begin_attempts(claimed, target, starts, batches)
        return [_with_attempts(task, attempts) for task in tasks], missing

    def _claim_one(self, exchange, stored, call_parameters, resources, target, worker_id):
        """Return the change that claims an exchange and the claim; no claim where it must not be
        sent.
        """
        payload = _payload(stored)
        operation = target.operations.get(exchange.operation)
        if operation is None:
            status = Finding("exchange.not_offered", args={"operation": exchange.operation})
            return _stopped(exchange, status, cases.IMPOSSIBLE), None
        if hashlib.sha256(payload).hexdigest() != exchange.sha256:
            return _stopped(exchange, Finding("exchange.damaged"), cases.DAMAGED), None
        step = next_step(exchange.delivery.state, operation)
        token = str(uuid.uuid4())
        new = on_claim(exchange.delivery, step)
        change = Change(
            exchange,
            Transition(new),
            status_on_claim(step, new),
            sent=step == "send",
            token=token,
            worker_id=worker_id,
        )
        call = Call(
            operation=exchange.operation,
            key=exchange.key,
            payload=payload,
            parameters=call_parameters or {},
            reference=exchange.delivery.reference,
            correlation_id=exchange.correlation_id,
            resources=resources or {},
        )
        claim = Claim(
            exchange.connection_id, exchange.id, 0, token, step, call, target.client, worker_id
        )
        return change, claim

    def _begin_attempts(self, changes, target, starts, batches):
        """Store one attempt per claimed step; return ids by token."""
        attempts = [
            {
                "exchange_id": change.exchange.id,
                "connection_id": change.exchange.connection_id,
                "company_id": change.exchange.company_id,
                "token": change.token,
                "step": _STEP_OF_STATE[change.transition.new.state],
                "api_version": target.api_version or None,
                "adapter_version": target.adapter_version or None,
                "resources": starts[change.token].resources or None,
                "batch": batches.get(change.token),
            }
            for change in changes
        ]
        self.env.cr.execute(
            QUERIES["attempts_begin"], {"attempts": json.dumps(attempts), "uid": self.env.uid}
        )
        return {token: attempt_id for attempt_id, token in self.env.cr.fetchall()}

    @api.model
    def _claim_probes(self, targets):
        """Claim the probes of open breakers whose pause is over, each by one worker only."""
        if not targets:
            return []
        with self._transaction() as env:
            due = env["finance.throttle"]._due_probes(sorted(targets))
        if due:
            reached("probe_claimed")
        return [Probe(connection_id, targets[connection_id].client) for connection_id in due]

    @api.model
    def _claim_releases(self):
        """Take the orders to give sessions and tokens up; each is carried out at most once."""
        with self._transaction() as env:
            found = []
            for connection, former, resources, credentials in env[
                "finance.resource.release"
            ]._take():
                try:
                    client = former_client(former, resources, credentials)
                except Exception:
                    # Nothing waits for it: the session ends by itself.
                    _logger.exception("sessions of connection %s are not closed", connection.id)
                    continue
                names = tuple(item["name"] for item in resources)
                found.append(Release(connection.id, client, names))
        return found

    @api.model
    def _commit_releases(self, results):
        """Store the attempts to give something up; whether one succeeded changes nothing."""
        for task, report in results:
            try:
                with self._transaction() as env:
                    env["finance.resource.release"]._note(task.connection_id, report)
            except DATABASE_AWAY:
                raise
            except Exception:
                _logger.exception("a release of connection %s broke", task.connection_id)

    @api.model
    def _commit_preparations(self, results):
        """Commit what obtaining resources showed about the providers."""
        self._learn([(task.connection_id, report.outcome, "") for task, report in results])

    # -- step 4: outcomes --------------------------------------------------------------------------

    @api.model
    def _commit_outcomes(self, results, targets=None):
        """Commit a group of (claim, report); if the group fails, one by one, so that a bad one
        costs only itself.

        What was learned about the providers is committed apart and first: a pause asked for holds
        for all workers at once, and even where an outcome cannot be stored.
        """
        reached("before_outcomes")
        targets = targets or {}
        self._learn(
            [
                (claim.connection_id, report.outcome, _group(targets, claim, report))
                for claim, report in _one_per_call(results)
            ]
        )
        reached("throttle_committed")
        self._commit_group(results, targets)
        reached("outcomes_committed")

    def _learn(self, calls):
        """Commit what calls say about their providers; if that fails, by connection, so that one
        affects only itself.
        """
        try:
            with self._transaction() as env:
                env["finance.dispatcher"]._note_calls(calls)
        except DATABASE_AWAY:
            raise
        except Exception:
            connections = {call[0] for call in calls}
            if len(connections) > 1:
                for connection_id in sorted(connections):
                    self._learn([call for call in calls if call[0] == connection_id])
                return
            (connection_id,) = connections
            _logger.exception("the outcome of calls through connection %s broke", connection_id)
            self._note_failed_call(connection_id)

    def _note_calls(self, calls):
        self.env["finance.throttle"]._note_calls(calls)
        refused = {call[0]: call[1] for call in calls if isinstance(call[1], AuthFailed)}
        for connection_id, outcome in refused.items():
            connection = self.env["finance.connection"].browse(connection_id)
            connection._note_test(connection._finding_of(outcome))

    def _note_failed_call(self, connection_id):
        """Count a result that could not be noted as a failure, so that the breaker stops more of
        its kind.
        """
        try:
            with self._transaction() as env:
                env["finance.throttle"]._note_calls([(connection_id, Unknown("not stored"), "")])
        except DATABASE_AWAY:
            raise
        except Exception:
            _logger.exception("the throttle of connection %s could not be stored", connection_id)

    def _commit_group(self, results, targets):
        try:
            with self._transaction() as env:
                env["finance.dispatcher"]._write_outcomes(results, targets)
                reached("outcome_written")
        except DATABASE_AWAY:
            # Not caused by any of these: the caller keeps them and comes back.
            raise
        except Exception:
            if len(results) == 1:
                # The worker goes on living, so no other would take this claim over: release it.
                _logger.exception(
                    "outcome of exchange %s could not be stored", results[0][0].exchange_id
                )
                self._release_claim(results[0][0])
                return
            for result in results:
                self._commit_group([result], targets)

    def _release_claim(self, claim):
        """Let the claim count as lost: a status check follows."""
        with self._transaction() as env:
            env.cr.execute(
                QUERIES["release_claim"], {"exchange": claim.exchange_id, "token": claim.token}
            )

    def _write_outcomes(self, results, targets):
        model = self.env["finance.exchange"]
        exchanges = model._snapshots([claim.exchange_id for claim, _report in results])
        late_tokens = {
            claim.token
            for claim, _report in results
            if exchanges[claim.exchange_id].token != claim.token
        }
        ended = self._end_attempts(results, late_tokens)
        # One that had its response already was stored by a commit whose own confirmation was lost.
        results = [item for item in results if item[0].attempt_id in ended]
        connections = self.env["finance.connection"].browse(
            {claim.connection_id for claim, _report in results}
        )
        policies = self.env["finance.retry.policy"]._book(connections)
        model._apply_changes(
            [
                model._outcome_change(
                    exchanges[claim.exchange_id],
                    claim.step,
                    report.outcome,
                    self._operation(exchanges[claim.exchange_id], targets),
                    policies,
                )
                for claim, report in results
                if claim.token not in late_tokens
            ]
        )
        self.env["finance.exchange.artefact"]._keep(results)
        for claim, report in results:
            if claim.token in late_tokens:
                self._record_late(exchanges[claim.exchange_id], claim, report)

    def _operation(self, exchange, targets=None):
        """Return what the provider declares of the operation; where it no longer does, nothing is
        taken for granted.
        """
        target = (targets or {}).get(exchange.connection_id)
        if target and exchange.operation in target.operations:
            return target.operations[exchange.operation]
        connection = self.env["finance.connection"].browse(exchange.connection_id)
        return connection._operation_of(exchange.operation)

    def _record_late(self, exchange, claim, report):
        status = Finding("exchange.late_response", args={"outcome": report.outcome.code})
        self.env["finance.exchange"]._audit_changes(
            [Change(exchange, Transition(exchange.delivery), status)],
            "exchange.late_answer",
            token=claim.token,
        )

    def _end_attempts(self, results, late_tokens):
        """Store the results with the attempts; return the ids of those that had no response before."""
        attempts = [
            {
                "id": claim.attempt_id,
                "is_late": claim.token in late_tokens,
                **attempt_values(report),
            }
            for claim, report in results
        ]
        bodies = [stored_body(report.body) for _claim, report in results]
        self.env.cr.execute(
            QUERIES["attempts_end"],
            {
                "attempts": json.dumps(storable(attempts)),
                "bodies": bodies,
                "lost": outcomes.LOST,
                "uid": self.env.uid,
            },
        )
        return {row[0] for row in self.env.cr.fetchall()}

    @api.model
    def _commit_probes(self, results):
        """Commit the results of probes of open breakers, each by itself."""
        for probe, report in results:
            try:
                with self._transaction() as env:
                    env["finance.throttle"]._note_probe(probe.connection_id, report.outcome)
            except DATABASE_AWAY:
                raise
            except Exception:
                # The probe's lease ends by itself, then the next one is made; the breaker stays
                # open.
                _logger.exception("the probe of connection %s broke", probe.connection_id)

    # -- step 5: lost workers ----------------------------------------------------------------------

    @api.model
    def _recover_lost(self, worker_id=0, tokens=()):
        """Take over claims whose worker did not renew its lease: whether a send arrived is not
        known (X5).

        The worker's own claims that none of its threads carries (``tokens``) count as such: a claim
        may have been committed although the confirmation of the commit was lost, and while its
        worker lives no other takes it over.
        """
        with self._transaction() as env:
            if worker_id:
                env.cr.execute(
                    QUERIES["orphaned_claims"], {"worker": worker_id, "tokens": list(tokens)}
                )
            env.cr.execute(QUERIES["lost_claims"], {"limit": _LOST_AT_ONCE})
            ids = [row[0] for row in env.cr.fetchall()]
            if ids:
                env["finance.dispatcher"]._release_each(ids)
                reached("lost_claims_written")

    def _release_each(self, ids):
        """Release all at once; if that fails each by itself, so that a poisoned one keeps no other
        back (X10).
        """
        try:
            with self.env.cr.savepoint():
                self._release_lost(ids)
        except DATABASE_AWAY:
            raise
        except Exception:
            if len(ids) == 1:
                _logger.exception("exchange %s could not be taken over", ids[0])
                return
            for exchange_id in ids:
                self._release_each([exchange_id])

    def _release_lost(self, ids):
        model = self.env["finance.exchange"]
        exchanges = model._snapshots(ids).values()
        tokens = [exchange.token for exchange in exchanges if exchange.token]
        self.env.cr.execute(QUERIES["attempts_lost"], {"tokens": tokens, "lost": outcomes.LOST})
        model._apply_changes(
            [
                Change(
                    exchange,
                    on_worker_lost(exchange.delivery, self._operation(exchange)),
                    Finding("exchange.worker_lost"),
                )
                for exchange in exchanges
            ]
        )

    # -- feeds and inbound documents ---------------------------------------------------------------

    @api.model
    def _claim_feeds(self, targets, slots):
        """Claim pages of the feeds that are due, each by one worker; committed before it is
        returned. They leave most of the free slots to the exchanges.
        """
        targets = {key: target for key, target in (targets or {}).items() if target.feeds}
        if slots <= 0 or not targets:
            return []
        with self._transaction() as env:
            claimed = env["finance.feed"]._claim_due(targets, max(1, slots // _SHARE_OF_FEEDS))
        if claimed:
            reached("feed_claimed")
        return claimed

    @api.model
    def _commit_pages(self, results):
        """Commit pages of feeds as (read, report), each in one transaction with its position.

        :return: whether more can be read at once
        """
        reached("before_page")
        self._learn(
            [
                (task.connection_id, report.outcome, report.limit or task.feed.limit)
                for task, report in results
            ]
        )
        return any([self._commit_page(task, report) for task, report in results])  # noqa: C419

    def _commit_page(self, task, report):
        try:
            with self._transaction() as env:
                more = env["finance.feed"]._store_page(task, report)
                env.flush_all()
                reached("page_written")
        except DATABASE_AWAY:
            raise
        except Exception as error:
            _logger.exception("a page of feed %s could not be stored", task.feed_id)
            with self._transaction() as env:
                env["finance.feed"]._note_failure(task, type(error).__name__)
            return False
        reached("page_committed")
        return more

    @api.model
    def _process_inbound(self):
        """Handle a few inbound documents, for a moment, each in transactions of its own.

        :return: whether more may be due
        """
        end = time.monotonic() + _INBOUND_SECONDS
        for _number in range(_INBOUND_AT_ONCE):
            if time.monotonic() > end:
                break
            with self._transaction() as env:
                claimed = env["finance.inbound"]._claim_one()
            if not claimed:
                return False
            reached("inbound_claimed")
            self._handle_inbound(*claimed)
        return True

    def _handle_inbound(self, inbound_id, attempt):
        """Handle one document: the effect of its handler and its new state are one transaction."""
        try:
            with self._transaction() as env:
                env["finance.inbound"]._handle(inbound_id, attempt)
                env.flush_all()
                reached("inbound_handled")
        except DATABASE_AWAY:
            raise
        except Exception as error:  # whatever a handler does
            _logger.exception("inbound document %s could not be handled", inbound_id)
            with self._transaction() as env:
                env["finance.inbound"]._note_failure(inbound_id, attempt, type(error).__name__)
        reached("inbound_committed")

    # -- step 6: notifications and webhook events --------------------------------------------------

    @api.model
    def _notify_documents(self):
        """Notify a batch of documents in one transaction; if that fails each in its own.

        :return: whether the batch was full, so that more may be due.
        """
        try:
            with self._transaction() as env:
                number = env["finance.dispatcher"]._notify_batch()
                reached("notification_written")
                return number == _NOTIFIED_AT_ONCE
        except Exception:
            _logger.info("a batch of notifications failed; each is repeated alone", exc_info=True)
            return self._notify_one_by_one() == _NOTIFIED_AT_ONCE

    def _notify_batch(self):
        self.env.cr.execute(QUERIES["notifications_due"], {"limit": _NOTIFIED_AT_ONCE})
        exchanges = self.env["finance.exchange"].browse([row[0] for row in self.env.cr.fetchall()])
        exchanges._notify_documents()
        return len(exchanges)

    def _notify_one_by_one(self):
        with self._transaction() as env:
            env.cr.execute(QUERIES["notifications_due"], {"limit": _NOTIFIED_AT_ONCE})
            ids = [row[0] for row in env.cr.fetchall()]
        for exchange_id in ids:
            try:
                with self._transaction() as env:
                    exchange = env["finance.exchange"].browse(exchange_id)
                    if exchange.try_lock_for_update() and exchange.notification_pending:
                        exchange._notify_documents()
            except Exception:
                _logger.exception("the document of exchange %s was not notified", exchange_id)
                with self._transaction() as env:
                    env.cr.execute(
                        QUERIES["notification_failed"],
                        {"seconds": _NOTIFICATION_RETRY_SECONDS, "exchange": exchange_id},
                    )
        return len(ids)

    @api.model
    def _process_webhook_events(self):
        """Process what providers have sent on their own initiative."""
        with self._transaction() as env:
            env["finance.webhook.event"]._process_due(_WEBHOOK_EVENTS_AT_ONCE)
            reached("webhook_events_written")


_STEP_OF_STATE = {
    states.SENDING: "send",
    states.UNKNOWN: "lookup",
    states.WAITING: "poll",
    states.ACCEPTED: "receipt",
}


class _Registered:
    """Takes the place of the heartbeat where one pass is made."""

    def __init__(self, worker_id):
        self.worker_id = worker_id


def _seconds_to_wake(due_in):
    """Return when the first cron is to look again for what is due in so many seconds (negative:
    overdue).
    """
    if due_in <= 0:
        return BLOCKED_SECONDS
    return due_in if due_in < FIRST_IDLE_TIMEOUT_SECONDS else due_in - _EARLY_SECONDS


def _group(targets, claim, report):
    target = targets.get(claim.connection_id)
    return target.group(claim, report) if target else ""


def _one_per_call(results):
    """Return one result of each call: a batch is one call, whatever it carried.

    A provider that answered for one document of a batch has answered; the longest pause it asked for
    holds.
    """
    calls = {}
    for claim, report in results:
        calls.setdefault(claim.batch or claim.token, []).append((claim, report))
    for parts in calls.values():
        claim, report = min(parts, key=lambda part: outcomes.is_failure(part[1].outcome))
        pauses = [part[1].outcome.pause for part in parts if part[1].outcome.pause is not None]
        if pauses:
            report = replace(report, outcome=replace(report.outcome, pause=max(pauses)))
        yield claim, report


def _with_attempts(task, attempts):
    """Return the task with the ids of its attempts."""
    if isinstance(task, ClaimBatch):
        claims = tuple(
            replace(item, attempt_id=attempts[item.token], batch=task.id) for item in task.claims
        )
        return replace(task, claims=claims)
    return replace(task, attempt_id=attempts[task.token])


def _send_target(connection):
    adapter = connection._adapter()
    return SendTarget(
        pooled_client(connection),
        {item.name: item for item in adapter._operations},
        adapter._api_version,
        adapter._adapter_version(),
        {item.name: item for item in adapter._feeds if connection.receives_documents},
    )


def _stopped(exchange: Exchange, status: Finding, case: str) -> Change:
    """Return the change of an exchange that may not be sent: failed where nothing was sent, else as
    unknown as before.
    """
    old = exchange.delivery
    state = states.FAILED if old.state == states.PENDING else old.state
    return Change(exchange, Transition(replace(old, state=state), case=case), status)


def _payload(stored):
    """Return the bytes of a Binary column; none where the column was damaged, which the hash then
    shows.
    """
    try:
        return base64.b64decode(stored or b"")
    except ValueError:
        return b""


def stored_body(body):
    """Return bytes as a Binary field keeps them."""
    return base64.b64encode(body[:_KEPT_BODY]) if body else None


def attempt_values(report):
    """Return what an attempt keeps of a report beside the body."""
    headers = {name: mask_secrets(text[:_KEPT_HEADER]) for name, text in report.headers.items()}
    code, args = _reason_of(report.outcome)
    return {
        "latency_ms": round(report.seconds * 1000),
        "outcome": report.outcome.code,
        "reason_code": code,
        "reason_args": args,
        "http_status": report.status,
        "request_line": f"{report.method} {report.url}".strip(),
        "response_type": report.content_type[:_KEPT_HEADER],
        "response_headers": headers or None,
        "request_id": report.request_id or None,
        "provider_version": report.api_version or None,
        "wire_sha256": report.wire_sha256 or None,
    }


def _reason_of(outcome):
    """Return code and arguments of the reason that the provider or the transport gave, or of the findings of a
    rejection as they were worded; (None, None) where there is none.
    """
    finding = getattr(outcome, "finding", None)
    if finding and not finding.args.get("text"):
        return finding.code, dict(finding.args)
    findings = getattr(outcome, "findings", ()) or (
        (outcome.finding,) if getattr(outcome, "finding", None) else ()
    )
    text = getattr(outcome, "reason", "") or "; ".join(item.text for item in findings)
    return ("text", {"text": text}) if text else (None, None)
