-- Exchanges whose step is carried by a worker that is gone or has not been heard of for its whole lease.
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
