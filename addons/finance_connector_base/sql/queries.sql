-- Statements of delivery. Sets of states are parameters: core/delivery/queries.py passes them from
-- core/delivery/states.py.

-- name: due_connections
-- Find which of these connections have anything due; no lock, so that an idle check costs next to
-- nothing.
SELECT c.id
  FROM finance_connection c
 WHERE c.id = ANY(%(connections)s)
   AND c.state = 'active'
   AND EXISTS (
       SELECT 1 FROM finance_exchange d
        WHERE d.connection_id = c.id AND d.claim_token IS NULL
          AND d.state = ANY(%(claimable)s)
          AND d.next_step_at <= (clock_timestamp() AT TIME ZONE 'UTC')
   )
 ORDER BY c.id

-- name: demand
-- Count how much each of these connections has due (up to what could be taken), and its calls in
-- flight: a batch is one call, whatever it carries.
SELECT c.id, c.company_id,
       (SELECT count(*) FROM (
            SELECT 1 FROM finance_exchange d
             WHERE d.connection_id = c.id AND d.claim_token IS NULL
               AND d.state = ANY(%(claimable)s)
               AND d.next_step_at <= (clock_timestamp() AT TIME ZONE 'UTC')
             LIMIT %(limit)s) AS due),
       (SELECT count(DISTINCT COALESCE(a.batch, x.claim_token)) FROM finance_exchange x
         LEFT JOIN finance_exchange_attempt a ON a.token = x.claim_token
         WHERE x.connection_id = c.id AND x.claim_token IS NOT NULL)
       + (SELECT count(*) FROM finance_feed f
           WHERE f.connection_id = c.id AND f.token IS NOT NULL
             AND f.lease_until > (clock_timestamp() AT TIME ZONE 'UTC'))
  FROM finance_connection c
 WHERE c.id = ANY(%(connections)s)
 ORDER BY c.id

-- name: claimable
-- Lock due exchanges of one connection, in the order they became due. Of a chain only the first
-- unsettled one may move: it keeps the later ones back (X10). The ids are fetched as an array,
-- because a join would be planned over everything that waits while statistics are older than a
-- month end. Only as many rows are locked as ``quota`` calls can carry: of an operation that is sent
-- in batches of n, each is an n-th of a call.
WITH RECURSIVE heads AS (
    (SELECT chain, id FROM finance_exchange
      WHERE connection_id = %(connection)s AND chain IS NOT NULL
        AND state = ANY(%(chain_blocking)s)
      ORDER BY chain, id LIMIT 1)
    UNION ALL
    SELECT n.chain, n.id FROM heads h CROSS JOIN LATERAL (
        SELECT chain, id FROM finance_exchange
         WHERE connection_id = %(connection)s AND chain > h.chain
           AND state = ANY(%(chain_blocking)s)
         ORDER BY chain, id LIMIT 1) n
), free AS (
    SELECT id, next_step_at, step FROM (
        (SELECT id, next_step_at, operation || ':' || state AS step FROM finance_exchange
          WHERE connection_id = %(connection)s AND claim_token IS NULL
            AND state = ANY(%(claimable)s)
            AND (chain IS NULL OR state = ANY(%(chain_free)s))
            AND NOT operation || ':' || state = ANY(%(blocked)s::text[])
            AND next_step_at <= (clock_timestamp() AT TIME ZONE 'UTC')
          ORDER BY next_step_at, id LIMIT %(limit)s)
        UNION ALL
        (SELECT e.id, e.next_step_at, e.operation || ':' || e.state FROM heads JOIN finance_exchange e ON e.id = heads.id
          WHERE e.claim_token IS NULL AND e.state = ANY(%(chain_claimable)s)
            AND NOT e.operation || ':' || e.state = ANY(%(blocked)s::text[])
            AND e.next_step_at <= (clock_timestamp() AT TIME ZONE 'UTC')
          ORDER BY e.next_step_at, e.id LIMIT %(limit)s)
    ) both_kinds
    ORDER BY next_step_at, id LIMIT %(limit)s
), counted AS (
    SELECT id, sum(1.0 / COALESCE((%(batch_sizes)s::jsonb ->> step)::int, 1))
               OVER (ORDER BY next_step_at, id) AS calls
      FROM free
)
SELECT id
  FROM finance_exchange e
 WHERE id = ANY(ARRAY(SELECT id FROM counted WHERE calls <= %(quota)s + 0.000001))
   AND claim_token IS NULL
   AND state = ANY(%(claimable)s)
 ORDER BY next_step_at, id
   FOR UPDATE SKIP LOCKED

