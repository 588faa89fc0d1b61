-- What came back; the bytes of the answers are handed over beside the other values, in the same order.
UPDATE finance_exchange_attempt a
   SET ended_at = t.now,
       latency_ms = c.latency_ms,
       outcome = c.outcome,
       reason = c.reason,
       http_status = c.http_status,
       request_line = c.request_line,
       response_type = c.response_type,
       response_body = b.body,
       is_late = c.is_late,
       write_date = t.now,
       write_uid = %(uid)s
  FROM ROWS FROM (jsonb_to_recordset(%(attempts)s::jsonb) AS (
           id int, latency_ms int, outcome varchar, reason varchar, http_status int, request_line varchar,
           response_type varchar, is_late bool
       )) WITH ORDINALITY AS c(
           id, latency_ms, outcome, reason, http_status, request_line, response_type, is_late, place
       )
       JOIN unnest(%(bodies)s::bytea[]) WITH ORDINALITY AS b(body, place) USING (place),
       (SELECT clock_timestamp() AT TIME ZONE 'UTC' AS now) AS t
 WHERE a.id = c.id
   AND (a.outcome IS NULL OR a.outcome = 'lost')
RETURNING a.id
