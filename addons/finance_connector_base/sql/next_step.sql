-- Seconds until the next step of any exchange that an active, unblocked connection may take (negative: overdue).
SELECT LEAST(
    (SELECT MIN(EXTRACT(EPOCH FROM GREATEST(
                    d.next_step_at,
                    COALESCE(g.not_before, d.next_step_at),
                    CASE WHEN g.breaker_state = 'open' THEN g.breaker_until ELSE d.next_step_at END
                ) - t.now))
       FROM finance_connection c
       LEFT JOIN finance_connection_gate g ON g.connection_id = c.id
       CROSS JOIN LATERAL (
           SELECT e.next_step_at FROM finance_exchange e
            WHERE e.connection_id = c.id AND e.claim_token IS NULL
              AND e.state IN ('pending', 'unknown', 'waiting') AND e.next_step_at IS NOT NULL
            ORDER BY e.next_step_at, e.id LIMIT 1) d
      WHERE c.state = 'active' AND c.last_block IS NULL),
    (SELECT MIN(EXTRACT(EPOCH FROM w.alive_until - t.now))
       FROM finance_dispatcher_worker w
      WHERE w.id <> %(worker)s
        AND EXISTS (SELECT 1 FROM finance_exchange e WHERE e.worker_id = w.id AND e.claim_token IS NOT NULL))
)::float8
  FROM (SELECT clock_timestamp() AT TIME ZONE 'UTC' AS now) AS t