-- name: exchanges
-- Read exchanges as plain values (core/delivery/transitions.py: Exchange.from_row) and lock them,
-- so that a decision based on them holds until the commit.
SELECT id, connection_id, company_id, operation, idempotency_key, correlation_id, payload_sha256,
       contract_version, document_model, document_id, document_name, owner_id IS NOT NULL, claim_token,
       state, send_count, failed_attempts, step_count, maybe_sent, in_doubt, reference,
       EXTRACT(EPOCH FROM (clock_timestamp() AT TIME ZONE 'UTC') - sent_at)::float8
  FROM finance_exchange
 WHERE id = ANY(%(ids)s)
 ORDER BY id
   FOR UPDATE

-- name: payloads
-- Read what is sent for these exchanges, and the resources under which each was last sent (P3).
SELECT e.id, e.payload, e.parameters,
       CASE WHEN e.maybe_sent THEN (
           SELECT a.resources FROM finance_exchange_attempt a
            WHERE a.exchange_id = e.id AND a.step = 'send'
            ORDER BY a.id DESC LIMIT 1) END
  FROM finance_exchange e
 WHERE e.id = ANY(%(ids)s)

-- name: connection_names
-- Read the names of connections.
SELECT id, name FROM finance_connection WHERE id = ANY(%(connections)s)

-- name: apply_changes
-- Store the changes of exchanges whose rows are locked. The token of a claim ends with the step
-- that carried it.
UPDATE finance_exchange e
   SET state = c.state,
       state_since = CASE WHEN c.changes_state THEN t.now ELSE e.state_since END,
       status_code = c.status_code,
       status_args = c.status_args,
       next_step_at = t.now + c.due_in * interval '1 second',
       send_count = c.send_count,
       failed_attempts = c.failed_attempts,
       step_count = c.step_count,
       maybe_sent = c.maybe_sent,
       in_doubt = c.in_doubt,
       reference = c.reference,
       findings = COALESCE(c.findings, e.findings),
       answered_at = CASE WHEN c.answered THEN t.now ELSE e.answered_at END,
       sent_at = CASE WHEN c.sent THEN t.now ELSE e.sent_at END,
       claim_token = c.token,
       worker_id = c.worker_id,
       notification_pending = e.notification_pending OR c.notify,
       notification_next_at = CASE WHEN c.notify THEN NULL ELSE e.notification_next_at END,
       write_date = t.now,
       write_uid = %(uid)s
  FROM jsonb_to_recordset(%(changes)s::jsonb) AS c(
           id int, state varchar, changes_state bool, status_code varchar, status_args jsonb, due_in float8,
           send_count int, failed_attempts int, step_count int, maybe_sent bool, in_doubt bool, reference varchar,
           findings jsonb, answered bool, sent bool, token varchar, worker_id int, notify bool
       ),
       (SELECT clock_timestamp() AT TIME ZONE 'UTC' AS now) AS t
 WHERE e.id = c.id

-- name: attempts_begin
-- Store one attempt per claimed exchange, with its fencing token, before any byte leaves (X4).
INSERT INTO finance_exchange_attempt (
    exchange_id, connection_id, company_id, token, step, api_version, adapter_version, resources, batch,
    started_at, is_late, create_uid, write_uid, create_date, write_date
)
SELECT c.exchange_id, c.connection_id, c.company_id, c.token, c.step, c.api_version, c.adapter_version, c.resources,
       c.batch, t.now, false, %(uid)s, %(uid)s, t.now, t.now
  FROM ROWS FROM (jsonb_to_recordset(%(attempts)s::jsonb) AS (
           exchange_id int, connection_id int, company_id int, token varchar, step varchar, api_version varchar,
           adapter_version varchar, resources jsonb, batch varchar
       )) WITH ORDINALITY AS c(
           exchange_id, connection_id, company_id, token, step, api_version, adapter_version, resources, batch, place
       ),
       (SELECT clock_timestamp() AT TIME ZONE 'UTC' AS now) AS t
 ORDER BY c.place
RETURNING id, token

