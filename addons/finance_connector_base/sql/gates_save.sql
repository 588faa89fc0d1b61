-- Times are handed over as seconds since the epoch, by the database's own clock.
UPDATE finance_connection_gate g
   SET breaker_state = c.breaker_state,
       breaker_failures = c.breaker_failures,
       breaker_openings = c.breaker_openings,
       breaker_until = to_timestamp(NULLIF(c.breaker_until, 0)) AT TIME ZONE 'UTC',
       bucket_tokens = c.bucket_tokens,
       bucket_at = to_timestamp(NULLIF(c.bucket_at, 0)) AT TIME ZONE 'UTC',
       not_before = to_timestamp(NULLIF(c.not_before, 0)) AT TIME ZONE 'UTC'
  FROM jsonb_to_recordset(%(gates)s::jsonb) AS c(
           connection_id int, breaker_state varchar, breaker_failures int, breaker_openings int,
           breaker_until float8, bucket_tokens float8, bucket_at float8, not_before float8
       )
 WHERE g.connection_id = c.connection_id