-- name: attempts_end
-- Store the results of attempts; the bytes of the responses are passed beside the other values, in
-- the same order.
UPDATE finance_exchange_attempt a
   SET ended_at = t.now,
       latency_ms = c.latency_ms,
       outcome = c.outcome,
       reason_code = c.reason_code,
       reason_args = c.reason_args,
       http_status = c.http_status,
       request_line = c.request_line,
       response_type = c.response_type,
       response_headers = c.response_headers,
       request_id = c.request_id,
       provider_version = c.provider_version,
       wire_sha256 = c.wire_sha256,
       response_body = b.body,
       is_late = c.is_late,
       write_date = t.now,
       write_uid = %(uid)s
  FROM ROWS FROM (jsonb_to_recordset(%(attempts)s::jsonb) AS (
           id int, latency_ms int, outcome varchar, reason_code varchar, reason_args jsonb, http_status int,
           request_line varchar, response_type varchar, response_headers jsonb, request_id varchar,
           provider_version varchar, wire_sha256 varchar, is_late bool
       )) WITH ORDINALITY AS c(
           id, latency_ms, outcome, reason_code, reason_args, http_status, request_line, response_type,
           response_headers, request_id, provider_version, wire_sha256, is_late, place
       )
       JOIN unnest(%(bodies)s::bytea[]) WITH ORDINALITY AS b(body, place) USING (place),
       (SELECT clock_timestamp() AT TIME ZONE 'UTC' AS now) AS t
 WHERE a.id = c.id
   AND (a.outcome IS NULL OR a.outcome = %(lost)s)
RETURNING a.id

-- name: attempts_lost
-- Close the open attempts of a worker that is gone: their outcome is not known.
UPDATE finance_exchange_attempt a
   SET ended_at = clock_timestamp() AT TIME ZONE 'UTC', outcome = %(lost)s
 WHERE a.token = ANY(%(tokens)s) AND a.outcome IS NULL

-- name: orphaned_claims
-- Give up the worker's own claims that none of its threads carries any more.
UPDATE finance_exchange SET worker_id = NULL
 WHERE worker_id = %(worker)s AND claim_token IS NOT NULL AND NOT claim_token = ANY(%(tokens)s)

-- name: release_claim
-- Give up one claim, so that it counts as lost.
UPDATE finance_exchange SET worker_id = NULL WHERE id = %(exchange)s AND claim_token = %(token)s

-- name: lost_claims
-- Lock exchanges whose step is carried by a worker that is gone or did not renew its lease.
SELECT e.id
  FROM finance_exchange e
 WHERE e.claim_token IS NOT NULL
   AND NOT EXISTS (
       SELECT 1 FROM finance_dispatcher_worker w
        WHERE w.id = e.worker_id AND w.alive_until > (clock_timestamp() AT TIME ZONE 'UTC')
   )
 ORDER BY e.id
 LIMIT %(limit)s
   FOR UPDATE OF e SKIP LOCKED

-- name: next_step
-- Compute the seconds until the next step of any exchange that an active, unblocked connection may
-- take (negative: overdue), or until the lease of another worker that holds claims ends.
SELECT LEAST(
    (SELECT MIN(EXTRACT(EPOCH FROM GREATEST(
                    d.next_step_at,
                    COALESCE(h.not_before, d.next_step_at),
                    CASE WHEN h.breaker_state = 'open' THEN h.breaker_until ELSE d.next_step_at END
                ) - t.now))
       FROM finance_connection c
       LEFT JOIN finance_throttle h ON h.connection_id = c.id
       CROSS JOIN LATERAL (
           SELECT e.next_step_at FROM finance_exchange e
            WHERE e.connection_id = c.id AND e.claim_token IS NULL
              AND e.state = ANY(%(claimable)s) AND e.next_step_at IS NOT NULL
            ORDER BY e.next_step_at, e.id LIMIT 1) d
      WHERE c.state = 'active' AND c.blocking_finding IS NULL),
    (SELECT MIN(EXTRACT(EPOCH FROM w.alive_until - t.now))
       FROM finance_dispatcher_worker w
      WHERE w.id <> %(worker)s
        AND EXISTS (SELECT 1 FROM finance_exchange e WHERE e.worker_id = w.id AND e.claim_token IS NOT NULL))
)::float8
  FROM (SELECT clock_timestamp() AT TIME ZONE 'UTC' AS now) AS t

-- name: notifications_due
-- Lock exchanges whose document has not been notified of the last change.
SELECT id FROM finance_exchange
 WHERE notification_pending
   AND (notification_next_at IS NULL OR notification_next_at <= (clock_timestamp() AT TIME ZONE 'UTC'))
 ORDER BY id LIMIT %(limit)s
   FOR UPDATE SKIP LOCKED

-- name: notification_failed
-- Postpone the notification of one exchange.
UPDATE finance_exchange
   SET notification_next_at = (clock_timestamp() AT TIME ZONE 'UTC') + %(seconds)s * interval '1 second'
 WHERE id = %(exchange)s

-- name: throttles
-- Read the throttles of active connections with the settings of their limits
-- (core/delivery/throttle.py: from_row). FOR UPDATE OF h is appended where they are locked.
SELECT h.connection_id, h.breaker_state, h.breaker_failures, h.breaker_openings,
       COALESCE(EXTRACT(EPOCH FROM h.breaker_until), 0)::float8,
       c.breaker_threshold, c.breaker_seconds::float8,
       c.rate_per_second::float8, c.rate_burst::float8, h.bucket_tokens::float8,
       COALESCE(EXTRACT(EPOCH FROM h.bucket_at), 0)::float8,
       COALESCE(EXTRACT(EPOCH FROM h.not_before), 0)::float8,
       c.max_parallel
  FROM finance_throttle h
  JOIN finance_connection c ON c.id = h.connection_id
 WHERE h.connection_id = ANY(%(connections)s)
   AND c.state = 'active'
 ORDER BY h.connection_id

-- name: throttles_save
-- Store throttles whose rows are locked; times are passed as seconds since the epoch, by the
-- database's own clock.
UPDATE finance_throttle h
   SET breaker_state = c.breaker_state,
       breaker_failures = c.breaker_failures,
       breaker_openings = c.breaker_openings,
       breaker_until = to_timestamp(NULLIF(c.breaker_until, 0)) AT TIME ZONE 'UTC',
       bucket_tokens = c.bucket_tokens,
       bucket_at = to_timestamp(NULLIF(c.bucket_at, 0)) AT TIME ZONE 'UTC',
       not_before = to_timestamp(NULLIF(c.not_before, 0)) AT TIME ZONE 'UTC'
  FROM jsonb_to_recordset(%(throttles)s::jsonb) AS c(
           connection_id int, breaker_state varchar, breaker_failures int, breaker_openings int,
           breaker_until float8, bucket_tokens float8, bucket_at float8, not_before float8
       )
 WHERE h.connection_id = c.connection_id

-- name: throttles_missing
-- Create the throttles of connections that have none.
INSERT INTO finance_throttle (
    connection_id, breaker_state, breaker_failures, breaker_openings, bucket_tokens)
SELECT c.id, 'closed', 0, 0, 0 FROM finance_connection c
 WHERE NOT EXISTS (SELECT 1 FROM finance_throttle h WHERE h.connection_id = c.id)

-- name: probes_due
-- Lock the throttles whose open breaker may be probed now and is being probed by no other worker.
SELECT h.connection_id FROM finance_throttle h
  JOIN finance_connection c ON c.id = h.connection_id AND c.state = 'active'
 WHERE h.breaker_state = 'open'
   AND h.breaker_until <= (clock_timestamp() AT TIME ZONE 'UTC')
   AND (h.probe_until IS NULL OR h.probe_until < (clock_timestamp() AT TIME ZONE 'UTC'))
   AND h.connection_id = ANY(%(connections)s)
 ORDER BY h.connection_id
   FOR UPDATE OF h SKIP LOCKED

-- name: probes_begin
-- Reserve the probes of these connections for the worker that makes them.
UPDATE finance_throttle
   SET probe_until = clock_timestamp() AT TIME ZONE 'UTC' + %(lease)s * interval '1 second'
 WHERE connection_id = ANY(%(connections)s)

-- name: probe_end
-- Note that the probe of a connection has ended.
UPDATE finance_throttle SET probe_until = NULL WHERE connection_id = %(connection)s

-- name: worker_enter
-- Register a dispatcher worker with a fresh lease.
INSERT INTO finance_dispatcher_worker (name, cron_number, started_at, alive_until)
SELECT %(name)s, %(cron_number)s, t.now, t.now + %(lease)s * interval '1 second'
  FROM (SELECT clock_timestamp() AT TIME ZONE 'UTC' AS now) AS t
RETURNING id

-- name: worker_renew
-- Renew the lease of a worker, unless it has ended.
UPDATE finance_dispatcher_worker
   SET alive_until = clock_timestamp() AT TIME ZONE 'UTC' + %(lease)s * interval '1 second'
 WHERE id = %(id)s
   AND alive_until > clock_timestamp() AT TIME ZONE 'UTC'
RETURNING id

-- name: worker_leave
-- Remove a worker that ended in good order.
DELETE FROM finance_dispatcher_worker WHERE id = %(id)s

-- name: workers_remove_ended
-- Remove workers whose lease ended long ago and that hold no claim.
DELETE FROM finance_dispatcher_worker w
 WHERE w.alive_until < (clock_timestamp() AT TIME ZONE 'UTC') - interval '1 minute'
   AND NOT EXISTS (SELECT 1 FROM finance_exchange e WHERE e.worker_id = w.id AND e.claim_token IS NOT NULL)

-- name: health_calls
-- Count the calls of the last hour per connection: how many ended, how many of them without a
-- usable response, and their 95th-percentile latency. The time of the transaction, because only a
-- stable one can use the index.
SELECT connection_id, count(*), count(*) FILTER (WHERE outcome = ANY(%(errors)s)),
       percentile_cont(0.95) WITHIN GROUP (ORDER BY latency_ms) FILTER (WHERE http_status > 0)
  FROM finance_exchange_attempt
 WHERE connection_id = ANY(%(connections)s)
   AND started_at >= (now() AT TIME ZONE 'UTC') - interval '1 hour'
   AND outcome IS NOT NULL
 GROUP BY connection_id

-- name: health_depth
-- Count what each of these connections has open: all, calls in flight, and the age of the oldest exchange
-- that the provider has not confirmed to have received. The condition on the state uses its index,
-- so that settled exchanges cost nothing.
SELECT e.connection_id, count(*),
       (SELECT count(DISTINCT COALESCE(a.batch, x.claim_token)) FROM finance_exchange x
         LEFT JOIN finance_exchange_attempt a ON a.token = x.claim_token
         WHERE x.connection_id = e.connection_id AND x.claim_token IS NOT NULL),
       EXTRACT(EPOCH FROM (clock_timestamp() AT TIME ZONE 'UTC')
                          - min(create_date) FILTER (WHERE state = ANY(%(unconfirmed)s)))::float8
  FROM finance_exchange e
 WHERE state = ANY(%(open)s)
   AND e.connection_id = ANY(%(connections)s)
 GROUP BY e.connection_id

-- name: calls_in_flight
-- Count the calls in flight through one connection: a batch is one call.
SELECT count(DISTINCT COALESCE(a.batch, x.claim_token)) FROM finance_exchange x
  LEFT JOIN finance_exchange_attempt a ON a.token = x.claim_token
 WHERE x.connection_id = %(connection)s AND x.claim_token IS NOT NULL

-- name: cases_open
-- Open a case per subject, or update the open one where its cause or finding changed.
   INSERT INTO finance_case (
          subject_key, exchange_id, connection_id, company_id, name, kind, finding, state, user_id, deadline,
          opened_at, document_model, document_id, document_name, correlation_id,
          create_uid, create_date, write_uid, write_date)
   SELECT r.subject_key, r.exchange_id, r.connection_id, r.company_id, r.name, r.kind, r.finding, 'open',
          COALESCE(r.user_id, owner.id),
          moment.now + make_interval(hours => COALESCE(company.finance_case_hours, %(hours)s)), moment.now,
          r.document_model, r.document_id, r.document_name, r.correlation_id,
          %(uid)s, moment.now, %(uid)s, moment.now
     FROM jsonb_to_recordset(%(rows)s) AS r(
              subject_key text, exchange_id int, connection_id int, company_id int, name text, kind text,
              finding jsonb, user_id int, document_model text, document_id int, document_name text,
              correlation_id text)
     JOIN res_company company ON company.id = r.company_id
     LEFT JOIN res_users owner ON owner.id = company.finance_case_user_id AND owner.active
    CROSS JOIN (SELECT date_trunc('second', clock_timestamp() AT TIME ZONE 'UTC') AS now) moment
    ORDER BY r.subject_key
       ON CONFLICT (subject_key) WHERE state = 'open'
       DO UPDATE SET kind = EXCLUDED.kind, finding = EXCLUDED.finding, write_date = EXCLUDED.write_date
    WHERE (finance_case.kind, finance_case.finding) IS DISTINCT FROM (EXCLUDED.kind, EXCLUDED.finding)
RETURNING id, name, subject_key, exchange_id, xmax = 0 AS is_new, user_id, deadline

-- name: cases_close
-- Close open cases; without a given resolution, the state of the exchange determines it.
   UPDATE finance_case c
      SET state = 'resolved', decision = %(decision)s, reason = %(reason)s, closing = %(closing)s,
          resolved_by_id = %(person)s,
          resolution = COALESCE(%(resolution)s, CASE
              WHEN e.state = ANY(%(withdrawn)s) THEN e.state
              WHEN e.state = ANY(%(resumed)s) AND %(person)s IS NOT NULL THEN 'retried'
              WHEN e.id IS NULL THEN 'ended'
              ELSE 'settled' END),
          resolved_at = moment.now, write_uid = %(uid)s, write_date = moment.now
     FROM finance_case same
     LEFT JOIN finance_exchange e ON e.id = same.exchange_id
    CROSS JOIN (SELECT date_trunc('second', clock_timestamp() AT TIME ZONE 'UTC') AS now) moment
    WHERE same.id = c.id AND c.state = 'open'
      AND (c.exchange_id = ANY(%(exchanges)s) OR c.id = ANY(%(cases)s))
RETURNING c.id, c.name, c.exchange_id, c.company_id, c.kind, c.resolution,
          c.document_model, c.document_id, c.document_name, c.correlation_id

-- name: cases_stale_activities
-- Find activities of cases that are resolved.
SELECT activity.id
  FROM mail_activity activity
  JOIN finance_case ON finance_case.id = activity.res_id AND finance_case.state = 'resolved'
 WHERE activity.res_model = 'finance.case' AND activity.automated AND activity.active
 LIMIT %(limit)s

-- name: resource
-- Read one resource of a connection, with the seconds until its end (None: it has none).
SELECT generation, ciphertext, basis, public,
       EXTRACT(EPOCH FROM expires_at - (clock_timestamp() AT TIME ZONE 'UTC'))::float8
  FROM finance_resource
 WHERE connection_id = %(connection)s AND name = %(name)s

-- name: resource_begin
-- Create the row of a resource, so that it can be locked.
INSERT INTO finance_resource (connection_id, name, generation)
VALUES (%(connection)s, %(name)s, 0)
    ON CONFLICT (connection_id, name) DO NOTHING

-- name: resource_lock
-- Read one resource and lock it: who holds the lock obtains it, the others wait (P2).
SELECT generation, ciphertext, basis, public,
       EXTRACT(EPOCH FROM expires_at - (clock_timestamp() AT TIME ZONE 'UTC'))::float8
  FROM finance_resource
 WHERE connection_id = %(connection)s AND name = %(name)s
   FOR UPDATE

-- name: resource_end
-- Store a resource that was obtained, under the row's lock.
UPDATE finance_resource
   SET generation = generation + 1,
       ciphertext = %(ciphertext)s,
       basis = %(basis)s,
       public = %(public)s::jsonb,
       obtained_at = clock_timestamp() AT TIME ZONE 'UTC',
       expires_at = clock_timestamp() AT TIME ZONE 'UTC' + %(lifetime)s * interval '1 second'
 WHERE connection_id = %(connection)s AND name = %(name)s
RETURNING generation, ciphertext, basis, public,
          EXTRACT(EPOCH FROM expires_at - (clock_timestamp() AT TIME ZONE 'UTC'))::float8

-- name: resource_refuse
-- End a generation of a resource that the provider refused; a newer one stays.
UPDATE finance_resource SET expires_at = clock_timestamp() AT TIME ZONE 'UTC'
 WHERE connection_id = %(connection)s AND name = %(name)s AND generation = %(generation)s

-- name: windows
-- Lock the rate windows of one connection.
SELECT group_name, calls, seconds::float8, tokens::float8,
       COALESCE(EXTRACT(EPOCH FROM at), 0)::float8, COALESCE(EXTRACT(EPOCH FROM not_before), 0)::float8
  FROM finance_throttle_window
 WHERE connection_id = %(connection)s
 ORDER BY group_name, seconds
   FOR UPDATE

-- name: windows_save
-- Store the rate windows of one connection.
INSERT INTO finance_throttle_window AS w (
    connection_id, group_name, calls, seconds, tokens, at, not_before)
SELECT %(connection)s, c.group_name, c.calls, c.seconds, c.tokens,
       to_timestamp(NULLIF(c.at, 0)) AT TIME ZONE 'UTC', to_timestamp(NULLIF(c.not_before, 0)) AT TIME ZONE 'UTC'
  FROM jsonb_to_recordset(%(windows)s::jsonb) AS c(
           group_name varchar, calls int, seconds float8, tokens float8, at float8, not_before float8)
    ON CONFLICT (connection_id, group_name, seconds) DO UPDATE
   SET calls = EXCLUDED.calls, tokens = EXCLUDED.tokens, at = EXCLUDED.at, not_before = EXCLUDED.not_before

-- name: window_pause
-- Pause one group of calls of a connection; the longest pause asked for holds.
UPDATE finance_throttle_window
   SET not_before = GREATEST(
           COALESCE(not_before, '-infinity'),
           clock_timestamp() AT TIME ZONE 'UTC' + %(seconds)s * interval '1 second')
 WHERE connection_id = %(connection)s AND group_name = %(group)s

-- name: feeds_missing
-- Create the rows of declared feeds that have none.
INSERT INTO finance_feed (connection_id, name, cursor, next_at, failed_attempts, is_requested)
SELECT d.connection_id, d.name, '', t.now, 0, false
  FROM jsonb_to_recordset(%(feeds)s::jsonb) AS d(connection_id int, name varchar),
       (SELECT clock_timestamp() AT TIME ZONE 'UTC' AS now) AS t
 WHERE NOT EXISTS (SELECT 1 FROM finance_feed f WHERE f.connection_id = d.connection_id AND f.name = d.name)
 ORDER BY d.connection_id, d.name
    ON CONFLICT (connection_id, name) DO NOTHING

-- name: feeds_due
-- Find declared feeds that are due and read by no other worker, the longest overdue first; no lock,
-- so that an idle check costs next to nothing.
SELECT f.id, f.connection_id, f.name
  FROM finance_feed f
  JOIN jsonb_to_recordset(%(feeds)s::jsonb) AS d(connection_id int, name varchar) USING (connection_id, name)
 WHERE f.next_at <= (clock_timestamp() AT TIME ZONE 'UTC')
   AND (f.token IS NULL OR f.lease_until <= (clock_timestamp() AT TIME ZONE 'UTC'))
 ORDER BY f.next_at, f.id
 LIMIT %(limit)s

-- name: feed_claim
-- Claim one page of a feed that is still due, with a new token and a lease; return the position and
-- the token of the worker that was lost, if any.
  WITH due AS (
       SELECT id, token FROM finance_feed
        WHERE id = %(feed)s
          AND next_at <= (clock_timestamp() AT TIME ZONE 'UTC')
          AND (token IS NULL OR lease_until <= (clock_timestamp() AT TIME ZONE 'UTC'))
          FOR UPDATE SKIP LOCKED)
UPDATE finance_feed f
   SET token = %(token)s,
       lease_until = clock_timestamp() AT TIME ZONE 'UTC' + %(lease)s * interval '1 second',
       is_requested = false
  FROM due
 WHERE f.id = due.id
RETURNING f.cursor, due.token

-- name: feed_lock
-- Lock a feed that still carries this token: only then the page counts.
SELECT id FROM finance_feed WHERE id = %(feed)s AND token = %(token)s FOR UPDATE

-- name: feed_read
-- Store the position behind a page, in the transaction of its items. What a webhook requested while
-- the page was being read is due at once.
UPDATE finance_feed
   SET cursor = %(cursor)s,
       token = NULL,
       lease_until = NULL,
       failed_attempts = 0,
       read_at = clock_timestamp() AT TIME ZONE 'UTC',
       received_at = CASE WHEN %(new)s > 0 THEN clock_timestamp() AT TIME ZONE 'UTC' ELSE received_at END,
       result = NULL,
       next_at = clock_timestamp() AT TIME ZONE 'UTC'
                 + CASE WHEN is_requested THEN 0 ELSE %(seconds)s END * interval '1 second'
 WHERE id = %(feed)s AND token = %(token)s

-- name: feed_failed
-- Note that a page could not be read or stored; the position stays.
UPDATE finance_feed
   SET token = NULL,
       lease_until = NULL,
       failed_attempts = failed_attempts + %(counts)s,
       result = %(result)s::jsonb,
       next_at = clock_timestamp() AT TIME ZONE 'UTC' + %(seconds)s * interval '1 second'
 WHERE id = %(feed)s AND token = %(token)s
RETURNING failed_attempts

-- name: feed_request
-- Let a feed be read at once because its provider announced something new. One that fails keeps its
-- pause.
UPDATE finance_feed
   SET is_requested = true,
       next_at = LEAST(next_at, clock_timestamp() AT TIME ZONE 'UTC')
 WHERE connection_id = %(connection)s AND name = %(name)s AND failed_attempts = 0

-- name: feeds_next
-- Compute the seconds until the next page of a feed that an active, unblocked connection may read.
SELECT MIN(EXTRACT(EPOCH FROM GREATEST(
               f.next_at,
               COALESCE(f.lease_until, f.next_at),
               COALESCE(h.not_before, f.next_at),
               CASE WHEN h.breaker_state = 'open' THEN h.breaker_until ELSE f.next_at END
           ) - (clock_timestamp() AT TIME ZONE 'UTC')))::float8
  FROM finance_feed f
  JOIN finance_connection c ON c.id = f.connection_id AND c.state = 'active' AND c.blocking_finding IS NULL
  LEFT JOIN finance_throttle h ON h.connection_id = c.id

-- name: inbound_keep
-- Store what came in, unless the connection already has it. In the order of the provider's ids, so
-- that two workers never wait for each other; the contents are passed beside the other values, as the
-- base64 text that a Binary field keeps, which takes half of the memory that bytes take in a statement.
INSERT INTO finance_inbound (
    connection_id, company_id, feed_name, webhook_event_id, provider_id, kind, media_type, content, size, sha256,
    received_sha256, parameters, received_at, state, attempts, next_at, result, processed_at,
    create_uid, write_uid, create_date, write_date
)
SELECT %(connection)s, %(company)s, %(feed)s, %(event)s, c.provider_id, c.kind, c.media_type, convert_to(b.content, 'UTF8'), c.size,
       c.sha256, c.received_sha256, c.parameters, t.now, c.state, 0, CASE WHEN c.state = 'stored' THEN t.now END, c.result,
       CASE WHEN c.state = 'stored' THEN NULL ELSE t.now END, %(uid)s, %(uid)s, t.now, t.now
  FROM ROWS FROM (jsonb_to_recordset(%(items)s::jsonb) AS (
           provider_id varchar, kind varchar, media_type varchar, size int, sha256 varchar, received_sha256 varchar,
           parameters jsonb,
           state varchar, result jsonb
       )) WITH ORDINALITY AS c(
           provider_id, kind, media_type, size, sha256, received_sha256, parameters, state, result, place
       )
       JOIN unnest(%(contents)s::text[]) WITH ORDINALITY AS b(content, place) USING (place),
       (SELECT clock_timestamp() AT TIME ZONE 'UTC' AS now) AS t
 ORDER BY c.place
    ON CONFLICT (connection_id, provider_id) DO NOTHING
RETURNING id, provider_id

-- name: inbound_known
-- Read what was kept under these ids of a connection.
SELECT id, provider_id, COALESCE(received_sha256, sha256), other_sha256
  FROM finance_inbound
 WHERE connection_id = %(connection)s AND provider_id = ANY(%(ids)s)

-- name: inbound_received
-- Count what a connection has received within the last day, in documents and bytes, and compute the
-- seconds until the oldest of it is a day old.
SELECT count(*), COALESCE(sum(size), 0)::float8,
       EXTRACT(EPOCH FROM MIN(received_at) + interval '1 day' - (clock_timestamp() AT TIME ZONE 'UTC'))::float8
  FROM finance_inbound
 WHERE connection_id = %(connection)s
   AND received_at > (clock_timestamp() AT TIME ZONE 'UTC') - interval '1 day'

-- name: inbound_cases
-- Count the open cases of a kind about single inbound documents of a connection, up to the limit.
SELECT count(*) FROM (
    SELECT 1 FROM finance_case c
      JOIN finance_inbound i ON i.id = c.document_id
     WHERE c.state = 'open' AND c.kind = %(kind)s AND c.document_model = 'finance.inbound'
       AND i.connection_id = %(connection)s
     LIMIT %(limit)s) AS found

-- name: inbound_claim
-- Claim the next inbound document; its attempt is counted before its handler runs, so that one that
-- ends the process is not repeated for ever. Any connection with documents that are due has the same
-- chance: what one of them receives in great numbers keeps no other's documents back.
UPDATE finance_inbound
   SET attempts = attempts + 1,
       next_at = clock_timestamp() AT TIME ZONE 'UTC' + %(lease)s * interval '1 second'
 WHERE id = (
       SELECT id FROM finance_inbound
        WHERE state = 'stored' AND next_at <= (clock_timestamp() AT TIME ZONE 'UTC')
          AND connection_id = (
              SELECT c.id FROM finance_connection c
               WHERE EXISTS (
                     SELECT 1 FROM finance_inbound i
                      WHERE i.connection_id = c.id AND i.state = 'stored'
                        AND i.next_at <= (clock_timestamp() AT TIME ZONE 'UTC'))
               ORDER BY random() LIMIT 1)
        ORDER BY next_at, id LIMIT 1
          FOR UPDATE SKIP LOCKED)
RETURNING id, attempts

-- name: inbound_lock
-- Lock an inbound document that is still to be handled: its handler runs only under this lock.
SELECT id FROM finance_inbound WHERE id = %(inbound)s AND state = 'stored' FOR UPDATE

-- name: inbound_postpone
-- Let a document whose handler failed wait for its next attempt.
UPDATE finance_inbound
   SET next_at = clock_timestamp() AT TIME ZONE 'UTC' + %(seconds)s * interval '1 second',
       result = %(result)s::jsonb
 WHERE id = %(inbound)s

-- name: inbound_next
-- Compute the seconds until the next inbound document is due (negative: overdue).
SELECT EXTRACT(EPOCH FROM MIN(next_at) - (clock_timestamp() AT TIME ZONE 'UTC'))::float8
  FROM finance_inbound WHERE state = 'stored'
